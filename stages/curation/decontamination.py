"""Decontamination of the Qwen2 report, section 5.2.6: an n-gram match AND a long common subsequence.

Symbols and punctuation are removed from training and evaluation sequences. A sequence goes if it shares an n-gram
with an evaluation item and their longest common subsequence has at least `lcs_tokens` tokens and at least `lcs_share`
of the shorter one; also if it is an item word for word, however short. An inverted index of hashed n-grams proposes the
pairs; only these are compared. No rule of this kind finds a paraphrase.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from cultivar.text.ngrams import Tokens, grams, tokens
from cultivar.text.tokens import tokenize

CHUNK = 20_000


@dataclass(frozen=True)
class OverlapRule:
    """Lengths in tokens; `report_ngram` proposes pairs that are only reported, at most `report_items` a sequence."""

    ngram: int
    lcs_tokens: int
    lcs_share: float
    report_ngram: int
    report_items: int

    def holds(self, lcs: int, left: int, right: int) -> bool:
        return lcs >= self.lcs_tokens and lcs >= self.lcs_share * min(left, right)


@dataclass(frozen=True)
class Evidence:
    """Lengths in tokens; `text` is the first shared n-gram."""

    ngram: int
    lcs: int
    row_tokens: int
    item_tokens: int
    text: str


@dataclass(frozen=True)
class Hit:
    """Sequence `row` overlaps item `item`."""

    row: int
    item: int
    evidence: Evidence
    removed: bool


def lcs_length(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest common subsequence, bit-parallel (Hyyrö 2004): one addition of long integers a token."""
    places: dict[str, int] = {}
    for place, token in enumerate(left):
        places[token] = places.get(token, 0) | 1 << place
    full = (1 << len(left)) - 1
    row = full
    for token in right:
        matches = row & places.get(token, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(left) - row.bit_count()


def overlaps(sequences: pl.Series, items: pl.Series, rule: OverlapRule) -> Iterator[Hit]:
    """At most one hit a sequence that is removed, else up to `report_items` hits that are only reported.

    Both series hold texts; items should stand in a fixed order, for of equal evidence the first item is named.
    """
    item_words, item_tokens = tokenize(items).to_list(), tokens(items)
    number_of = {tuple(item): number for number, item in reversed(list(enumerate(item_words))) if item}
    removing, reporting = index(item_tokens, rule.ngram), index(item_tokens, rule.report_ngram)
    for first in range(0, len(sequences), CHUNK):
        chunk = sequences.slice(first, CHUNK)
        row_words, row_tokens = tokenize(chunk).to_list(), tokens(chunk)
        removed: dict[int, Hit] = {}
        for row, sequence in enumerate(row_words):
            if (number := number_of.get(tuple(sequence))) is not None:
                size = len(sequence)
                equal = Evidence(min(rule.ngram, size), size, size, size, " ".join(sequence[: rule.ngram]))
                removed[row] = Hit(first + row, number, equal, removed=True)
        for row, numbers in propose(row_tokens, removing, rule.ngram):
            if row not in removed:
                for number in numbers:
                    if evidence := compare(row_words[row], item_words[number], rule, rule.ngram):
                        removed[row] = Hit(first + row, number, evidence, removed=True)
                        break
        yield from removed.values()
        if rule.report_items:
            for row, numbers in propose(row_tokens, reporting, rule.report_ngram):
                if row not in removed:
                    for number in numbers[: rule.report_items]:
                        if evidence := compare(row_words[row], item_words[number], rule, rule.report_ngram):
                            yield Hit(first + row, number, evidence, removed=False)


def index(hashed: Tokens, n: int) -> pl.DataFrame:
    """Distinct (gram, item) pairs of the evaluation items."""
    gram, item = grams(hashed, n)
    return pl.DataFrame({"gram": gram, "item": item}).unique()


def propose(hashed: Tokens, items: pl.DataFrame, n: int) -> Iterator[tuple[int, list[int]]]:
    """Rows that share an n-gram with items: (row, items), the item with most shared n-grams first."""
    row_grams, rows = grams(hashed, n)
    item_grams = items["gram"].unique().sort().to_numpy()
    if not len(item_grams):
        return
    place = np.minimum(np.searchsorted(item_grams, row_grams), len(item_grams) - 1)
    shared = item_grams[place] == row_grams
    proposed = (
        pl.DataFrame({"gram": row_grams[shared], "row": rows[shared]})
        .unique()
        .join(items, on="gram")
        .group_by("row", "item")
        .len()
        .sort(["row", "len", "item"], descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .agg("item")
    )
    yield from proposed.iter_rows()


def compare(row: list[str], item: list[str], rule: OverlapRule, n: int) -> Evidence | None:
    """The evidence that a sequence overlaps an item: the LCS condition and a shared n-gram; None without either."""
    lcs = lcs_length(row, item)
    if not rule.holds(lcs, len(row), len(item)):
        return None
    item_ngrams = set(ngrams(item, n))
    shared = next((ngram for ngram in ngrams(row, n) if ngram in item_ngrams), None)
    return Evidence(n, lcs, len(row), len(item), " ".join(shared)) if shared else None


def ngrams(sequence: list[str], n: int) -> Iterator[tuple[str, ...]]:
    """The runs of n tokens, in order."""
    return zip(*(sequence[start:] for start in range(n)), strict=False)
