"""Requests rebuilt in a small real project (simulated teacher): shown where a key or the row itself proves them, and not else."""

import contextlib
import hashlib
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML
from workspace import Workspace

from reports.trace.family import Family, Tracer
from reports.trace.requests import Asked, Requests, rebuild
from reports.versions.version import open_version

STAGES = ("ingest", "tag", "rejection", "repurpose", "constitution")
ROWS = 5


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The first lines of each source, through a few stages, recorded as DVC would."""

    def edit(params):
        for source in params["ingest"]["sources"]:
            if not source["path"].endswith("passages.txt"):
                source["limit"] = ROWS
        params["rejection"]["samples"] = 4

    work = Workspace(tmp_path_factory.mktemp("trace") / "project", edit)
    done = work.python("-m", "cultivar.runner.fingerprints")
    assert done.returncode == 0, done.stderr
    for stage in STAGES:
        done = work.python("-m", "cultivar.runner", stage)
        assert done.returncode == 0, done.stderr
    yaml = YAML(typ="safe", pure=True)
    graph = yaml.load(work.folder / "dvc.yaml")["stages"]
    stages = {
        name: {
            "cmd": graph[name]["cmd"],
            "outs": [recorded(work.folder, out) for out in graph[name]["outs"] if isinstance(out, str)],
        }
        for name in STAGES
    }
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.dump({"schema": "2.0", "stages": stages}, work.folder / "dvc.lock")
    return work


def recorded(folder: Path, out: str) -> dict:
    content = (folder / out).read_bytes()
    return {"path": out, "hash": "md5", "md5": hashlib.md5(content).hexdigest(), "size": len(content)}


@pytest.fixture
def inside(built, monkeypatch):
    monkeypatch.chdir(built.folder)
    monkeypatch.setenv("CULTIVAR_STORE", str(built.store))
    return built


def rows(name: str) -> list[dict]:
    return pl.read_parquet(f"data/{name}.parquet").to_dicts()


def traced(row_id: str) -> tuple[Family, Requests]:
    tracer = Tracer(open_version())
    family = tracer.trace(row_id)
    return family, rebuild(family, tracer)


def told(requests: Requests) -> list[Asked]:
    return [asked for own in requests.of_row.values() for asked in own]


@pytest.mark.parametrize("strategy", ["rejection", "repurpose", "constitution"])
def test_every_answer_behind_a_demonstration_has_its_request(inside, strategy):
    before = {path: path.stat().st_mtime_ns for path in inside.store.rglob("*")}
    for row in rows(f"{strategy}_demonstrations")[:2]:
        for _ in range(3):  # on a busy machine an answer may stay undecided, and then nothing is proved
            family, found = traced(row["id"])
            if all(one.id in found.of_row for one in family.nodes.values() if "outcome" in one.row):
                break
        for node in family.nodes.values():
            if not node.tables:
                (asked,) = found.of_row[node.id]
                assert (asked.key, asked.proof, asked.role) == (node.id, "key", "teacher")
                assert node.answer["text"] == asked.answer.text
        judged = [one for one in family.nodes.values() if "outcome" in one.row]
        assert judged and all(
            {(a.role, a.proof) for a in found.of_row[one.id]} == {("judge", "derived")} for one in judged
        )
        assert not found.notes
    assert {
        path: path.stat().st_mtime_ns for path in inside.store.rglob("*")
    } == before  # nothing asked, nothing stored


def test_the_messages_are_those_that_were_sent(inside):
    problems = {row["id"]: row["prompt"] for row in rows("problems")}
    dropped = [row for row in rows("dropped/rejection") if row["rule"] == "wrong answer"]
    for row in dropped[:3]:  # a path that stands in no other table: its text is the answer's
        _, found = traced(row["id"])
        (asked, *_) = found.of_row[row["id"]]
        assert asked.request.messages == [{"role": "user", "content": problems[row["parents"][0]]}]
        assert asked.proof == "derived" and asked.answer.text.strip()


def test_a_tag_set_is_made_again_by_its_answer_and_not_after_its_prompt_changed(inside):
    row = rows("tag_sets")[0]["id"]
    assert [(one.role, one.proof) for one in traced(row)[1].of_row[row]] == [("tagger", "derived")]
    place = Path("prompts/tag.jinja")
    before = place.read_text()
    place.write_text(before.replace("{% block user %}", "{% block user %}Now: "))
    try:
        assert told(traced(row)[1]) == []  # that was never asked
        for broken in ("no block", "{% block user %}{{ nothing }}{% endblock %}", "{% block"):
            place.write_text(broken)
            _, found = traced(row)
            assert told(found) == [] and found.notes[0].startswith("tag: its requests cannot be rebuilt")
    finally:
        place.write_text(before)


def test_of_other_code_only_what_a_key_proves_is_shown(inside):
    row = rows("rejection_preferences")[0]["id"]
    place = Path("fingerprints/rejection.txt")
    before = place.read_text()
    place.write_text(before + "stages/x.py 0\n")
    try:
        _, found = traced(row)
        assert told(found) and {asked.proof for asked in told(found)} == {"key"}
        assert found.notes == ["rejection: its code is not that of workspace; only what a key proves is shown"]
    finally:
        place.write_text(before)


def test_a_forgotten_answer_is_not_made_up(inside):
    row = next(row for row in rows("rejection_demonstrations") if len(row["parents"]) == 2)
    hidden = inside.store.with_name("hidden")
    inside.store.rename(hidden)
    try:
        family, found = traced(row["id"])
        assert told(found) == [] and all(node.answer is None for node in family.nodes.values())
    finally:
        with contextlib.suppress(OSError):
            inside.store.rmdir()
        hidden.rename(inside.store)


def test_roles_at_a_server_are_rebuilt_without_one(inside):
    place = Path("params.yaml")
    before = place.read_text()
    yaml = YAML(typ="safe", pure=True)
    params = yaml.load(before)
    params["roles"]["judge"] |= {"engine": "http", "faults": None}
    yaml.dump(params, place)
    try:
        row = rows("rejection_demonstrations")[0]["id"]
        _, found = traced(row)
        assert not found.notes and {asked.role for asked in told(found)} <= {"teacher"}  # that judge was never asked
    finally:
        place.write_text(before)
