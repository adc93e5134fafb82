"""Metrics per data version: which versions there are, which metrics are theirs, what changed of D and P."""

import json
from pathlib import Path
from typing import Any

import pytest
from data_versions import Project

from cultivar.outgoing.escape import SUSPECTS
from reports.history.command import main

HOSTILE = "a | b <img src=x> `c` \u202e\x1b[31m =1+1"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


@pytest.fixture
def versions(project: Project) -> Project:
    """one: trained; two: D edited, not trained; three: trained again; and a working tree like three."""
    project.assemble([("a1", "a"), ("b1", "b")])
    project.train(0.5)
    project.commit("one")
    project.assemble([("a2", "a"), ("c1", "c"), ("c2", "c")])
    project.commit("two")
    (project.folder / "readme").write_text("no data version")
    project.git("add", "readme")
    project.git("commit", "-qm", "words")
    project.train(0.6)
    project.commit("three")
    return project


def lines(capsys: pytest.CaptureFixture[str], *asked: str, **options: Any) -> list[dict]:
    assert main(list(asked) or None, json=True, **options) == 0
    return json.loads(capsys.readouterr().out)


ACCURACY = "evaluate/dpo:math_sampled"


def test_data_versions_are_the_commits_that_changed_the_lock_and_the_working_tree(versions, capsys):
    found = lines(capsys)
    assert [line["title"] for line in found] == ["one", "two", "three", "working tree"]
    assert [line["rows"]["D"] for line in found] == [2, 3, 3, 3]


def test_a_metric_of_earlier_data_does_not_count(versions, capsys):
    found = lines(capsys)
    values = [line["metrics"][ACCURACY] for line in found]
    measured = {"value": 0.6, "low": 0.5, "high": pytest.approx(0.7)}
    assert values == [{"value": 0.5, "low": 0.4, "high": 0.6}, None, measured, measured]
    assert [line["of_earlier_data"] for line in found] == [[], ["evaluate/dpo"], [], []]


def test_a_metrics_file_that_its_stage_did_not_write_does_not_count(versions, capsys):
    versions.metric("evaluate/dpo", {"math_sampled": 0.99})
    assert lines(capsys, ACCURACY)[-1]["metrics"] == {ACCURACY: None}


def test_rows_are_told_apart_by_id_and_an_edited_one_by_its_prompt(versions, capsys):
    changes = [line["changes"]["D"] for line in lines(capsys, rows=True)]
    assert changes[0] is None
    assert changes[1] == {"net": 1, "added": 2, "removed": 1, "changed": 1}
    assert changes[2] == changes[3] == {"net": 0, "added": 0, "removed": 0, "changed": 0}


def test_without_counting_only_the_difference_and_equality_are_known(versions, capsys):
    changes = [line["changes"]["D"] for line in lines(capsys)]
    assert changes[1] == {"net": 1, "added": None, "removed": None, "changed": None}
    assert changes[2] == {"net": 0, "added": 0, "removed": 0, "changed": 0}


@pytest.mark.parametrize(
    ("first", "last", "titles"),
    [
        ("HEAD~3", None, ["one", "two", "three", "working tree"]),
        ("HEAD~1", None, ["two", "three", "working tree"]),  # a commit of words alone has the data of the one before
        ("HEAD~2", "HEAD~1", ["two"]),
        (None, "HEAD~2", ["one", "two"]),
    ],
)
def test_a_range_holds_the_data_of_its_first_revision(versions, capsys, first, last, titles):
    assert [line["title"] for line in lines(capsys, first=first, last=last)] == titles


def test_other_branches_and_experiments_are_shown_where_asked(versions, capsys):
    main_commit = versions.git("rev-parse", "HEAD")
    versions.git("switch", "-qc", "other")
    versions.assemble([("z", "z")])
    commit = versions.commit("elsewhere")
    versions.git("update-ref", f"refs/exps/{main_commit[:2]}/{main_commit[2:]}/less", commit)
    versions.git("switch", "-q", "main")
    titles = [line["title"] for line in lines(capsys, all_branches=True)]
    assert titles == ["one", "two", "three", "elsewhere", "working tree"]
    found = lines(capsys, experiments=True)
    assert [line["revision"] for line in found][-2:] == ["less", "workspace"]
    assert found[-2]["baseline"] == main_commit and found[-2]["changes"]["D"]["net"] == -2
    assert found[-1]["changes"]["D"]["net"] == 0  # against main's last, not against the experiment


def test_a_pattern_names_metrics_and_a_wrong_one_the_nearest(versions, capsys):
    assert list(lines(capsys, "evaluate/*:math_sampled", "metrics/assemble.json:out.preferences")[0]["metrics"]) == [
        ACCURACY,
        "assemble:out.preferences",
    ]
    assert main(["evaluate/dpo:math_sample"]) == 1
    assert ACCURACY in capsys.readouterr().err


def test_where_there_is_no_data_version_the_remedy_is_named(project, capsys):
    project.git("add", "dvc.yaml")
    project.git("commit", "-qm", "start")
    assert main() == 1
    assert "dvc repro" in capsys.readouterr().err


def test_hostile_titles_are_inert_in_every_form(versions, capsys, tmp_path):
    versions.assemble([("q", "q")])
    versions.commit(HOSTILE)
    page = tmp_path / "out/page.html"
    assert main(html=page) == 0
    assert "<img" not in page.read_text() and SUSPECTS.search(page.read_text()) is None
    assert "<script" not in page.read_text() and "http" not in page.read_text().replace("http-equiv", "")
    for form in ("text", "markdown", "csv"):
        capsys.readouterr()
        assert main(markdown=form == "markdown", csv=form == "csv") == 0
        said = capsys.readouterr().out
        assert SUSPECTS.search(said) is None
        if form == "markdown":
            assert r"a \| b &lt;img src=x&gt; \`c\`" in said


def test_equal_versions_give_equal_bytes(versions, tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for page in pages:
        assert main(html=page) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert pages[0].read_text().count("<circle") == 3  # one, three and the working tree
