"""Rows of the source tables: which edited line, or setting of their source, they come from."""

import fnmatch
from collections.abc import Sequence

import polars as pl

from reports.causes.change import Change
from reports.causes.deltas import Tables
from reports.causes.stages import DataStage
from reports.diff.model import Diff
from reports.versions.database import parquet

PLACED = {"id": pl.String(), "path": pl.String(), "line": pl.Int64(), "version": pl.Int64()}


def charge_sources(
    table: str,
    rows: pl.DataFrame,
    own: list[int],
    changes: Sequence[Change],
    diff: Diff,
    tables: Tables,
    stage: DataStage,
) -> pl.DataFrame:
    """The rows of a source table with their causes.

    A row that stands on an edited line comes from that edit; one whose file has others, from the last edit before it (a passage
    is cut from many lines). Else it comes from a setting of its source, a line of an evaluation file that it equals, the code.
    """
    placed = places(table, rows, tables)
    edited = edited_lines(own, changes)
    exact = placed.join(edited, on=["version", "path", "line"]).unique("id", keep="first", maintain_order=True)
    rest = placed.join(exact, on="id", how="anti")
    settings = [place for place in own if changes[place].kind in ("parameter", "graph")]
    code = [place for place in own if changes[place].kind in ("module", "library", "human", "prompt", "model")]
    by_setting = setting_of(rest, rows, settings, changes, diff)
    rest = rest.join(by_setting, on="id", how="anti")
    barred = displaced_by_evaluation(rest, edited, tables, stage)
    rest = rest.join(barred, on="id", how="anti")
    # a file's other lines: asof takes the last edit at or before the row's own line, else the first of the file
    near = rest.sort("line").join_asof(
        edited.sort("line").select("version", "path", "line", "cause"),
        on="line",
        by=["version", "path"],
        check_sortedness=False,
    )
    in_file = edited.sort("line").unique(["version", "path"], keep="first", maintain_order=True)
    near = near.join(in_file.select("version", "path", first="cause"), on=["version", "path"], how="left")
    near = near.select("id", cause=pl.coalesce("cause", "first")).drop_nulls()
    found = [exact.select("id", "cause", mark=pl.lit("")), by_setting, barred, near.with_columns(mark=pl.lit(""))]
    left = placed.join(pl.concat([frame.select("id") for frame in found]), on="id", how="anti")
    fallback = next(iter([*code, *settings, *own]), None)
    found.append(left.select("id", cause=pl.lit(fallback, pl.Int64), mark=pl.lit("")))
    charged = pl.concat([frame.select("id", pl.col("cause").cast(pl.Int64), "mark") for frame in found])
    charged = charged.with_columns(via=pl.lit(stage.order, pl.Int64))
    return rows.join(charged, on="id", how="left", maintain_order="left")


def places(table: str, rows: pl.DataFrame, tables: Tables) -> pl.DataFrame:
    """Where each row stands: `id`, `path`, `line` (0 where it has none), `version` (1 the new one; 0 for rows that went)."""
    found = [pl.DataFrame(schema=PLACED)]
    for number, version in enumerate(tables.versions):
        wanted = rows.filter((pl.col("kind") == "removed") == (number == 0))
        frame = tables.read(table, version, wanted["id"], ["source"])
        if "source" not in frame.columns or not frame.height:
            continue
        found.append(
            frame.select(
                "id",
                path=pl.col("source").str.replace(r":\d+$", ""),
                line=pl.col("source").str.extract(r":(\d+)$").cast(pl.Int64).fill_null(0),
                version=pl.lit(number, pl.Int64),
            )
        )
    return pl.concat(found)


def edited_lines(own: list[int], changes: Sequence[Change]) -> pl.DataFrame:
    """`version`, `path`, `line`, `cause` of every edited line; line 0 for a file as a whole."""
    lines = [(place, changes[place].lines) for place in own]
    listed = [
        (version, one.path, number or 0, place)
        for place, one in lines
        if one is not None
        for version, number in ((0, one.old), (1, one.new))
        if number is not None or (one.old is None and one.new is None)
    ]
    schema = {"version": pl.Int64(), "path": pl.String(), "line": pl.Int64(), "cause": pl.Int64()}
    return pl.DataFrame(listed, schema=schema, orient="row")


def setting_of(
    placed: pl.DataFrame, rows: pl.DataFrame, settings: list[int], changes: Sequence[Change], diff: Diff
) -> pl.DataFrame:
    """Rows of a source one of whose settings in params.yaml differs, charged to it; the licence to rows whose own differs."""
    schema = {"id": pl.String(), "cause": pl.Int64(), "mark": pl.String()}
    found = [pl.DataFrame(schema=schema)]
    files = {
        (group, str(entry.get("name"))): str(entry.get("path", ""))
        for version in (diff.old, diff.new)
        for group in ("sources", "evaluation")
        for entry in (version.params().get("ingest") or {}).get(group) or []
        if isinstance(entry, dict)
    }
    for place in settings:
        parts = changes[place].name.split(".")
        if parts[0] != "ingest" or len(parts) < 3 or (parts[1], parts[2]) not in files:
            continue
        pattern = files[parts[1], parts[2]]
        of_source = [path for path in placed["path"].unique().to_list() if is_of(path, pattern)]
        own = placed.filter(pl.col("path").is_in(of_source))
        if parts[-1] == "license":
            touched = rows.filter(pl.col("columns").list.contains("license"))
            own = own.join(touched, on="id", how="semi")
        found.append(own.select("id", cause=pl.lit(place, pl.Int64), mark=pl.lit("")))
    return pl.concat(found).unique("id", keep="first", maintain_order=True)


def is_of(path: str, pattern: str) -> bool:
    """Whether a file belongs to a source's path: that file, one of that folder, or one that the pattern matches."""
    return path == pattern or path.startswith(pattern.rstrip("/") + "/") or fnmatch.fnmatch(path, pattern)


def displaced_by_evaluation(
    placed: pl.DataFrame, edited: pl.DataFrame, tables: Tables, stage: DataStage
) -> pl.DataFrame:
    """Rows that went (or came) because an evaluation item that asks the same came (or went)."""
    schema = {"id": pl.String(), "cause": pl.Int64(), "mark": pl.String()}
    found = [pl.DataFrame(schema=schema)]
    dropped = f"data/dropped/{stage.name}.parquet"
    for number, version in enumerate(tables.versions):
        # what is gone in one version stands among the dropped rows of the other
        wanted = placed.filter(pl.col("version") == 1 - number)
        if not wanted.height or dropped not in stage.outs:
            continue
        barred = read_dropped(dropped, number, tables)
        items = tables.read("data/evaluation.parquet", version, barred["item"], ["source"])
        if not items.height:
            continue
        items = items.select(
            item="id",
            item_path=pl.col("source").str.replace(r":\d+$", ""),
            item_line=pl.col("source").str.extract(r":(\d+)$").cast(pl.Int64).fill_null(0),
        )
        lines = edited.filter(pl.col("version") == number).select(item_path="path", item_line="line", cause="cause")
        hit = (
            wanted.with_columns(place=pl.format("{}:{}", "path", "line"))
            .join(barred, on="place")
            .join(items, on="item")
            .join(lines, on=["item_path", "item_line"])
        )
        found.append(
            hit.select("id", "cause", mark=pl.lit("displaced")).unique("id", keep="first", maintain_order=True)
        )
    return pl.concat(found).unique("id", keep="first", maintain_order=True)


def read_dropped(path: str, number: int, tables: Tables) -> pl.DataFrame:
    """`place` and `item` of rows dropped as evaluation prompts in a version."""
    schema = {"place": pl.String(), "item": pl.String()}
    if path not in tables.versions[number].tables():
        return pl.DataFrame(schema=schema)
    files = parquet(tables.versions[number].files(path))
    query = (
        "SELECT regexp_extract(detail, '^(.*): its prompt', 1) AS place, parents[1] AS item "
        f"FROM {files} WHERE rule = 'evaluation prompt'"
    )
    return pl.DataFrame(tables.database.sql(query).to_arrow_table()).cast(schema)  # type: ignore[arg-type]
