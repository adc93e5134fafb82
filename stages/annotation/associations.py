"""Association rules over the tags of instructions, and the groups that they make (InsTag, section 3.2; FP-Growth's rules).

A rule A -> C or {A, B} -> C holds where at least `support` instructions have all of its tags and at least the share
`confidence` of those with its left side have C. A rule with two tags on its left may hold where none with one does:
of three tags, none of which implies another, two together may imply the third.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from scipy.sparse import csr_matrix

from stages.annotation.params import OntologyParams

PRODUCTS = 5_000_000
"""Most products of a block of a sparse product: some 100 MB."""
ROWS = 100_000
"""Sets whose pairs are listed at once."""


class Rules(NamedTuple):
    """Tags of rules, each a row in ascending order (int64), and how many sets have all of them."""

    tags: np.ndarray
    support: np.ndarray


def group_by_association(sets: pl.Series, params: OntologyParams) -> list[list[str]]:
    """Tags joined by a rule, up to `group` tags together: the rule with most support first, then by fewer and by first tags.

    `sets` holds the distinct tags of each instruction (a list column). A rule whose tags make too large a group joins
    none of them.
    """
    pairs = pl.DataFrame({"tag": sets}).with_row_index("row").explode("tag", empty_as_null=False)
    frequent = pairs.group_by("tag").len("count").filter(pl.col("count") >= params.support).sort("tag")
    names, counts = frequent["tag"].to_list(), frequent["count"].to_numpy().astype(np.int64)
    codes = frequent.select("tag").with_row_index("code")
    kept = pairs.join(codes, on="tag").sort("row", "code")
    rows, columns = kept["row"].to_numpy(), kept["code"].to_numpy()
    has = csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)), shape=(len(sets), len(names)))
    frequent_pairs, rules = rules_of_pairs(has, counts, params)
    found = [rules]
    if params.left > 1:
        found.append(rules_of_triples(has, frequent_pairs, params))
    return join([[names[code] for code in tags] for tags in in_order(found)], params.group)


def rules_of_pairs(has: csr_matrix, counts: np.ndarray, params: OntologyParams) -> tuple[Rules, Rules]:
    """Pairs of tags with enough support, and those of which the rarer implies the other. `counts`: sets of each tag."""
    parts = [
        (np.stack([first, second], axis=1)[first < second], together[first < second])
        for first, second, together in products(has, has, params.support)
    ]
    frequent = Rules(np.concatenate([np.empty((0, 2), dtype=np.int64), *(tags for tags, _ in parts)]), stack(parts))
    implied = frequent.support >= params.confidence * counts[frequent.tags].min(axis=1, initial=np.iinfo(np.int64).max)
    return frequent, Rules(frequent.tags[implied], frequent.support[implied])


def rules_of_triples(has: csr_matrix, frequent: Rules, params: OntologyParams) -> Rules:
    """Triples of tags of which two imply the third: two that are frequent together (all others have too little support)."""
    both = pair_columns(has, frequent.tags)
    parts = []
    for pair, third, together in products(both, has, params.support):
        tags = frequent.tags[pair]
        implied = (together >= params.confidence * frequent.support[pair]) & (tags != third[:, None]).all(axis=1)
        parts.append((np.sort(np.column_stack([tags[implied], third[implied]]), axis=1), together[implied]))
    tags = np.concatenate([np.empty((0, 3), dtype=np.int64), *(tags for tags, _ in parts)])
    tags, places = np.unique(tags, axis=0, return_index=True)
    return Rules(tags, stack(parts)[places])


def stack(parts: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    return np.concatenate([np.empty(0, dtype=np.int64), *(support for _, support in parts)])


def products(left: Any, right: csr_matrix, least: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(column of left, column of right, rows that have both) wherever these are at least `least`, in blocks of columns."""
    size = right.indptr[1:] - right.indptr[:-1]
    cost = np.cumsum(left.T @ size.astype(np.int64))
    columns = left.tocsc()
    start = 0
    while start < left.shape[1]:
        done = cost[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(cost, done + PRODUCTS, side="right")))
        block = (columns[:, start:end].T @ right).tocoo()
        enough = block.data >= least
        yield (
            block.row[enough].astype(np.int64) + start,
            block.col[enough].astype(np.int64),
            block.data[enough].astype(np.int64),
        )
        start = end


def pair_columns(has: csr_matrix, pairs: np.ndarray) -> csr_matrix:
    """(rows, pairs): which rows have both tags of each of the pairs, which are in ascending order of their tags."""
    width = has.shape[1]
    order = np.argsort(pairs[:, 0] * width + pairs[:, 1])
    keys = (pairs[:, 0] * width + pairs[:, 1])[order]
    rows, columns = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.int32)]
    sizes = np.diff(has.indptr)
    for size in np.unique(sizes[sizes > 1]):
        places = np.flatnonzero(sizes == size)
        for part in np.array_split(places, 1 + len(places) * int(size) ** 2 // PRODUCTS):
            tags = has.indices[has.indptr[part][:, None] + np.arange(size)].astype(np.int64)
            for first, second in combinations(range(size), 2):
                sought = tags[:, first] * width + tags[:, second]
                place = np.searchsorted(keys, sought)
                met = np.flatnonzero(keys[np.minimum(place, len(keys) - 1)] == sought) if len(keys) else place[:0]
                rows.append(part[met].astype(np.int32))
                columns.append(order[place[met]].astype(np.int32))
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(len(row), dtype=np.int32), (row, column)), shape=(has.shape[0], len(pairs)))


def in_order(found: list[Rules]) -> list[list[int]]:
    """The tags of all rules, by falling support, then fewer tags, then tags."""
    keyed = [
        (-support, len(tags), tags)
        for rules in found
        for tags, support in zip(rules.tags.tolist(), rules.support.tolist(), strict=True)
    ]
    return [tags for _, _, tags in sorted(keyed)]


def join(rules: list[list[str]], size: int) -> list[list[str]]:
    """Groups of the tags of rules, at most `size` tags each; the rules join in order."""
    member: dict[str, list[str]] = {}
    for tags in rules:
        groups = {id(group): group for group in (member.setdefault(tag, [tag]) for tag in tags)}
        if len(groups) > 1 and sum(map(len, groups.values())) <= size:
            joined = [tag for group in groups.values() for tag in group]
            member.update(dict.fromkeys(joined, joined))
    return [list(group) for group in {tuple(sorted(group)) for group in member.values() if len(group) > 1}]
