"""assemble, datasheet and report: caps and splits by prompt, nothing of the evaluation, pages that show what was measured."""

import json
import re
from pathlib import Path

import pytest

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
from stages.review.datasheet import datasheet, shares
from stages.review.params import DatasheetParams, ReportParams
from stages.review.report import report
from tests.admission.rows import declared, demonstration, evaluation_item, preference

ROOT = Path(__file__).parents[3]


def assemble_rows(demonstrations, preferences=(), evaluation=(), **params):
    tables = {
        "filtered_demonstrations": Table.of(Demonstration, demonstrations),
        "filtered_preferences": Table.of(Preference, preferences),
    }
    items = Context.of(EvaluationItem, [evaluation_item(text) for text in evaluation])
    result = assemble(**tables, evaluation=items, sources=declared(), params=AssembleParams(**params))
    for table in result[:3]:
        table.check()
    close("assemble", tables, dict(zip(result._fields[:3], result[:3], strict=True)))
    return result


def test_rows_of_one_prompt_share_a_split_and_a_new_row_moves_none():
    rows = [demonstration(f"Task {n}?", f"Answer {k}.") for n in range(200) for k in range(2)]
    pairs = [preference(f"Task {n}?", "Good.", "Bad.") for n in range(200)]
    tables = assemble_rows(rows, pairs, heldout_share=0.2)
    sides = {}
    for table in (tables.demonstrations, tables.preferences):
        for row in table:
            sides.setdefault(row.prompt[0].content, set()).add(row.split)
    assert all(len(side) == 1 for side in sides.values())
    assert 20 <= sum(side == {"heldout"} for side in sides.values()) <= 60
    more = assemble_rows([*rows, demonstration("A new one?", "Yes.")], pairs, heldout_share=0.2)
    before = dict(tables.demonstrations.frame.select("id", "split").iter_rows())
    after = dict(more.demonstrations.frame.select("id", "split").iter_rows())
    assert before.items() <= after.items()


def test_caps_margins_and_rows_per_prompt_are_named():
    rows = [demonstration("One?", f"Answer {k}.", quality=k / 5) for k in range(6)]
    rows += [demonstration(f"Task {n}?", "Yes.", domain="math") for n in range(5)]
    pair = preference("One?", "Good.", "Bad.")
    tables = assemble_rows(rows, [pair], per_prompt=2, max_per_domain={"math": 3}, min_margin={"annotation": 2.0})
    counts = dict(tables.dropped.frame.group_by("rule").len().iter_rows())
    assert counts == {"rows per prompt": 4, "domain cap": 2, "margin below minimum": 1}
    kept = [row.completion[0].content for row in tables.demonstrations if row.prompt[0].content == "One?"]
    assert sorted(kept) == ["Answer 4.", "Answer 5."]


def test_an_evaluation_prompt_stops_the_stage():
    with pytest.raises(EvaluationLeak, match=evaluation_item("Two  AND two?")["id"]):
        assemble_rows([demonstration("Two and two?", "4.")], evaluation=["Two  AND two?"])


def evaluated(model, hits):
    shared = {"model": model, "task": "math", "sample": 0, "completion": "<script>x</script>", "completion_tokens": 9}
    rows = [
        {
            "id": content_id("evaluated", [model, n]),
            "parents": [content_id("item", n)],
            "correct": n < hits,
            **shared,
        }
        for n in range(50)
    ]
    return Context.of(EvaluatedItem, rows)


def test_the_report_and_datasheet_show_what_was_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/templates").symlink_to(ROOT / "reports/templates")
    (tmp_path / "metrics").mkdir()
    states = {"in": 9, "kept": 7, "dropped": 2, "quarantined": 0}
    (tmp_path / "metrics/filter.json").write_text(
        json.dumps({"rows": states, "dropped_by_rule": {"near_duplicate": 2}})
    )
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
    items = [
        {"id": ident, "source": "e:1", "license": "CC0-1.0", "task": "math", "prompt": "2 + 2?", "answer": "4"}
        for ident in models[0].frame["parents"].list.first().unique(maintain_order=True)
    ]
    tables = report(*models, Context.of(SeedResult, repeats), Context.of(EvaluationItem, items), files, ReportParams())
    html, markdown = tables.report.text, tables.summary.text
    assert tables.metrics == {"math_base": 0.0, "math_sft": 0.4, "math_dpo": 0.6, "math_online_dpo": 0.56} | {
        "tax_math_dpo": pytest.approx(20),
        "tax_math_online_dpo": pytest.approx(16),
    }
    for text in (html, markdown):
        assert "The teacher was simulated" in text and "20 / 50" in text and "27.6% – 53.8%" in text
        assert "+10.0 (+0.0 – +20.0)" in text and "65.0 (60.0 – 70.0)" in text and "+20.0 (+10.0 – +30.0)" in text
        assert "+20.0" in text and "first 2.5" in text or "| 2.5 | 1.25 |" in text
    assert not re.search(r"<script|https?://|src=|@import", html) and html.count("<svg") == 2
    assert html.count('class="item"') == 3 and "the answer is 4" in markdown and html.count("2 + 2?") == 3
    rows = [demonstration("A | b?", "One\n| two `x` <b>")]
    demonstrations = Context.of(FinalDemonstration, [row | {"split": "train"} for row in rows])
    made = datasheet(demonstrations, Context.of(FinalPreference, []), declared(seeds="seeds"), files, DatasheetParams())
    sheet = made.datasheet.text
    assert "simulated teacher" in sheet and "| filter | 9 | 7 | 2 | 0 | yes |" in sheet
    assert r"| A \| b? | One \| two \`x\` &lt;b&gt; |" in sheet


def test_intervals_and_axes():
    assert wilson(20, 50, 0.95) == pytest.approx((0.2761, 0.5382), abs=1e-4)
    assert wilson(0, 0, 0.95) == (0.0, 1.0) and wilson(50, 50, 0.95)[1] == 1.0
    assert ticks([0.4, 3.5]) == [0.0, 1.0, 2.0, 3.0, 4.0] and ticks([]) == [0.0, 1.0] and len(ticks([7, 7])) > 1
    assert "polyline" in line_chart([], [], "step", "loss", 300, 100)
    assert "2 points" in line_chart([1, 2, 3], [1.0, float("nan"), 2.0], "step", "loss", 300, 100)


def test_shares_are_over_all_stages_and_judges():
    rows = {"in": 30, "kept": 29, "dropped": 0, "quarantined": 1}
    more = {"in": 10, "kept": 6, "dropped": 1, "quarantined": 3}
    judges = {"one": {"swap_agreement": 0.5}, "two": {"swap_agreement": 1.0}}
    measured = {"filter": {"rows": rows}, "rank": {"rows": more, "judges": judges}, "sft": {"loss": 1.0}}
    assert shares(measured) == {"quarantined_share": 0.1, "judge_agreement": 0.75}
    assert shares({}) == {"quarantined_share": 0.0}
