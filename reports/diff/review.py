"""A diff with all that stands beside it: causes, gates, the price, metrics. Each comes from its own part of reports/."""

from dataclasses import replace
from datetime import date

import duckdb

from reports.diff.alerts import with_alerts
from reports.diff.build import SAMPLES, build_diff
from reports.diff.model import Diff
from reports.versions.database import connect, interruptible
from reports.versions.objects import MissingObject
from reports.versions.version import Version

GATES = "reports/gates.yaml"


@interruptible()
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
    if diff.missing:  # a review that leaves something out would be taken for a whole one
        raise MissingObject("; ".join(diff.notes))
    why = None if diff.notes else charge(diff, replay=prove, database=database)
    gates = check(old, new, day).results if new.text(GATES) is not None else ()
    diff = replace(diff, why=why, gates=gates, price=price(old, new), metrics=metric_lines(old, new))
    return with_alerts(diff)


def with_causes(diff: Diff, database: duckdb.DuckDBPyConnection, prove: bool = False) -> Diff:
    """The diff with the causes of its rows, its alerts ranked with them; without where a table that would tell is missing."""
    from reports.causes.charge import charge

    if diff.notes:
        return diff
    try:
        why = charge(diff, replay=prove, database=database)
    except MissingObject as error:  # of a table that is equal in both
        return replace(diff, notes=(f"no causes are named: {error}",))
    return with_alerts(replace(diff, why=why))
