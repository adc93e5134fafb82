"""The page of `dvc plots show` and `dvc plots diff`: lines without a network, and nothing of a file's text runs."""

import base64
import csv
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GRAPH = """
plots:
  - two files:
      x: step
      y: {a.csv: loss, b.csv: loss}
      title: "Loss <img src=x onerror=window.cultivar_was_run=1>"
      y_label: nats
  - hostile:
      x: step
      y: {a.csv: loss}
      title: "</script></template><script>window.cultivar_was_run = 1</script><img src=x onerror=window.cultivar_was_run=1>"
  - m.csv:
      template: confusion
      x: actual
      y: predicted
"""


@pytest.fixture(scope="module")
def plots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a project with this project's DVC settings, whose a.csv has changed since it was committed."""
    folder = tmp_path_factory.mktemp("plots")
    (folder / ".dvc").mkdir()
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    (folder / "dvc.yaml").write_text(GRAPH)
    curve(folder / "b.csv", 3.0)
    curve(folder / "a.csv", 2.0)
    (folder / "m.csv").write_text("actual,predicted\ncat,<img src=x onerror=window.cultivar_was_run=1>\ncat,cat\n")
    for command in (["init", "-qb", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *command], cwd=folder, check=True)
    curve(folder / "a.csv", 1.0)
    pages = {}
    for name, arguments in {
        "show": ["show", "two files", "m.csv"],
        "diff": ["diff", "HEAD", "--targets", "two files"],
        "hostile": ["show", "hostile"],
    }.items():
        subprocess.run([sys.executable, "-m", "dvc", "plots", *arguments, "-o", name], cwd=folder, check=True)
        pages[name] = folder / name / "index.html"
    return pages


def curve(file: Path, height: float) -> None:
    with file.open("w") as stream:
        csv.writer(stream).writerows([("step", "loss"), *((step, height / (step + 1)) for step in range(4))])


def test_a_line_is_drawn_for_every_file(plots, open_page, is_accessible):
    page = open_page(plots["show"])
    drawn = page.locator("#two_files figure > svg")
    assert drawn.locator("> path").count() == 2
    assert page.locator("#two_files .key li").all_text_contents() == ["workspace · a.csv", "workspace · b.csv"]
    assert drawn.get_attribute("aria-label").endswith(
        ": nats by step; workspace · a.csv: last 0.25; workspace · b.csv: last 0.75"
    )
    first = drawn.locator("> path").first.get_attribute("d").removeprefix("M").split("L")
    heights = [float(point.split(" ")[1]) for point in first]
    assert len(heights) == 4 and heights == sorted(heights)  # a falling curve, as y grows downwards
    is_accessible(page)


def test_a_difference_has_a_line_for_every_version_of_every_file(plots, open_page):
    page = open_page(plots["diff"])
    assert page.locator("#two_files figure > svg > path").count() == 4
    versions = {line.split(" ")[0] for line in page.locator("#two_files .key li").all_text_contents()}
    assert versions == {"workspace", "HEAD"}


def test_what_is_no_curve_is_shown_by_its_values(plots, open_page):
    cells = open_page(plots["show"]).locator("#m_csv tbody tr").nth(0).locator("td").all_text_contents()
    assert cells[:2] == ["cat", "<img src=x onerror=window.cultivar_was_run=1>"]


def test_nothing_of_a_file_or_a_title_runs(plots, open_page, strays):
    page = open_page(plots["show"])
    assert page.evaluate("window.cultivar_was_run") is None
    assert page.locator("#two_files h2").text_content() == "Loss <img src=x onerror=window.cultivar_was_run=1>"
    assert strays == []
    page = open_page(plots["hostile"])
    assert page.evaluate("window.cultivar_was_run") is None
    assert "cannot be drawn" in page.locator("#hostile").text_content()
    assert any("Content Security Policy" in stray for stray in strays)  # what the title adds is refused
    strays.clear()


def test_the_hash_of_the_script_is_that_of_the_page():
    text = (ROOT / ".dvc/plots/page.html").read_text()
    script = text.partition("<script>")[2].partition("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text, "write this hash where page.html has another"


def test_a_narrow_screen_needs_no_scrolling_sideways(plots, open_page):
    page = open_page(plots["show"], width=400)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
