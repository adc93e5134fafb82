"""The store: appended to by many, read while it is compacted, damaged, killed."""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from cultivar.store.compaction import compact
from cultivar.store.segments import SegmentFolder, write_segment
from cultivar.store.store import Store, project_store_folder, store_folder

ROOT = Path(__file__).parents[2]


def key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def rows(*numbers: int, text: str = "answer", time: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {"key": [key(number) for number in numbers], "text": [f"{text} {number}" for number in numbers]}
    ).with_columns(time=pl.lit(time, dtype=pl.Int64))


def texts(store: Store, *numbers: int) -> dict[int, str]:
    frame = store.get("kind", [key(number) for number in numbers])
    pairs = frame.select("key", "text").iter_rows() if frame.height else ()
    return {int.from_bytes(name, "big"): text for name, text in pairs}


def segments(store: Store) -> list[Path]:
    return sorted(store.folder("kind").path.glob("*.parquet"))


def run(code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process in the project's folder."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 10**6)), max_size=6), max_size=6),
    asked=st.lists(st.integers(0, 20), max_size=20),
    compacted=st.booleans(),
)
def test_what_was_put_first_is_served_whatever_the_times(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[tuple[int, int]]],
    asked: list[int],
    compacted: bool,
) -> None:
    root = tmp_path_factory.mktemp("store")
    first: dict[int, int] = {}
    for batch in batches:
        with Store(root) as store:
            for number, time in batch:
                store.put("kind", rows(number, text=f"at {time}", time=time))
                first.setdefault(number, time)
                assert texts(store, number) == {number: f"at {first[number]} {number}"}
    with Store(root) as store:
        if compacted:
            compact(store, "kind")
        cached = texts(store, *asked)
        missing = store.missing("kind", [key(number) for number in asked])
    assert cached == {number: f"at {first[number]} {number}" for number in asked if number in first}
    assert list(missing) == [key(number) for number in dict.fromkeys(asked) if number not in first]


def test_keys_come_back_as_they_were_asked(store: Store) -> None:
    store.put("verdicts/a", rows(1, 2).with_columns(pl.col("key").bin.encode("hex")))
    for _ in range(2):  # in memory, then from a segment
        frame = store.get("verdicts/a", [key(1).hex(), key(9).hex()], ["text"])
        assert frame.to_dicts() == [{"key": key(1).hex(), "text": "answer 1"}]
        assert list(store.missing("verdicts/a", [key(9).hex(), key(2).hex()])) == [key(9).hex()]
        store.flush()
    assert store.kinds() == ["verdicts/a"]
    with pytest.raises(ValueError, match="16 bytes"):
        store.put("verdicts/a", pl.DataFrame({"key": [b"short"]}))


def test_batches_bound_the_rows_read_at_once(store: Store) -> None:
    for start in range(0, 1000, 100):
        store.put("kind", rows(*range(start, start + 100)))
        store.flush()
    frames = list(store.batches("kind", [key(number) for number in range(1000)], rows=200))
    assert [frame.height for frame in frames] == [200] * 5
    assert pl.concat(frames)["key"].n_unique() == 1000


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_segment_is_set_aside_and_the_rest_is_served(
    store: Store, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    store.put("kind", rows(*range(100)))
    store.flush()
    [bad] = segments(store)
    store.put("kind", rows(*range(100, 200)))
    store.flush()
    content = bytearray(bad.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    bad.write_bytes(content if damage == "flipped" else content[: len(content) // 2 if damage == "truncated" else 0])
    with caplog.at_level(logging.WARNING), Store(store.root) as fresh:
        assert set(texts(fresh, *range(200))) == set(range(100, 200))
        assert len(fresh.missing("kind", [key(number) for number in range(200)])) == 100
    assert f"{bad} is damaged" in caplog.text
    assert (bad.parent / "damaged" / bad.name).exists()
    assert len(segments(store)) == 1


def test_what_a_damaged_segment_held_is_served_by_another_that_holds_it_too(store: Store) -> None:
    """As after a push, a compaction and a pull, when every answer is there twice."""
    for frame in (rows(*range(8)), rows(*range(8)).with_columns(engine=pl.lit("m"))):
        write_segment(store.folder("kind").path, frame)
    bad = segments(store)[0]  # of equal keys and times its rows count
    content = bytearray(bad.read_bytes())
    content[parquet.ParquetFile(bad).metadata.row_group(0).column(1).data_page_offset + 40] ^= 1  # its keys are intact
    bad.write_bytes(content)
    with Store(store.root) as fresh:
        assert set(texts(fresh, *range(8))) == set(range(8))
    assert (bad.parent / "damaged" / bad.name).exists()


def test_any_changed_byte_is_noticed_and_none_crashes_the_process(store: Store) -> None:
    """Some changes still read as an answer, some make Polars crash: neither may reach a stage."""
    store.put("kind", rows(1, text="zx" * 40))
    store.flush()
    [path] = segments(store)
    content = path.read_bytes()
    silent = 0
    for offset in range(len(content)):
        changed = bytearray(content)
        changed[offset] ^= 1
        path.write_bytes(changed)
        with contextlib.suppress(pa.ArrowException, OSError, UnicodeDecodeError, KeyError):
            silent += parquet.ParquetFile(path).read()["text"].to_pylist() != [f"{'zx' * 40} 1"]
        with Store(store.root) as fresh:
            assert texts(fresh, 1) == {}
        (path.parent / "damaged" / path.name).unlink(missing_ok=True)
    assert silent


def test_a_full_disk_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    code = """
        import resource, signal, sys
        import polars as pl
        from cultivar.store.store import Store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))  # writes fail beyond 512 bytes
        store = Store(sys.argv[1])
        try:
            store.put("kind", pl.DataFrame({"key": [i.to_bytes(16, "big") for i in range(2000)]}))
        except OSError as error:
            print("failed:", error.strerror)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        store.flush()
    """
    process = run(code, str(tmp_path))
    assert process.communicate()[0] == "failed: File too large\n"
    assert Store(tmp_path).missing("kind", [key(number) for number in range(2000)]).is_empty()
    assert [path.suffix for path in (tmp_path / "kind").iterdir()] == [".parquet"]


def test_writers_that_are_killed_lose_nothing_that_they_had_acknowledged(tmp_path: Path) -> None:
    code = """
        import sys
        import polars as pl
        from cultivar.store.store import Store
        first = int(sys.argv[2])
        with Store(sys.argv[1], flush_rows=1) as store:
            for number in range(first, first + 10**6):
                store.put("kind", pl.DataFrame({"key": [number.to_bytes(16, "big")], "text": [f"answer {number}"]}))
                print(number, flush=True)
    """
    writers = [run(code, str(tmp_path), str(10**7 * place)) for place in range(1, 3)]
    acknowledged = []
    for writer in writers:
        assert writer.stdout is not None
        acknowledged += [int(writer.stdout.readline()) for _ in range(40)]
    for writer in writers:
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in writer.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
    with Store(tmp_path) as store:
        assert texts(store, *acknowledged) == {number: f"answer {number}" for number in acknowledged}
        compact(store, "kind")
        assert len(segments(store)) == 1
        assert texts(store, *acknowledged) == {number: f"answer {number}" for number in acknowledged}


def test_readers_read_while_the_store_is_compacted(tmp_path: Path) -> None:
    code = """
        import sys
        import polars as pl
        from cultivar.store.compaction import compact
        from cultivar.store.store import Store
        with Store(sys.argv[1], flush_rows=1) as store:
            for turn in range(30):
                for number in range(turn * 10, turn * 10 + 10):
                    store.put("kind", pl.DataFrame({"key": [number.to_bytes(16, "big")], "text": ["new"]}))
                compact(store, "kind", rows=25)
    """
    with Store(tmp_path) as store:
        for number in range(1000, 1040):
            store.put("kind", rows(number))
            store.flush()
    process = run(code, str(tmp_path))
    wanted = list(range(1000, 1040))
    reads = 0
    while process.poll() is None:
        with Store(tmp_path) as fresh:
            assert set(texts(fresh, *wanted)) == set(wanted)
        assert set(texts(store, *wanted)) == set(wanted)
        reads += 1
    assert process.returncode == 0
    assert reads > 1
    assert set(texts(store, *range(300), *wanted)) == {*range(300), *wanted}


def test_compaction_drops_what_is_not_kept(store: Store) -> None:
    for number in range(6):
        store.put("kind", rows(number))
        store.flush()
    assert compact(store, "kind", keep=pl.Series([key(2), key(4)], dtype=pl.Binary)) == (6, 1)
    assert set(texts(store, *range(6))) == {2, 4}


def test_equal_rows_are_equal_segments(tmp_path: Path) -> None:
    names = []
    for place in ("a", "b"):
        with Store(tmp_path / place) as store:
            store.put("kind", rows(1, 2, 3))
        names.append([path.name for path in segments(store)])
    assert names[0] == names[1]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 2**128 - 1), max_size=40), st.sets(st.integers(0, 2**128 - 1), max_size=40))
def test_a_few_keys_are_looked_for_without_the_index(
    tmp_path_factory: pytest.TempPathFactory, stored: set[int], others: set[int]
) -> None:
    folder = SegmentFolder(tmp_path_factory.mktemp("folder"))
    folder.filter_likely([])
    for number in stored:
        folder.add_prefixes(pl.Series([key(number)], dtype=pl.Binary))
    asked = [key(number) for number in sorted(stored | others)]
    same_start = {key(number)[:8] for number in stored}
    assert folder.filter_likely(asked) == [k for k in asked if k[:8] in same_start]


def test_where_the_store_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CULTIVAR_STORE", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    assert store_folder() == Path(".cache/generations")
    monkeypatch.setenv("DVC_ROOT", "/project")
    assert store_folder() == Path("/project/.cache/generations")
    assert store_folder("/configured") == Path("/configured")
    monkeypatch.setenv("CULTIVAR_STORE", "/shared")
    assert store_folder("/configured") == Path("/shared")


def test_tools_find_the_store_that_params_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CULTIVAR_STORE", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert project_store_folder() == Path(".cache/generations")
    Path("params.yaml").write_text("runtime: {store: elsewhere}\n")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))  # a relative path is that of the repository, also in experiments
    assert project_store_folder() == tmp_path / "elsewhere"
    with Store(project_store_folder()) as store:
        store.put("kind", pl.DataFrame({"key": [bytes(16)], "text": ["answer"]}))
    for command in (["cultivar.tools.sync", "push", str(tmp_path / "remote")], ["cultivar.tools.compact"]):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-m", *command], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "1 segments" in done.stdout, done.stdout
    Path("params.yaml").write_text("<<<<<<< ours\n")
    with pytest.raises(ValueError, match="params.yaml"):
        project_store_folder()
