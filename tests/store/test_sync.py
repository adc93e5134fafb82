"""Segments go to any place that fsspec knows and come back intact; what is damaged is reported and left where it is."""

import subprocess
import sys
import uuid
from pathlib import Path

import fsspec
import polars as pl
import pytest

from cultivar.store.store import Store
from cultivar.store.sync import pull, push

ROOT = Path(__file__).parents[2]


def keys(*numbers: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in numbers]


def filled(root: Path, *batches: range) -> Store:
    with Store(root) as store:
        for batch in batches:
            store.put("verdicts/a", pl.DataFrame({"key": keys(*batch), "text": [f"answer {n}" for n in batch]}))
            store.flush()
    return store


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_what_is_missing_is_copied_and_nothing_twice(tmp_path: Path, kind: str) -> None:
    url = f"memory://{uuid.uuid4().hex}/store" if kind == "memory" else f"file://{tmp_path}/remote/store"
    first, second = filled(tmp_path / "mine", range(5), range(5, 9)), filled(tmp_path / "theirs", range(100, 103))
    assert push(first.root, url) == (2, [])
    assert push(first.root, url) == (0, [])
    assert push(second.root, url) == (1, [])
    assert pull(second.root, url) == (2, [])
    assert pull(second.root, url) == (0, [])
    assert Store(second.root).missing("verdicts/a", keys(*range(9), 100, 101, 102)).is_empty()
    assert not list(tmp_path.rglob(".*.tmp"))


def test_a_truncated_segment_is_neither_pushed_nor_pulled(tmp_path: Path) -> None:
    store, remote = filled(tmp_path / "mine", range(5), range(5, 9)), tmp_path / "remote"
    push(store.root, str(remote))
    [cut, other] = sorted(remote.rglob("*.parquet"))
    cut.write_bytes(cut.read_bytes()[:-7])
    name = cut.relative_to(remote).as_posix()
    assert pull(tmp_path / "new", str(remote)) == (1, [name])
    assert [path.name for path in (tmp_path / "new").rglob("*.parquet")] == [other.name]
    (store.root / name).write_bytes(b"PAR1")
    assert push(store.root, str(tmp_path / "another")) == (1, [name])
    command = [sys.executable, "-m", "cultivar.tools.sync", "pull", str(remote), "--store", str(tmp_path / "third")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (
        done.returncode == 1 and f"{name} is damaged" in done.stderr and "1 segments copied, 1 damaged" in done.stdout
    )


def test_an_interrupted_pull_leaves_intact_segments_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"memory://{uuid.uuid4().hex}/store"
    push(filled(tmp_path / "mine", range(3), range(3, 6), range(6, 9)).root, url)
    system = fsspec.filesystem("memory")
    read, calls = type(system).cat_file, []

    def fail_once(self: object, path: str, *more: object, **named: object) -> bytes:
        calls.append(path)
        if len(calls) == 2:
            raise ConnectionResetError("the network is gone")
        return read(self, path, *more, **named)

    monkeypatch.setattr(type(system), "cat_file", fail_once)
    with pytest.raises(ConnectionResetError):
        pull(tmp_path / "new", url)
    assert len(list((tmp_path / "new").rglob("*.parquet"))) == 1
    assert pull(tmp_path / "new", url) == (2, [])
