"""Which of several changes at one stage a row bears the marks of: its role, prompt, rule, domain, verdicts, tags.

What of the request differs tells a prompt from a role: the engine's label, the role's name, the strategy of the prompt.
This is a reading of signs; a replay decides where one can be made.
"""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from reports.causes.change import KINDS, Change
from reports.causes.deltas import Tables
from reports.causes.stages import DataStage
from reports.diff.model import Diff
from reports.versions.database import parquet
from reports.versions.version import Version
from schemas.conversations import text_of
from stages.annotation.rankings import item_hash

CERTAIN, LIKELY, POSSIBLE = 8.0, 4.0, 2.0
CANDIDATES = "data/candidates.parquet"
RANKED = (
    "data/rankings.parquet",
    "data/edited.parquet",
    "data/annotation_demonstrations.parquet",
    "data/annotation_preferences.parquet",
)
"""Tables of stage `rank`; D's and P's rows name their prompt among their parents, a ranking its candidates."""


def choose(rows: pl.DataFrame, own: Mapping[int, Change], diff: Diff, tables: Tables, stage: DataStage) -> pl.Series:
    """The place of the likeliest change for each row. `rows`: `id`, `kind`, `columns`, `rule` and the columns of EVIDENCE."""
    weights = pl.DataFrame(
        {
            str(place): weigh(rows, change, diff, tables, stage) - KINDS.index(change.kind) / 1000 - number / 1e6
            for number, (place, change) in enumerate(own.items())
        }
    )
    places = pl.Series(list(own), dtype=pl.Int64)
    best = weights.select(pl.concat_list(pl.all()).list.arg_max()).to_series()
    return places.gather(best)


def weigh(rows: pl.DataFrame, change: Change, diff: Diff, tables: Tables, stage: DataStage) -> pl.Series:
    """How much speaks for a change in each row."""
    nothing = pl.lit(0.0)
    match change.kind:
        case "prompt":
            expression = column_is(rows, "response_strategy", [PurePosixPath(change.name).stem], CERTAIN) + 0.5
        case "model":
            role = change.name.split(".")[1]
            labels = [label_of(version, role) for version in (diff.old, diff.new)]
            expression = column_is(rows, "role", [role], LIKELY) + column_is(rows, "engine", labels, LIKELY)
        case "parameter" if change.name.startswith("roles."):
            expression = column_is(rows, "role", [change.name.split(".")[1]], LIKELY)
        case "parameter":
            expression = weigh_parameter(rows, change)
        case "human":
            return weigh_human(rows, change, diff, tables, stage)
        case _:
            expression = nothing
    return rows.select((expression + pl.lit(0.0) * pl.int_range(pl.len())).cast(pl.Float64).alias("weight"))["weight"]


def weigh_parameter(rows: pl.DataFrame, change: Change) -> pl.Expr:
    """Words of the key in the rule that removed the row; a value of the row in the key; the column in the key."""
    parts = change.name.split(".")
    words = key_words(change.name)
    expression: Any = pl.lit(0.0)
    if "rule" in rows.columns and words:
        for word in words:
            expression = (
                expression + pl.col("rule").fill_null("").str.contains(word, literal=True).cast(pl.Float64) * POSSIBLE
            )
    for column in ("domain", "strategy"):
        expression = expression + column_is(rows, column, [parts[-1]], POSSIBLE)
    touched = pl.col("columns").list.eval(pl.element().str.contains("|".join(words) or "^$")).list.any()
    expression = expression + touched.fill_null(False).cast(pl.Float64) * POSSIBLE
    if "heldout" in change.name:
        expression = expression + pl.col("columns").list.contains("split").fill_null(False).cast(pl.Float64) * LIKELY
    return expression


def key_words(key: str) -> list[str]:
    """The words of a dotted key, without its section and without endings."""
    return [stem(word) for part in key.split(".")[1:] for word in re.findall(r"[a-z]{3,}", part)]


def stem(word: str) -> str:
    """A word without the endings that names of parameters and of rules do not share."""
    return re.sub(r"(imum|plete|pleteness|ness|s)$", "", word) or word


def column_is(rows: pl.DataFrame, column: str, values: list[str], weight: float) -> pl.Expr:
    """The weight where a column has one of these values; nothing where the table has no such column."""
    if column not in rows.columns:
        return pl.lit(0.0)
    return pl.col(column).is_in(values).fill_null(False).cast(pl.Float64) * weight


def label_of(version: Version, role: str) -> str:
    """What rows name as their engine that this role made."""
    spec = (version.params().get("roles") or {}).get(role) or {}
    return f"{spec.get('engine')}/{spec.get('model')}@{spec.get('revision') or 'none'}"


# ---------------------------------------------------------------- what people decided


def weigh_human(rows: pl.DataFrame, change: Change, diff: Diff, tables: Tables, stage: DataStage) -> pl.Series:
    """Rows whose ranking the annotator made, whose verdicts name the principle, whose tags the refinement concerns."""
    path, _, key = change.name.partition("#")
    if path.startswith("human/annotations"):
        judged = judged_prompts(rows, path, key, diff, tables)
        return rows.select(weight=pl.col("id").is_in(judged).cast(pl.Float64) * CERTAIN)["weight"]
    if "verdicts" in rows.columns and path.startswith("human/constitution"):
        named = verdict_details(rows, tables, stage)
        hit = named.filter(pl.col("detail").str.starts_with(f"{key},"))
        return rows.select(weight=pl.col("id").is_in(hit["id"].to_list()).cast(pl.Float64) * CERTAIN + 0.5)["weight"]
    if "tags" in rows.columns and path.startswith("human/ontology"):
        tag = key.split(" ", 1)[-1].lower()
        has = pl.col("tags").list.eval(pl.element().str.to_lowercase() == tag).list.any().fill_null(False)
        return rows.select(weight=has.cast(pl.Float64) * LIKELY + 0.5)["weight"]
    return pl.Series("weight", [0.5] * rows.height, dtype=pl.Float64)


def judged_prompts(rows: pl.DataFrame, path: str, uuid: str, diff: Diff, tables: Tables) -> list[str]:
    """Ids of the rows whose candidates are those that a line of rankings orders, in the version that has the line."""
    found: list[str] = []
    for version in (diff.old, diff.new):
        items = {one.get("item") for one in records_of(version.content(path)) if one.get("uuid") == uuid}
        if not items or CANDIDATES not in version.tables():
            continue
        edges = pl.concat([tables.parents(table, rows["id"]) for table in RANKED])
        tables.database.register("wanted", edges.select("parent").unique().to_arrow())
        try:
            query = (
                f"SELECT prompt_id, any_value(prompt) AS prompt, list(completion) AS texts "
                f"FROM {parquet(version.files(CANDIDATES))} WHERE prompt_id IN (SELECT parent FROM wanted) GROUP BY prompt_id"
            )
            groups = tables.database.sql(query).fetchall()
        finally:
            tables.database.unregister("wanted")
        judged = {
            prompt_id for prompt_id, turns, texts in groups if item_hash(text_of(turns), map(text_of, texts)) in items
        }
        found += edges.filter(pl.col("parent").is_in(judged))["id"].to_list()
    return sorted(set(found))


def records_of(content: bytes | None) -> list[dict[str, Any]]:
    """The lines of a file of rankings; none where they cannot be read."""
    try:
        return [json.loads(line) for line in (content or b"").split(b"\n") if line.strip()]
    except ValueError:
        return []


def verdict_details(rows: pl.DataFrame, tables: Tables, stage: DataStage) -> pl.DataFrame:
    """`id` of a row and `detail` of each of its verdicts."""
    pairs = rows.select("id", verdict="verdicts").explode("verdict").drop_nulls()
    table = f"data/{stage.name}_verdicts.parquet"
    details = tables.both(table, pairs["verdict"], ["detail"])
    if "detail" not in details.columns:
        return pl.DataFrame(schema={"id": pl.String(), "detail": pl.String()})
    return pairs.join(details.rename({"id": "verdict"}), on="verdict").select("id", "detail")
