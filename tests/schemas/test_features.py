"""What a table's file says of its columns: `load_dataset` gives objects where a text is JSON, DuckDB and Polars read it."""

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from datasets import load_dataset
from pyarrow import parquet

from schemas.features import arrow_type, file_schema
from schemas.ids import content_id
from schemas.products import message
from schemas.rows import Dropped, Instruction, Passage
from schemas.table import Table, polars_schema

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
ARGUMENTS = '{"city":"Oslo","days":[1,2]}'
CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": ARGUMENTS}}
TOOLS = '[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{}}}}]'


@pytest.fixture
def written(tmp_path):
    answer = [{"role": "assistant", "content": "", "reasoning": "Look.", "tool_calls": [CALL]}]
    answer += [{"role": "tool", "content": "3", "tool_call_id": "c1", "name": "weather"}, message("assistant", "3 °C")]
    shared = {"source": "a.jsonl:1", "license": "MIT", "prompt": [message("user", "Oslo?")]}
    rows = [
        {"id": content_id("i", "a"), "reference": answer, "tools": TOOLS} | shared,
        {"id": content_id("i", "b")} | shared,
    ]
    Table.of(Instruction, rows).write(tmp_path / "a.parquet")
    Table.of(Instruction, rows[::-1]).write(tmp_path / "b.parquet")
    return tmp_path


def loaded(path, cache):
    return load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(cache))


def test_load_dataset_gives_objects_for_json(written):
    rows = {row["id"]: row for row in loaded(written / "a.parquet", written / "cache")}
    row = rows[content_id("i", "a")]
    assert row["tools"] == [TOOL]
    call = row["reference"][0]["tool_calls"][0]
    assert call["function"] == {"name": "weather", "arguments": {"city": "Oslo", "days": [1, 2]}} and call["id"] == "c1"
    plain = rows[content_id("i", "b")]
    assert plain["tools"] is None and plain["reference"] == [] and plain["prompt"][0]["content"] == "Oslo?"


def test_polars_and_duckdb_read_texts_and_equal_rows_are_equal_bytes(written):
    assert (written / "a.parquet").read_bytes() == (written / "b.parquet").read_bytes()
    frame = pl.read_parquet(written / "a.parquet").sort("tools", nulls_last=True)
    assert dict(frame.schema) == polars_schema(Instruction)
    assert frame["tools"].to_list() == [TOOLS, None]
    assert frame["reference"][0][0]["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
    (found,) = duckdb.sql(
        f"SELECT tools->0->'function'->>'name', reference[1].tool_calls[1].function.arguments->>'city' "
        f"FROM '{written / 'a.parquet'}' WHERE tools IS NOT NULL"
    ).fetchall()
    assert found == ("weather", "Oslo")
    read = Table.read(Instruction, written / "a.parquet")
    assert read.frame.equals(Table.read(Instruction, written / "b.parquet").frame)


def test_a_table_without_json_has_the_types_that_polars_writes(tmp_path):
    row = {"id": content_id("p", "a"), "source": "a:1", "license": "MIT", "work": "W", "text": "Once."}
    Table.of(Passage, [row]).write(tmp_path / "a.parquet")
    data = loaded(tmp_path / "a.parquet", tmp_path / "cache")
    assert data[0] == row | {"parents": [], "split": "train", "author": "", "section": ""}
    for model in (Passage, Dropped):
        own = parquet.read_schema(tmp_path / "a.parquet") if model is Passage else file_schema(model)
        polars = pl.DataFrame(schema=polars_schema(model)).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        assert own.remove_metadata() == polars.remove_metadata()


def test_what_a_file_cannot_hold_is_an_error():
    with pytest.raises(TypeError, match="has no Parquet type"):
        arrow_type(dict[str, int])
    assert arrow_type(list[str]) == pa.large_list(pa.large_string())
