"""Classes and alerts: what is planted comes first, each rule on either side of its bound."""

from dataclasses import replace

import polars as pl
import pytest

from reports.diff.alerts import rank_alerts, with_alerts
from reports.diff.levels import class_shares, level_of
from reports.diff.model import (
    Alert,
    ColumnChange,
    Diff,
    Distribution,
    FileChange,
    ParamChange,
    Samples,
    SchemaDiff,
    Shift,
    Summary,
    TableDiff,
)  # fmt: skip
from reports.diff.rows import IDS
from reports.versions.version import Version

D, P = "data/demonstrations.parquet", "data/preferences.parquet"
NONE = TableDiff(
    D, 1000, 1000, 0, 0, 0, 0, 1000, 0, SchemaDiff(), {}, (), (), Samples(), pl.DataFrame(schema=IDS)
)  # fmt: skip
SCHEMA = SchemaDiff((ColumnChange("votes", None, "BIGINT"),))


def alerts(*tables, changes=()):
    diff = Diff(Version("a"), Version("b"), tables, (), (), "neutral", (), changes)
    return with_alerts(diff).alerts


def first(*tables, changes=()):
    return [(alert.severity, alert.kind) for alert in alerts(*tables, changes=changes)]


@pytest.mark.parametrize(
    ("table", "level"),
    [
        (NONE, "neutral"),
        (replace(NONE, moved=3, unchanged=997), "neutral"),
        (replace(NONE, added=1), "additive"),
        (replace(NONE, added=1, removed=1), "breaking"),
        (replace(NONE, changed=1), "breaking"),
        (replace(NONE, schema=SCHEMA), "breaking"),
        (replace(NONE, added=1000, is_new=True), "additive"),
        (replace(NONE, is_gone=True), "breaking"),
    ],
)
def test_a_change_set_is_as_grave_as_what_it_does_to_rows(table, level):
    assert level_of([table]) == level


def test_class_shares_are_of_the_rows_of_both_versions():
    table = replace(NONE, rows_new=1010, added=20, removed=10, changed=30, unchanged=960)
    assert [(one.level, one.rows) for one in class_shares([table])] == [
        ("neutral", 960),
        ("additive", 20),
        ("breaking", 40),
    ]
    assert sum(one.share for one in class_shares([table])) == pytest.approx(1)


@pytest.mark.parametrize(("removed", "severity"), [(50, "high"), (49, "medium"), (5, "medium"), (4, "low")])
def test_removed_rows_weigh_by_their_share(removed, severity):
    assert first(replace(NONE, removed=removed)) == [(severity, "removed")]


@pytest.mark.parametrize(
    ("shift", "found"),
    [
        (Shift("tags", "math", 0.10, 0.151, 100, 151), [("high", "share")]),
        (Shift("tags", "math", 0.10, 0.13, 100, 130), [("medium", "share")]),
        (Shift("tags", "math", 0.10, 0.105, 100, 105), []),
        (Shift("label_source", "human", 0.10, 0.126, 100, 126), [("high", "share")]),
        (Shift("license", "CC-BY-NC-4.0", 0.0, 0.001, 0, 1), [("high", "license")]),
        (Shift("domain", "safety", 0.004, 0.0, 4, 0), [("high", "vanished")]),
        (Shift("tags", "rare", 0.004, 0.0, 4, 0), []),
        (Shift("role", "small", 0.1, 0.9, 100, 900), []),
    ],
)
def test_what_d_is_made_of(shift, found):
    assert first(replace(NONE, shifts=(shift,))) == found


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (10, 25, [("high", "ended")]),
        (10, 15, [("medium", "ended")]),
        (10, 13, []),
        (0, 1, [("low", "ended")]),
        (9, 4, []),
    ],
)
def test_a_rule_that_drops_far_more_than_before(old, new, found):
    shift = Shift("rule", "too long", 1, 1, old, new)
    assert first(replace(NONE, table="data/dropped/filter.parquet", shifts=(shift,))) == found


@pytest.mark.parametrize(
    ("mean", "found"),
    [(1.04, []), (1.06, [("low", "number")]), (1.16, [("medium", "number")]), (0.69, [("high", "number")])],
)
def test_numbers_that_shift(mean, found):
    old, new = Summary(9, 1.0, 1.0, 1.0), Summary(9, mean, 1.0, 1.0)
    assert first(replace(NONE, distributions=(Distribution("margin", "", old, new, (0, 1), (9,), (9,)),))) == found


def test_leaks_duplicates_and_schema():
    overlaps = replace(NONE, table="data/overlaps.parquet", shifts=(Shift("removed", "yes", 0.1, 0.2, 2, 4),))
    assert first(overlaps) == [("medium", "leak")]
    assert first(replace(NONE, duplicates=(0, 2))) == [("high", "duplicate")]
    assert first(replace(NONE, schema=SCHEMA)) == [("high", "schema")]
    assert first(replace(NONE, table="data/candidates.parquet", schema=SCHEMA)) == [("medium", "schema")]


def test_a_few_edits_come_first_and_many_do_not_hide_what_they_did():
    grave = replace(NONE, removed=500, schema=SCHEMA)
    few = tuple(ParamChange(f"filter.p{number}", 1, 2) for number in range(3))
    assert [kind for _, kind in first(grave, changes=few)][:3] == ["change"] * 3
    many = tuple(FileChange(f"prompts/{number}.jinja", "edited") for number in range(9))
    assert [kind for _, kind in first(grave, changes=many)][:2] == ["schema", "removed"]


def test_causes_stand_in_the_place_of_bare_changes():
    cause, change = Alert("high", "prompt p", "cause", 1001, "p"), Alert("high", "p edited", "change", 1000)
    removed = Alert("high", "rows", "removed", 9)
    assert rank_alerts([removed, change, cause]) == (cause, removed)
