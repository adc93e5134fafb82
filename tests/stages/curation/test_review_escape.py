"""The report and the datasheet show hostile rows as text: no markup, no hidden character, no secret."""

import html.parser
import json
import re
from pathlib import Path

import pytest
from project import ROOT

from schemas.ids import content_id
from schemas.rows import EvaluatedItem, EvaluationItem, FinalDemonstration, FinalPreference, SeedResult
from schemas.stage import Files
from schemas.table import Context
from stages.review.charts import Rate, line_chart, rate_chart
from stages.review.datasheet import datasheet
from stages.review.params import DatasheetParams, ReportParams
from stages.review.report import report
from tests.admission.rows import declared, demonstration

KEY = "Zq8-vT3kLw9xYb7RfN2mJc5HdS0pGt"
HOSTILE = "| </text><script>alert(1)</script> `x` [a](javascript:b) \x1b[2J \u202e \u200b <!-- \n\n# " + KEY
WHERE = "http://me:hunter2@host"


class Page(html.parser.HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Metrics and plots under names that are hostile wherever one may be."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOME_TOKEN", KEY)
    for folder in ("reports", "metrics", "plots/sft"):
        Path(folder).mkdir(parents=True)
    Path("reports/templates").symlink_to(ROOT / "reports/templates")
    states = {"in": 9, "kept": 7, "dropped": 2, "quarantined": 0}
    Path("metrics/filter.json").write_text(json.dumps({"rows": states, "dropped_by_rule": {HOSTILE: 2}}))
    Path("metrics/ingest.json").write_text(json.dumps({"not_taken": {HOSTILE: 3}}))
    Path("plots/sft/loss.csv").write_text('step,"<b>|loss"\n1,2.5\n2,1.25\n')
    paths = ("metrics/filter.json", "metrics/ingest.json", "plots/sft/loss.csv", "reports/templates")
    return Files("report", tuple(map(Path, paths)))


def assert_clean(text: str) -> None:
    assert KEY not in text and KEY[:15] not in text and "hunter2" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202e]", text)
    assert r"\u202e" in text


def test_the_datasheet(files: Files) -> None:
    row = demonstration(HOSTILE, "می‌خواهم 👩‍👩‍👧") | {"split": "train", "license": f"{HOSTILE} {WHERE}"}
    demonstrations = Context.of(FinalDemonstration, [row])
    params = DatasheetParams(title=HOSTILE, sample_chars=60)
    made = datasheet(demonstrations, Context.of(FinalPreference, []), declared(**{HOSTILE: "seeds"}), files, params)
    sheet, page = made.datasheet.text, Page(made.datasheet_page.text)
    assert_clean(made.datasheet_page.text)
    assert "script" not in page.tags and not {name for name in page.attributes if name.startswith("on")}
    assert_clean(sheet)
    assert (
        r"\u202e" in sheet
        and "می‌خواهم 👩‍👩‍👧" in sheet
        and "http://[redacted]@host" in sheet.replace("\\[", "[").replace("\\]", "]")
    )
    lines = sheet.splitlines()
    assert [line for line in lines if line.startswith("#")][1:] == [
        *(
            "## Sources",
            "## Composition",
            "## Quality",
            "## Length in words",
            "## Row states",
            "## Decontamination",
            "## Samples",
        )
    ]
    for line in lines:
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)
            assert len(cells) in (4, 5, 8, 9), line
        assert not re.search(r"(?<!\\)[`\]]|<(?!!--)[a-z/!]", line.replace("`data/overlaps.parquet`", "")), line


def test_the_report(files: Files) -> None:
    items = [
        {
            **{
                "id": content_id("e", n),
                "parents": [content_id("i", n)],
                "model": "base",
                "task": HOSTILE,
                "sample": 0,
            },
            **{"correct": True, "completion": HOSTILE, "completion_tokens": 9},
        }
        for n in range(3)
    ]
    models = [Context.of(EvaluatedItem, items) for _ in range(4)]
    item = {"id": content_id("i", 0), "source": HOSTILE, "license": HOSTILE, "task": "general", "prompt": HOSTILE}
    asked = Context.of(EvaluationItem, [item | {"answer": HOSTILE}])
    seeds = [{"id": content_id("r", 0), "seed": 0, "model": HOSTILE, "metric": "math_greedy", "value": 0.5}]
    made = report(*models, Context.of(SeedResult, seeds), asked, files, ReportParams(title=f"{HOSTILE} {WHERE}"))
    page = Page(made.report.text)
    for text in (made.report.text, made.summary.text):
        assert_clean(text)
    assert "script" not in page.tags and not {name for name in page.attributes if name.startswith("on")}
    assert "alert(1)" in page.words  # as text
    assert all(
        line.startswith(("# ", "## ", "|", "Greedy", "Mean")) or not line for line in made.summary.text.splitlines()
    )


def test_texts_of_charts_are_text() -> None:
    charts = line_chart([1, 2], [1, 2], '"><script>', "<b>", 300, 100) + rate_chart(
        [Rate("</text><b>\u202e", 0.5, 0, 1)], "<b>", 300
    )
    assert Page(charts).tags == {"svg", "line", "text", "polyline", "circle"} and r"\u202e" in charts
