"""Word diffs of texts in every script, in bounded time and memory.

A text is cut into words (cultivar/text/tokens.py: characters of scripts that write no spaces), runs of white space, and other
characters. What both begin and end with is taken off; of the rest a longest common subsequence is found with bits in
parallel (rapidfuzz's LCSseq), which needs words × words / 8 bytes: where that is too much, runs of words that occur once in
both texts are matched first, and what stands between two of them and is still too large is compared in slices.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from rapidfuzz.distance import LCSseq

from cultivar.text.tokens import TOKEN, column
from reports.diff.model import Piece

PARTS = rf"{TOKEN}|\s+|(?s:.)"
MOST = 10**8
"""Words of one text times words of the other of which a common subsequence is looked for: 12 MB."""
GRAM = 8
"""Words, spaces and other characters of a run that is matched."""
CONTEXT = 8
"""Words shown on either side of a change."""
WORD = re.compile(r"\w")


def word_diff(old: str, new: str) -> tuple[Piece, ...]:
    """The runs of both texts in reading order; all "same" joined with "old" is the old text, with "new" the new one."""
    if old == new:
        return (Piece("same", old, count_words(old)),) if old else ()
    before, after = parts_of(old), parts_of(new)
    return tuple(joined(merge_islands(list(joined(compare(before, after))))))


def parts_of(text: str) -> list[str]:
    """Words, white space and other characters of a text, which they make up; half a surrogate pair is left out."""
    return column(text).str.extract_all(PARTS)[0].to_list() if text else []


def compare(old: list[str], new: list[str]) -> Iterator[Piece]:
    """Pieces of two sequences of parts."""
    start = common_length(old, new)
    end = common_length(old[start:][::-1], new[start:][::-1])
    yield piece("same", old[:start])
    yield from compare_middle(old[start : len(old) - end], new[start : len(new) - end])
    yield piece("same", old[len(old) - end :])


def compare_middle(old: list[str], new: list[str]) -> Iterator[Piece]:
    if len(old) * len(new) <= MOST:
        yield from common_subsequence(old, new)
        return
    at_old = at_new = 0
    for start_old, start_new in [*anchors(old, new), (len(old), len(new))]:
        if start_old < at_old or start_new < at_new:  # within the run of the anchor before
            continue
        for before, after in slices(old[at_old:start_old], new[at_new:start_new]):
            yield from common_subsequence(before, after)
        run = common_length(old, new, start_old, start_new)
        yield piece("same", old[start_old : start_old + run])
        at_old, at_new = start_old + run, start_new + run


def slices(old: list[str], new: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Both texts in as many parts of equal length as make their comparison cheap: one, but for very long texts."""
    count = math.ceil(math.sqrt(len(old) * len(new) / MOST)) or 1
    for number in range(count):
        cuts = [slice(len(side) * number // count, len(side) * (number + 1) // count) for side in (old, new)]
        yield old[cuts[0]], new[cuts[1]]


def anchors(old: list[str], new: list[str]) -> list[tuple[int, int]]:
    """Places of runs of words that occur once in both texts, in the order of both (patience diff, B. Cohen)."""
    places = [once(side) for side in (old, new)]
    shared = sorted((place, places[1][gram]) for gram, place in places[0].items() if gram in places[1])
    return increasing(shared)


def once(parts: list[str]) -> dict[int, int]:
    """Hash of a run of parts -> its place, of those that occur once."""
    found: dict[int, int] = {}
    repeated = set()
    for place, gram in enumerate(zip(*(parts[ahead:] for ahead in range(GRAM)), strict=False)):
        if (key := hash(gram)) in found:
            repeated.add(key)
        found[key] = place
    return {key: place for key, place in found.items() if key not in repeated}


def increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """A longest run of pairs, sorted by the first, whose second members increase."""
    ends: list[int] = []
    last: list[int] = []
    before = [-1] * len(pairs)
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        before[number] = last[at - 1] if at else -1
        if at == len(ends):
            ends.append(place)
            last.append(number)
        else:
            ends[at], last[at] = place, number
    number, found = (last[-1] if last else -1), []
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def common_subsequence(old: Sequence[str], new: Sequence[str]) -> Iterator[Piece]:
    for code in LCSseq.opcodes(old, new):
        if code.tag == "equal":
            yield piece("same", old[code.src_start : code.src_end])
        else:
            yield piece("old", old[code.src_start : code.src_end])
            yield piece("new", new[code.dest_start : code.dest_end])


def common_length(old: Sequence[str], new: Sequence[str], at_old: int = 0, at_new: int = 0) -> int:
    """How many parts both have in common from these places on."""
    length = min(len(old) - at_old, len(new) - at_new)
    return next((ahead for ahead in range(length) if old[at_old + ahead] != new[at_new + ahead]), length)


def piece(kind: str, parts: Sequence[str]) -> Piece:
    return Piece(kind, "".join(parts), sum(1 for part in parts if WORD.search(part)))  # type: ignore[arg-type]


def count_words(text: str) -> int:
    return sum(1 for part in parts_of(text) if WORD.search(part))


def joined(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Pieces with neighbours of a kind as one; of a change, what was comes before what is."""
    filled = (one for one in pieces if one.text)
    for is_same, run in groupby(filled, lambda one: one.kind == "same"):
        listed = list(run)
        for kind in ("same",) if is_same else ("old", "new"):
            of_kind = [one for one in listed if one.kind == kind]
            if of_kind:
                yield Piece(kind, "".join(one.text for one in of_kind), sum(one.words for one in of_kind))  # type: ignore[arg-type]


def merge_islands(pieces: list[Piece]) -> Iterator[Piece]:
    """What stands between two changes without a word of its own belongs to both: it would cut them up."""
    for place, one in enumerate(pieces):
        is_island = one.kind == "same" and one.words == 0 and 0 < place < len(pieces) - 1 and "\n" not in one.text
        if is_island:
            yield from (Piece("old", one.text), Piece("new", one.text))
        else:
            yield one


def shortened(pieces: Iterable[Piece], context: int = CONTEXT) -> tuple[Piece, ...]:
    """Pieces whose unchanged runs are cut to `context` words next to a change; what is left out is a "skip"."""
    listed, found = list(pieces), []
    for place, one in enumerate(listed):
        head, tail = context * (place > 0), context * (place < len(listed) - 1)
        if one.kind != "same" or one.words <= head + tail + 1:
            found.append(one)
            continue
        parts = parts_of(one.text)
        ends = [index + 1 for index, part in enumerate(parts) if WORD.search(part)]
        first, last = ends[head - 1] if head else 0, ends[len(ends) - tail] - 1 if tail else len(parts)
        found.append(piece("same", parts[:first]))
        found.append(Piece("skip", "", one.words - head - tail))
        found.append(piece("same", parts[last:]))
    return tuple(one for one in found if one.text or one.kind == "skip")
