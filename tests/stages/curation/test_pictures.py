"""The pictures of the datasheet and the report: what is drawn is what was counted."""

from collections import Counter

import polars as pl
import pytest

from schemas.ids import content_id
from schemas.rows import EvaluatedItem, EvaluationItem
from schemas.table import Context
from stages.review.answers import side_by_side
from stages.review.charts import bar_chart, histogram
from stages.review.composition import OTHERS, SHOWN, binned, joined, judge_and_people
from stages.review.flow import DROPPED, FILTERED, LEFT_OUT, QUARANTINED, Band, flow_chart, flow_of, stack

MEASURED = {
    "ingest": {"rows_by_source": {"own": {"problems": 4, "instructions": 2}, "held": {"evaluation": 9}}},
    "rejection": {"out": {"rejection_demonstrations": 5, "rejection_preferences": 3, "dropped": 7, "quarantine": 1}},
    "filter": {"kept_by_strategy": {"rejection": 6}},
}
PRODUCTS = {"D": {"rejection": 3}, "P": {"rejection": 2}}


def test_rows_flow_from_sources_to_every_end():
    flow = flow_of(MEASURED, PRODUCTS)
    assert set(flow.sources) == {Band("own", "rejection", 4), Band("own", "annotation", 2)}
    ends = {"D": 3, "P": 2, DROPPED: 7, QUARANTINED: 1, FILTERED: 2, LEFT_OUT: 1}
    assert set(flow.ends) == {Band("rejection", end, rows) for end, rows in ends.items()}
    picture = flow_chart(flow)
    assert all(f"{end} {rows}" in picture for end, rows in ends.items()) and "own 6" in picture


def test_bands_fill_their_column_and_do_not_overlap():
    bands = [Band("a", "x", 10), Band("a", "y", 30), Band("b", "x", 60)]
    spans = stack(bands, 0, ["a", "b"], 300.0)
    assert spans[bands[-1]].bottom == pytest.approx(300.0)
    for first, second in zip(bands, bands[1:], strict=False):
        assert spans[first].bottom <= spans[second].top
    assert spans[bands[2]].bottom - spans[bands[2]].top > 1.9 * (spans[bands[1]].bottom - spans[bands[1]].top)


def test_no_rows_are_no_picture():
    assert flow_chart(flow_of({}, {"D": {}, "P": {}})) == ""


def test_rare_values_are_one_bar():
    many = Counter({f"tag {number:02}": 100 - number for number in range(SHOWN + 2)})
    shown = joined(many, Counter({"tag 00": 1}))
    assert len(shown) == SHOWN + 1 and shown[f"2 {OTHERS}"] == [100 - 12 + 100 - 13, 0] and shown["tag 00"] == [100, 1]
    assert len(joined(Counter({str(n): 1 for n in range(SHOWN + 1)}), Counter())) == SHOWN + 1
    assert ">101<" not in bar_chart(shown, ("D", "P"), 420, "share") and ">100<" in bar_chart(
        shown, ("D", "P"), 420, "x"
    )


def test_a_value_is_in_the_bin_that_begins_at_it():
    bins = binned([pl.Series([0, 3, 4, 7, 8]), pl.Series([100])], (0, 4, 8, 16))
    assert [(each.label, list(each.shares)) for each in bins] == [
        *(("0", [0.4, 0.0]), ("4", [0.4, 0.0]), ("8", [0.2, 0.0]), ("16+", [0.0, 1.0]))
    ]
    assert binned([pl.Series([], dtype=pl.Int64)], (0, 4))[0].shares == [0.0]
    assert histogram(bins, ("a", "b"), 420, 190, "words").count("<rect") == 8


@pytest.mark.parametrize(
    ("counts", "shown"),
    [({}, None), ({"prompts": 3, "same": 0, "other": 0, "undecided": 2}, None), ({"same": 3, "other": 1}, "75.0%")],
)
def test_judge_and_people_are_compared_where_both_decided(counts, shown):
    found = judge_and_people({"rank": {"judge_and_people": counts}}, 420)
    assert (found is None) if shown is None else shown in found["chart"]


def test_items_on_which_models_disagree_come_first():
    def answers(model: str, right: dict[str, bool | None]) -> Context:
        rows = [
            {"id": content_id("e", [model, item]), "parents": [content_id("i", item)], "model": model, "task": "math"}
            | {"sample": 0, "completion": f"{model} on {item}", "correct": correct, "completion_tokens": 1}
            for item, correct in right.items()
        ]
        return Context.of(EvaluatedItem, rows)

    items = [
        {"id": content_id("i", item), "source": "e", "license": "CC0-1.0", "task": "math", "prompt": f"{item}?" * 9}
        for item in "abcd"
    ]
    models = {
        "sft": answers("sft", {"a": True, "b": None, "c": False, "d": True}),
        "dpo": answers("dpo", {"a": True, "b": True, "c": True}),
    }
    (shown,) = side_by_side(models, Context.of(EvaluationItem, items), 1, 5)
    assert shown["id"] == content_id("i", "c") and shown["prompt"] == "c?c?…"
    assert [(one["model"], one["correct"]) for one in shown["given"]] == [("sft", False), ("dpo", True)]
    assert len(side_by_side(models, Context.of(EvaluationItem, items), 9, 5)) == 4
