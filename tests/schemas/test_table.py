"""Tables: what the row model says is what a table holds, and equal rows are equal bytes."""

import math
import random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from pydantic import ValidationError

from schemas.ids import content_id, seed_of
from schemas.rows import Demonstration, Instruction, Message, Preference, Scored
from schemas.table import Table, TableError


def instruction(text: str, **changes) -> dict:
    prompt = [{"role": "user", "content": text}]
    return {"id": content_id("instruction", text), "prompt": prompt, "source": "s", "license": "CC0-1.0"} | changes


def demonstration(**changes) -> dict:
    return {
        "id": content_id("d", 1),
        "parents": [],
        "prompt": [{"role": "user", "content": "2+2?"}],
        "completion": [{"role": "assistant", "content": "4"}],
        "domain": "math",
        "strategy": "rejection",
        "label_source": "verifier",
        "quality": 0.5,
        "tags": [],
        "scores": [{"name": "reason", "value": 5.0}],
        "license": "MIT",
        "verdicts": [],
        "engine": "simulated/teacher@1",
        "simulated": True,
        "source": "seeds:1",
    } | changes


@given(st.lists(st.text(min_size=1), unique=True, max_size=20), st.randoms())
def test_equal_rows_are_equal_bytes(tmp_path_factory, prompts, rng: random.Random):
    folder = tmp_path_factory.mktemp("t")
    rows = [instruction(prompt) for prompt in prompts]
    Table.of(Instruction, rows).write(folder / "a.parquet")
    rng.shuffle(rows)
    Table.of(Instruction, rows).write(folder / "b.parquet")
    assert (folder / "a.parquet").read_bytes() == (folder / "b.parquet").read_bytes()
    assert [row.model_dump()["prompt"] for row in Table.read(Instruction, folder / "a.parquet")] == [
        row["prompt"] for row in sorted(rows, key=lambda row: row["id"])
    ]


@pytest.mark.parametrize(
    ("model", "row"),
    [
        (Demonstration, demonstration(domain="poetry")),
        (Demonstration, demonstration(prompt=[])),
        (Demonstration, demonstration(prompt=[{"role": "robot", "content": "x"}])),
        (Demonstration, demonstration(scores=[{"name": "", "value": 1.0}])),
        (Demonstration, demonstration(scores=[{"name": "a", "value": math.nan}])),
        (Demonstration, demonstration(license=None)),
        (Instruction, instruction("x", prompt=[])),
        (Instruction, instruction("x", id="not a hash")),
        (Instruction, instruction("x", parents=["zz"])),
    ],
)
def test_a_row_that_pydantic_refuses_is_refused_with_its_id(model, row):
    with pytest.raises(TableError, match=f"row {row['id']}"):
        Table.of(model, [row]).check()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_bounds_are_pydantics(margin):
    row = demonstration(
        chosen=[{"role": "assistant", "content": "a"}], rejected=[{"role": "assistant", "content": "b"}], margin=margin
    )  # noqa: E501
    del row["completion"]
    try:
        Preference.model_validate(row)
        valid = True
    except ValidationError:
        valid = False
    try:
        Table.of(Preference, [row]).check()
        assert valid
    except TableError:
        assert not valid


def test_rows_come_back_as_objects_with_their_parts():
    (row,) = Table.of(Demonstration, [demonstration()])
    assert row == Demonstration.model_validate(demonstration())
    assert isinstance(row.prompt[0], Message) and isinstance(row.scores[0], Scored)


def test_duplicate_ids_unknown_and_missing_columns_are_named():
    with pytest.raises(TableError, match="more than once"):
        Table.of(Instruction, [instruction("a"), instruction("a")]).check()
    with pytest.raises(TableError, match="colour"):
        Table.of(Instruction, [instruction("a", colour="red")])
    with pytest.raises(TableError, match="missing"):
        Table(Instruction, pl.DataFrame({"id": ["a"]}))


def test_a_full_disk_leaves_the_old_table(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    Table.of(Instruction, [instruction("old")]).write(path)
    before = path.read_bytes()

    def full(self, *_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet.ParquetWriter, "write_table", full)
    with pytest.raises(OSError, match="no space left"):
        Table.of(Instruction, [instruction("new")]).write(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["t.parquet"]


def test_ids_and_seeds_depend_on_content_alone():
    assert content_id("a", {"x": 1, "y": 2}) == content_id("a", {"y": 2, "x": 1})
    assert content_id("a", {"x": 1}, ["p"]) != content_id("a", {"x": 1}, ["q"])
    assert seed_of("row", "sample") == seed_of("row", "sample") != seed_of("row", "judge")
