"""Which removed row became which added one, through all tables in the graph's order.

An id is the hash of content and parents, so an edited row, and all that is made from it, have other ids. A derived row is
known again by what it was made from (its parents, seen through the pairs found so far) and by its small columns; rows that
these do not tell apart are paired by their words. A row that stands in both versions somewhere is no other row's successor.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from reports.diff.similarity import Words, best_pairs
from reports.diff.sources import ALIKE, PAIRS

CORE = (
    *("stage", "verifier", "role", "response_strategy", "task", "model", "sample", "episode", "depth", "part", "raw"),
    *("seed", "metric"),
)
"""Columns in which a row and what became of it are the same."""
STRICT = ("strategy", "domain", "temperature", "label_source", "engine", "rule", "outcome", "split", "license")
"""Columns that tell rows of the same parents apart where they can."""
NATURAL = ("raw", "metric")
"""Columns that name a row without parents."""
WIDEST = 200
"""Rows of one signature on a side up to which all are compared; more are paired in the order of their ids."""


Texts = Callable[[pl.Series], pl.Series]
"""The texts of ids, in their order."""


@dataclass(frozen=True)
class Side:
    """Removed or added rows: `id`, `parents`, `prompt_id` (null where the table has none) and small columns as text."""

    frame: pl.DataFrame
    texts: Texts

    def without(self, ids: pl.Series) -> "Side":
        return Side(self.frame.join(ids.to_frame("id"), on="id", how="anti"), self.texts)


class Pairs:
    """Ids of the old version and what became of them in the new one."""

    def __init__(self, in_old: pl.Series, in_new: pl.Series) -> None:
        """`in_old`, `in_new`: of all ids in question, those that stand in some table of that version."""
        self.frame = pl.DataFrame(schema=PAIRS)
        self.in_old, self.in_new = in_old.to_frame("id"), in_new.to_frame("id")

    def add(self, pairs: pl.DataFrame) -> None:
        """Remember pairs; an id that has one already keeps it."""
        self.frame = pl.concat([self.frame, pairs.select(*PAIRS)]).unique("old", keep="first", maintain_order=True)

    def pair(self, removed: Side, added: Side) -> pl.DataFrame:
        """Pairs (old, new) of rows of one derived table, which are remembered as well."""
        found = self.known(removed, added)
        removed = Side(removed.frame.join(self.in_new, on="id", how="anti"), removed.texts)
        added = Side(added.frame.join(self.in_old, on="id", how="anti"), added.texts)
        present = set(removed.frame.columns) & set(added.frame.columns)
        core, strict = ([name for name in names if name in present] for names in (CORE, STRICT))
        for columns in ([*core, *strict], core):
            left, right = removed.without(found["old"]), added.without(found["new"])
            if left.frame.height and right.frame.height:
                signed = (self._signed(left.frame, columns, True), self._signed(right.frame, columns, False))
                found = pl.concat([found, pair_signed(*signed, left.texts, right.texts)])
        left, right = removed.without(found["old"]), added.without(found["new"])
        if left.frame.height and right.frame.height:
            found = pl.concat([found, self._pair_by_kin(left, right, core)])
        self.add(found)
        self._pair_generations(found, removed, added)
        return found.sort("old")

    def known(self, removed: Side, added: Side) -> pl.DataFrame:
        """Rows that an earlier table has paired."""
        both = self.frame.join(removed.frame.select("id"), left_on="old", right_on="id", how="semi")
        return both.join(added.frame.select("id"), left_on="new", right_on="id", how="semi").unique("new", keep="first")

    def _signed(self, frame: pl.DataFrame, columns: list[str], is_old: bool) -> pl.DataFrame:
        """`id`, `signature` (parents in the new version's ids, and the columns), `is_named`: it holds a parent or a name."""
        kin = self._resolve(frame.select("id", one="parents").explode("one", empty_as_null=False), is_old)
        kin = kin.group_by("id").agg(pl.col("one").sort().str.join(","))
        natural = [name for name in columns if name in NATURAL]
        named = pl.any_horizontal(pl.col("one").is_not_null(), *(pl.col(name).is_not_null() for name in natural))
        parts = [pl.col(name).cast(pl.String).fill_null("") for name in ("one", *columns)]
        joined = frame.join(kin, on="id", how="left")
        return joined.select("id", signature=pl.concat_str(parts, separator="\0"), is_named=named)

    def _pair_by_kin(self, removed: Side, added: Side, columns: list[str]) -> pl.DataFrame:
        """Rows of equal columns that have at least half of their parents in common, or their prompt."""
        sides = []
        for side, is_old in ((removed, True), (added, False)):
            kin = self._resolve(side.frame.select("id", one="parents").explode("one", empty_as_null=False), is_old)
            if "prompt_id" in side.frame.columns:
                prompt = self._resolve(side.frame.select("id", one="prompt_id"), is_old)
                kin = pl.concat([kin, prompt.with_columns(one="prompt " + pl.col("one"))])
            core = pl.concat_str([pl.lit(""), *(pl.col(name).fill_null("") for name in columns)], separator="\0")
            kin = kin.unique().with_columns(kin=pl.len().over("id"), rows=pl.len().over("one"))
            sides.append(kin.join(side.frame.select("id", core=core), on="id"))
        shared = (
            sides[0]
            .join(sides[1], on=["one", "core"], suffix="_new")
            .filter(pl.col("rows") * pl.col("rows_new") <= WIDEST**2)
        )
        pairs = shared.group_by(old="id", new="id_new").agg(
            common=pl.len(),
            both=pl.first("kin") + pl.first("kin_new"),
            prompt=pl.col("one").str.starts_with("prompt ").any(),
        )
        near = pairs.filter(pl.col("prompt") | (3 * pl.col("common") >= pl.col("both")))
        return pair_by_words(near.select("old", "new", weight="common"), removed.texts, added.texts)

    def _resolve(self, edges: pl.DataFrame, is_old: bool) -> pl.DataFrame:
        """`id`, `one`: parents that are rows, old ones by what became of them."""
        edges = edges.filter(pl.col("one").is_not_null())
        if not is_old:
            return edges.join(self.in_new, left_on="one", right_on="id", how="semi")
        known = pl.concat([self.in_old, self.in_new]).unique().with_columns(is_row=pl.lit(True))
        seen = edges.join(self.frame, left_on="one", right_on="old", how="left").join(
            known, left_on="one", right_on="id", how="left"
        )
        seen = seen.filter(pl.col("new").is_not_null() | pl.col("is_row"))
        return seen.select("id", one=pl.coalesce("new", "one"))

    def _pair_generations(self, found: pl.DataFrame, removed: Side, added: Side) -> None:
        """Keys of the store that the two rows of a pair name in the same places: verdicts may be made from them alone."""
        sides = []
        for side, key in ((removed, "old"), (added, "new")):
            edges = side.frame.select("id", one="parents").explode("one", empty_as_null=False)
            edges = edges.join(pl.concat([self.in_old, self.in_new]), left_on="one", right_on="id", how="anti")
            numbered = edges.with_columns(place=pl.int_range(pl.len()).over("id"), count=pl.len().over("id"))
            sides.append(found.join(numbered, left_on=key, right_on="id"))
        keys = sides[0].join(sides[1], on=["old", "new", "place", "count"], suffix="_new")
        self.add(keys.filter(pl.col("one") != pl.col("one_new")).select(old="one", new="one_new"))


def pair_signed(old: pl.DataFrame, new: pl.DataFrame, old_texts: Texts, new_texts: Texts) -> pl.DataFrame:
    """Pairs of rows of equal signature: at once where there is one of each, else by their words."""
    old, new = (
        side.with_columns(count=pl.len().over("signature"), rank=pl.col("id").rank("ordinal").over("signature"))
        for side in (old, new)
    )
    groups = (
        old.select("signature", "is_named", "count")
        .unique()
        .join(new.select("signature", "count").unique(), on="signature", suffix="_new")
    )
    most = pl.max_horizontal("count", "count_new")
    is_at_once = (most == 1) | (most > WIDEST)
    parts = [groups.filter(pl.col("is_named") & is_at_once), groups.filter(pl.col("is_named") & ~is_at_once)]
    unnamed = groups.filter(~pl.col("is_named"))

    def joined(of: pl.DataFrame, on: list[str]) -> pl.DataFrame:
        sides = [side.join(of, on="signature", how="semi").select("id", "signature", "rank") for side in (old, new)]
        return sides[0].join(sides[1], on=on, suffix="_new").select("signature", old="id", new="id_new")

    def nameless(side: pl.DataFrame) -> pl.DataFrame:
        return side.join(unnamed, on="signature", how="semi")

    return pl.concat(
        [
            joined(parts[0], ["signature", "rank"]).select(*PAIRS),
            pair_by_words(joined(parts[1], ["signature"]), old_texts, new_texts),
            pair_unnamed(nameless(old), nameless(new), old_texts, new_texts),
        ]
    )


def pair_by_words(candidates: pl.DataFrame, old_texts: Texts, new_texts: Texts) -> pl.DataFrame:
    """Of the candidates (`old`, `new`) those of most `weight` first, where there is one, and the most alike."""
    if not candidates.height:
        return pl.DataFrame(schema=PAIRS)
    sides = [candidates[key].unique().sort() for key in ("old", "new")]
    words = Words(old_texts(sides[0]), new_texts(sides[1]))
    places = [
        candidates.join(side.to_frame(key).with_row_index("place"), on=key, how="left", maintain_order="left")["place"]
        for key, side in zip(("old", "new"), sides, strict=True)
    ]
    likeness = pl.Series(words.likeness(places[0].to_list(), places[1].to_list()))
    weight = candidates["weight"] if "weight" in candidates.columns else 0
    return best_pairs(candidates.with_columns(likeness=likeness + weight)).select(*PAIRS)


def pair_unnamed(old: pl.DataFrame, new: pl.DataFrame, old_texts: Texts, new_texts: Texts) -> pl.DataFrame:
    """Rows whose parents are unknown: those of equal columns that are alike."""
    if not old.height or not new.height:
        return pl.DataFrame(schema=PAIRS)
    old, new = old.sort("id"), new.sort("id")
    likely = Words(old_texts(old["id"]), new_texts(new["id"])).likely_pairs(ALIKE)
    sides = [
        side.with_row_index(key).select(pl.col(key).cast(pl.UInt32), "signature", **{f"id_{key}": "id"})
        for side, key in ((old, "old"), (new, "new"))
    ]
    both = likely.join(sides[0], on="old").join(sides[1], on="new", suffix="_new")
    alike = best_pairs(both.filter(pl.col("signature") == pl.col("signature_new")))
    return alike.select(old="id_old", new="id_new")
