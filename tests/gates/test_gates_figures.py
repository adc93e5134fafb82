"""Gates over figures: bounds, changes, noise, what is missing."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest
from made_versions import MadeVersion, checked, key, preferred, result_of, shown

from schemas.rows import EvaluatedItem
from schemas.table import polars_schema

Make = Callable[..., MadeVersion]
PATH = "evaluate/sft.math_greedy"


def statuses(new: MadeVersion, old: MadeVersion | None = None) -> list[str]:
    return [result.status for result in checked(new, old).results]


def items(correct: Sequence[bool | None]) -> pl.DataFrame:
    """Greedy completions of math items."""
    rows = [
        {
            "id": key(f"e{number}"),
            "parents": [key(f"item{number}")],
            "model": "sft",
            "task": "math",
            "sample": 0,
            "completion": "x",
            "correct": right,
            "reward": None,
            "kl": None,
            "completion_tokens": 1,
        }
        for number, right in enumerate(correct)
    ]
    return pl.DataFrame(rows, schema=polars_schema(EvaluatedItem))


def test_rows_are_counted_by_domain_those_wanted_whether_they_occur(make: Make) -> None:
    new = make().demonstrations(shown("1", "A."), shown("2", "B."), shown("3", "C.", domain="code"))
    count = "rule: rows, table: demonstrations"
    new.gates(f"{count}, min: 3", f"{count}, min: 4", f"{count}, by: domain, min: 1", f"{count}, by: domain, min: 2")
    assert statuses(new) == ["pass", "fail", "pass", "fail"]
    result = result_of(new.gates(f"{count}, by: domain, values: [general, math], min: 1"))
    assert (result.status, result.value, result.note) == ("fail", 0, "math, the worst of 2")


def test_rows_are_counted_by_language(make: Make) -> None:
    english = "The cat is on the table and the dog was with it in the house for a long time."
    german = "Die Katze ist auf dem Tisch und der Hund war mit ihr in dem Haus für eine lange Zeit."
    new = make().demonstrations(shown("1", english), shown("2", german), shown("3", "1 + 1"))
    new.gates("rule: rows, table: demonstrations, by: language, values: [en, de, undecided], min: 1")
    assert statuses(new) == ["pass"]


def test_a_domain_that_vanishes_has_fallen_to_nothing(make: Make) -> None:
    old = make("old").demonstrations(shown("1", "A."), shown("2", "B.", domain="code"))
    new = make().demonstrations(shown("1", "A.")).gates("rule: rows, table: demonstrations, by: domain, max_drop: 99 %")
    result = result_of(new, old)
    assert (result.status, result.value, result.base, result.note) == ("fail", 0, 1, "code, the worst of 2")


@pytest.mark.parametrize(("now", "status"), [(80, "pass"), (79, "fail"), (120, "pass"), (121, "fail")])
def test_a_relative_change_is_of_the_base(make: Make, now: int, status: str) -> None:
    old, new = make("old").metric("filter", kept=100), make().metric("filter", kept=now)
    assert statuses(new.gates("rule: metric, metric: filter.kept, max_drop: 20 %, max_growth: 20 %"), old) == [status]


@pytest.mark.parametrize(("now", "status"), [(0.60, "pass"), (0.599, "fail"), (0.9, "pass")])
def test_points_are_hundredths_of_a_share(make: Make, now: float, status: str) -> None:
    old, new = make("old").metric("reward", heldout_accuracy=0.62), make().metric("reward", heldout_accuracy=now)
    assert statuses(new.gates("rule: metric, metric: reward.heldout_accuracy, max_drop: 2 points"), old) == [status]


def test_the_share_of_a_value(make: Make) -> None:
    new = make().demonstrations(shown("1", "A.", simulated=True), shown("2", "B."))
    new.preferences(preferred("3", "C.", label_source="human"), preferred("4", "D."))
    simulated = "rule: share, column: simulated, value: true"
    new.gates(f"{simulated}, max: 25 %", f"{simulated}, max: 0.24", f"{simulated}, tables: [demonstrations], min: 50 %")
    assert statuses(new) == ["pass", "fail", "pass"]
    assert result_of(new.gates(f"{simulated}, max: 25 %")).note == "simulated"
    assert result_of(new.gates("rule: share, column: simulated, value: false, max: 100 %")).note == "not simulated"
    assert result_of(new.gates("rule: share, column: label_source, value: human, min: 0.25")).shown == "25.0 %"


def test_quarantine_is_a_share_of_the_rows_read_and_shows_them(make: Make) -> None:
    rows = {"id": [key("q")], "parents": [[]], "stage": ["tag"], "error": ["length"], "source": [""], "raw": ["so"]}
    new = make().metric("tag", rows={"in": 20, "quarantined": 1}).metric("rank", rows={"in": 100, "quarantined": 1})
    new.table("quarantine/tag", pl.DataFrame(rows))
    assert statuses(new.gates("rule: quarantine, max: 5 %", "rule: quarantine, stage: rank, max: 1 %")) == ["pass"] * 2
    result = result_of(new.gates("rule: quarantine, max: 4.9 %"))
    assert (result.status, result.note) == ("fail", "tag, the worst of 2")
    assert [(row.id, row.what, row.text) for row in result.rows] == [(key("q"), "length", "so")]


def test_lost_answers_are_a_share_of_the_requests_of_a_role(make: Make) -> None:
    new = make().metric("rank", asked_judge={"requests": 40, "errors": 1}, asked_teacher={"requests": 40, "errors": 2})
    assert statuses(new.gates("rule: lost_answers, max: 5 %", "rule: lost_answers, max: 4 %")) == ["pass", "fail"]
    assert result_of(new.gates("rule: lost_answers, max: 4 %")).note == "rank, teacher, the worst of 2"


def test_what_a_rule_drops_is_counted_for_each_row_read(make: Make) -> None:
    new = make().metric("filter", rows={"in": 4}, dropped_by_rule={"exact_duplicate": 1, "evaluation_overlap": 6})
    drops = {"id": [key("d"), key("e")], "rule": ["evaluation overlap", "exact duplicate"], "detail": ["item 7", ""]}
    new.table("dropped/filter", pl.DataFrame(drops))
    overlap = "rule: dropped, stage: filter, reason: evaluation overlap"
    absent = "rule: dropped, stage: filter, reason: no such rule"
    assert statuses(new.gates(f"{overlap}, max: 1.5", f"{absent}, max: 0")) == ["pass", "pass"]
    result = result_of(new.gates(f"{overlap}, max: 1.4"))
    assert (result.status, [row.id for row in result.rows], result.rows[0].text) == ("fail", [key("d")], "item 7")


def test_a_pattern_takes_the_worst_metric(make: Make) -> None:
    new = make().metric("rank", judges={"one": {"swap_agreement": 0.9}, "two": {"swap_agreement": 0.6}})
    gate = "rule: metric, metric: rank.judges.*.swap_agreement"
    assert statuses(new.gates(f"{gate}, min: 0.6", f"{gate}, min: 0.61", f"{gate}, max: 0.89")) == [
        "pass",
        "fail",
        "fail",
    ]
    assert result_of(new.gates(f"{gate}, min: 0.61")).note == "rank.judges.two.swap_agreement, the worst of 2"


@pytest.mark.parametrize(("trained_on", "status"), [("p", "pass"), ("before", "unknown")])
def test_a_figure_of_earlier_data_is_none_of_this_version(make: Make, trained_on: str, status: str) -> None:
    new = make().reward_of(trained_on).gates("rule: metric, metric: reward.heldout_accuracy, min: 60 %")
    result = result_of(new)
    assert result.status == status
    assert ("reward ran on earlier data; `dvc repro` measures anew" in result.note) == (status == "unknown")


def test_an_end_of_the_interval_can_be_bounded(make: Make) -> None:
    new = make().metric("evaluate/sft", math_greedy=0.6, math_greedy_low=0.5, math_greedy_high=0.7)
    gate = f"rule: metric, metric: {PATH}"
    new.gates(f"{gate}, bound: low, min: 0.5", f"{gate}, bound: low, min: 0.51", f"{gate}, bound: high, max: 0.69")
    assert statuses(new) == ["pass", "fail", "fail"]


@pytest.mark.parametrize(
    ("right_now", "within", "status"),
    [(19, "warn", "warn"), (19, "pass", "pass"), (19, "fail", "fail"), (5, "pass", "fail"), (20, "fail", "pass")],
)
def test_a_fall_within_the_noise_of_the_items_is_told_apart(
    make: Make, right_now: int, within: str, status: str
) -> None:
    old = make("old").metric("evaluate/sft", math_greedy=0.5).table("evaluated/sft", items([True] * 20 + [False] * 20))
    new = make().metric("evaluate/sft", math_greedy=right_now / 40)
    new.table("evaluated/sft", items([True] * right_now + [False] * (40 - right_now)))
    new.gates(f"rule: metric, metric: {PATH}, max_drop: 1 points, within_noise: {within}")
    result = result_of(new, old)
    assert result.status == status
    assert ("within noise" in result.note and "paired, 40 items" in result.note) == (right_now == 19)


def test_a_gate_that_only_warns_never_fails(make: Make) -> None:
    new = make().metric("reward", heldout_accuracy=0.1)
    assert statuses(new.gates("rule: metric, metric: reward.heldout_accuracy, min: 0.5, severity: warn")) == ["warn"]


@pytest.mark.parametrize(
    ("word", "status"), [("unknown", "unknown"), ("fail", "fail"), ("warn", "warn"), ("pass", "pass")]
)
def test_a_missing_figure_is_unknown_and_means_what_the_gate_says(make: Make, word: str, status: str) -> None:
    old = make("old").metric("reward", heldout_accuracy=0.7)
    gate = f"rule: metric, metric: reward.heldout_accuracy, unknown: {word}"
    new = make().metric("filter", kept=1).gates(f"{gate}, min: 0.5")
    result = result_of(new, old)
    assert (result.status, result.value, "unknown" in result.note) == (status, None, True)


def test_without_a_base_a_change_is_unknown_and_a_bound_is_not(make: Make) -> None:
    gate = "rule: metric, metric: reward.heldout_accuracy, max_drop: 1 points"
    new = make().metric("reward", heldout_accuracy=0.7).gates(gate, f"{gate}, min: 0.7", f"{gate}, min: 0.71")
    assert statuses(new) == ["unknown", "pass", "fail"]


def test_one_metric_of_several_that_is_gone_is_unknown(make: Make) -> None:
    old = make("old").metric("rank", judges={"one": {"swap": 0.9}, "two": {"swap": 0.9}})
    new = (
        make().metric("rank", judges={"one": {"swap": 0.9}}).gates("rule: metric, metric: rank.judges.*.swap, min: 0.1")
    )
    result = result_of(new, old)
    assert result.status == "unknown" and "rank.judges.two.swap" in result.note
