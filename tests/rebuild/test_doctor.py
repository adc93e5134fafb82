"""The doctor finds what DVC does not look for, and what it says mends it."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import shell_project

from cultivar.runner.graph import load_yaml
from cultivar.store.store import Store


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Built, committed, pushed to a remote in a folder."""
    project = shell_project.make(tmp_path)
    dvc(project, "repro", "-q")
    dvc(project, "remote", "add", "-d", "backup", str(tmp_path / "remote"))
    dvc(project, "push", "-q")
    shell_project.commit(project)
    return project


def dvc(project: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return shell_project.run(project, sys.executable, "-m", "dvc", *arguments, check=check)


def doctor(project: Path, *arguments: str) -> str:
    done = shell_project.module(project, "cultivar.tools.doctor", *arguments)
    assert done.returncode == (done.stdout != "nothing wrong\n"), done.stderr
    return done.stdout


def object_of(project: Path, stage: str) -> str:
    md5 = load_yaml(project / "dvc.lock")["stages"][stage]["outs"][0]["md5"]
    return f"{md5[:2]}/{md5[2:]}"


def test_a_damaged_object_that_dvc_trusts(project):
    assert doctor(project, "--remote", "backup", "--hash") == "nothing wrong\n"
    place = project / ".dvc/cache/files/md5" / object_of(project, "join")
    place.chmod(0o644)
    place.write_bytes(place.read_bytes().replace(b"people", b"nobody"))
    place.chmod(0o444)
    (project / "data/joined.txt").unlink()
    dvc(project, "checkout", "-q")
    assert dvc(project, "status", "-q", check=False).returncode == 0, "DVC finds it out by itself now: good"
    output = doctor(project)
    assert f"cache: {place.relative_to(project)} is damaged" in output and "1 findings" in output
    remedy = f"rm -rf {place.relative_to(project)} data/joined.txt, then `dvc pull data/joined.txt`"
    assert remedy in output and "`dvc repro join`" in output
    place.unlink()
    assert "data/joined.txt: its bytes are not those that dvc.lock records" in doctor(project)  # which DVC trusts
    (project / "data/joined.txt").unlink()
    dvc(project, "pull", "-q", "data/joined.txt")
    assert doctor(project) == "nothing wrong\n"
    assert "people" in (project / "data/joined.txt").read_text()


def test_a_whole_object_in_the_remote_is_not_blamed_for_a_damaged_one_in_the_cache(project):
    member = project / "models/base/weights"
    stage = "\n  base:\n    cmd: mkdir -p models/base && sort -u source.txt > models/base/weights\n    outs: [models/base]\n"
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + stage)
    (project / ".gitignore").write_text("/data/\n/models/\n")
    dvc(project, "repro", "-q", "base")
    dvc(project, "push", "-q")
    name = hashlib.md5(member.read_bytes()).hexdigest()
    place = project / ".dvc/cache/files/md5" / name[:2] / name[2:]
    member.unlink()
    place.chmod(0o644)
    place.write_bytes(place.read_bytes()[:-3])
    output = doctor(project, "--remote", "backup")
    assert f"{place.relative_to(project)} {member.relative_to(project)}, then" in output and "remote:" not in output


def test_a_truncated_object_in_the_remote(project, tmp_path):
    place = tmp_path / "remote/files/md5" / object_of(project, "one")
    content = place.read_bytes()
    place.chmod(0o644)
    place.write_bytes(content[:-9])
    assert "is truncated: 1,791 of 1,800 bytes" in doctor(project, "--remote", "backup")
    place.write_bytes(content[:-9] + b"otherwise")
    assert doctor(project, "--remote", f"file://{tmp_path}/remote") == "nothing wrong\n"  # as long as it should be
    assert "is damaged: its bytes hash to" in doctor(project, "--remote", "backup", "--hash")
    place.unlink()
    dvc(project, "push", "-q")
    assert doctor(project, "--remote", "backup", "--hash") == "nothing wrong\n"


def test_what_killed_runs_leave(project):
    objects = project / ".dvc/cache/files/md5"
    (objects / "00").mkdir(exist_ok=True)
    (objects / "00/.abc.tmp").write_text("half")
    locks = project / ".dvc/tmp/rwlock"
    locks.write_text('{"read": {"data/all')
    assert "rm .dvc/tmp/rwlock" in doctor(project)
    assert "corrupted" in dvc(project, "repro", check=False).stderr
    locks.unlink()
    graph = project / "dvc.yaml"
    graph.write_text(
        graph.read_text().replace("[a, b]", "[a]").replace(", data/model-b.txt", "").replace(" data/model-b.txt", "")
    )
    (project / "source.txt").write_text("edited")
    shell_project.run(project, "git", "stash", "-q")
    shell_project.run(project, "git", "checkout", "-q", "--detach")
    output = doctor(project)
    assert "00/.abc.tmp is left from an interrupted transfer" in output
    assert "HEAD is detached" in output and "`git switch main`" in output
    assert "WIP on main" in output and "git stash pop" in output
    shell_project.run(project, "git", "switch", "-q", "main")
    shell_project.run(project, "git", "stash", "pop", "-q")
    (objects / "00/.abc.tmp").unlink()
    output = doctor(project)
    assert "dvc.lock: train@b is no longer in dvc.yaml" in output and "1 findings" in output


def test_what_is_in_use_is_no_leftover(project):
    stage = "\n  ask:\n    matrix:\n      model: [qwen2-7b]\n    cmd: cp source.txt data/${item.model}\n"
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text() + stage + '    outs: ["data/${item.model}"]\n')
    dvc(project, "repro", "-q", "ask")
    assert doctor(project) == "nothing wrong\n"  # ask@qwen2-7b is a stage
    folder = project / ".dvc/tmp/exps/tmp1"
    (folder / ".git").mkdir(parents=True)
    assert f"rm -r {folder.relative_to(project)}" in doctor(project)
    with subprocess.Popen(["sleep", "60"], cwd=folder) as running:
        assert doctor(project) == "nothing wrong\n"
        running.kill()


def test_a_damaged_segment_of_the_store(project):
    with Store(project / ".cache/generations") as store:
        store.put("kind", pl.DataFrame({"key": [bytes(16)], "text": ["answer"]}))
    assert doctor(project) == "nothing wrong\n"
    [segment] = (project / ".cache/generations/kind").glob("*.parquet")
    segment.write_bytes(segment.read_bytes()[:-1])
    assert "do not hash to its name" in doctor(project)


@pytest.mark.parametrize(
    ("file", "content", "found"),
    [
        (".dvc/config", "<<<<<<< HEAD\n[core]\n=======\n>>>>>>> theirs\n", ".dvc/config cannot be read"),
        ("params.yaml", "runtime: foo\n", "params.yaml: cannot be read"),
        ("params.yaml", "runtime: {store: 5}\n", "params.yaml: runtime.store is 5, which is no folder"),
        ("params.yaml", "<<<<<<< HEAD\na: 1\n=======\n>>>>>>> theirs\n", "marks of a merge with conflicts"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_a_finding_and_no_traceback(project, file, content, found):
    (project / file).write_text(content)
    assert found in doctor(project, "--remote", str(project.parent / "remote"))
    if file == "params.yaml":
        done = shell_project.module(project, "cultivar.tools.hermetic")
        assert done.returncode == 1 and done.stderr.startswith("error: params.yaml"), done.stderr


def test_yaml_that_only_the_parser_of_dvc_refuses(project):
    (project / "params.yaml").write_text("judge: {base_url: http://localhost:8000/v1}\n")
    assert "params.yaml cannot be read" in (output := doctor(project)) and "found unexpected ':'" in output
    (project / "params.yaml").write_text('judge: {base_url: "http://localhost:8000/v1"}\n')
    assert "cannot be read" not in doctor(project)


def test_checkpoints_of_a_training_that_nobody_took_up_again(project):
    aged, young = (project / ".cache/checkpoints" / name for name in ("sft-1", "sft-2"))
    for folder in (aged, young):
        folder.mkdir(parents=True)
        (folder / "state").write_text("expensive")
    for path in (aged / "state", aged):
        os.utime(path, (1e9, 1e9))
    assert f"{aged.relative_to(project)}: checkpoints that nobody has touched for 30 days" in (
        output := doctor(project)
    )
    assert "1 findings" in output
