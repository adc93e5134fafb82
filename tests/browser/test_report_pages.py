"""What a reader is given, in a browser: the report, the datasheet, the page of a diff, the picture of the graph."""

import json
from pathlib import Path

import pytest

from schemas.ids import content_id
from schemas.rows import EvaluatedItem, EvaluationItem, FinalDemonstration, FinalPreference, SeedResult
from schemas.stage import Files
from schemas.table import Context
from stages.review.datasheet import datasheet
from stages.review.params import DatasheetParams, ReportParams
from stages.review.report import report
from tests.admission.rows import declared, demonstration, preference

ROOT = Path(__file__).parents[2]
MODELS = ("base", "sft", "dpo", "online_dpo")


@pytest.fixture(scope="module")
def pages(tmp_path_factory, hostile):
    """Name -> file of each page, with a hostile text wherever a row, a rule, a source or a plot puts one."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(ROOT / "tests/page")
        import sample_review

        from reports.page.diff_html import diff_html

        texts = list(hostile.values())
        files = measured(folder, texts)
        sheet = datasheet(*products(texts), declared(**{texts[0]: "seeds"}), files, DatasheetParams())
        made = report(*evaluations(texts), files, ReportParams())
        review = sample_review.review(" ".join(texts), rows=2)
        written = {
            "datasheet": sheet.datasheet_page.text,
            "report": made.report.text,
            "diff": diff_html(review, sample_review.TRAITS),
        }
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in written}


def measured(folder: Path, texts: list[str]) -> Files:
    for name in ("reports", "metrics", "plots/sft"):
        (folder / name).mkdir(parents=True)
    (folder / "reports/templates").symlink_to(ROOT / "reports/templates")
    rows = {"in": 9_000, "kept": 7_000, "dropped": 2_000, "quarantined": 0}
    metrics = {
        "ingest": {"rows_by_source": {text: {"problems": 500} for text in texts}, "not_taken": {texts[0]: 3}},
        "rejection": {"rows": rows, "out": {"rejection_demonstrations": 40, "dropped": 30, "quarantine": 3}},
        "filter": {"rows": rows, "dropped_by_rule": dict.fromkeys(texts, 2), "kept_by_strategy": {"rejection": 20}},
        "assemble": {"demonstrations_by_strategy": {"rejection": 15}, "preferences_by_strategy": {"rejection": 2}},
        "rank": {"judge_and_people": {"prompts": 9, "same": 20, "other": 5, "undecided": 1}},
        "datasheet": {"simulated_share": 0.5},
    }
    for stage, content in metrics.items():
        (folder / f"metrics/{stage}.json").write_text(json.dumps(content))
    (folder / "plots/sft/loss.csv").write_text('step,"<script>alert(1)</script>"\n1,2.5\n2,1.25\n')
    paths = (*(f"metrics/{stage}.json" for stage in metrics), "plots/sft/loss.csv", "reports/templates")
    return Files("report", tuple(map(Path, paths)))


def products(texts):
    """D and P with a row for each text."""
    long = "word" * 400
    rows = [demonstration(f"{text} {long}", text, tags=[text[:200]], license=text[:60]) for text in texts]
    pairs = [preference(text, text, long) for text in texts]
    train = {"split": "train"}
    return (
        Context.of(FinalDemonstration, [row | train for row in rows]),
        Context.of(FinalPreference, [pair | train for pair in pairs]),
    )


def evaluations(texts):
    """What four models answered to an item for each text, two seeds of the training, and the items."""
    tasks = [("math", "constraint", texts[0])[n % 3] for n in range(len(texts))]
    shared = {"sample": 0, "completion_tokens": 9}
    models = [
        Context.of(
            EvaluatedItem,
            [
                {
                    "id": content_id("evaluated", [model, n]),
                    "parents": [content_id("item", n)],
                    "correct": bool((n + at) % 2),
                    "model": model,
                    "task": tasks[n],
                    "completion": text * 3 + "long" * 200,
                    **shared,
                }
                for n, text in enumerate(texts)
            ],
        )
        for at, model in enumerate(MODELS)
    ]
    seeds = [
        {"id": content_id("r", [model, seed]), "seed": seed, "model": model, "metric": "math_greedy", "value": seed / 2}
        for model in MODELS
        for seed in (0, 1)
    ]
    items = [
        {"id": content_id("item", n), "source": "e:1", "license": "MIT", "task": task, "prompt": text, "answer": text}
        for n, (task, text) in enumerate(zip(tasks, texts, strict=True))
    ]
    return *models, Context.of(SeedResult, seeds), Context.of(EvaluationItem, items)


@pytest.mark.parametrize("name", ["report", "datasheet", "diff"])
def test_a_page_is_inert_accessible_and_as_wide_as_the_screen(
    pages, name, open_page, is_accessible, assert_inert, picture
):
    page = open_page(pages[name])
    for width in (1200, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)
            is_accessible(page)
            picture(page, f"{name}-{width}-{colours}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
    assert_inert(page)


def test_a_kind_of_row_can_be_hidden_without_script(pages, open_page):
    page = open_page(pages["diff"], script=False)
    page.uncheck("#show-added")
    assert not page.locator(".added-rows").first.is_visible()
    assert page.locator(".changed-rows").first.is_visible()


CROSSED = """() => [...document.querySelectorAll('path.arrow')].flatMap(arrow => {
    const boxes = [...document.querySelectorAll('text')].map(text => [text.textContent, text.getBBox()]);
    const points = Array.from({length: 201}, (_, n) => arrow.getPointAtLength(arrow.getTotalLength() * n / 200));
    return boxes.filter(([_, box]) => points.some(at =>
        at.x > box.x - 1 && at.x < box.x + box.width + 1 && at.y > box.y - 1 && at.y < box.y + box.height + 1))
        .map(([words]) => words);
})"""
"""The texts of a picture that an arrow, which has a width, goes through."""


def test_no_arrow_of_the_graph_goes_through_a_text(open_page):
    page = open_page(ROOT / "reports/graph.svg")
    assert page.locator("path.arrow").count() > 20 and page.locator("text").count() > 40
    assert page.evaluate(CROSSED) == []
