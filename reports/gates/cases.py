"""Gates over figures: each rule gives the figures that a gate bounds, one case a domain, stage or metric.

A case says how to find the rows behind its figure, for a gate that fails to show.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import polars as pl

from reports.gates.declared import (
    CountGate,
    DroppedGate,
    Gate,
    LostAnswerGate,
    MetricGate,
    QuarantineGate,
    ShareGate,
)
from reports.gates.metrics import flat_metrics
from reports.gates.products import Products

Labels = tuple[tuple[str, str], ...]
"""What tells the cases of a gate apart: (("stage", "rank"),)."""
RowSource = Callable[[], pl.DataFrame]
"""Rows of a case: `table`, `id`, `what`, and `text` where the table has it."""


@dataclass(frozen=True)
class Case:
    """One figure of a version. `low` and `high` are its interval, `name` the metric that it is (with a noise band)."""

    value: float
    low: float | None = None
    high: float | None = None
    name: str = ""
    rows: RowSource | None = field(default=None, compare=False)


Cases = dict[Labels, Case]


def count_rows(products: Products, gate: CountGate) -> Cases | None:
    """Rows by the values of a column."""
    if not products.has(gate.table):
        return None
    if not gate.by:
        return {(): Case(products.height([gate.table]))}
    counts = dict(column_of(products, gate.table, gate.by).value_counts().iter_rows())
    wanted = gate.values or sorted(counts)
    return {((gate.by, value),): Case(counts.get(value, 0)) for value in wanted}


def share_of_rows(products: Products, gate: ShareGate) -> Cases | None:
    """The share of rows that have a value."""
    if not products.has(*gate.tables):
        return None
    columns = [column_of(products, name, gate.column) for name in gate.tables]
    total = sum(map(len, columns))
    if not total:
        return {}
    found = sum(int((column == gate.value).sum()) for column in columns)
    return {((gate.column, str(gate.value)),): Case(found / total)}


def column_of(products: Products, name: str, column: str) -> pl.Series:
    return products.languages(name)["language"] if column == "language" else products.labels(name)[column]


def quarantined(products: Products, gate: QuarantineGate) -> Cases:
    """The share of rows read that each stage quarantined."""
    found: Cases = {}
    for stage, content in stages(products, gate.stage):
        rows = content.get("rows")
        if isinstance(rows, dict) and rows.get("in"):
            value = rows.get("quarantined", 0) / rows["in"]
            found[(("stage", stage),)] = Case(value, rows=quarantine_rows(products, stage))
    return found


def lost_answers(products: Products, gate: LostAnswerGate) -> Cases:
    """The share of requests without an answer, by stage and role."""
    found: Cases = {}
    for stage, content in stages(products, gate.stage):
        for key, asked in sorted(content.items()):
            if key.startswith("asked_") and isinstance(asked, dict) and asked.get("requests"):
                labels = (("stage", stage), ("role", key.removeprefix("asked_")))
                value = asked.get("errors", 0) / asked["requests"]
                found[labels] = Case(value, rows=quarantine_rows(products, stage))
    return found


def dropped_rows(products: Products, gate: DroppedGate) -> Cases:
    """Rows that each rule of a stage dropped, for each row read."""
    found: Cases = {}
    for stage, content in stages(products, gate.stage):
        rows, by_rule = content.get("rows"), content.get("dropped_by_rule")
        if not (isinstance(rows, dict) and rows.get("in") and isinstance(by_rule, dict)):
            continue
        wanted = gate.reason.replace(" ", "_")
        counts = {rule: count for rule, count in sorted(by_rule.items()) if fnmatchcase(rule, wanted)}
        if not counts and "*" not in wanted:
            counts = {wanted: 0}  # a rule that drops nothing is not listed
        for rule, count in counts.items():
            labels = (("stage", stage), ("reason", rule.replace("_", " ")))
            found[labels] = Case(count / rows["in"], rows=drop_rows(products, stage, rule))
    return found


def stages(products: Products, wanted: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    metrics = products.version.measured()
    return ((stage, metrics[stage]) for stage in sorted(metrics) if fnmatchcase(stage, wanted))


def quarantine_rows(products: Products, stage: str) -> RowSource:
    def read() -> pl.DataFrame:
        name = f"quarantine/{stage}"
        if not products.has(name):
            return pl.DataFrame()
        rows = products.read(name, ["id", "error", "raw"]).sort("id")
        return rows.select("id", table=pl.lit(f"data/{name}.parquet"), what="error", text="raw")

    return read


def drop_rows(products: Products, stage: str, rule: str) -> RowSource:
    def read() -> pl.DataFrame:
        name = f"dropped/{stage}"
        if not products.has(name):
            return pl.DataFrame()
        rows = products.read(name, ["id", "rule", "detail"]).sort("id")
        chosen = rows.filter(pl.col("rule").str.replace_all(" ", "_") == rule)
        return chosen.select("id", table=pl.lit(f"data/{name}.parquet"), what="rule", text="detail")

    return read


def metric_values(products: Products, gate: MetricGate) -> Cases:
    """The metrics that a pattern names; `*` stands for one name between two points."""
    values = flat_metrics(products.version.measured())
    wanted = gate.metric.split(".")
    found: Cases = {}
    for name, value in sorted(values.items()):
        parts = name.split(".")
        if len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted)):
            low, high = values.get(f"{name}_low"), values.get(f"{name}_high")
            bounded = {"value": value, "low": low, "high": high}[gate.bound]
            if bounded is not None:
                found[(("metric", name),)] = Case(bounded, low, high, name)
    return found


CASE_RULES: dict[str, Callable[[Products, Any], Cases | None]] = {
    "rows": count_rows,
    "share": share_of_rows,
    "quarantine": quarantined,
    "lost_answers": lost_answers,
    "dropped": dropped_rows,
    "metric": metric_values,
}


def find_cases(products: Products, gate: Gate) -> Cases | None:
    """The figures of a gate; None or empty where the version has none. Raises MissingObject."""
    rule: str = gate.rule  # type: ignore[attr-defined]
    return CASE_RULES[rule](products, gate)
