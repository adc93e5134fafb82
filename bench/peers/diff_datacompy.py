"""datacompy: two Parquet files joined on `id` as Polars frames (PolarsCompare)."""

import json
import sys

import datacompy
import polars as pl

old, new = (pl.read_parquet(path).drop("parents") for path in sys.argv[1:3])
compared = datacompy.PolarsCompare(old, new, join_columns="id", df1_name="old", df2_name="new")
removed, added = compared.df1_unq_rows.height, compared.df2_unq_rows.height
unequal = compared.all_mismatch().height
print(json.dumps({"added": added, "removed": removed, "changed": unequal}))
