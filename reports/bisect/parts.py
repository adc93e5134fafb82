"""Parts of a data change: rows of D and P by strategy, domain, tags or source, and mixtures of two versions' tables."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cultivar.runlog.previous import md5_of
from reports.history.timeline import PRODUCTS
from reports.lineage.lineage import Lineage
from reports.versions.database import connect
from reports.versions.objects import object_path
from reports.versions.version import Version
from schemas.table import ROW_GROUP
from schemas.writing import draft_path

WAYS = ("strategy", "domain", "tag", "source")
NONE = "(none)"
"""The part of rows without a tag, or whose source cannot be told."""


@dataclass(frozen=True)
class Change:
    """D and P of two versions by path, each with a column `part`, and the parts whose rows differ, most rows first."""

    old: dict[str, pl.DataFrame]
    new: dict[str, pl.DataFrame]
    rows: dict[str, int]


def read_change(old: Version, new: Version, by: str) -> Change:
    """Raises MissingObject where the bytes of D or P are not to be had."""
    tables = [{path: with_part(version, path, by) for path in PRODUCTS.values()} for version in (old, new)]
    counts: dict[str, int] = {}
    for path in PRODUCTS.values():
        before, after = (frames[path].select("id", "part") for frames in tables)
        differing = pl.concat(
            [before.join(after, on=["id", "part"], how="anti"), after.join(before, on=["id", "part"], how="anti")]
        )
        for part, rows in differing.group_by("part").len().iter_rows():
            counts[part] = counts.get(part, 0) + rows
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Change(tables[0], tables[1], dict(ordered))


def with_part(version: Version, path: str, by: str) -> pl.DataFrame:
    """A product with the part that every row belongs to: exactly one, several tags or sources together are one."""
    frame = pl.concat([pl.read_parquet(file) for file in version.files(path)])
    if by == "source":
        return frame.join(sources(version, frame["id"]), on="id", how="left").with_columns(
            pl.col("part").fill_null(NONE)
        )
    part = pl.col("tags").list.unique().list.sort().list.join(" + ") if by == "tag" else pl.col(by)
    return frame.with_columns(part=pl.when(part == "").then(pl.lit(NONE)).otherwise(part))


def sources(version: Version, ids: pl.Series) -> pl.DataFrame:
    """`id`, `part`: names of the declared sources that rows come from, by their lineage to what ingest read."""
    declared = version.params().get("ingest", {}).get("sources", [])
    with connect() as database:
        lineage = Lineage(version, database)
        edges = lineage.ancestors(ids).select("id", "parent").unique()
    origin = origins(version)
    reach = seen = pl.DataFrame({"row": ids, "id": ids})
    found = []
    while reach.height:  # a step of the walk back for all rows at once
        found.append(reach.join(origin, on="id").select("row", "source"))
        reach = reach.join(edges, on="id").select("row", id="parent").unique().join(seen, on=["row", "id"], how="anti")
        seen = pl.concat([seen, reach])
    names = {entry["path"]: entry["name"] for entry in declared}
    named = pl.concat(found).with_columns(
        name=pl.col("source").map_elements(lambda place: source_name(place, names), pl.String)
    )
    return named.group_by("row").agg(part=pl.col("name").unique().sort().str.join(" + ")).rename({"row": "id"})


def origins(version: Version) -> pl.DataFrame:
    """`id` and `source` (file:line) of the rows that ingest read."""
    frames = []
    for path, out in version.tables().items():
        if out.stage == "ingest" and not path.startswith(("data/dropped/", "data/quarantine/")):
            frame = pl.concat([pl.read_parquet(file) for file in version.files(path)])
            if {"id", "source"} <= set(frame.columns):
                frames.append(frame.select("id", "source"))
    return pl.concat(frames) if frames else pl.DataFrame(schema={"id": pl.String, "source": pl.String})


def source_name(place: str, names: dict[str, str]) -> str:
    """The declared source whose path a file:line begins with; the file itself where none does."""
    file = place.rpartition(":")[0] or place
    matching = [
        path for path in names if file == path or file.startswith(path.rstrip("/") + "/") or Path(file).match(path)
    ]
    return names[max(matching, key=len)] if matching else file


def mixture(change: Change, reverted: Collection[str]) -> dict[str, str]:
    """D and P of the new version with the rows of some parts as the old one had them: path and md5, in DVC's cache.

    A row that both sides give stands once, as the new version has it.
    """
    found = {}
    for path in PRODUCTS.values():
        is_reverted = pl.col("part").is_in(list(reverted))
        kept, taken = change.new[path].filter(~is_reverted), change.old[path].filter(is_reverted)
        rows = pl.concat([kept, taken.join(kept, on="id", how="anti")], how="vertical_relaxed").drop("part").sort("id")
        found[path] = store(rows)
    return found


def store(rows: pl.DataFrame) -> str:
    """Put a table into DVC's cache, as a stage writes it; its md5."""
    folder = object_path("00").parent
    folder.mkdir(parents=True, exist_ok=True)
    draft = draft_path(folder / "mixture")
    rows.write_parquet(draft, compression="zstd", compression_level=3, row_group_size=ROW_GROUP)
    md5 = md5_of(draft)
    place = object_path(md5)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft.chmod(0o444)
    draft.replace(place)
    return md5
