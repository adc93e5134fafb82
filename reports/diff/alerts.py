"""What to look at first: what the checks, the causes and the gates say, ranked by severity and then by size."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from reports.diff.checks import CHECKS, FIRST, rows
from reports.diff.model import SEVERITIES, Alert, Diff, Severity


def rank_alerts(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """The alerts by severity, then size, then text. Once causes are known, the bare list of changes is left out."""
    listed = list(alerts)
    if any(alert.kind == "cause" for alert in listed):
        listed = [alert for alert in listed if alert.kind != "change"]
    order = {severity: place for place, severity in enumerate(SEVERITIES)}
    return tuple(sorted(listed, key=lambda alert: (order[alert.severity], -alert.rank_key, alert.kind, alert.text)))


def with_alerts(diff: Diff) -> Diff:
    """The diff with the alerts that its checks give, and its causes and gates where it has these."""
    found = [alert for check in (*CHECKS, cause_alerts, gate_alerts) for alert in check(diff)]
    return replace(diff, alerts=rank_alerts(found))


def cause_alerts(diff: Diff) -> Iterator[Alert]:
    """What rows of D and P were charged to, a line a cause; edited source rows of one file are one line."""
    causes = sorted(diff.why.causes, key=group_of) if diff.why is not None else []
    for (kind, unit), group in groupby(causes, key=group_of):
        listed = list(group)
        count = sum(cause.rows for cause in listed)
        if not count:
            continue
        first = listed[0].change
        what = first.text if len(listed) == 1 else f"{len(listed):,} source rows of {unit} differ"
        severity: Severity = "medium" if kind == "churn" else "high"
        text = f"{what}: {rows(count)} ({', '.join(counted(listed))})"
        yield Alert(severity, text, "cause", FIRST + count, cause=first.name if len(listed) == 1 else unit)


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


def gate_alerts(diff: Diff) -> Iterator[Alert]:
    """Gates that fail or warn."""
    for result in diff.gates or ():
        if result.status in ("fail", "warn"):
            severity: Severity = "high" if result.status == "fail" else "medium"
            yield Alert(severity, f"gate {result.name}: {result.note or result.status}", "gate", 800)
