"""A finished stage stays finished: faults of the log, the terminal, the disk and .cache, before and after its end."""

import contextlib
import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from project import MODULE, STAGE, fingerprints, make
from safetensors import SafetensorError

from cultivar.runlog.checkpoints import remove_recorded
from cultivar.runlog.record import last_run, last_runs, record_path, record_run
from cultivar.runlog.streams import lenient
from schemas.errors import UserError
from schemas.products import message
from schemas.rows import Instruction
from schemas.table import Table
from schemas.writing import DiskFull, Drafts, disk_full, naming

TRAINING = (
    STAGE.replace(
        "def select(instructions: Table[Instruction], params: SelectParams)",
        "def select(instructions: Table[Instruction], params: SelectParams, checkpoints: Checkpoints, progress: Progress)",
    )
    .replace(
        "    long = ",
        "    (checkpoints.path / 'trained').touch()\n    progress(1, 2, 'l\\u00f6ss')\n"
        "    print('\\u4e2d \\ud800')\n    long = ",
    )
    .replace("from schemas.table", "from schemas.stage import Checkpoints, Progress\nfrom schemas.table")
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make(tmp_path_factory.mktemp("template") / "project", stage=TRAINING)
    rows = [
        {"id": f"{n:032x}", "prompt": [message("user", f"ask {n}")], "source": "s", "license": "l"} for n in range(3)
    ]
    Table.of(Instruction, rows).write(folder / "data/instructions.parquet")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """Copied with its times: the guard takes a file that is new for one that was edited."""
    return Path(shutil.copytree(template, tmp_path / "project"))


def shell(project: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A shell command line in the project in which $RUN runs its stage."""
    run = f"{sys.executable} -m cultivar.runner select"
    given = {"RUN": run, "PYTHONPATH": "", "DVC_ROOT": str(project)} | environment
    inherited = {name: value for name, value in os.environ.items() if name != "DVC_STAGE"}
    return subprocess.run(
        ["bash", "-c", command], cwd=project, env=inherited | given, capture_output=True, text=True, timeout=300
    )


def is_whole(project: Path) -> bool:
    outputs = ("data/short.parquet", "data/dropped/select.parquet", "metrics/select.json")
    there = [(project / path).is_file() for path in outputs]
    drafts = [path for room in ("data", "metrics") for path in (project / room).rglob(".*.tmp")]
    assert len(set(there)) == 1 and not drafts, f"half: {there} {drafts}"
    return there[0]


def checkpoints(project: Path) -> list[Path]:
    return list((project / ".cache/checkpoints").glob("*/*"))


@pytest.mark.parametrize(
    ("command", "environment", "said"),
    [
        ("$RUN | true; exit ${PIPESTATUS[0]}", {}, "warning: standard output cannot be written (Broken pipe)"),
        ("$RUN > /dev/full", {}, "warning: standard output cannot be written (No space left on device)"),
        ("$RUN > /dev/full 2>&1", {}, ""),
        ("$RUN >&-", {}, ""),
        ("$RUN <&- >&- 2>&-", {}, ""),
        ("$RUN", {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, ""),
        ("rm -rf .cache/runs && mkdir -p .cache && touch .cache/runs && $RUN", {}, "the record of this run cannot be"),
        ("mkdir .dvc && printf '[core' > .dvc/config && cp lock dvc.lock && $RUN", {}, "what changed since the prev"),
        ("printf '\\377' > dvc.lock && $RUN", {}, "what changed since the previous version cannot be counted"),
    ],
)
def test_what_is_told_ends_no_stage(project: Path, command: str, environment: dict[str, str], said: str) -> None:
    entry = "  select:\n    outs:\n    - path: data/short.parquet\n      md5: 0123456789abcdef\n"
    (project / "lock").write_text("stages:\n" + entry)
    done = shell(project, command, **environment)
    assert done.returncode == 0, done.stderr
    assert is_whole(project) and not checkpoints(project)
    assert done.stderr.count("warning: ") == bool(said) and said in done.stderr, done.stderr


def test_characters_that_a_terminal_lacks_are_escaped(project: Path) -> None:
    done = shell(project, "$RUN", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert "\\u4e2d \\ud800" in done.stdout and "3 rows in" in done.stdout and "\\xb7" in done.stdout, done.stderr
    assert "中 \\ud800" in shell(project, "$RUN", PYTHONIOENCODING="utf-8").stdout


INJECTED = """
import os, signal, sys
from pathlib import Path
import schemas.writing, cultivar.runlog.record as record
{fault}
sys.argv = ["cultivar.runner", "select"]
from cultivar.runner.__main__ import main
sys.exit(main())
"""
STOP_AT_A_RENAME = """
kept, count = Path.replace, 0
def replace(self, target):
    global count
    count += 1
    if count == 2:
        os.kill(os.getpid(), signal.{stop})
    return kept(self, target)
Path.replace = replace
"""
STOP_AT_THE_RECORD = """
import cultivar.runner.run as run
run.record_run = lambda *given: os.kill(os.getpid(), signal.{stop})
"""


@pytest.mark.parametrize(
    ("fault", "stop"),
    [(STOP_AT_A_RENAME, "SIGINT"), (STOP_AT_A_RENAME, "SIGTERM"), (STOP_AT_THE_RECORD, "SIGINT")],
)
def test_a_stop_at_the_end_leaves_all_outputs_and_the_checkpoints(project: Path, fault: str, stop: str) -> None:
    (project / "inject.py").write_text(INJECTED.format(fault=fault.format(stop=stop)))
    done = shell(project, f"exec {sys.executable} inject.py", PYTHONPATH=".")
    assert done.returncode in (130, -getattr(signal, stop)), done.stderr
    assert is_whole(project) and checkpoints(project)


def test_a_kill_among_the_renames_is_made_good_by_the_next_run(project: Path) -> None:
    (project / "inject.py").write_text(INJECTED.format(fault=STOP_AT_A_RENAME.format(stop="SIGKILL")))
    assert shell(project, f"exec {sys.executable} inject.py", PYTHONPATH=".").returncode == -signal.SIGKILL
    assert checkpoints(project)
    assert shell(project, "$RUN").returncode == 0 and is_whole(project) and not checkpoints(project)


FULL = {
    "polars": "pl.exceptions.ComputeError('parquet: File out of specification: underlying IO error: No space left on "
    "device (os error 28)')",
    "polars csv": "OSError('No space left on device (os error 28)')",
    "python": f"OSError({errno.ENOSPC}, 'No space left on device')",
    "pyarrow": f"pa.ArrowIOError({errno.ENOSPC}, 'Error writing bytes to file')",
    "quota": f"OSError({errno.EDQUOT}, 'Disk quota exceeded')",
    "quota of Rust": "OSError('Disk quota exceeded (os error 122)')",
    "ulimit": "pl.exceptions.ComputeError('underlying IO error: File too large (os error 27)')",
    "sqlite": "sqlite3.OperationalError('database or disk is full')",
    "safetensors": "SafetensorError('Error while serializing: I/O error: No space left on device (os error 28)')",
    "torch": "RuntimeError('[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534')",
    "torch, data": "RuntimeError('PytorchStreamWriter failed writing file data/2: file write failed')",
    "numpy": "OSError('1000000 requested and 131056 written')",
    "a group": f"ExceptionGroup('tasks', [OSError({errno.ENOSPC}, 'No space left on device')])",
}
NO_FULL_DISK = {
    "an answer that says so": "ValueError('no space left on device')",
    "permission": f"OSError({errno.EACCES}, 'no space left on device')",
    "another error of torch": "RuntimeError('mat1 and mat2 shapes cannot be multiplied')",
    "a user's error": "UserError('row 5: no space left on device')",
}


NAMES = {"pl": pl, "pa": pa, "sqlite3": sqlite3, "SafetensorError": SafetensorError, "UserError": UserError}


def error_of(code: str) -> Exception:
    return eval(code, NAMES)


@pytest.mark.parametrize("words", FULL)
def test_a_full_disk_in_any_librarys_words(words: str, tmp_path: Path) -> None:
    with (
        pytest.raises(
            DiskFull, match=r"table.parquet cannot be written: .*of .* are free there\); make room"
        ) as raised,
        naming(tmp_path / "table.parquet"),
    ):
        raise error_of(FULL[words])
    assert "\n" not in str(raised.value) and raised.value.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    error = RuntimeError("the stage failed")
    error.__cause__ = error_of(FULL[words])
    assert str(tmp_path) in str(disk_full(error, tmp_path))


@pytest.mark.parametrize("words", NO_FULL_DISK)
def test_other_errors_stay_what_they_are(words: str) -> None:
    assert disk_full(error_of(NO_FULL_DISK[words]), Path()) is None


def can_mount() -> bool:
    trial = ["unshare", "-Urm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    return shutil.which("unshare") is not None and subprocess.run(trial, capture_output=True).returncode == 0


MOUNTS = pytest.mark.skipif(not can_mount(), reason="no mounts in a user namespace here (unshare -Urm)")


@MOUNTS
@pytest.mark.parametrize(
    ("mounted", "fill", "named"),
    [
        ("data/dropped", "head -c 65536 /dev/zero > data/dropped/filler", "data/dropped/select.parquet"),
        ("metrics", "head -c 65536 /dev/zero > metrics/filler", "metrics/select.json"),
    ],
)
def test_a_full_disk_leaves_the_old_outputs(project: Path, mounted: str, fill: str, named: str) -> None:
    """The second or third output finds no room: the first, which did, takes its place no more than they."""
    assert shell(project, "$RUN").returncode == 0
    before = {path: (project / path).read_bytes() for path in ("data/short.parquet", "metrics/select.json")}
    (project / "params.yaml").write_text("select:\n  words: 1\n")
    inside = f"mount -t tmpfs -o size=64k none {mounted} && {fill} && $RUN"
    done = shell(project, f"exec unshare -Urm bash -c '{inside}'")
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {named} cannot be written: no space left on the device (")
    assert "of 65.5 kB are free there); make room" in line
    assert {path: (project / path).read_bytes() for path in before} == before
    assert checkpoints(project) and not list(project.rglob("data/.*.tmp"))


@MOUNTS
def test_a_read_only_cache_is_a_warning(project: Path) -> None:
    """The stage has checkpoints there, so the folder turns read-only once it has them."""
    call = "    import subprocess\n    subprocess.run(['mount', '-o', 'remount,ro', '.cache'], check=True)\n    long = "
    (project / MODULE).write_text(TRAINING.replace("    long = ", call))
    fingerprints(project)
    done = shell(project, "exec unshare -Urm bash -c 'mkdir -p .cache && mount -t tmpfs none .cache && $RUN'")
    assert done.returncode == 0, done.stderr
    assert "the record of this run cannot be written: [Errno 30] Read-only file system" in done.stderr
    assert is_whole(project)


def test_under_dvc_the_checkpoints_stay_until_it_has_recorded_the_outputs(project: Path) -> None:
    done = shell(project, "$RUN", DVC_STAGE="select")
    assert done.returncode == 0, done.stderr
    [mark] = (project / ".cache/checkpoints").glob("*/finished.json")
    outputs = json.loads(mark.read_text())["outputs"]
    assert set(outputs) == {"data/short.parquet", "data/dropped/select.parquet", "metrics/select.json"}
    entry = "".join(f"    - path: {path}\n      md5: {md5}\n" for path, md5 in outputs.items())
    for recorded, stays in (
        ("", True),
        (entry.replace(outputs["metrics/select.json"], "0" * 32), True),
        (entry, False),
    ):
        (project / "dvc.lock").write_text("stages:\n  select:\n    outs:\n" + recorded)
        here = Path.cwd()
        try:
            os.chdir(project)
            remove_recorded(project / ".cache/checkpoints")
        finally:
            os.chdir(here)
        assert mark.exists() == stays


@pytest.mark.parametrize("content", [b"", b"{", b"\0\0", b"[]", b"\xff", b'{"seconds": null}'])
def test_a_record_that_a_kill_cut_short_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    record_run("tag", 1.5, {}, None, 3)
    record_path("rank").write_bytes(content)
    assert last_run("rank").get("seconds") is None and list(last_runs()) == ["tag"]


def test_a_full_disk_within_a_stage_is_one_line(project: Path) -> None:
    """As torch says it while a model is saved: no path, no reason."""
    code = (
        "import cultivar.runner.run as run\n\ndef close(*_):\n    raise "
        + FULL["torch, data"]
        + "\n\nrun.close = close"
    )
    (project / "inject.py").write_text(INJECTED.format(fault=code))
    done = shell(project, f"exec {sys.executable} inject.py", PYTHONPATH=".")
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and not is_whole(project) and checkpoints(project)
    assert done.stderr.startswith("error: ") and "cannot be written: no space left on the device (" in done.stderr


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_takes_the_place_of_the_old_one_whole(tmp_path: Path, fails: bool) -> None:
    model, table = tmp_path / "models/sft", tmp_path / "data/t.txt"
    for folder in (model, table.parent):
        folder.mkdir(parents=True)
    (model / "old").touch()
    table.write_text("old")
    draft = model.with_name(".sft.1.tmp")
    draft.mkdir()
    (draft / "new").touch()
    with contextlib.suppress(DiskFull), Drafts() as drafts:
        drafts.add(model, draft)
        drafts.add(table).write_text("new")
        with naming(table):
            if fails:
                raise OSError(errno.ENOSPC, "No space left on device")
        drafts.publish()
    kept = "old" if fails else "new"
    assert [path.name for path in model.iterdir()] == [kept] and table.read_text() == kept
    assert {path.name for path in [*model.parent.iterdir(), *table.parent.iterdir()]} == {"sft", "t.txt"}


def test_a_full_pipe_that_does_not_block_loses_no_line() -> None:
    """As a terminal that another program has made non-blocking."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = [f"line {number}" for number in range(20_000)]
    read: list[bytes] = []
    with os.fdopen(reader, "rb") as source:
        thread = threading.Thread(target=lambda: read.append(source.read()))
        with os.fdopen(os.dup(writer), "w", encoding="ascii") as plain:
            stream = lenient(writer, plain)
            thread.start()
            print("\n".join(lines), "\u4e2d", file=stream, flush=True)
        os.close(writer)
        thread.join()
    assert read[0].decode().splitlines() == [*lines[:-1], lines[-1] + " \\u4e2d"]
