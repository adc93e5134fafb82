"""`cultivar diff` on a project made by hand: what it prints, writes and ends with."""

import json
import re
from datetime import date

import polars as pl
import pytest
from handmade import Handmade, row_id

from reports.diff.build import build_diff
from reports.diff.changes import param_changes
from reports.diff.command import main, read_diff, render_json
from reports.diff.model import CodeChange, FileChange, ParamChange
from reports.diff.review import review
from reports.versions.objects import MissingObject, object_path
from reports.versions.version import open_version

SEEDS, D = "data/instructions.parquet", "data/demonstrations.parquet"
OLD, NEW = (
    ["What is wet?", "Name a tree.", "Say hello."],
    ["Name a fruit.", "What is damp?", "Name a tree.", "Say hello."],
)
HOSTILE = "\x1b[2J\u202eevil <script>alert(1)</script> sk-aaaaaaaaaaaaaaaaaaaaaaaa1"


def seeds(texts, license="CC0-1.0"):
    rows = [
        {"id": row_id(text), "parents": [], "source": f"data/seeds/a.jsonl:{line}", "license": license, "prompt": text}
        for line, text in enumerate(texts, start=1)
    ]
    return pl.DataFrame(rows, schema_overrides={"parents": pl.List(pl.String)})


def demonstrations(texts, answers=None):
    rows = [
        {
            "id": row_id(f"d {text} {(answers or {}).get(text, '')}"),
            "parents": [row_id(text)],
            "prompt": [{"role": "user", "content": text}],
            "completion": [{"role": "assistant", "content": (answers or {}).get(text, "Yes.")}],
            "domain": "general",
            "license": "CC0-1.0",
        }
        for text in texts
    ]
    return pl.DataFrame(rows)


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Handmade(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    made.write("params.yaml", "select:\n  target_size: 3\ningest:\n  sources:\n  - {name: a, license: CC0-1.0}\n")
    made.write("fingerprints/ingest.txt", "# what\nstages/curation/ingest.py aaaa\npolars 1.0\n")
    made.put({"ingest": {SEEDS: seeds(OLD)}, "assemble": {D: demonstrations(OLD)}})
    made.commit("before")
    made.write("params.yaml", "select:\n  target_size: 4\ningest:\n  sources:\n  - {name: a, license: CC0-1.0}\n")
    made.write("fingerprints/ingest.txt", "# what\nstages/curation/ingest.py bbbb\npolars 1.1\n")
    answers = {"Name a tree.": HOSTILE}
    made.put({"ingest": {SEEDS: seeds(NEW)}, "assemble": {D: demonstrations(NEW, answers)}})
    return made


def run(capsys, **options):
    given = {"old": "HEAD", "new": None, "table": None, "rows": 8, "as_json": None, "html": None, "markdown": None}
    status = main(**given | {"causes": False, "prove": False, "exit_code": False} | options)
    return status, capsys.readouterr()


def test_the_terminal_shows_a_line_a_table(project, capsys):
    status, out = run(capsys)
    lines = [re.split(r"\s{2,}", line) for line in out.out.splitlines()]
    assert status == 0
    assert ["instructions", "3 → 4", "+1", "1", "2", "prompt 1"] in lines
    assert any(line[:4] == ["demonstrations", "3 → 4", "+1", "2"] for line in lines)
    assert "breaking: D 50.0% breaking, 25.0% additive" in out.out
    assert "select.target_size: 3 → 4" in out.out and "library polars: 1.0 → 1.1" in out.out


def test_a_table_shows_words_and_nothing_acts(project, capsys):
    _, out = run(capsys, table="demonstrations")
    assert "What is [-wet-]{+damp+}?" in out.out
    assert r"\x1b[2J\u202eevil" in out.out and "\x1b" not in out.out and "sk-aaaa" not in out.out


def test_json_has_every_id_and_equal_versions_give_equal_bytes(project, capsys, tmp_path):
    status, _ = run(capsys, as_json=tmp_path / "a.json", exit_code=True)
    written = (tmp_path / "a.json").read_bytes()
    assert status == 1 and written == render_json(read_diff(
        open_version("HEAD"), open_version(None), rows=8, causes=False, prove=False, for_page=False
    ))  # fmt: skip
    tables = {one["table"]: one for one in json.loads(written)["tables"]}
    assert tables[SEEDS]["ids"]["kind"] == ["added", "changed"]
    assert tables[SEEDS]["ids"]["id_old"] == [None, row_id("What is wet?")]
    assert b"sk-aaaa" not in written


def test_what_was_edited_is_named(project):
    diff = build_diff(open_version("HEAD"), open_version(None), details=False)
    assert ParamChange("select.target_size", 3, 4) in diff.changes
    assert CodeChange("library", "polars", "1.0", "1.1", ("ingest",)) in diff.changes
    assert diff.same == () and diff.level == "breaking"


def test_a_version_and_itself(project, capsys):
    status, out = run(capsys, new="HEAD", exit_code=True)
    assert status == 0 and "neutral: no row of D and P differs" in out.out and "2 tables are equal" in out.out


def test_a_table_that_is_not_to_be_had_is_named_and_the_others_are_compared(project, capsys):
    object_path(open_version("HEAD").tables()[SEEDS].md5).unlink()
    status, out = run(capsys, causes=True, exit_code=True)
    assert status == 1 and "nor its remote has instructions, which is not compared" in out.out
    assert "demonstrations" in out.out and "no change explains it" not in out.out
    object_path(open_version("HEAD").tables()[D].md5).unlink()
    assert "class unknown: D cannot be read" in run(capsys)[1].out
    with pytest.raises(MissingObject, match="demonstrations"):
        review(open_version("HEAD"), open_version(None), day=date(2026, 11, 30))


def test_tables_of_another_version_than_dvc_lock_are_said(project, capsys):
    project.git("checkout", "-q", "dvc.lock")
    _, out = run(capsys, causes=True)
    assert "2 tables on disk (instructions …) are not those that dvc.lock records" in out.out
    assert "breaking: D 50.0%" in out.out and "no change explains it" not in out.out


def test_ctrl_c_within_a_query_ends_in_a_line(project, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("reports.diff.command.build_diff", interrupted)
    status, out = run(capsys)
    assert status == 130 and "stopped" in out.err


def test_a_version_without_tables_is_said(project, capsys):
    project.git("rm", "-q", "--cached", "dvc.lock")
    project.git("-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "no lock")
    assert "has no tables" in run(capsys, causes=True)[1].out


def test_an_unknown_table_or_version_is_said_in_a_line(project, capsys):
    assert run(capsys, table="nope")[1].err.startswith("error: no version has a table nope; there are demonstrations")
    assert run(capsys, old="nope")[0] == 1


def test_a_file_that_a_stage_reads_is_compared(project):
    graph = {
        "stages": {
            "ingest": {"cmd": "x", "deps": ["data/seeds"], "outs": [SEEDS]},
            "assemble": {"cmd": "x", "outs": [D]},
        }
    }
    project.yaml("dvc.yaml", graph)
    project.write("data/seeds/a.jsonl", "1\n")
    project.write("data/seeds/b.jsonl", "1\n")
    project.commit("with seeds")
    project.write("data/seeds/a.jsonl", "2\n")
    project.write("data/seeds/c.jsonl", "1\n")
    (project.folder / "data/seeds/b.jsonl").unlink()
    diff = build_diff(open_version("HEAD"), open_version(None), details=False)
    assert [one for one in diff.changes if isinstance(one, FileChange)] == [
        FileChange("data/seeds/a.jsonl", "edited"),
        FileChange("data/seeds/b.jsonl", "removed"),
        FileChange("data/seeds/c.jsonl", "added"),
    ]


def test_a_named_item_of_a_list_is_known_by_its_name():
    old = {"ingest": {"sources": [{"name": "a", "license": "x"}, {"name": "b", "license": "y"}]}, "roles": {"t": 1}}
    new = {"ingest": {"sources": [{"name": "b", "license": "z"}, {"name": "a", "license": "x"}]}, "roles": {"t": None}}
    assert param_changes(old, new) == [
        ParamChange("ingest.sources[b].license", "y", "z"),
        ParamChange("roles.t", 1, None),
    ]
