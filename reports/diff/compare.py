"""One table of two versions by id: every row's columns are hashed where they lie, and only the hashes are joined.

Texts never enter a join, so a table may be far larger than memory. Equal ids beyond the first of a version are told apart by
their content's rank.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from reports.diff.columns import REFERENCES, Columns, text_of
from reports.versions.database import name_of, parquet, quoted

LINE_END = r":\d+$"
"""What stands behind the file in `source`."""
SIDES = ("old", "new")


@dataclass(frozen=True)
class Comparison:
    """What the ids of one table say: `kept` has id and touched columns of rows of the same id that differ; `removed` and
    `added` are ids. `source` is the SQL that reads each side."""

    table: str
    number: int
    columns: Columns
    source: dict[str, str]
    rows: dict[str, int]
    duplicates: dict[str, int]
    moved: int
    unchanged: int
    kept: pl.DataFrame
    removed: pl.Series
    added: pl.Series

    def lengths(self, side: str) -> str:
        """The database's table of the lengths of texts: `length0` of the first column of `columns.prose`, …"""
        return f"lengths_{self.number}_{side}"

    def hashes(self, side: str) -> str:
        """The database's table of the hashes of removed (old) or added (new) rows."""
        return f"hashes_{self.number}_{side}"


class Reader:
    """The two files of a table in a database, and the queries that compare them."""

    def __init__(
        self, database: duckdb.DuckDBPyConnection, number: int, old: Sequence[Path] | None, new: Sequence[Path] | None
    ) -> None:
        """`old` or `new` is None where that version has no such table: it is then an empty one."""
        self.database, self.number = database, number
        present = {side: parquet(files) for side, files in zip(SIDES, (old, new), strict=True) if files}
        other = next(iter(present.values()))
        self.source = {side: present.get(side, f"(SELECT * FROM {other} LIMIT 0)") for side in SIDES}
        self.columns = Columns(*(self._types(side) for side in SIDES))

    def _types(self, side: str) -> dict[str, str]:
        described = self.database.sql(f"DESCRIBE SELECT * FROM {self.source[side]}").fetchall()
        return {name: kind for name, kind, *_ in described}

    def compare(self, table: str) -> Comparison:
        """Hash both sides and join them. The hashes of removed and added rows stay in the database."""
        counts = {side: self._count(side) for side in SIDES}
        is_repeated = any(rows > ids for rows, ids in counts.values())
        for side in SIDES:
            self._hash(side, is_repeated)
        kept = self._kept()
        is_moved = kept["columns"].list.len() == 0
        removed, added = self._unmatched("old", "new"), self._unmatched("new", "old")
        for side in SIDES:
            self._keep_lengths(side)
            self.database.execute(f"DROP TABLE all_{side}")
        rows = {side: count for side, (count, _) in counts.items()}
        return Comparison(
            table=table,
            number=self.number,
            columns=self.columns,
            source=self.source,
            rows=rows,
            duplicates={side: count - ids for side, (count, ids) in counts.items()},
            moved=int(is_moved.sum()),
            unchanged=rows["new"] - len(added) - kept.height,
            kept=kept.filter(~is_moved),
            removed=removed,
            added=added,
        )

    def _count(self, side: str) -> tuple[int, int]:
        found = self.database.sql(f"SELECT count(*), count(DISTINCT id) FROM {self.source[side]}").fetchall()
        return found[0][0], found[0][1]

    def _hash(self, side: str, is_repeated: bool) -> None:
        types: dict[str, str] = getattr(self.columns, side)
        hashed = [f"hash({self._value(side, name)}) AS h{place}" for place, name in enumerate(self.columns.compared)]
        if "source" in self.columns.compared:
            hashed.append(f"hash(regexp_replace(source, {quoted(LINE_END)}, '')) AS file")
        lengths = [
            f"length({text_of(name, types[name])}) AS length{place}" for place, name in enumerate(self.columns.prose)
        ]
        hashed += lengths
        whole = ", ".join(self._value(side, name) for name in self.columns.compared) or "1"
        rank = f"row_number() OVER (PARTITION BY id ORDER BY hash({whole}))" if is_repeated else "1"
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE all_{side} AS "
            f"SELECT {', '.join(['id', f'{rank} AS rank', *hashed])} FROM {self.source[side]}"
        )

    def _keep_lengths(self, side: str) -> None:
        """The characters of every text of a side, column by column, without the rows: for their distribution."""
        names = ", ".join(f"length{place}" for place in range(len(self.columns.prose))) or "1"
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE lengths_{self.number}_{side} AS SELECT {names} FROM all_{side}"
        )

    def _value(self, side: str, name: str) -> str:
        own, wanted = getattr(self.columns, side)[name], self.columns.compared[name]
        return name_of(name) if own == wanted else f"TRY_CAST({name_of(name)} AS {wanted})"

    def _kept(self) -> pl.DataFrame:
        """Rows of one id that differ: `id` and `columns`, which is empty where only the line of the source does."""
        differs = {name: f"o.h{place} <> n.h{place}" for place, name in enumerate(self.columns.compared)}
        if not differs:
            return pl.DataFrame(schema={"id": pl.String, "columns": pl.List(pl.String)})
        touched = differs | ({"source": "o.file <> n.file"} if "source" in differs else {})
        return self.frame(
            f"SELECT o.id, {listed(touched)} AS columns FROM all_old o JOIN all_new n ON o.id = n.id AND o.rank = n.rank "
            f"WHERE {' OR '.join(differs.values())} ORDER BY o.id, o.rank"
        )

    def _unmatched(self, side: str, other: str) -> pl.Series:
        """Ids of rows of one side that the other lacks, sorted; their hashes are kept."""
        self.database.execute(
            f"CREATE OR REPLACE TEMP TABLE hashes_{self.number}_{side} AS SELECT a.* FROM all_{side} a "
            f"ANTI JOIN all_{other} b ON a.id = b.id AND a.rank = b.rank"
        )
        return self.frame(f"SELECT id FROM hashes_{self.number}_{side} ORDER BY id")["id"]

    def frame(self, query: str) -> pl.DataFrame:
        return select(self.database, query)


def listed(conditions: dict[str, str]) -> str:
    """SQL: the list of the names whose condition holds."""
    cases = ", ".join(f"CASE WHEN {test} THEN {quoted(name)} END" for name, test in conditions.items())
    return f"list_filter([{cases}], lambda name: name IS NOT NULL)::VARCHAR[]"


def select(database: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """The rows of a query."""
    return pl.DataFrame(database.sql(query).to_arrow_table())


def rewritten_columns(database: duckdb.DuckDBPyConnection, compared: Comparison, pairs: pl.DataFrame) -> pl.DataFrame:
    """`pairs` (old, new) with `columns`: those of the table in which the two rows differ, by their hashes.

    References to other rows count only where nothing else differs, since they follow what they name.
    """
    differs = {name: f"o.h{place} <> n.h{place}" for place, name in enumerate(compared.columns.compared)}
    if "source" in differs:
        differs["source"] = "o.file <> n.file"
    own = {name: test for name, test in differs.items() if name not in REFERENCES}
    references = {name: test for name, test in differs.items() if name in REFERENCES}
    database.register("pairs", pairs.to_arrow())
    try:
        found = select(
            database,
            f"SELECT p.old, p.new, {listed(own) if own else '[]::VARCHAR[]'} AS columns, "
            f"{listed(references) if references else '[]::VARCHAR[]'} AS refs FROM pairs p "
            f"JOIN {compared.hashes('old')} o ON o.id = p.old JOIN {compared.hashes('new')} n ON n.id = p.new ORDER BY 1",
        )
    finally:
        database.unregister("pairs")
    only = pl.when(pl.col("columns").list.len() > 0).then("columns").otherwise("refs")
    return found.select("old", "new", columns=only)
