"""Decontamination as the Qwen2 report has it (5.2.6): an n-gram match AND a long common subsequence.

Symbols and punctuation are removed from training and evaluation sequences. A sequence goes if it shares an n-gram
with an evaluation item and their longest common subsequence has at least `lcs_tokens` tokens and at least `lcs_share`
of the shorter one; also if it is an item word for word, however short. An inverted index of hashed n-grams finds the
pairs; only these are compared. Paraphrases pass every rule of this kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cultivar.text.ngrams import Tokens, grams, tokens, words

CHUNK = 20_000


@dataclass(frozen=True)
class Rule:
    """Lengths in tokens; `report_ngram` proposes pairs for the report, of at most `report_items` items a sequence."""

    ngram: int
    lcs_tokens: int
    lcs_share: float
    report_ngram: int
    report_items: int

    def holds(self, lcs: int, left: int, right: int) -> bool:
        return lcs >= self.lcs_tokens and lcs >= self.lcs_share * min(left, right)


@dataclass(frozen=True)
class Hit:
    """Sequence `row` overlaps item `item`; `text` is the first shared n-gram."""

    row: int
    item: int
    ngram: int
    lcs: int
    row_tokens: int
    item_tokens: int
    removed: bool
    text: str


def lcs_length(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one addition of long integers a token."""
    places: dict[str, int] = {}
    for place, token in enumerate(left):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(left)) - 1
    row = full
    for token in right:
        met = row & places.get(token, 0)
        row = ((row + met) | (row - met)) & full
    return len(left) - row.bit_count()


def overlaps(sequences: pl.Series, items: pl.Series, rule: Rule) -> Iterator[Hit]:
    """At most one hit a sequence that is removed, else up to `report_items` hits that are only reported.

    Both series hold texts; items should stand in a fixed order, for of equal evidence the first item is named.
    """
    item_words, item_tokens = words(items).to_list(), tokens(items)
    whole = {tuple(said): number for number, said in reversed(list(enumerate(item_words))) if said}
    hard, soft = index(item_tokens, rule.ngram), index(item_tokens, rule.report_ngram)
    for first in range(0, len(sequences), CHUNK):
        part = sequences.slice(first, CHUNK)
        said, hashed = words(part), tokens(part)
        removed: dict[int, Hit] = {}
        for row, spoken in enumerate(said):
            if (number := whole.get(tuple(spoken))) is not None:
                size = len(spoken)
                shown = " ".join(spoken[: rule.ngram])
                removed[row] = Hit(first + row, number, min(rule.ngram, size), size, size, size, True, shown)
        for row, numbers in proposed(hashed, hard, rule.ngram):
            if row not in removed:
                hits = compared(first, row, said[row], numbers, item_words, rule, rule.ngram, removed=True)
                if hit := next(hits, None):
                    removed[row] = hit
        yield from removed.values()
        if rule.report_items:
            for row, numbers in proposed(hashed, soft, rule.report_ngram):
                if row not in removed:
                    chosen = numbers[: rule.report_items]
                    yield from compared(
                        first, row, said[row], chosen, item_words, rule, rule.report_ngram, removed=False
                    )


def index(of: Tokens, n: int) -> pl.DataFrame:
    """Distinct (gram, item) pairs of the evaluation items."""
    hashed, rows = grams(of, n)
    return pl.DataFrame({"gram": hashed, "item": rows}).unique()


def proposed(of: Tokens, items: pl.DataFrame, n: int) -> Iterator[tuple[int, list[int]]]:
    """Rows that share an n-gram with items: (row, items), the item with most shared n-grams first."""
    hashed, rows = grams(of, n)
    known = items["gram"].unique().sort().to_numpy()
    if not len(known) or not len(hashed):
        return
    place = np.minimum(np.searchsorted(known, hashed), len(known) - 1)
    shared = known[place] == hashed
    found = (
        pl.DataFrame({"gram": hashed[shared], "row": rows[shared]})
        .unique()
        .join(items, on="gram")
        .group_by("row", "item")
        .len()
        .sort(["row", "len", "item"], descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg("item")
    )
    yield from found.iter_rows()


def compared(
    first: int,
    row: int,
    said: Sequence[str],
    numbers: Sequence[int],
    item_words: Sequence[Sequence[str]],
    rule: Rule,
    n: int,
    removed: bool,
) -> Iterator[Hit]:
    """Hits of one sequence against proposed items, by the LCS condition."""
    said = list(said)
    for number in numbers:
        item = item_words[number]
        lcs = lcs_length(said, item)
        if rule.holds(lcs, len(said), len(item)):
            held = {tuple(item[at : at + n]) for at in range(len(item) - n + 1)}
            windows = (tuple(said[at : at + n]) for at in range(len(said) - n + 1))
            if text := next((window for window in windows if window in held), None):
                yield Hit(first + row, number, n, lcs, len(said), len(item), removed, " ".join(text))
