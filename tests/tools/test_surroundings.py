"""What DVC and the stages stand on, found by the doctor and before stages run side by side; what DVC says has a remedy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cultivar.tools import surroundings
from cultivar.tools.objects import remote
from cultivar.tools.parallel import main as parallel
from cultivar.tools.surroundings import (
    default_remote,
    notes,
    obstacles,
    remedy_of,
    repository,
    room,
    torn_locks,
    unwritable,
)
from schemas.errors import UserError

HOLDER = '{"pid": 1, "cmd": "dvc repro"}'
LOCK = "stages:\n  train:\n    outs:\n    - path: models/base\n      md5: 0123.dir\n      size: {size}\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of DVC without git, in which nothing is wrong."""
    monkeypatch.chdir(tmp_path)
    for name in ("DVC_ROOT", "DVC_GLOBAL_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / ".dvc/tmp").mkdir(parents=True)
    configure("[core]\n    no_scm = True\n")
    return tmp_path


def configure(text: str) -> None:
    Path(".dvc/config").write_text(text)


@pytest.mark.parametrize(
    ("content", "torn"),
    [
        (b"", True),
        (b'{"read": {"data/all', True),
        (b"\0\0\0\0", True),
        (b"\xff\xfe", True),
        (b"[]", True),
        (b'{"read": []}', True),
        (b'{"write": {"a": 5}, "read": {}}', True),
        (b'{"else": {}}', True),
        (b"{}", False),
        (f'{{"write": {{"a": {HOLDER}}}, "read": {{"b": [{HOLDER}]}}}}'.encode(), False),
    ],
)
def test_a_torn_lock_file_is_found_exactly_where_dvc_refuses_it(content: bytes, torn: bool) -> None:
    from dvc.exceptions import DvcException
    from dvc.fs import localfs
    from dvc.rwlock import _edit_rwlock

    surroundings.LOCKS.write_bytes(content)
    assert [one.remedy for one in torn_locks()] == ["rm .dvc/tmp/rwlock, while no dvc runs"] * torn
    try:
        with _edit_rwlock(str(surroundings.LOCKS.parent), localfs, None):
            refused = False
    except (DvcException, UnicodeDecodeError) as error:
        refused = True
        assert "rwlock was cut short" in (remedy_of(f"ERROR: failed to reproduce 'a': {error}") or "")
    assert refused == torn


def test_a_lock_file_that_is_being_written_is_not_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings.LOCKS.write_text('{"read"')
    monkeypatch.setattr(surroundings.time, "sleep", lambda seconds: surroundings.LOCKS.write_text("{}"))
    assert not list(torn_locks())


@pytest.mark.parametrize(
    ("prepare", "found"),
    [
        ("true", ""),
        ("git init -q", "core.no_scm is set though this is a git repository"),
        ("git init -q && : > .dvc/config", ""),
        (": > .dvc/config", "this is no git repository, so every dvc command refuses"),
        ("rm -r .dvc", "there is no .dvc here"),
    ],
)
def test_git_and_dvc_are_what_the_configuration_says(prepare: str, found: str) -> None:
    subprocess.run(["sh", "-c", prepare], check=True)
    findings = [one.what for one in repository()]
    assert len(findings) == bool(found) and found in "".join(findings)


def test_no_git_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not list(repository())
    configure("")
    assert len(list(repository())) == 1
    Path(".git").mkdir()
    assert not list(repository())


@pytest.mark.parametrize(
    ("config", "found", "noted"),
    [
        ("", "", "no default remote"),
        ("[core]\n    remote = backup\n", "backup, which .dvc/config does not define", ""),
        ("[core]\n    remote = b\n['remote \"b\"']\n    url = /there\n", "", "/there is not there: not mounted, or"),
        ("[core]\n    remote = b\n['remote \"b\"']\n    url = ../data\n", "", ""),
        (
            "[core]\n    remote = b\n['remote \"b\"']\n    url = ssh://host/p\n",
            "b needs dvc-ssh, which is not installed",
            "",
        ),
        ("[core]\n    remote = b\n['remote \"b\"']\n    url = webdavs://host/p\n", "needs dvc-webdav", ""),
        ("[core]\n    remote = b\n['remote \"b\"']\n    url = https://host/p\n", "", ""),
    ],
)
def test_the_default_remote(config: str, found: str, noted: str) -> None:
    Path("data").mkdir()
    configure(config)
    findings, noticed = [one.what for one in default_remote()], [note for note in notes() if "remote" in note]
    assert len(findings) == bool(found) and found in "".join(findings)
    assert not noted or noted in "".join(noticed)
    Path("home/dvc").mkdir(parents=True)
    Path("home/dvc/config").write_text("['remote \"backup\"']\n    url = /there\n")
    assert len(list(default_remote())) == (bool(found) and "backup" not in found)  # defined for this user


@pytest.mark.parametrize("url", ["nope", "file:///nowhere/at/all"])
def test_a_remote_that_is_nowhere_is_not_an_empty_one(url: str) -> None:
    with pytest.raises(FileNotFoundError, match="no such place exists"):
        list(remote(url, False, {}))


@pytest.mark.parametrize(("free", "found"), [(10**9, 0), (10**8, 1), (10**6, 1)])
def test_room_for_what_was_made_before(monkeypatch: pytest.MonkeyPatch, free: int, found: int) -> None:
    Path("dvc.lock").write_text(LOCK.format(size=5 * 10**8))
    monkeypatch.setattr(surroundings, "free_bytes", lambda place: free)
    findings = [one.what for one in room() if str(Path.cwd()) in one.what]
    assert len(findings) == found
    assert not found or ("the outputs of train take 500.0 MB" in findings[0]) == (free == 10**8)
    Path("dvc.lock").write_text(LOCK.format(size=10**6))
    assert len([one for one in room() if str(Path.cwd()) in one.what]) == (free < 2**26)


def test_folders_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".cache").mkdir()
    assert not list(unwritable())
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != ".cache")
    assert [one.what for one in unwritable()] == [".cache cannot be written by this user"]
    monkeypatch.undo()


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0,
    reason="no mounts in a user namespace here (unshare -Urm)",
)
def test_a_file_system_that_is_mounted_read_only() -> None:
    Path(".cache").mkdir()
    code = "from cultivar.tools.surroundings import unwritable; print([one.what for one in unwritable()])"
    inside = f'mount -t tmpfs -o ro none .cache && {sys.executable} -c "{code}"'
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", inside], env=environment, capture_output=True, text=True)
    assert done.stdout == "['.cache cannot be written: its file system is mounted read-only']\n", done.stderr


def test_the_encoding_of_the_terminal_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ascii:
        encoding = "ANSI_X3.4-1968"

    assert not [note for note in notes() if "encoding" in note]
    monkeypatch.setattr(sys, "stdout", Ascii)
    assert "encoding is ansi_x3.41968" in [*notes()][-1]


def test_stages_side_by_side_are_not_started_where_no_dvc_works(capsys: pytest.CaptureFixture[str]) -> None:
    surroundings.LOCKS.write_text("{")
    assert parallel([], 2) == 1
    assert capsys.readouterr().err == (
        "error: .dvc/tmp/rwlock was cut short by a kill: DVC refuses to work; rm .dvc/tmp/rwlock, while no dvc runs\n"
    )
    configure("<<<<<<< ours\n")
    with pytest.raises(UserError, match="cannot be read"):
        obstacles()
    assert parallel([], 2) == 1


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ERROR: /home/p is not a git repository", "`git init`"),
        ("ERROR: you are not inside of a DVC repository (checked up to mount point '/')", "dvc init"),
        ("ERROR: failed to push data to the cloud - config file error: no remote specified in /p.", "dvc remote add"),
        ("ERROR: failed to push data to the cloud - config file error: remote 'nope' doesn't exist", "dvc remote add"),
        ("ERROR: unexpected error - ssh is supported, but requires 'dvc-ssh' to be installed", "pip install"),
        ("ERROR: unexpected error - [Errno 28] No space left on device", "make room"),
        ("error: stage tag: a row says No space left on device", None),
        ("ERROR: failed to reproduce 'tag': failed to run", None),
    ],
)
def test_what_dvc_says_has_a_remedy(said: str, remedy: str | None) -> None:
    found = remedy_of(f"some\n{said}\nlines")
    assert found is None if remedy is None else found is not None and remedy in found
