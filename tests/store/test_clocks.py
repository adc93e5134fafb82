"""An answer that a run has read is what every later run reads, whatever the clocks of its writers say."""

import os
import time
from pathlib import Path

import polars as pl
import pytest

from cultivar.llm.cache import cached_frame
from cultivar.runlog.spending import spending_file
from cultivar.store.compaction import compact
from cultivar.store.journal import Journal, orphaned_records
from cultivar.store.memo import cached_rows
from cultivar.store.segments import write_segment
from cultivar.store.store import Store
from cultivar.store.sync import pull, push

KEY, OTHER = bytes(16), bytes(15) + b"\1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Seconds of the wall clock, to be set."""
    now = [1_000]
    monkeypatch.setattr(time, "time_ns", lambda: now[0] * 10**9)
    return now


def answers(*texts: str, keys: tuple[bytes, ...] = (KEY, OTHER), **columns: int) -> pl.DataFrame:
    return pl.DataFrame({"key": list(keys[: len(texts)]), "text": list(texts)}).with_columns(
        **{name: pl.lit(value, dtype=pl.Int64) for name, value in columns.items()}
    )


def read(root: Path) -> str:
    """What a run that begins now reads."""
    return Store(root).get("kind", [KEY])["text"].item()


def set_back(root: Path) -> None:
    """Files as old as can be: their times decide nothing."""
    for number, path in enumerate(sorted(root.rglob("*.parquet"), reverse=True)):
        os.utime(path, (number, number))


@pytest.mark.parametrize("step", [-900, 0, 900])
def test_a_second_writer_replaces_nothing(tmp_path: Path, clock: list[int], step: int) -> None:
    """Both began before either had an answer; the clock steps between their publications."""
    first, second = Store(tmp_path), Store(tmp_path)
    assert len(first.missing("kind", [KEY])) == len(second.missing("kind", [KEY])) == 1
    first.publish("kind", answers("read"))
    assert read(tmp_path) == "read"
    clock[0] += step
    second.publish("kind", answers("later", "another"))
    set_back(tmp_path)
    assert read(tmp_path) == "read" and second.get("kind", [KEY])["text"].item() == "read"
    assert Store(tmp_path).get("kind", [OTHER])["text"].item() == "another"
    compact(Store(tmp_path), "kind")
    assert read(tmp_path) == "read"


@pytest.mark.parametrize("step", [-900, 900])
def test_the_journal_of_a_killed_writer_replaces_nothing(tmp_path: Path, clock: list[int], step: int) -> None:
    journal = Journal(tmp_path / "kind")
    journal.append((KEY, 0, "of the killed", "stop", 1, 1, "m"))
    os.close(journal.handle)
    Store(tmp_path).publish("kind", answers("read"))
    clock[0] += step
    for records in orphaned_records(tmp_path / "kind"):
        Store(tmp_path).publish("kind", cached_frame(records))
    assert read(tmp_path) == "read"


def test_cached_work_that_two_do_at_once_is_that_of_the_first(tmp_path: Path, clock: list[int]) -> None:
    with Store(tmp_path) as mine, Store(tmp_path) as theirs:

        def compute(places: list[int]) -> list[list[tuple[int, dict]]]:
            theirs.publish("kind", answers("theirs"))
            clock[0] -= 500
            return [[(place, {"text": "mine"})] for place in places]

        assert cached_rows(mine, "kind", [KEY], compute)[0] == [{"text": "theirs"}]


@pytest.mark.parametrize(
    ("time_there", "text_there", "segments"),
    [(500, "theirs", 2), (1_000, "theirs", 2), (1_500, "theirs", 2), (500, "mine", 2)],
)
def test_a_pull_replaces_nothing(
    tmp_path: Path, clock: list[int], time_there: int, text_there: str, segments: int
) -> None:
    """Of a machine whose clock is behind, equal or ahead; a segment comes whole, or without the rival row."""
    mine, theirs, url = tmp_path / "mine", tmp_path / "theirs", str(tmp_path / "remote")
    Store(mine).publish("kind", answers("mine"))
    clock[0] = time_there
    Store(theirs).publish("kind", answers(text_there, "new"))
    push(theirs, url)
    for _ in range(2):
        assert pull(mine, url)[1] == []
        set_back(mine)
        assert read(mine) == "mine"
        assert Store(mine).get("kind", [OTHER])["text"].item() == "new"
        assert len(list((mine / "kind").glob("*.parquet"))) == segments
    compact(Store(mine), "kind")
    pull(mine, url)
    assert read(mine) == "mine" and read(theirs) == text_there
    push(mine, url)
    pull(theirs, url)
    assert read(theirs) == text_there  # each machine goes on reading what it read


def test_a_new_machine_reads_the_earliest_of_what_it_pulls(tmp_path: Path) -> None:
    for number, at in enumerate((300, 100, 200)):
        write_segment(tmp_path / "remote/kind", answers(f"at {at}", time=at).with_columns(number=pl.lit(number)))
    pull(tmp_path / "new", str(tmp_path / "remote"))
    assert read(tmp_path / "new") == "at 100"


def test_segments_copied_by_hand_are_read_alike_by_everyone(tmp_path: Path) -> None:
    """Equal times: the first by name, in whatever order they arrived, and after a compaction."""
    keys = [KEY, *(number.to_bytes(16, "big") for number in range(1, 7))]
    frames = [answers(f"text {number}", "", keys=(KEY, keys[number]), time=1) for number in range(1, 7)]
    ordered = sorted(frames, key=lambda frame: write_segment(tmp_path / "all/kind", frame).name)
    late = Store(tmp_path / "late")
    for frame in reversed(ordered):
        write_segment(tmp_path / "late/kind", frame)
        late.folder("kind").refresh()
    for store in (late, Store(tmp_path / "all")):
        for asked in ([KEY], keys):
            assert store.get("kind", asked).filter(pl.col("key") == KEY)["text"].to_list() == [ordered[0]["text"][0]]
    compact(late, "kind")
    assert read(tmp_path / "late") == ordered[0]["text"][0]


def test_a_pull_from_nowhere_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing is there; correct the address"):
        pull(tmp_path / "mine", str(tmp_path / "nowhere"))


def test_a_budget_is_that_of_a_run_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The times of processes are told in the wall clock's: both move when it is set."""
    monkeypatch.delenv("CULTIVAR_RUN", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    names = set()
    for at in (1e9, 5e8):
        monkeypatch.setattr("psutil.Process.create_time", lambda process, at=at: at)
        names.add(spending_file().name)
    assert len(names) == 1


def test_a_store_that_is_only_read_serves_its_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside the journal of a killed writer, which its next writer publishes."""
    Store(tmp_path).publish("kind", answers("read"))
    journal = Journal(tmp_path / "kind")
    os.close(journal.handle)
    opened = os.open

    def refuse(path: Path, flags: int, *more: int) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(30, "Read-only file system", str(path))
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    assert list(orphaned_records(tmp_path / "kind")) == [] and read(tmp_path) == "read"
