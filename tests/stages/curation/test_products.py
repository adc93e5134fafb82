"""assemble, datasheet and report: caps and splits by prompt, nothing of the evaluation, pages that say what is true."""

import re
from pathlib import Path

import pytest
from schemas.checks import check
from test_filter import demonstration, preference

from cultivar.grading.intervals import wilson
from cultivar.runner.states import close
from schemas.ids import content_id
from schemas.rows import (
    Demonstration,
    EvaluatedItem,
    EvaluationItem,
    FinalDemonstration,
    FinalPreference,
    Preference,
    SeedResult,
)
from schemas.stage import Files
from schemas.table import Context, Table
from stages.curation.assemble import EvaluationLeak, assemble
from stages.curation.params import AssembleParams
from stages.review.charts import line_chart, ticks
from stages.review.datasheet import datasheet
from stages.review.params import DatasheetParams, ReportParams
from stages.review.report import report

ROOT = Path(__file__).parents[3]


def assembled(demonstrations, preferences=(), evaluation=(), **params):
    tables = {
        "filtered_demonstrations": Table.of(Demonstration, demonstrations),
        "filtered_preferences": Table.of(Preference, preferences),
    }
    items = [{"id": content_id("item", text), "source": "e:1", "license": "MIT", "task": "math", "prompt": text}
             for text in evaluation]  # fmt: skip
    made = assemble(**tables, evaluation=Context.of(EvaluationItem, items), params=AssembleParams(**params))
    for table in made[:3]:
        table.check()
    close("assemble", tables, dict(zip(made._fields[:3], made[:3], strict=True)))
    return made


def test_rows_of_one_prompt_share_a_split_and_a_new_row_moves_none():
    rows = [demonstration(f"Task {n}?", f"Answer {k}.") for n in range(200) for k in range(2)]
    pairs = [preference(f"Task {n}?", "Good.", "Bad.") for n in range(200)]
    made = assembled(rows, pairs, heldout_share=0.2)
    sides = {}
    for table in (made.demonstrations, made.preferences):
        for row in table:
            sides.setdefault(row.prompt[0].content, set()).add(row.split)
    assert all(len(side) == 1 for side in sides.values())
    assert 20 <= sum(side == {"heldout"} for side in sides.values()) <= 60
    more = assembled([*rows, demonstration("A new one?", "Yes.")], pairs, heldout_share=0.2)
    before = dict(made.demonstrations.frame.select("id", "split").iter_rows())
    after = dict(more.demonstrations.frame.select("id", "split").iter_rows())
    assert before.items() <= after.items()


def test_caps_margins_and_rows_per_prompt_are_named():
    rows = [demonstration("One?", f"Answer {k}.", score=k) for k in range(6)]
    rows += [demonstration(f"Task {n}?", "Yes.", domain="math") for n in range(5)]
    pair = preference("One?", "Good.", "Bad.")
    made = assembled(rows, [pair], per_prompt=2, max_per_domain={"math": 3}, min_margin={"annotation": 2.0})
    counts = dict(made.dropped.frame.group_by("rule").len().iter_rows())
    assert counts == {"rows per prompt": 4, "domain cap": 2, "margin below minimum": 1}
    kept = [row.completion[0].content for row in made.demonstrations if row.prompt[0].content == "One?"]
    assert sorted(kept) == ["Answer 4.", "Answer 5."]


def test_an_evaluation_prompt_stops_the_stage():
    with pytest.raises(EvaluationLeak, match=content_id("item", "Two  AND two?")):
        assembled([demonstration("Two and two?", "4.")], evaluation=["Two  AND two?"])


def evaluated(model, hits):
    rows = [
        {"id": content_id("evaluated", [model, n]), "parents": [content_id("item", n)], "model": model, "task": "math",
         "sample": 0, "completion": "<script>x</script>", "correct": n < hits, "completion_tokens": 9}
        for n in range(50)
    ]  # fmt: skip
    return Context.of(EvaluatedItem, rows)


def test_the_report_and_datasheet_say_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/templates").symlink_to(ROOT / "reports/templates")
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/filter.json").write_text('{"rows": {"in": 9, "kept": 7, "dropped": 2, "quarantined": 0}, '
                                                  '"dropped_by_rule": {"near_duplicate": 2}}')  # fmt: skip
    (tmp_path / "metrics/datasheet.json").write_text('{"simulated_share": 1.0}')
    (tmp_path / "plots/sft").mkdir(parents=True)
    (tmp_path / "plots/sft/loss.csv").write_text("step,loss\n1,2.5\n2,1.25\n3,\n")
    paths = ("metrics/filter.json", "metrics/datasheet.json", "plots/sft/loss.csv", "reports/templates")
    files = Files("report", tuple(map(Path, paths)))
    models = [evaluated(model, hits) for model, hits in (("base", 0), ("sft", 20), ("dpo", 30), ("online_dpo", 28))]
    figures = {"base": (0.1, 0.2), "sft": (0.4, 0.5), "dpo": (0.6, 0.5), "online_dpo_ondare": (0.7, 0.6)}
    repeats = [
        {
            "id": content_id("r", [model, seed]),
            "seed": seed,
            "model": model,
            "metric": "math_greedy",
            "value": values[seed],
        }
        for model, values in figures.items()
        for seed in (0, 1)
    ]
    made = report(*models, Context.of(SeedResult, repeats), files, ReportParams())
    html, markdown = made.report.text, made.summary.text
    assert made.metrics == {"math_base": 0.0, "math_sft": 0.4, "math_dpo": 0.6, "math_online_dpo": 0.56} | {
        "tax_math_dpo": pytest.approx(20), "tax_math_online_dpo": pytest.approx(16)
    }  # fmt: skip
    for text in (html, markdown):
        assert "The teacher was simulated" in text and "20 / 50" in text and "27.6% – 53.8%" in text
        assert "+10.0 (+0.0 – +20.0)" in text and "65.0 (60.0 – 70.0)" in text and "+20.0 (+10.0 – +30.0)" in text
        assert "+20.0" in text and "first 2.5" in text or "| 2.5 | 1.25 |" in text
    assert not re.search(r"<script|https?://|src=|@import", html) and html.count("<svg") == 2
    rows = [demonstration("A | b?", "One\n| two `x` <b>")]
    told = datasheet(Context.of(FinalDemonstration, [row | {"split": "train"} for row in rows]),
                     Context.of(FinalPreference, []), files, DatasheetParams()).datasheet.text  # fmt: skip
    assert "simulated teacher" in told and "| filter | 9 | 7 | 2 | 0 | yes |" in told
    assert r"| A \| b? | One \| two ʼxʼ &lt;b> |" in told


def test_intervals_and_axes():
    assert wilson(20, 50, 0.95) == pytest.approx((0.2761, 0.5382), abs=1e-4)
    assert wilson(0, 0, 0.95) == (0.0, 1.0) and wilson(50, 50, 0.95)[1] == 1.0
    assert ticks([0.4, 3.5]) == [0.0, 1.0, 2.0, 3.0, 4.0] and ticks([]) == [0.0, 1.0] and len(ticks([7, 7])) > 1
    assert "polyline" in line_chart([], [], "step", "loss", 300, 100)
    assert "2 points" in line_chart([1, 2, 3], [1.0, float("nan"), 2.0], "step", "loss", 300, 100)


@pytest.mark.parametrize(
    ("name", "arguments", "passes", "fails"),
    [
        ("change_case:english_capital", {}, "PARIS, 1!", "Paris"),
        ("change_case:english_lowercase", {}, "paris", "42"),
        ("startend:end_checker", {"end_phrase": "That is all."}, 'Rome. that is all."', "That is all. Rome"),
        ("punctuation:no_comma", {}, "a b", "a, b"),
        ("length_constraints:number_words", {"relation": "less than", "num_words": 3}, "a b", "a b c"),
        ("length_constraints:number_words", {"relation": "at least", "num_words": 3}, "a b c", "a b"),
    ],
)
def test_checks(name, arguments, passes, fails):
    assert check(name, arguments, passes) and not check(name, arguments, fails)


def test_an_unknown_check_names_the_known_ones():
    with pytest.raises(KeyError, match="punctuation:no_comma"):
        check("punctuation:none", {}, "x")
