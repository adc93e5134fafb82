"""Decontamination: rows that hold an evaluation item, or its solution, in any script and notation.

Qwen2 report, section 5.2.6: a sequence goes if it shares an n-gram with an evaluation item and their longest common
subsequence has at least `lcs_tokens` tokens and at least `lcs_share` of the shorter one. Of an item shorter than an n-gram
all its tokens are the n-gram, down to `least_ngram`; one shorter still is found only where it is the entire text. A
solution of an item is found where a text holds all of it (StarCoder's rule for HumanEval, docs/methods.md, section 9).
Lengths in tokens are those of English; scripts without spaces have more tokens to a word (`tokens_per_word`).

An inverted index of hashed n-grams proposes the items; each sequence is compared with the `nearest` of them, and a phrase
that many items share proposes no more than so many, so that cost grows with the rows and not with rows x items. No rule
of this kind finds a paraphrase.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from rapidfuzz.distance import LCSseq

from cultivar.text.ngrams import Tokens, grams, hash_tokens, run_places
from cultivar.text.tokens import tokenize, tokens_per_word

CHUNK = 50_000
TABLE_BITS = 22
"""Size of the table that tells most n-grams of rows from those of items at one look."""


@dataclass(frozen=True)
class OverlapRule:
    """Lengths in tokens of text with spaces; `report_ngram` proposes pairs that are only reported, `report_items` a row."""

    ngram: int
    lcs_tokens: int
    lcs_share: float
    report_ngram: int
    report_items: int
    least_ngram: int
    solution_tokens: int
    nearest: int


@dataclass(frozen=True)
class Evidence:
    """Lengths in tokens; `text` is the first shared n-gram, `part` what of the item was found."""

    ngram: int
    lcs: int
    row_tokens: int
    item_tokens: int
    text: str
    part: Literal["prompt", "solution"] = "prompt"


@dataclass(frozen=True)
class Hit:
    """Sequence `row` overlaps item `item`."""

    row: int
    item: int
    evidence: Evidence
    removed: bool


class BlindSpots(NamedTuple):
    """Items that the rules cannot find: without a token at all, too short to be found inside a longer text; and
    solutions too short to be looked for."""

    without_tokens: int
    found_alone: int
    short_solutions: int


class Items:
    """Evaluation items: their tokens, and for each rule an index of their n-grams.

    `solutions` has nulls. Items stand in a fixed order, for of equal evidence the first is named.
    """

    def __init__(self, prompts: pl.Series, solutions: pl.Series, rule: OverlapRule) -> None:
        self.rule = rule
        lists = tokenize(prompts)
        self.tokens = lists.to_list()
        hashed = hash_tokens(lists)
        self.sizes, self.scales = hashed.lengths, tokens_per_word(prompts)
        keys = hashed.runs.at(hashed.offsets[:-1], self.sizes)
        self.of_text = {int(keys[number]): number for number in reversed(range(len(keys))) if self.sizes[number]}
        self.removing = Index(hashed, self.windows(rule.ngram), rule.nearest)
        self.reporting = Index(hashed, self.windows(rule.report_ngram), rule.nearest)
        self.solutions = Solutions(solutions.fill_null(""), rule.solution_tokens)
        sizes = [*self.removing.sizes, *self.reporting.sizes, *self.solutions.sizes]
        self.seed_size = min(sizes, default=1)
        seeds = [grams(part, self.seed_size)[0] for part in (hashed, self.solutions.hashed)]
        self.seeds = GramFilter(np.concatenate(seeds))

    def windows(self, ngram: int) -> np.ndarray:
        """n of each item: all its tokens where it is shorter than an n-gram, 0 where it is too short for the rule."""
        least = np.round(self.rule.least_ngram * self.scales)
        return np.where(self.sizes >= least, np.minimum(np.round(ngram * self.scales), self.sizes), 0).astype(np.int64)

    def compare(self, row: list[str], item: int, index: "Index") -> Evidence | None:
        """The evidence that a sequence overlaps an item: the LCS condition and a shared n-gram; None without either."""
        tokens, size, scale = self.tokens[item], int(index.windows[item]), self.scales[item]
        lcs = LCSseq.similarity(row, tokens)
        least = min(round(self.rule.lcs_tokens * scale), len(tokens))
        if lcs < least or lcs < self.rule.lcs_share * min(len(row), len(tokens)):
            return None
        item_ngrams = set(ngrams(tokens, size))
        shared = next((run for run in ngrams(row, size) if run in item_ngrams), None)
        return Evidence(size, lcs, len(row), len(tokens), " ".join(shared)) if shared else None

    def blind_spots(self) -> BlindSpots:
        ruled = self.removing.windows > 0
        return BlindSpots(
            without_tokens=int((self.sizes == 0).sum()),
            found_alone=int((~ruled & (self.sizes > 0)).sum()),
            short_solutions=int((~self.solutions.ruled & (self.solutions.hashed.lengths > 0)).sum()),
        )


class Rows:
    """Tokens of sequences, and the positions at which an n-gram of an item may begin.

    Of the longer n-grams only those are hashed whose first `size` tokens an item holds too.
    """

    def __init__(self, sequences: pl.Series, size: int, seeds: "GramFilter") -> None:
        self.lists = tokenize(sequences)
        self.tokens = hash_tokens(self.lists)
        starts, _, numbers = run_places(self.tokens, size)
        passes = seeds.may_hold(self.tokens.runs.at(starts, size))
        self.starts, self.numbers = starts[passes], numbers[passes]

    def runs(self, size: int, seeds: "GramFilter") -> pl.DataFrame:
        """(gram, row, start) of the runs of `size` tokens that may be an item's."""
        inside = self.starts + size <= self.tokens.offsets[self.numbers + 1]
        starts, numbers = self.starts[inside], self.numbers[inside]
        hashed = self.tokens.runs.at(starts, size)
        passes = seeds.may_hold(hashed)
        return pl.DataFrame({"gram": hashed[passes], "row": numbers[passes], "start": starts[passes]})


class Index:
    """n-grams of items, each item with an n of its own, to the items that hold them."""

    def __init__(self, items: Tokens, windows: np.ndarray, nearest: int) -> None:
        self.windows = windows
        starts, sizes, numbers = run_places(items, windows)
        length = items.lengths[numbers]
        postings = pl.DataFrame({"gram": items.runs.at(starts, sizes), "item": numbers, "length": length}).unique()
        # Of a common n-gram the shortest items: they need the least in common with a row.
        self.postings = postings.sort("length", "item").group_by("gram").head(nearest).select("gram", "item")
        self.sizes = np.unique(windows[windows > 0]).tolist()
        self.seeds = GramFilter(self.postings["gram"].to_numpy())

    def propose(self, rows: Rows, nearest: int) -> Iterator[tuple[int, list[int]]]:
        """Rows that share an n-gram with items: (row, at most `nearest` items), that with most shared n-grams first."""
        if not self.sizes:
            return
        proposed = (
            pl.concat([rows.runs(size, self.seeds) for size in self.sizes])
            .select("gram", "row")
            .unique()
            .join(self.postings, on="gram")
            .group_by("row", "item")
            .len()
            .sort(["row", "len", "item"], descending=[False, True, False])
            .group_by("row", maintain_order=True)
            .agg(pl.col("item").head(nearest))
        )
        yield from proposed.iter_rows()


class GramFilter:
    """A table of bits that tells most n-grams that are not among the given ones at one look."""

    def __init__(self, hashes: np.ndarray) -> None:
        self.bits = np.zeros(1 << TABLE_BITS, dtype=bool)
        self.bits[hashes >> np.uint64(64 - TABLE_BITS)] = True

    def may_hold(self, hashes: np.ndarray) -> np.ndarray:
        return self.bits[hashes >> np.uint64(64 - TABLE_BITS)]


class Solutions:
    """Solutions of items, each found by the n-gram of it that the fewest solutions have, then compared as a run."""

    def __init__(self, texts: pl.Series, least_tokens: int) -> None:
        lists = tokenize(texts)
        self.tokens = lists.to_list()
        self.hashed = hash_tokens(lists)
        least = np.round(least_tokens * tokens_per_word(texts)).astype(np.int64)
        self.ruled = self.hashed.lengths >= least
        starts, sizes, numbers = run_places(self.hashed, np.where(self.ruled, least, 0))
        runs = pl.DataFrame(
            {
                "gram": self.hashed.runs.at(starts, sizes),
                "item": numbers,
                "size": sizes,
                "place": starts - self.hashed.offsets[:-1][numbers],
            }
        )
        common = pl.col("item").n_unique().over("gram")
        self.keys = runs.with_columns(common=common).sort("item", "common", "place").group_by("item").first()
        self.sizes = np.unique(sizes).tolist()
        self.seeds = GramFilter(self.keys["gram"].to_numpy())
        self.whole = self.hashed.runs.at(self.hashed.offsets[:-1], self.hashed.lengths)

    def find(self, rows: Rows) -> dict[int, int]:
        """Row -> the first item whose solution it holds."""
        found: dict[int, int] = {}
        offsets = rows.tokens.offsets
        for size in self.sizes:
            met = rows.runs(size, self.seeds).join(self.keys.filter(pl.col("size") == size), on="gram")
            start, row, item = (
                met.select(pl.col("start") - pl.col("place"), "row", "item")[name].to_numpy()
                for name in ("start", "row", "item")
            )
            length = self.hashed.lengths[item]
            inside = (start >= offsets[row]) & (start + length <= offsets[row + 1])
            start, row, item, length = start[inside], row[inside], item[inside], length[inside]
            equal = rows.tokens.runs.at(start, length) == self.whole[item]
            for one_row, one_item in zip(row[equal].tolist(), item[equal].tolist(), strict=True):
                found[one_row] = min(one_item, found.get(one_row, one_item))
        return found


def overlaps(sequences: pl.Series, items: Items) -> Iterator[Hit]:
    """At most one hit a sequence that is removed, else up to `report_items` hits that are only reported."""
    rule = items.rule
    for first in range(0, len(sequences), CHUNK):
        rows = Rows(sequences.slice(first, CHUNK), items.seed_size, items.seeds)
        removed = remove_rows(rows, items)
        for row, (number, evidence) in removed.items():
            yield Hit(first + row, number, evidence, removed=True)
        if rule.report_items:
            for row, numbers in items.reporting.propose(rows, rule.report_items):
                if row not in removed:
                    sequence = rows.lists[row].to_list()
                    for number in numbers:
                        if weaker := items.compare(sequence, number, items.reporting):
                            yield Hit(first + row, number, weaker, removed=False)


def remove_rows(rows: Rows, items: Items) -> dict[int, tuple[int, Evidence]]:
    """Row -> (item, evidence) of the rows that go."""
    rule, lengths = items.rule, rows.tokens.lengths
    removed: dict[int, tuple[int, Evidence]] = {}
    for row, key in enumerate(rows.tokens.runs.at(rows.tokens.offsets[:-1], lengths).tolist()):
        number = items.of_text.get(key)
        if number is not None and (sequence := rows.lists[row].to_list()) == items.tokens[number]:
            size = len(sequence)
            removed[row] = number, Evidence(min(rule.ngram, size), size, size, size, " ".join(sequence[: rule.ngram]))
    for row, numbers in items.removing.propose(rows, rule.nearest):
        if row not in removed:
            sequence = rows.lists[row].to_list()
            for number in numbers:
                if found := items.compare(sequence, number, items.removing):
                    removed[row] = number, found
                    break
    for row, number in items.solutions.find(rows).items():
        if row not in removed:
            solution = items.solutions.tokens[number]
            shown = " ".join(solution[: rule.ngram])
            size = int(lengths[row])
            removed[row] = number, Evidence(rule.ngram, len(solution), size, len(solution), shown, "solution")
    return removed


def ngrams(sequence: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """The runs of n tokens, in order."""
    return zip(*(sequence[start:] for start in range(n)), strict=False)
