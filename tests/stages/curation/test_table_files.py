"""Parquet, Arrow and folders that `save_to_disk` wrote; what is damaged keeps what can be read."""

import io
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from read_files import asks, read, take

from schemas.conversations import asked_text
from stages.curation.readers.arrow import FolderError
from stages.curation.readers.records import read_records


def test_typed_values_of_parquet_and_arrow(tmp_path):
    frame = pl.DataFrame(
        {
            "a": pl.Series([Decimal("1.50")], dtype=pl.Decimal(38, 2)),
            "b": pl.Series([0.1], dtype=pl.Float32),
            "c": pl.Series([b"x"], dtype=pl.Binary),
            "d": pl.Series([None], dtype=pl.String),
            "e": pl.Series([b"\xff"], dtype=pl.Binary),
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ipc(tmp_path / "a.arrow", compression="zstd")
    frame.write_ipc_stream(tmp_path / "b.arrow")
    frame.write_ipc(tmp_path / "a.feather")
    for name in ("a.parquet", "a.arrow", "b.arrow", "a.feather"):
        (record,) = read_records(tmp_path / name)
        assert record.value == {"a": Decimal("1.50"), "b": 0.1, "c": "x", "e": b"\xff"} and record.line == 1


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.feather"])
@pytest.mark.parametrize("content", [b"", b"no", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0"])
def test_what_is_no_table_is_broken(tmp_path, name, content):
    values, errors = read(tmp_path / name, content)
    assert not values and len(errors) <= 1 and all("not " in error for error in errors.values())


def test_an_arrow_stream_cut_short_keeps_its_batches(tmp_path):
    sink = io.BytesIO()
    table = pa.table({"prompt": [str(n) for n in range(100)]})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    values, errors = read(tmp_path / "a.arrow", sink.getvalue()[: len(sink.getvalue()) // 2])
    assert values == [{"prompt": str(n)} for n in range(len(values))] and 0 < len(values) < 100
    assert list(errors) == [len(values) + 1] and "cut short" in errors[len(values) + 1]


def save(folder: Path, rows: list[str], shards: int = 1, **state) -> None:
    """A folder as `Dataset.save_to_disk` writes it, with a cache beside that is no data."""
    folder.mkdir(parents=True)
    table = pa.table({"prompt": rows})
    names = [f"data-{n:05d}-of-{shards:05d}.arrow" for n in range(shards)]
    for n, name in enumerate([*names, "cache-0123456789abcdef.arrow"]):
        with pa.ipc.new_stream(folder / name, table.schema) as writer:
            writer.write_table(table.slice(n * len(rows) // shards, len(rows) // shards))
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]} | state))
    (folder / "dataset_info.json").write_text('{"features": {}}')


def test_a_saved_data_set_is_read_from_its_folder(tmp_path, monkeypatch):
    save(tmp_path / "set", ["a", "b", "c", "d"], shards=2)
    tables = take(tmp_path, monkeypatch, path="set")
    assert sorted((asked_text(row.prompt), row.source) for row in tables.instructions) == [
        ("a", "set/data-00000-of-00002.arrow:1"),
        ("b", "set/data-00000-of-00002.arrow:2"),
        ("c", "set/data-00001-of-00002.arrow:1"),
        ("d", "set/data-00001-of-00002.arrow:2"),
    ]
    (tmp_path / "set/data-00001-of-00002.arrow").unlink()
    with pytest.raises(FolderError, match=r"data-00001-of-00002\.arrow is missing"):
        take(tmp_path, monkeypatch, path="set")


def test_of_a_saved_data_set_with_splits_the_named_one_is_read(tmp_path, monkeypatch):
    save(tmp_path / "sets/train", ["a", "b"])
    save(tmp_path / "sets/test", ["c", "d", "e"])
    (tmp_path / "sets/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    for split, found, left in (("train", "ab", {"test": 3}), ("test", "cde", {"train": 2})):
        tables = take(tmp_path, monkeypatch, path="sets", split=split)
        assert "".join(asks(tables)) == found
        assert {row.split for row in tables.instructions} == {split}
        assert tables.metrics["not_taken"] == {f"s: rows of split {name}": rows for name, rows in left.items()}
    with pytest.raises(FolderError, match="holds the splits train, test, not validation"):
        take(tmp_path, monkeypatch, path="sets", split="validation")
    assert len(take(tmp_path, monkeypatch, path="sets/test").instructions) == 3


def test_a_saved_data_set_that_chooses_rows_by_an_index_is_refused(tmp_path, monkeypatch):
    save(tmp_path / "set", ["a"], _indices_data_files=[{"filename": "indices.arrow"}])
    with pytest.raises(FolderError, match="flatten_indices"):
        take(tmp_path, monkeypatch, path="set")


def test_the_library_itself_saves_what_is_read(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    rows = datasets.Dataset.from_list([{"prompt": f"question {n}", "answer": n / 8} for n in range(5)])
    datasets.DatasetDict(train=rows, test=rows.select([1, 3])).save_to_disk(str(tmp_path / "sets"))
    tables = take(tmp_path, monkeypatch, path="sets", domain="math", split="test")
    assert sorted((row.prompt, row.answer) for row in tables.problems) == [
        ("question 1", "0.125"),
        ("question 3", "0.375"),
    ]
