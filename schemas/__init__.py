"""The vocabulary of Cultivar: rows (what a table holds), params (what may be tuned), table (rows <-> Parquet)."""
