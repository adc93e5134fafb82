"""Columns under other names: renamed before a shape sees them; what is missing or in the way is an error by name."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from read_files import take

from schemas.conversations import asked_text, text_of
from stages.curation.readers.columns import MISSING, ColumnError, Columns, value_at


def written(tmp_path, *rows):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def pairs(tables):
    return [(asked_text(row.prompt), text_of(row.reference)) for row in tables.instructions]


@pytest.mark.parametrize(
    ("row", "columns", "left"),
    [
        ({"Frage": "q", "Antwort": "a", "n": 1}, {"prompt": "Frage", "response": "Antwort"}, {"s: field n": 1}),
        (
            {"data": {"question": "q", "x": 1}, "a": "a"},
            {"prompt": "data.question", "response": "a"},
            {"s: field data": 1},
        ),
        ({"data": {"question": "q"}, "a": "a"}, {"prompt": "data.question", "response": "a"}, {}),
        (
            {"data.question": "q", "data": {"question": "no"}, "a": "a"},
            {"prompt": "data.question", "response": "a"},
            {"s: field data": 1},
        ),
        ({"turns": [{"text": "q"}, {"text": "a"}]}, {"prompt": "turns.0.text", "response": "turns.1.text"}, {}),
        ({"prompt": "a", "response": "q"}, {"prompt": "response", "response": "prompt"}, {}),
        ({"prompt": None, "Frage": "q", "response": "a"}, {"prompt": "Frage"}, {}),
        ({"Frage": "q", "Antwort": "a"}, {"prompt": "Frage", "response": "Antwort"}, {}),
        ({"Frage": "q", "response": "a", "prompt": "old"}, {"prompt": "Frage", "old": "prompt"}, {"s: field old": 1}),
    ],
)
def test_a_field_stands_under_its_new_name_and_what_is_left_is_counted(tmp_path, monkeypatch, row, columns, left):
    written(tmp_path, row)
    tables = take(tmp_path, monkeypatch, path="a.jsonl", columns=columns)
    assert pairs(tables) == [("q", "a")] and tables.metrics["not_taken"] == left


def test_a_column_that_some_records_have_is_no_error(tmp_path, monkeypatch):
    written(tmp_path, {"q": "one"}, {"q": "two", "rules": "Be brief."})
    tables = take(tmp_path, monkeypatch, path="a.jsonl", columns={"prompt": "q", "system": "rules"})
    assert sorted(len(row.prompt) for row in tables.instructions) == [1, 2]


@pytest.mark.parametrize("more", [{}, {"prompt": "detected all the same"}])
def test_a_column_that_no_record_has_is_named_with_the_likely_one(tmp_path, monkeypatch, more):
    written(tmp_path, {"Frage": "q"} | more)
    with pytest.raises(
        ColumnError, match=r"no record has the column `Farge` \(did you mean Frage\?\).*fields are Frage"
    ):
        take(tmp_path, monkeypatch, path="a.jsonl", columns={"question": "Farge"})


def test_a_column_of_a_table_may_hold_nothing(tmp_path, monkeypatch):
    pl.DataFrame({"q": ["one"], "rules": [None]}, schema={"q": pl.String, "rules": pl.String}).write_parquet(
        tmp_path / "a.parquet"
    )
    assert (
        len(take(tmp_path, monkeypatch, path="a.parquet", columns={"prompt": "q", "system": "rules"}).instructions) == 1
    )


def test_a_name_that_is_there_already_is_refused_by_name_and_row(tmp_path, monkeypatch):
    written(tmp_path, {"Frage": "q"}, {"Frage": "q", "prompt": "p"})
    with pytest.raises(ColumnError, match=r"a\.jsonl:2: .* `Frage` `prompt`, and there is a field `prompt` already"):
        take(tmp_path, monkeypatch, path="a.jsonl", columns={"prompt": "Frage"})


def test_ids_are_those_of_the_renamed_fields(tmp_path, monkeypatch):
    written(tmp_path, {"Nr": "x1", "prompt": "one"}, {"Nr": "x2", "prompt": "two"})
    assert len(take(tmp_path, monkeypatch, path="a.jsonl", columns={"id": "Nr"}, ids="x2").instructions) == 1


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"columns": {"prompt": "a", "response": "a"}}, "stand for several fields"),
        ({"columns": {"prompt": ""}}, "at least 1 character"),
        ({"columns": {"text": "a"}, "format": "book"}, "format book has none"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(tmp_path, monkeypatch, source, reason):
    written(tmp_path, {"a": "q"})
    with pytest.raises(ValueError, match=reason):
        take(tmp_path, monkeypatch, path="a.jsonl", **source)


KEYS = st.sampled_from(["a", "b", "a.b", "0", "1", ""])
JSON = st.recursive(
    st.none() | st.integers(0, 3), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


@given(record=st.dictionaries(KEYS, JSON, max_size=3), path=st.lists(KEYS, min_size=1, max_size=4).map(".".join))
def test_whatever_is_renamed_nothing_else_changes(record, path):
    before = json.dumps(record)
    found = Columns("s", {"new": path}).renamed(record, "x:1")
    assert json.dumps(record) == before
    if "new" in found:
        assert found["new"] == value_at(record, path)
        numbers = sorted(n for n in json.dumps(found) if n.isdecimal())
        kept = sorted(n for n in json.dumps(record) if n.isdecimal())
        assert len(numbers) <= len(kept)
    else:
        assert found == record and value_at(record, path) is MISSING
