"""A user's own file below data/raw, under DVC: `dvc repro`, `dvc exp run --temp` and `--queue` read it, as docs/data.md says."""

import json
import subprocess
import sys

import polars as pl
import pytest
from reduced import commit, git, read
from workspace import ROOT, Workspace

TICKET = {"prompt": "How do I descale a kettle?", "completion": "Boil it with vinegar."}
UNCOMMENTED = "      - data/raw\n"
COMMENTED = "      # - data/raw "


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The project with few rows, and a user's file that nothing knows of yet."""

    def edit(params):
        safety = next(source for source in params["ingest"]["sources"] if source["name"] == "safety")
        params["ingest"] |= {"sources": [safety], "evaluation": []}

    work = Workspace(tmp_path_factory.mktemp("own"), edit)
    git(work, "config", "user.name", "t")
    git(work, "config", "user.email", "t@t")
    (work.folder / "data/raw").mkdir()
    write(work, TICKET)
    return work


def write(work: Workspace, *tickets: dict) -> None:
    path = work.folder / "data/raw/my tickets[1].jsonl"
    path.unlink(missing_ok=True)  # DVC's cache may be what stands here
    path.write_text("".join(json.dumps(ticket) + "\n" for ticket in tickets))


def declare(work: Workspace) -> None:
    source = {"name": "tickets", "path": "data/raw/my tickets[1].jsonl", "domain": "general", "license": "own"}
    work.change(lambda params: params["ingest"]["sources"].append(source))


def list_dep(work: Workspace) -> None:
    """The one edit of dvc.yaml: the comment goes."""
    graph = work.folder / "dvc.yaml"
    lines = graph.read_text().splitlines(keepends=True)
    assert sum(line.startswith(COMMENTED) for line in lines) == 1
    graph.write_text("".join(UNCOMMENTED if line.startswith(COMMENTED) else line for line in lines))


def dvc(work: Workspace, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`dvc`, its output to a file: a worker of the queue that stays would hold a pipe open."""
    log = work.folder.with_suffix(".log")
    with log.open("w") as output:
        command = [sys.executable, "-m", "dvc", *arguments]
        code = subprocess.run(
            command, cwd=work.folder, env=work.environment(), stdout=output, stderr=subprocess.STDOUT, timeout=300
        ).returncode
    assert code == 0, log.read_text()
    return log.read_text()


def prompts(work: Workspace) -> set[str]:
    frame = pl.read_parquet(work.folder / "data/instructions.parquet")
    return {turns[-1]["content"] for turns in frame["prompt"].to_list()}


def test_data_of_a_user_is_a_dependency_from_dvc_add_to_the_queue(work):
    dvc(work, "add", "-q", "data/raw")
    assert set(git(work, "status", "--short", "-uall").split()) == {"??", "data/.gitignore", "data/raw.dvc"}
    declare(work)
    refused = work.python("-m", "dvc", "repro", "ingest")  # step 3 is missing
    assert refused.returncode and "    deps:\n      - data/raw/my tickets[1].jsonl" in refused.stdout + refused.stderr
    list_dep(work)
    work.repro("ingest")
    assert prompts(work) == {TICKET["prompt"]}
    assert {dep["path"] for dep in read(work.folder / "dvc.lock")["stages"]["ingest"]["deps"]} >= {"data/raw"}
    commit(work, "tickets")
    assert not [name for name in git(work, "ls-files").splitlines() if name.startswith(("data/raw/", "data/instr"))]

    dvc(work, "exp", "run", "--temp", "-n", "alone", "-S", "ingest.detect_rows=40", "ingest")
    dvc(work, "exp", "run", "--queue", "-n", "queued", "-S", "ingest.detect_rows=30", "ingest")
    dvc(work, "exp", "run", "--run-all")
    instructions = work.lock()["ingest"]["data/instructions.parquet"]
    for name in ("alone", "queued"):
        revision = dict(line.split()[::-1] for line in git(work, "show-ref").splitlines() if line.endswith(name))
        (revision,) = revision.values()
        assert instructions in git(work, "show", f"{revision}:dvc.lock")

    write(work, TICKET, TICKET | {"prompt": "How do I clean a kettle?"})
    work.repro("ingest")  # sees the change, and brings data/raw.dvc up to date
    assert len(prompts(work)) == 2 and "data/raw.dvc" in git(work, "status", "--short")


def test_a_colleague_gets_the_file_from_the_cache(work, tmp_path):
    commit(work, "more tickets")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(work.folder), str(clone)], check=True)
    command = [sys.executable, "-m", "dvc", "cache", "dir", "--local", str(work.folder / ".dvc/cache")]
    subprocess.run(command, cwd=clone, env=work.environment(), check=True, capture_output=True)
    command = [sys.executable, "-m", "dvc", "checkout", "-q", "data/raw.dvc"]
    subprocess.run(command, cwd=clone, env=work.environment(), check=True)
    assert (clone / "data/raw/my tickets[1].jsonl").read_text() == (
        work.folder / "data/raw/my tickets[1].jsonl"
    ).read_text()


def test_the_page_shows_the_edit_that_is_tested():
    assert COMMENTED in (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    assert "- data/raw" in (ROOT / "docs/data.md").read_text(encoding="utf-8")
