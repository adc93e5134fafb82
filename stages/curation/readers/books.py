"""Plain-text books into passages: without Project Gutenberg's header and footer, by chapters, cut at paragraph ends."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from cultivar.text.tokens import count_words, words_in
from stages.curation.readers.chapters import CONTENTS, bare_heads, chapter_starts, heads_of, label_of
from stages.curation.readers.encodings import LOST, NUL
from stages.curation.readers.lines import lines_of, shown, stem_of

START = re.compile(r"^\s*\*\*\*\s*START OF (THE|THIS) PROJECT GUTENBERG.*$", re.I)
END = re.compile(r"^\s*(\*\*\*\s*END OF (THE|THIS) PROJECT GUTENBERG.*|End of (the )?Project Gutenberg.*)$", re.I)
FIELD = re.compile(r"^(Title|Author):\s*(.+)$")
ORNAMENT = re.compile(r"^[\s*·_=-]+$")
OPENING = ("“", "‘", '"', "'", "—", "–", "«", "»", "„", "「", "『")
CLOSING = ("”", "’", '"', "'", "»", "«", "“", "」", "』")
ENDS = ".!?…。！？।॥؟۔።။"
SENTENCE = re.compile(
    r"(?<=[.!?…][”’\"'»])\s+|(?<=[.!?…])\s+(?=[^\Wa-zà-ÿа-яё\d_]|[“‘\"«„¿¡])|(?<=[।॥؟۔።။])\s*"
    r"|(?<=[。！？])(?![。！？”’」』）])|(?<=[。！？][”’」』）])"
)
LONG_LINE = 200
"""Characters that no line of a text broken into lines has."""
FRONT_CHARS = 300
"""Characters of sentences that make what stands before the first chapter a text of its own."""
SHORT, FRONT = "short passage", "front matter"


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: int
    text: str
    words: float

    @property
    def is_spoken(self) -> bool:
        return self.text.startswith(OPENING) or self.text.endswith(CLOSING)


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage; `line` is where it begins. `fault`: SHORT (below the least number of words), FRONT, or why it is broken."""

    work: str
    author: str
    section: str
    line: int
    text: str
    words: float
    fault: str = ""


def is_book(path: Path, encoding: str | None = None) -> bool:
    """Whether a text file begins like a Project Gutenberg book."""
    return any(START.match(line.text) for line in islice(lines_of(path, encoding), 400))


def read_passages(path: Path, least: int, most: int, encoding: str | None = None) -> Iterator[Cut]:
    """Passages of `least` to `most` words. A book without a START line is one work, named by the file.

    A passage with bytes that are no text is broken, the others are not.
    """
    read = list(lines_of(path, encoding))
    lost = next((line.error for line in read if LOST in line.text), "")
    lines = ["" if line.error and line.error not in (lost, NUL) else line.text.rstrip("\n") for line in read]
    head = [match for line in lines[:400] if (match := FIELD.match(line))]
    named = {match[1]: match[2].strip() for match in reversed(head)}
    first = next((n for n, line in enumerate(lines) if START.match(line)), -1) + 1
    last = next((n for n in range(first, len(lines)) if END.match(lines[n])), len(lines))
    work, author = shown(named.get("Title", stem_of(path))), shown(named.get("Author", ""))
    for line in read:
        if line.error and line.error not in (lost, NUL):
            yield Cut(work, author, "", line.number, line.text, 0, line.error)
    for section, paragraphs in chapter_paragraphs(lines, first, last):
        if section == FRONT:
            yield Cut(work, author, "", first + 1, "", total_words(paragraphs), FRONT)
            continue
        for line_number, text, words in passages(paragraphs, least, most):
            fault = lost if LOST in text else NUL if "\0" in text else SHORT if words < least else ""
            yield Cut(work, author, shown(section), line_number, text, words, fault)


def chapter_paragraphs(lines: list[str], first: int, last: int) -> Iterator[tuple[str, list[Paragraph]]]:
    """Chapters by their heads, with their paragraphs. What stands before the first is a section "", its titles and lists FRONT."""
    heads = heads_of(lines, first, last)
    starts = started(lines, heads, last)
    if not starts:
        starts = started(lines, bare_heads(lines, first, last), last)
    front = paragraphs_of(lines, first, starts[0] if starts else last)
    if starts:
        front, rest = prose_of(front)
        if rest:
            yield FRONT, rest
    if front:
        yield "", front
    for start, end in zip(starts, [*starts[1:], last], strict=False):
        yield lines[start].strip(), paragraphs_of(lines, start + 1, end)


def started(lines: list[str], heads: dict[int, str], last: int) -> list[int]:
    """Lines of the heads that begin a chapter."""
    ends = [*heads, last][1:]  # empty where there is no head
    words = words_of(["\n".join(lines[head + 1 : end]) for head, end in zip(heads, ends, strict=True)])
    return chapter_starts(heads, words)


def prose_of(front: list[Paragraph]) -> tuple[list[Paragraph], list[Paragraph]]:
    """(text, titles and lists) of what stands before the first chapter.

    The text begins with the first paragraph that ends like a sentence, where those are more than a few lines.
    """
    begin = next((n for n, paragraph in enumerate(front) if ends_sentence(paragraph)), len(front))
    if sum(len(paragraph.text) for paragraph in front if ends_sentence(paragraph)) < FRONT_CHARS:
        begin = len(front)
    lists = [is_list(paragraph) for paragraph in front]
    text = [paragraph for n, paragraph in enumerate(front) if n >= begin and not lists[n]]
    return text, [paragraph for n, paragraph in enumerate(front) if n < begin or lists[n]]


def ends_sentence(paragraph: Paragraph) -> bool:
    return paragraph.text.rstrip("".join(CLOSING) + ")）").endswith(tuple(ENDS)) and not is_list(paragraph)


def is_list(paragraph: Paragraph) -> bool:
    """Whether it is a list of contents, or its title."""
    return label_of(paragraph.text[:60]) is not None or paragraph.text.casefold().strip(". :：") in CONTENTS


def paragraphs_of(lines: list[str], first: int, last: int) -> list[Paragraph]:
    """Paragraphs between two lines: blocks between blank lines.

    Within a block, a line that begins with an indent (where others do not) begins a paragraph, and every line is one
    where lines are too long to be parts of one.
    """
    found: list[tuple[int, str]] = []
    block: list[str] = []
    start = first
    for number in range(first, last + 1):
        line = lines[number] if number < last else ""
        if line.strip() and not ORNAMENT.match(line):
            start = start if block else number
            block.append(line)
        elif block:
            found += block_texts(block, start + 1)
            block = []
    # A byte that is no text stands as half of a surrogate pair, which no column holds.
    texts = pl.Series([text.replace("\0", "").encode("utf-8", "ignore").decode() for _, text in found], dtype=pl.String)
    return [Paragraph(line, text, words) for (line, text), words in zip(found, count_words(texts), strict=True)]


def block_texts(block: list[str], line: int) -> Iterator[tuple[int, str]]:
    """(line, text) of the paragraphs of one block."""
    if all(part.startswith("  ") for part in block):  # verse keeps its line ends: every line is indented
        yield line, "\n".join(part.rstrip() for part in block)
        return
    is_long = any(len(part) > LONG_LINE for part in block)
    begins = [n for n, part in enumerate(block) if n == 0 or is_long or part.startswith(("\u3000", "\t", "    "))]
    for begin, end in zip(begins, [*begins[1:], len(block)], strict=True):
        yield line + begin, joined(part.strip() for part in block[begin:end])


def joined(parts: Iterable[str]) -> str:
    """Lines or sentences as one text: with a space between them, but none between Chinese or Japanese characters."""
    found: list[str] = []
    for part in parts:
        if found and part and not (is_spaceless(found[-1][-1]) and is_spaceless(part[0])):
            found.append(" ")
        found.append(part)
    return "".join(found)


def is_spaceless(character: str) -> bool:
    """Whether it is of a script of wide characters that is written without spaces (so not Hangul)."""
    return unicodedata.east_asian_width(character) in "WF" and not "\uac00" <= character <= "\ud7a3"


def passages(paragraphs: list[Paragraph], least: int, most: int) -> Iterator[tuple[int, str, float]]:
    """(line, text, words) of runs of paragraphs of at most `most` words.

    Of the possible ends the last that is not between two spoken paragraphs is taken, else the last. A paragraph
    above `most` words is cut at sentence ends. A tail below `least` joins the passage before it where it fits.
    """
    pieces = [piece for paragraph in paragraphs for piece in sentence_runs(paragraph, most)]
    runs: list[list[Paragraph]] = []
    start = 0
    while start < len(pieces):
        words, end, neutral = 0.0, start, 0
        while end < len(pieces) and words + pieces[end].words <= most:
            words += pieces[end].words
            end += 1
            after = pieces[end] if end < len(pieces) else None
            if words >= least and (after is None or not (pieces[end - 1].is_spoken and after.is_spoken)):
                neutral = end
        cut = neutral or max(end, start + 1)
        runs.append(pieces[start:cut])
        start = cut
    if len(runs) > 1 and total_words(runs[-1]) < least and total_words(runs[-2]) + total_words(runs[-1]) <= most:
        runs[-2:] = [runs[-2] + runs[-1]]
    for run in runs:
        yield run[0].line, "\n\n".join(piece.text for piece in run), total_words(run)


def total_words(run: list[Paragraph]) -> float:
    return sum(piece.words for piece in run)


def sentence_runs(paragraph: Paragraph, most: int) -> Iterator[Paragraph]:
    """The paragraph itself, or where it is too long its sentences gathered up to `most` words."""
    if paragraph.words <= most:
        yield paragraph
        return
    sentences = [sentence for sentence in SENTENCE.split(paragraph.text) if sentence]
    parts: list[str] = []
    for sentence, words in zip(sentences, words_of(sentences), strict=True):
        parts += [sentence] if words <= most else word_runs(sentence, most)
    run: list[str] = []
    total = 0.0
    for part, words in zip(parts, words_of(parts), strict=True):
        if run and total + words > most:
            yield Paragraph(paragraph.line, joined(run), total)
            run, total = [], 0.0
        run.append(part)
        total += words
    yield Paragraph(paragraph.line, joined(run), total)


def words_of(texts: list[str]) -> list[float]:
    """Words of each text, counted at once: a call for each would cost a millisecond. Halves of characters count as none."""
    whole = [text.encode("utf-8", "ignore").decode() for text in texts]
    return count_words(pl.Series(whole, dtype=pl.String)).to_list()


def word_runs(sentence: str, most: int) -> Iterator[str]:
    """The sentence itself, or where it is longer than `most` words its pieces of so many.

    Pieces end between words, or between characters where a script has no spaces.
    """
    words = words_in(sentence)
    if words <= most:
        yield from [sentence] if sentence else []
        return
    parts = sentence.split()
    if 2 * len(parts) > words:
        size = max(1, int(len(parts) * most / words))
        yield from (" ".join(parts[start : start + size]) for start in range(0, len(parts), size))
        return
    size, start = max(1, int(len(sentence) * most / words)), 0
    while start < len(sentence):
        end = start + size
        while end < len(sentence) and unicodedata.category(sentence[end])[0] == "M":  # a mark stays with its letter
            end += 1
        yield sentence[start:end]
        start = end
