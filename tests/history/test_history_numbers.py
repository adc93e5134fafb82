"""What history derives: which stages are of one data version, axes, runs, intervals from counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.grading.intervals import wilson
from cultivar.runlog.freshness import LockedStage, locked_stages, outdated
from reports.history.formats import change_text, value_text
from reports.history.lines import axis_marks, runs
from reports.history.measures import (
    Measured,
    default_measures,
    judge_agreement,
    measure_of,
    measured_at,
    quarantine_share,
)
from reports.history.rows import RowChange
from reports.history.timeline import parsed

LOCK = """schema: '2.0'
stages:
  a:
    cmd: python -m a
    params:
      params.yaml:
        a.deps: 1
    outs:
    - path: x
      hash: md5
      md5: '1'
      size: 5
  b@one:
    cmd: python -m b
    deps:
    - path: x
      hash: md5
      md5: '1'
    outs:
    - path: y
      hash: md5
      md5: '2'
"""


def test_deps_and_outs_of_a_lock_are_read():
    assert locked_stages(LOCK) == {
        "a": LockedStage({}, {"x": "1"}),
        "b@one": LockedStage({"x": "1"}, {"y": "2"}),
    }


def test_what_was_run_on_other_inputs_is_outdated_with_all_after_it():
    chain = {
        "c": LockedStage({"y": "2"}, {"z": "3"}),  # before what it reads, as dvc.lock may have it
        "a": LockedStage({"seed": "0"}, {"x": "1"}),
        "b": LockedStage({"x": "1"}, {"y": "2"}),
        "alone": LockedStage({"seed": "9"}, {"w": "4"}),
    }
    assert outdated(chain) == set()
    chain["a"].outs["x"] = "5"
    assert outdated(chain) == {"b", "c"}


def test_an_interval_is_the_recorded_one_or_follows_from_the_trials():
    metrics = {"reward": {"heldout_accuracy": 0.8, "heldout_pairs": 50}, "e": {"x": 0.5, "x_low": 0.4, "x_high": 0.6}}
    assert measured_at(metrics, "reward:heldout_accuracy") == Measured(0.8, *wilson(40, 50))
    assert measured_at(metrics, "e:x") == Measured(0.5, 0.4, 0.6)
    assert measured_at(metrics, "e:y") is None and measured_at({"e": {"x": True}}, "e:x") is None


def test_quarantine_and_agreement_are_over_all_stages_and_judges():
    rows = {"rows": {"in": 30, "quarantined": 1}}
    assert quarantine_share({"a": rows, "b": {"rows": {"in": 10, "quarantined": 3}}, "c": {}}) == Measured(0.1)
    assert quarantine_share({}) is None
    judges = {"one": {"swap_agreement": 0.5}, "two": {"swap_agreement": 1.0}, "three": {}}
    assert judge_agreement({"rank": {"judges": judges}}) == Measured(0.75)
    assert judge_agreement({"rank": {"judges": {}}}) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "x", None, True, [1], {"a": {}}])
def test_what_is_no_number_is_none(value):
    metrics = {
        "rank": {"judges": value, "rows": {"in": value, "quarantined": value}},
        "reward": {"heldout_pairs": value},
    }
    assert quarantine_share(metrics) is None and judge_agreement(metrics) is None
    metrics["rank"] = {"judges": {"one": value, "two": {"swap_agreement": value}}, "rows": value}
    metrics["reward"]["heldout_accuracy"] = 2
    assert quarantine_share(metrics) is None and judge_agreement(metrics) is None
    assert measured_at(metrics, "reward:heldout_accuracy") == Measured(2.0)
    assert measured_at({"f": {"v": value}}, "f:v") is None


def test_a_file_deeper_than_python_reads_is_no_metrics():
    assert parsed(b"[" * 100_000) is None


def test_the_default_measures_are_of_the_last_model():
    graph = {"stages": {"evaluate": {"matrix": {"model": ["sft", "dpo"]}}}}
    known = ["evaluate/sft:m_sampled", "evaluate/dpo:m_sampled", "evaluate/dpo:m_greedy", "reward:heldout_accuracy"]
    names = [measure.address for measure in default_measures(graph, known)]
    assert names == ["evaluate/dpo:m_sampled", "reward:heldout_accuracy", "judge_agreement", "quarantine_share"]


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_marks_enclose_the_range_with_few_round_numbers(low, span):
    marks = axis_marks(low, low + span)
    assert marks == sorted(set(marks)) and 2 <= len(marks) <= 7
    slack = 1e-6 * max(1, abs(low), abs(low + span))
    assert marks[0] <= low + slack and low + span <= marks[-1] + slack


def test_a_missing_value_ends_a_run():
    one = Measured(1.0)
    assert runs([None, one, one, None, one]) == [[(1, one), (2, one)], [(4, one)]]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (None, "–"),
        (RowChange(-1204), "net −1,204"),
        (RowChange(0, 0, 0, 0), "="),
        (RowChange(1, 2, 1, 0), "+2 −1"),
        (RowChange(0, 0, 0, 3), "~3"),
    ],
)
def test_a_change_in_a_cell(change, text):
    assert change_text(change) == text


def test_a_value_in_a_cell():
    share = value_text(Measured(0.614, 0.562, 0.662), measure_of("e:x_sampled"))
    assert share.replace("\xa0", " ") == "61.4 % (56–66)"
    assert value_text(Measured(0.614, 0.562, 0.662), measure_of("e:x")) == "0.614 (0.562–0.662)"
    assert value_text(None, measure_of("e:x")) == "–"
