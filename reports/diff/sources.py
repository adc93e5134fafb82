r"""Rows that people brought: which removed row became which added one.

Their natural key is the place in the file (`source` is "file:line"), seen past the rows that were inserted or removed above: a
row stands between the same two rows that did not change. What has moved and changed is found by its words.
"""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from reports.diff.similarity import Words, best_pairs

ALIKE = 0.5
"""Likeness of words from which a row is taken for a rewritten one, where its place does not say so."""
WITNESSES = 100_000
"""Comparisons with rows that did not change, at most: a pair has to be more alike than either is to any of these."""
PLACE = r"^(.*?)(?::(\d+))?$"
PAIRS = {"old": pl.String(), "new": pl.String()}
Witnesses = Callable[[], pl.Series]
START, END = "start of file", "end of file"


@dataclass(frozen=True)
class Rows:
    """Rows of one side: `id`, `source`, `text`."""

    frame: pl.DataFrame

    def only(self, ids: pl.Series) -> "Rows":
        return Rows(self.frame.join(ids.to_frame("id"), on="id", how="semi", maintain_order="left"))

    def without(self, ids: pl.Series) -> "Rows":
        return Rows(self.frame.join(ids.to_frame("id"), on="id", how="anti", maintain_order="left"))


def pair_sources(removed: Rows, added: Rows, anchors: pl.DataFrame, witnesses: Witnesses) -> pl.DataFrame:
    """Pairs (old, new) of ids. `anchors` (id, file, old, new) are the lines of rows that did not change; `witnesses`
    gives the texts of some of these."""
    found = pl.concat([pl.DataFrame(schema=PAIRS), pair_in_gaps(removed, added, anchors)])
    left, right = removed.without(found["old"]), added.without(found["new"])
    return pl.concat([found, pair_by_words(left, right, witnesses)]).sort("old")


def placed(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `file` and `line` of its sources; a source without a line has line 0."""
    parts = pl.col("source").str.extract_groups(PLACE)
    return frame.with_columns(
        file=parts.struct.field("1").fill_null(""),
        line=parts.struct.field("2").cast(pl.Int64, strict=False).fill_null(0),
    )


def neighbours(rows: pl.DataFrame, anchors: pl.DataFrame) -> pl.DataFrame:
    """The rows with the ids of the anchors before and after them in their file."""
    sorted_rows = placed(rows).sort("line")
    in_files = sorted_rows.select("file").unique()
    standing = anchors.join(in_files, on="file", how="semi").select("file", "line", anchor="id").sort("line")
    before = sorted_rows.join_asof(standing, on="line", by="file", strategy="backward", check_sortedness=False)
    both = before.rename({"anchor": "before"}).join_asof(
        standing, on="line", by="file", strategy="forward", check_sortedness=False
    )
    gap = [pl.col("before").fill_null(START), pl.col("anchor").fill_null(END)]
    return both.select("id", "text", "file", "line", gap=pl.concat_str(["file", *gap], separator="\0"))


def pair_in_gaps(removed: Rows, added: Rows, anchors: pl.DataFrame) -> pl.DataFrame:
    """Rows between the same two unchanged rows: the most alike, then in their order, where as many of both stand between two pairs."""
    sides = [
        neighbours(rows.frame, anchors.select("id", "file", line=side))
        for rows, side in ((removed, "old"), (added, "new"))
    ]
    sides = [mine.join(other, on="gap", how="semi") for mine, other in (sides, sides[::-1])]
    old, new = (side.sort("gap", "line", "id").with_row_index("place") for side in sides)
    if not old.height:
        return pl.DataFrame(schema=PAIRS)
    candidates = old.select("gap", "line", "id", old="place").join(
        new.select("gap", "line", "id", new="place"), on="gap", suffix="_new"
    )
    words = Words(old["text"], new["text"])
    likeness = pl.Series(words.likeness(candidates["old"].to_list(), candidates["new"].to_list()))
    alike = best_pairs(candidates.with_columns(likeness=likeness).filter(pl.col("likeness") >= ALIKE))
    rest = [unpaired(side, alike[key]) for side, key in ((old, "old"), (new, "new"))]
    in_order = rest[0].join(rest[1], on=["gap", "after", "rank", "count"], suffix="_new")
    return pl.concat([part.select(old="id", new="id_new") for part in (alike, in_order)])


def unpaired(side: pl.DataFrame, alike: pl.Series) -> pl.DataFrame:
    """Rows of gaps that have no pair yet: `after` how many pairs of the gap, in which `rank` of how many (`count`)."""
    is_paired = pl.col("place").is_in(alike.implode())
    numbered = side.sort("place").with_columns(after=is_paired.cum_sum().over("gap")).filter(~is_paired)
    run = ["gap", "after"]
    return numbered.with_columns(rank=pl.col("place").rank("ordinal").over(run), count=pl.len().over(run))


def pair_by_words(removed: Rows, added: Rows, witnesses: Witnesses) -> pl.DataFrame:
    """Rows whose words are alike, and more so than either is to any witness."""
    old, new = removed.frame.sort("id"), added.frame.sort("id")
    pairs = best_pairs(Words(old["text"], new["text"]).likely_pairs(ALIKE))
    some = witnesses() if pairs.height else pl.Series(dtype=pl.String)
    if len(some):
        sides = ((old, "old"), (new, "new"))
        least = float(pairs["likeness"].to_numpy().min()) - 1e-4
        nearest = [nearest_witness(side["text"].gather(pairs[key]), some, least) for side, key in sides]
        pairs = pairs.with_columns(nearest=pl.max_horizontal(nearest)).filter(pl.col("likeness") > pl.col("nearest"))
    return pl.DataFrame({"old": old["id"].gather(pairs["old"]), "new": new["id"].gather(pairs["new"])}, schema=PAIRS)


def nearest_witness(texts: pl.Series, witnesses: pl.Series, least: float) -> pl.Series:
    """How alike each text is to the witness that is most alike; 0 below `least`."""
    some = witnesses.head(max(1, WITNESSES // len(texts)))
    return pl.Series(Words(texts, some).nearest(least))
