"""Tasks for environments of Prime Intellect's `verifiers`: a prompt once, the answer to it, and `info` as JSON text.

Answers and tests are those of the problems and programming tasks that a row was made from; a row made from something else
has an empty answer. `info` holds id, domain, strategy, source and licence, what this row answers, tests of code, tools.
"""

from pathlib import Path

import polars as pl

from reports.export.json_check import JSON_FIELDS
from reports.export.lean import object_of
from reports.export.refusals import Converted
from reports.export.rows import MESSAGES, Product
from reports.export.turns import without_empty_calls
from reports.versions.version import Version

SOURCES = {
    "data/problems.parquet": ("answer", "solution"),
    "data/code_tasks.parquet": ("entry_point", "tests", "setup", "solution"),
}
KINDS: dict[str, pl.DataType] = {
    "answer": pl.String(),
    "solution": pl.String(),
    "entry_point": pl.String(),
    "tests": pl.List(pl.String()),
    "setup": pl.String(),
}
TOLD = ("id", "domain", "strategy", "source", "license", "simulated", "pass_rate", "margin")
"""Columns of a row that `info` repeats."""


class Tasks:
    """Batches of rows as tasks; a prompt that has been a task is refused."""

    def __init__(self, version: Version) -> None:
        known = version.tables()
        self.seeds = pl.concat(
            [seeds(version.files(path), fields) for path, fields in SOURCES.items() if path in known]
            or [pl.DataFrame(schema={"id": pl.String(), **KINDS})]
        )
        self.seen = pl.Series(dtype=pl.UInt64)

    def convert(self, frame: pl.DataFrame, chosen: Product) -> Converted:
        """`prompt` (OpenAI's shape), `answer`, `info`."""
        places = frame.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), parent="parents").explode("parent")
        found = places.join(self.seeds, left_on="parent", right_on="id").unique(
            "row", keep="first", maintain_order=True
        )
        wide = frame.with_row_index("row").join(found.drop("parent"), on="row", how="left", maintain_order="left")
        wide = wide.with_columns(without_empty_calls(pl.col(name)).alias(name) for name in ("prompt", *chosen.answers))
        fields = [
            name for name in (*TOLD, "tools", *chosen.answers, *KINDS) if name in wide.columns and name != "answer"
        ]
        info = object_of({name: (pl.col(name), wide.schema[name]) for name in fields}, JSON_FIELDS)
        own = wide.select("id", "prompt", answer=pl.col("answer").fill_null(""), info=info)
        return Converted(own, self.repeated(wide))

    def repeated(self, wide: pl.DataFrame) -> pl.Series:
        """Why a row is no task of its own: its prompt and tools are those of an earlier row; null where they are not."""
        key = object_of({"prompt": (pl.col("prompt"), MESSAGES), "tools": (pl.col("tools"), pl.String())})
        hashes = wide.select(key.hash(seed=0).alias("hash"))["hash"]
        again = hashes.is_in(self.seen.implode()) | ~hashes.is_first_distinct()
        self.seen = pl.concat([self.seen, hashes.filter(~again)])
        return pl.select(pl.when(again).then(pl.lit("another row is the task of this prompt"))).to_series()


def seeds(files: list[Path], fields: tuple[str, ...]) -> pl.DataFrame:
    """`id` and KINDS of the rows of a table that people brought."""
    scan = pl.scan_parquet(files)
    held = scan.collect_schema()
    wanted = [
        (pl.col(name) if name in fields and name in held else pl.lit(None)).cast(kind).alias(name)
        for name, kind in KINDS.items()
    ]
    return scan.select("id", *wanted).collect()
