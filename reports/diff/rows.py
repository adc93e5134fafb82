"""Rows of two versions, table by table: which are the same, changed, added, removed.

First every table is compared by id, then removed and added rows are paired in the graph's order, since what became of a row is
known by its parents.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import polars as pl

from reports.diff.columns import text_of
from reports.diff.compare import SIDES, Comparison, Reader, rewritten_columns, select
from reports.diff.pairing import CORE, STRICT, Pairs, Side
from reports.diff.sources import PAIRS, Rows, pair_sources
from reports.versions.database import name_of, parquet, quoted
from reports.versions.version import Version

IDS = {"kind": pl.String(), "id_old": pl.String(), "id_new": pl.String(), "columns": pl.List(pl.String())}
WITNESSES = 2_000
"""Rows that did not change with which an uncertain pair is compared."""
END_OF_TEXT = 4_000
"""Characters at each end of a text that are read to compare it."""


@dataclass(frozen=True)
class TableFiles:
    """A table's files in each version; None where the version has no such table."""

    table: str
    stage: str
    old: Sequence[Path] | None
    new: Sequence[Path] | None


@dataclass(frozen=True)
class TableRows:
    """A compared table with what became of its rows: `ids` as in `reports.diff.model.TableDiff`."""

    files: TableFiles
    compared: Comparison
    ids: pl.DataFrame
    rewritten: int


def tables_in_order(old: Version, new: Version) -> tuple[list[tuple[str, str]], list[str]]:
    """(table, stage) of those that may differ, in the order in which rows are made; and those of equal bytes."""
    mine, theirs = old.tables(), new.tables()
    outs = {path: place for version in (old, new) for place, path in enumerate(declared_outs(version))}
    stages = {name: place for place, name in enumerate(dict.fromkeys([*new.stages(), *old.stages()]))}

    def order(path: str) -> tuple[int, bool, int, str]:
        stage = (theirs.get(path) or mine[path]).stage.partition("@")[0]
        return stages.get(stage, len(stages)), path.count("/") < 2, outs.get(path, len(outs)), path

    paths = sorted({*mine, *theirs}, key=order)
    same = {path for path in paths if path in mine and path in theirs and old.current()[path] == new.current()[path]}
    differing = [(path, (theirs.get(path) or mine[path]).stage) for path in paths if path not in same]
    return differing, [path for path in paths if path in same]


def declared_outs(version: Version) -> list[str]:
    """Outputs as dvc.yaml lists them."""
    outs = [out for stage in version.graph().get("stages", {}).values() for out in stage.get("outs", [])]
    return [next(iter(out)) if isinstance(out, dict) else out for out in outs]


class RowDiffer:
    """The rows of all tables of two versions, in a database."""

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        old: Version,
        new: Version,
        old_absent: Collection[str] = (),
        new_absent: Collection[str] = (),
    ) -> None:
        """`old_absent`, `new_absent`: tables whose bytes are not to be had."""
        self.database, self.versions = database, dict(zip(SIDES, (old, new), strict=True))
        self.absent = dict(zip(SIDES, (old_absent, new_absent), strict=True))

    def compare(self, tables: Sequence[tuple[str, str]]) -> list[TableRows]:
        """Compare tables, which are in the graph's order. Raises MissingObject."""
        files = [self._files(table, stage) for table, stage in tables]
        compared = [
            Reader(self.database, number, one.old, one.new).compare(one.table) for number, one in enumerate(files)
        ]
        sides = [(self._side(one, "old"), self._side(one, "new")) for one in compared]
        pairs = Pairs(*(self._present(side, [frame for both in sides for frame in both]) for side in SIDES))
        return [
            self._finish(one, result, self._pair(pairs, result, *both))
            for one, result, both in zip(files, compared, sides, strict=True)
        ]

    def _files(self, table: str, stage: str) -> TableFiles:
        found = [version.files(table) if table in version.tables() else None for version in self.versions.values()]
        return TableFiles(table, stage, *found)

    def _side(self, compared: Comparison, side: str) -> Side:
        """The removed or added rows without their texts."""
        types = getattr(compared.columns, side)
        small = [name for name in (*CORE, *STRICT, "prompt_id", "source") if compared.columns.has(name)]
        wanted = [f"CAST({name_of(name)} AS VARCHAR) AS {name_of(name)}" for name in small]
        parents = "t.parents" if types.get("parents") == "VARCHAR[]" else "[]::VARCHAR[] AS parents"
        frame = select(
            self.database,
            f"SELECT {', '.join(['t.id', parents, *wanted])} FROM {compared.source[side]} t "
            f"SEMI JOIN {compared.hashes(side)} h ON t.id = h.id ORDER BY t.id",
        )
        return Side(frame.unique("id", keep="first", maintain_order=True), lambda ids: self.texts(compared, side, ids))

    def texts(self, compared: Comparison, side: str, ids: pl.Series) -> pl.Series:
        """The texts of rows, what stands in several columns together, cut in the middle where they are long."""
        types = getattr(compared.columns, side)
        parts = []
        for name in compared.columns.texts:
            text = f"coalesce({text_of(name, types[name])}, '')"
            short = f"concat(left({text}, {END_OF_TEXT}), chr(10), right({text}, {END_OF_TEXT}))"
            parts.append(f"CASE WHEN length({text}) > {2 * END_OF_TEXT} THEN {short} ELSE {text} END")
        if not parts:
            return pl.Series([""] * len(ids), dtype=pl.String)
        wanted = ids.to_frame("id")
        self.database.register("wanted", wanted.to_arrow())
        try:
            found = select(
                self.database,
                f"SELECT t.id, concat_ws(chr(10), {', '.join(parts)}) AS text FROM {compared.source[side]} t "
                "SEMI JOIN wanted w ON t.id = w.id",
            )
        finally:
            self.database.unregister("wanted")
        found = found.unique("id", keep="any")
        return wanted.join(found, on="id", how="left", maintain_order="left")["text"].fill_null("")

    def _present(self, side: str, sides: list[Side]) -> pl.Series:
        """Of all rows in question and what they name, the ids that stand in some table of a version."""
        frames = [one.frame.select("id") for one in sides]
        frames += [one.frame.select(id="parents").explode("id") for one in sides]
        frames += [one.frame.select(id="prompt_id") for one in sides if "prompt_id" in one.frame.columns]
        empty = pl.DataFrame(schema={"id": pl.String})
        asked = pl.concat([empty, *frames]).drop_nulls().unique()
        if not asked.height:
            return asked["id"]
        version = self.versions[side]
        parts = [
            f"SELECT id FROM {parquet(version.files(table))}"
            for table in version.tables()
            if table not in self.absent[side]
        ]
        self.database.register("asked", asked.to_arrow())
        try:
            rows = " UNION ALL ".join([*parts, "SELECT '' AS id WHERE false"])
            return select(self.database, f"SELECT DISTINCT r.id FROM ({rows}) r SEMI JOIN asked a ON r.id = a.id")["id"]
        finally:
            self.database.unregister("asked")

    def _pair(self, pairs: Pairs, compared: Comparison, removed: Side, added: Side) -> pl.DataFrame:
        if not removed.frame.height or not added.frame.height:
            return pl.DataFrame(schema=PAIRS)
        if "source" not in removed.frame.columns:
            return pairs.pair(removed, added)
        found = pairs.known(removed, added)
        is_source = (pl.col("parents").list.len().fill_null(0) == 0) & (pl.col("source").fill_null("") != "")
        brought = (
            removed.without(found["old"]).frame.filter(is_source).join(pairs.in_new, on="id", how="anti"),
            added.without(found["new"]).frame.filter(is_source).join(pairs.in_old, on="id", how="anti"),
        )
        if brought[0].height and brought[1].height:
            placed = self._pair_sources(compared, removed, added, *brought)
            pairs.add(placed)
            found = pl.concat([found, placed])
        made = [Side(side.frame.filter(~is_source), side.texts) for side in (removed, added)]
        return pl.concat([found, pairs.pair(made[0], made[1])]).unique(maintain_order=True).sort("old")

    def _pair_sources(
        self, compared: Comparison, removed: Side, added: Side, old: pl.DataFrame, new: pl.DataFrame
    ) -> pl.DataFrame:
        before = Rows(old.select("id", "source", text=removed.texts(old["id"])))
        after = Rows(new.select("id", "source", text=added.texts(new["id"])))
        anchors = select(
            self.database,
            f"SELECT o.id, {file_of('n')} AS file, {line_of('o')} AS old, {line_of('n')} AS new "
            f"FROM {compared.source['old']} o JOIN {compared.source['new']} n ON o.id = n.id "
            f"WHERE {file_of('o')} = {file_of('n')}",
        ).unique("id", keep="any")
        return pair_sources(before, after, anchors, lambda: self._witnesses(compared))

    def _witnesses(self, compared: Comparison) -> pl.Series:
        """Texts of some rows that did not change: those of the least ids, which are hashes and so a fair draw."""
        ids = select(
            self.database,
            f"SELECT n.id FROM {compared.source['new']} n ANTI JOIN {compared.hashes('new')} h ON n.id = h.id "
            f"ORDER BY n.id LIMIT {WITNESSES}",
        )["id"]
        # ids that lie between known ones let the reader leave out all other row groups
        lies_between = f"id BETWEEN {quoted(ids.min())} AND {quoted(ids.max())}" if len(ids) else "false"  # type: ignore[arg-type]
        near = {**compared.source, "new": f"(SELECT * FROM {compared.source['new']} WHERE {lies_between})"}
        return self.texts(replace(compared, source=near), "new", ids)

    def _finish(self, files: TableFiles, compared: Comparison, pairs: pl.DataFrame) -> TableRows:
        """The rows of a table with their kinds."""
        empty = pl.DataFrame(schema=IDS)
        changed = compared.kept.select(kind=pl.lit("changed"), id_old="id", id_new="id", columns="columns")
        rewritten = rewritten_columns(self.database, compared, pairs) if pairs.height else None
        if rewritten is not None:
            rewritten = rewritten.select(kind=pl.lit("changed"), id_old="old", id_new="new", columns="columns")
        removed = without_first(compared.removed, pairs["old"]).select(kind=pl.lit("removed"), id_old="id")
        added = without_first(compared.added, pairs["new"]).select(kind=pl.lit("added"), id_new="id")
        parts = [empty, changed, added, removed] if rewritten is None else [empty, changed, rewritten, added, removed]
        ids = pl.concat(parts, how="diagonal_relaxed").select(*IDS).sort("kind", "id_new", "id_old")
        for side in SIDES:
            self.database.execute(f"DROP TABLE IF EXISTS {compared.hashes(side)}")
        return TableRows(files, compared, ids, pairs.height)


def line_of(side: str) -> str:
    """SQL: the line of a source; 0 where it names none."""
    return f"coalesce(try_cast(string_split({side}.source, ':')[-1] AS BIGINT), 0)"


def file_of(side: str) -> str:
    """SQL: the file of a source."""
    last = f"string_split({side}.source, ':')[-1]"
    return f"CASE WHEN try_cast({last} AS BIGINT) IS NULL THEN {side}.source ELSE left({side}.source, -1 - length({last})) END"


def without_first(ids: pl.Series, taken: pl.Series) -> pl.DataFrame:
    """`id`: the ids without the first occurrence of each that is taken."""
    numbered = ids.to_frame("id").with_columns(occurrence=pl.int_range(pl.len()).over("id"))
    first = taken.to_frame("id").with_columns(occurrence=pl.lit(0, dtype=pl.Int64))
    return numbered.join(first, on=["id", "occurrence"], how="anti").select("id")
