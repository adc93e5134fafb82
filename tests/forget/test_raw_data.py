"""A row of a file below data/raw, under DVC by a pointer: the file is cut, added again, and its old bytes go."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from forget_project import Project, write_yaml

import reports.forget.command as command
from bench.forget import change, small_project
from cultivar.runner.graph import load_yaml

STAGES = ("ingest", "tag", "ontology")


def dvc(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pointer_names_the_cut_folder_and_the_old_bytes_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_project(tmp_path, STAGES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / ".cache/generations"))
    rows = [
        {"prompt": f"Please explain in some detail how machine {number} works", "completion": ""} for number in range(3)
    ]
    Path("data/raw").mkdir(exist_ok=True)
    Path("data/raw/mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("data/raw/more.jsonl").write_text(json.dumps({"prompt": "One more prompt of a file that stays"}) + "\n")
    mine = {"name": "mine", "path": "data/raw/*.jsonl", "domain": "general", "license": "own"}
    change(tmp_path, lambda params: params["ingest"]["sources"].append(mine))
    graph = load_yaml(Path("dvc.yaml"))
    graph["stages"]["ingest"]["deps"].append("data/raw")
    write_yaml(Path("dvc.yaml"), graph)
    dvc("add", "-q", "data/raw")
    monkeypatch.setattr(Project, "train", lambda *arguments: None)
    project = Project(tmp_path)
    project.build()
    project.commit("first version")
    pointer, objects = Path("data/raw.dvc").read_text(), project.objects()
    old = {json.loads(line)["prompt"] for line in Path("data/raw/mine.jsonl").read_text().splitlines()}
    assert command.main(row="data/raw/mine.jsonl:2", yes=True, date="2026-11-30") == 0
    left = {json.loads(line)["prompt"] for line in Path("data/raw/mine.jsonl").read_text().splitlines()}
    assert old - left == {rows[1]["prompt"]}
    assert Path("data/raw.dvc").read_text() != pointer
    assert "up to date" in dvc("status", "data/raw.dvc")
    holding = [
        path
        for path in Path(".dvc/cache/files").rglob("*")
        if path.is_file() and b"machine 1 works" in path.read_bytes()
    ]
    assert holding == []
    staying = [
        path
        for path in Path(".dvc/cache/files").rglob("*")
        if path.is_file() and b"a file that stays" in path.read_bytes()
    ]
    assert len(staying) == 1 and objects & project.objects()
