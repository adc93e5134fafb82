"""data-diff: two tables of one DuckDB file, joined on `id` (joindiff)."""

import json
import sys

import duckdb
from data_diff import connect_to_table, diff_tables

columns = ("source", "prompt", "score", "license", "split", "domain")
with duckdb.connect("tables.duckdb") as database:
    for name, path in zip(("old", "new"), sys.argv[1:3], strict=True):
        database.execute(f"CREATE TABLE {name} AS SELECT * EXCLUDE (parents) FROM read_parquet('{path}')")
sides = [
    connect_to_table({"driver": "duckdb", "filepath": "tables.duckdb"}, name, "id", extra_columns=columns)
    for name in ("old", "new")
]
signs = [(sign, row[0]) for sign, row in diff_tables(*sides, algorithm="joindiff")]
gone, come = ({row for sign, row in signs if sign == one} for one in "-+")
print(json.dumps({"added": len(come - gone), "removed": len(gone - come), "changed": len(come & gone)}))
