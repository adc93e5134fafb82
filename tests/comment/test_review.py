"""A real review: a source row, a threshold and a prompt edited on a branch, and the comment names exactly these three."""

import json
import re

import polars as pl
import pytest
from fake_host import KEY, FakeHost
from reading import read_comment
from reduced import commit, git, read
from ruamel.yaml import YAML
from workspace import Workspace

from reports.comment.command import main
from reports.diff.model import DEMONSTRATIONS, PREFERENCES
from schemas.rows import Demonstration, Preference
from schemas.table import polars_schema

STAGES = ("code", "ingest", "rejection", "constitution", "filter", "assemble")
ABSENT = ("annotation", "execution", "repurpose")
"""Strategies that are left out; the filter reads empty tables of them."""
LINES = {
    "general.jsonl": 2,
    "arithmetic.jsonl": 24,
    "code.jsonl": 1,
    "constraints.txt": 1,
    "characters.jsonl": 1,
    "passages.txt": 40,
    "safety.jsonl": 12,
    "arithmetic_heldout.jsonl": 10,
    "constraints_heldout.jsonl": 4,
}
"""Lines kept of each file of data/seeds."""
ROW, THRESHOLD, PROMPT = "data/seeds/arithmetic.jsonl:3", "rejection.min_grade", "prompts/constitution/deviate.jinja"
QUESTION = {"question": "@team has 3 pens. @team finds 4. How many pens are there now?", "answer": "3+4=7\n#### 7"}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Two strategies over few rows, built on main; then the three edits on a branch, built."""
    work = Workspace(tmp_path_factory.mktemp("review"), commit=False)
    graph = read(work.folder / "dvc.yaml")
    YAML().dump({"stages": {name: graph["stages"][name] for name in STAGES}}, work.folder / "dvc.yaml")
    for name, lines in LINES.items():
        path = work.folder / "data/seeds" / name
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))
    for name, model in (("demonstrations", Demonstration), ("preferences", Preference)):
        for strategy in ABSENT:
            pl.DataFrame(schema=polars_schema(model)).write_parquet(work.folder / f"data/{strategy}_{name}.parquet")
    git(work, "init", "-q", "-b", "main")
    work.repro()
    work.base = commit(work, "first data")
    git(work, "checkout", "-q", "-b", "edits")
    seeds = work.folder / ROW.partition(":")[0]
    rows = seeds.read_text().splitlines(keepends=True)
    rows[2] = json.dumps(json.loads(rows[2]) | QUESTION) + "\n"
    seeds.write_text("".join(rows))
    work.change(lambda params: params["rejection"].update(min_grade=5))
    prompt = work.folder / PROMPT
    prompt.write_text(prompt.read_text().replace("{% endblock %}", "Be brief.\n{% endblock %}", 1))
    work.repro()
    commit(work, "three edits")
    return work


def products(work: Workspace, commit_name: str) -> set[str]:
    """Ids of D and P at a commit."""
    git(work, "checkout", "-q", commit_name, "--", "dvc.lock")
    done = work.python("-m", "dvc", "checkout", "-q", DEMONSTRATIONS, PREFERENCES)
    assert done.returncode == 0, done.stderr
    return {row for path in (DEMONSTRATIONS, PREFERENCES) for row in pl.read_parquet(work.folder / path)["id"]}


def test_the_comment_names_the_three_edits_with_their_rows(project, tmp_path, monkeypatch):
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 5, "base": {"sha": project.base}}}))
    monkeypatch.chdir(project.folder)
    for name, value in project.environment().items():
        monkeypatch.setenv(name, value)
    with FakeHost() as host:
        for name, value in {
            "GITHUB_TOKEN": KEY,
            "GITHUB_API_URL": host.url,
            "GITHUB_REPOSITORY": "team/data",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }.items():
            monkeypatch.setenv(name, value)
        assert main(html=tmp_path / "review.html") == 0
    (body,) = host.bodies()
    why = re.search(r"(?ms)^### Why\n(.*?)^### ", body)[1]
    named = re.findall(r"(?m)^\| \*\*(source row|parameter|prompt)\*\* \| (.*?) \| (\d+) \|", why)
    assert len(re.findall(r"(?m)^\| \*\*", why)) == len(named) == 3
    texts = {kind: text for kind, text, _ in named}
    assert ROW in texts["source row"] and THRESHOLD in texts["parameter"] and PROMPT in texts["prompt"]
    before, after = products(project, project.base), products(project, "edits")
    listed = re.findall(r"/row/([0-9a-f]{32})\?at=", why)
    assert sum(int(rows) for _, _, rows in named) == len(set(listed)) > 3
    assert {row for row in listed if row in before and row in after} <= set(
        re.findall(r"[0-9a-f]{32}", re.search("(?s)changed: .*", why)[0])
    )
    assert set(listed) <= before | after
    page = read_comment(body)
    assert not any("@team" in text for text in page.texts) and "team has 3 pens" in body
    assert (tmp_path / "summary.md").read_text().count("## Data review") == 1
    assert THRESHOLD in (tmp_path / "review.html").read_text()
