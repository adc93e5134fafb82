"""A diff with all that stands beside it: causes, gates, the price, metrics. Each comes from its own part of reports/."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from reports.diff.alerts import FIRST, rows, with_alerts
from reports.diff.build import SAMPLES, build_diff
from reports.diff.model import Alert, Diff, Severity
from reports.versions.database import connect
from reports.versions.version import Version


def review(old: Version, new: Version, *, day: date, samples: int = SAMPLES, prove: bool = False) -> Diff:
    """The diff with causes, gates, price and metrics, its alerts ranked with these.

    `prove`: apply the changes alone where that is cheap. `day`: waivers of gates count on it. Raises MissingObject, UserError.
    """
    # they read reports.diff.model; imported here, so that the rows alone need none of them
    from reports.causes.charge import charge
    from reports.gates.check import check
    from reports.gates.metrics import metric_lines
    from reports.gates.price import price

    database = connect()
    diff = build_diff(old, new, database=database, samples=samples)
    why = charge(diff, replay=prove, database=database)
    checked = check(old, new, day)
    diff = replace(diff, why=why, gates=checked.results, price=price(old, new), metrics=metric_lines(old, new))
    return with_alerts(diff, [*cause_alerts(diff), *gate_alerts(checked.results)])


def with_causes(diff: Diff, database: duckdb.DuckDBPyConnection, prove: bool = False) -> Diff:
    """The diff with the causes of its rows, its alerts ranked with them."""
    from reports.causes.charge import charge

    diff = replace(diff, why=charge(diff, replay=prove, database=database))
    return with_alerts(diff, cause_alerts(diff))


def cause_alerts(diff: Diff) -> Iterator[Alert]:
    """What rows of D and P were charged to, a line a cause; edited source rows of one file are one line."""
    causes = sorted(diff.why.causes, key=group_of)
    for (kind, unit), group in groupby(causes, key=group_of):
        listed = list(group)
        count = sum(cause.rows for cause in listed)
        if not count:
            continue
        first = listed[0].change
        what = first.text if len(listed) == 1 else f"{len(listed):,} rows of {unit}"
        severity: Severity = "medium" if kind == "churn" else "high"
        text = f"{what}: {rows(count)} ({', '.join(counted(listed))})"
        yield Alert(severity, text, "cause", FIRST + count, cause=first.name)


def group_of(cause: Any) -> tuple[str, str]:
    """Source rows by their file, every other cause by itself."""
    change = cause.change
    return change.kind, change.lines.path if change.kind == "source row" and change.lines else change.name


def counted(causes: Iterable[Any]) -> Iterator[str]:
    """D: 3 added, 2 changed; P: 1 removed."""
    totals: dict[tuple[str, str], int] = {}
    for cause in causes:
        for product, counts in cause.counts.items():
            for kind in ("added", "changed", "removed"):
                totals[product, kind] = totals.get((product, kind), 0) + getattr(counts, kind)
    for product in sorted({product for product, _ in totals}):
        parts = [
            f"{totals[product, kind]:,} {kind}"
            for kind in ("added", "changed", "removed")
            if totals.get((product, kind))
        ]
        if parts:
            yield f"{product}: {', '.join(parts)}"


def gate_alerts(results: Iterable[Any]) -> Iterator[Alert]:
    """Gates that fail or warn."""
    for result in results:
        if result.status in ("fail", "warn"):
            severity: Severity = "high" if result.status == "fail" else "medium"
            yield Alert(severity, f"gate {result.name}: {result.note or result.status}", "gate", 800)
