"""What goes out comes in again: Cultivar's own readers find the prompts and answers that were exported."""

import tempfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from export_project import PAIR, PLAIN, TURNS, assistant, demonstration, system, user
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.export.features import features_of
from reports.export.files import RowFile
from reports.export.formats import Converter, columns_beside, format_of
from reports.export.rows import product
from reports.export.turns import plain
from schemas.conversations import lean_turns
from stages.curation.readers.fields import Item
from stages.curation.readers.records import read_records
from stages.curation.readers.shapes import SHAPES

SHAPE_OF = {"trl": "messages", "messages": "messages", "sharegpt": "sharegpt", "alpaca": "alpaca", "hf": "messages"}
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")).map(str.strip).filter(bool)
ODD = st.sampled_from(
    [
        "שלום עולם",
        "‮RTL",
        "a\u2028b\u2029c",
        'quotes " and \\ and /',
        "tab\there",
        "line\n\nbreak",
        "\ufeffmark",
        "{}",
        "[]",
    ]
    + ["=1+1", "'=1", "null", "𝕌𝕟𝕚", "e\u0301", "\x7f\x1f", "<|im_end|>", "ไทย", "हिन्दी", "\u200b\u200d"]
).map(str.strip)
SAYS = st.one_of(TEXT, ODD).filter(lambda text: bool(text.strip()))


def exported(form: str, rows: list[dict[str, Any]], table: str = "D", kind: str = "jsonl") -> list[dict[str, Any]]:
    """The records that a reader finds in a file of a format."""
    chosen, wanted = product(table), format_of(form)
    frame = pl.DataFrame(rows, schema=chosen.columns)
    batch = Converter(wanted, chosen, columns_beside(wanted, chosen, ())).batch(frame)
    assert batch.refused.is_empty()
    kept = batch.kept.drop("split")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"train.{kind}"
        file = RowFile(path, "train", features_of(dict(kept.schema), wanted.json_text, ()), wanted.json_text, ())
        file.write(kept)
        file.close()
        records = list(read_records(path))
    assert not [record.error for record in records if record.error]
    return [record.value or {} for record in records]


def read(form: str, record: dict[str, Any]) -> Item:
    """The record as the reader of the format's shape has it."""
    return SHAPES[SHAPE_OF[form]](record)


def conversation_of(item: Item) -> tuple[Any, Any]:
    return lean_turns(item.fields["prompt"]), lean_turns(item.fields["reference"])


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """A conversation as ingest gives it: maybe a system prompt, exchanges, a last question and its answer."""
    prompt = [system(draw(SAYS))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(0, 2))):
        prompt += [user(draw(SAYS)), assistant(draw(SAYS))]
    return {"prompt": [*prompt, user(draw(SAYS))], "completion": [assistant(draw(SAYS))]}


@pytest.mark.parametrize("form", ["trl", "messages", "sharegpt", "alpaca"])
@given(rows=st.lists(conversations(), min_size=1, max_size=4))
@settings(max_examples=40)
def test_conversations_come_back(form, rows):
    found = exported(form, [demonstration(number, fields) for number, fields in enumerate(rows)])
    assert [conversation_of(read(form, record)) for record in found] == [
        (row["prompt"], row["completion"]) for row in rows
    ]


@pytest.mark.parametrize("form", ["trl", "sharegpt", "alpaca", "messages"])
@given(fields=conversations(), other=SAYS)
@settings(max_examples=20)
def test_pairs_come_back(form, fields, other):
    if fields["completion"][0]["content"] == other:
        other += "!"
    if form == "alpaca":  # of a pair the reader takes no `history`, and counts that
        fields = fields | {
            "prompt": [turn for turn in fields["prompt"][:1] if turn["role"] == "system"] + fields["prompt"][-1:]
        }
    pair = {"prompt": fields["prompt"], "chosen": fields["completion"], "rejected": [assistant(other)], "margin": 1.5}
    (record,) = exported(form, [demonstration(1, pair)], "P")
    item = SHAPES["preference"](record)
    assert lean_turns(item.fields["prompt"]) == pair["prompt"]
    sides = [item.fields[name] for name in ("chosen", "rejected")]
    assert [side if isinstance(side, str) else side[-1]["content"] for side in sides] == [
        pair[name][-1]["content"] for name in ("chosen", "rejected")
    ]


@pytest.mark.parametrize("form", ["trl", "messages", "sharegpt", "alpaca"])
@given(rows=st.lists(conversations(), min_size=1, max_size=3))
@settings(max_examples=20)
def test_conversations_come_back_from_spreadsheets(form, rows):
    rows = [*rows, {"prompt": [user("=1+1")], "completion": [assistant("@SUM(A1)")]}]
    found = exported(form, [demonstration(number, fields) for number, fields in enumerate(rows)], kind="csv")
    assert [conversation_of(read(form, record)) for record in found] == [
        (row["prompt"], row["completion"]) for row in rows
    ]


@pytest.mark.parametrize("form", ["trl", "hf", "messages", "sharegpt", "alpaca"])
def test_parquet_comes_back(form):
    rows = [demonstration(1, PLAIN), demonstration(2, TURNS)]
    found = exported(form, rows, kind="parquet")
    assert [conversation_of(read(form, record))[1] for record in found] == [PLAIN["completion"], TURNS["completion"]]


def test_the_margin_of_a_pair_comes_back():
    (record,) = exported("trl", [demonstration(1, PAIR)], "P")
    assert SHAPES["preference"](record).fields["margin"] == PAIR["margin"]


def test_plain_messages_are_the_same_turns():
    frame = pl.DataFrame([demonstration(1, TURNS)], schema=product("D").columns)
    assert frame.select(plain(pl.col("prompt")))["prompt"].to_list() == [TURNS["prompt"]]
