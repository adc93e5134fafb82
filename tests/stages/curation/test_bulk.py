"""Bulk reading gives what reading record by record gives: the same tables, drops, quarantine, places and counts."""

import gzip
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from pyarrow import parquet

from schemas.errors import UserError
from schemas.ids import content_id
from schemas.stage import Files
from stages.curation.ingest import ingest
from stages.curation.params import EvaluationFile, IngestParams, SourceFile
from stages.curation.readers import sources, tables
from stages.curation.readers.bulk import batch, chats, json_lines, names
from stages.curation.readers.bulk.instructions import ids_of
from stages.curation.readers.record import Reading
from stages.curation.readers.shapes import SHAPES
from stages.curation.training_items import identity

PIECES = [
    "a",
    "Grüße",
    "问题",
    "คำ",
    "\n",
    "\r\n",
    "\r",
    "\x1c",
    "\u3000",
    "\ufeff",
    '":',
    '" :',
    "\\",
    "{",
    "\x7f",
    "😀",
    "<think>",
    "</think>",
    "<tool_call>",
    '<tool_call>{"name": "f"}</tool_call>',
    "<tools>",
    "</tools>",
    " ",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
SAYS = TEXTS.map(lambda text: f"{text} x")
ODD_SAYS = st.sampled_from(
    [None, "", " \r\n", 5, True, ["a"], [{"type": "text", "text": "b"}], [{"type": "image"}], {}, {"a": 1}]
)
SPEAKERS = st.sampled_from(
    ["user", "assistant", "human", "gpt", "system", "tool", "User", " gpt ", "narrator", None, 7]
)
EXTRA = st.sampled_from(
    [{"name": "b"}, {"name": None}, {"weight": 0}, {"tool_calls": [{"id": "1"}]}, {"from": "gpt"}, {"reasoning": "so"}]
)
BESIDE = st.dictionaries(
    st.sampled_from(["id", "source", "model", "turns", "system", "label", "tools", "prompt", "completion", "kind", ""]),
    st.sampled_from([None, "", "text", 1, 1.5, 1e400, 2**70, True, [], {}, ["a"], {"a": {"b": 1}}, "NaN"]),
    max_size=2,
)
BROKEN = st.sampled_from(
    [
        b"",
        b" ",
        b"\xe3\x80\x80",
        b"null",
        b"[1]",
        b"{",
        b'{"messages": NaN}',
        b'{"messages": []}',
        b'{"messages": {"role": "user", "content": "a"}}',
        b'{"messages": "ab"}',
        b'{"messages": ["ab", "cd"]}',
        b'{"messages":[{"role":"user","content":"a","content":"b"},{"role":"assistant","content":"c"}]}',
        b'{"messages" :[{"role":"user","content":"a","content":"b"},{"role":"assistant","content":"c"}]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}],"messages":[]}',
        b'{"messages":[{"role":"user","content":"\\ud800"},{"role":"assistant","content":"c"}]}',
        b'{"messages":[{"role":"user","content":"\\u0000"},{"role":"assistant","content":"c"}]}',
        b'{"messages":[{"role":"user","content":"\x00"},{"role":"assistant","content":"c"}]}',
        b'{"messages":[{"role":"user","content":"\xff"},{"role":"assistant","content":"c"}]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"c"},]}',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}]} x',
        b'{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"c"}]}{}',
    ]
)


@st.composite
def conversations(draw, is_odd: bool = False):
    """Turns in OpenAI's or ShareGPT's names, plain or odd."""
    speaker, says = draw(st.sampled_from([names.OPENAI, names.SHAREGPT]))
    pair = ("user", "assistant") if draw(st.booleans()) else ("human", "gpt")
    roles = [*(["system"] if draw(st.booleans()) else []), *pair * draw(st.integers(1, 3))]
    turns = [{speaker: role, says: draw(SAYS)} for role in roles]
    if is_odd:
        place = draw(st.integers(0, len(turns) - 1))
        change = draw(st.sampled_from(["speaker", "says", "extra", "drop", "swap", "lack", "other"]))
        match change:
            case "speaker":
                turns[place][speaker] = draw(SPEAKERS)
            case "says":
                turns[place][says] = draw(ODD_SAYS)
            case "extra":
                turns[place] |= draw(EXTRA)
            case "drop":
                del turns[place]
            case "swap":
                turns.reverse()
            case "lack":
                del turns[place][draw(st.sampled_from([speaker, says]))]
            case "other":
                turns[place] = draw(st.sampled_from([None, "user", [], {}, 3]))
    return turns


@st.composite
def json_lines_of(draw, field: str) -> bytes:
    """A line of a file: mostly plain, else odd or broken."""
    kind = draw(st.sampled_from(["plain", "plain", "beside", "odd", "broken"]))
    if kind == "broken":
        return draw(BROKEN).replace(b"messages", field.encode())
    record = {field: draw(conversations(kind == "odd"))} | (draw(BESIDE) if kind == "beside" else {})
    separators = draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")]))
    return json.dumps(record, ensure_ascii=draw(st.booleans()), separators=separators).encode("utf-8", "replace")


def outcome(path: Path, **source) -> dict[str, object]:
    """All that ingest makes of a file, or why it ends."""
    given = {"name": "chats", "path": str(path), "domain": "general", "license": "MIT"} | source
    evaluation = {"name": "held out", "path": str(path.parent / "held.jsonl"), "domain": "general", "license": "MIT"}
    try:
        found = ingest(Files("ingest", (path.parent,)), IngestParams(sources=[given], evaluation=[evaluation]))
    except UserError as error:
        return {"error": str(error)}
    return found._asdict()


@contextmanager
def small_batches():
    """Files are cut into many batches, and a batch is kept however many of its records are odd."""
    with (
        patch.object(json_lines, "CHUNK", 200),
        patch.object(tables, "BATCH", 3),
        patch.object(batch, "MOST_OTHERS", 1),
    ):
        yield


def check_bulk(path: Path, **source) -> None:
    """Assert that ingest makes the same of the file with bulk reading and without."""
    (path.parent / "held.jsonl").write_text('{"prompt": "A x"}\n{"prompt": "问题 x"}\n', encoding="utf-8")
    with small_batches():
        bulk = outcome(path, **source)
    with patch.object(sources, "may_be_plain", lambda source: False):
        single = outcome(path, **source)
    assert bulk.keys() == single.keys()
    for name, expected in single.items():
        if name in ("metrics", "error"):
            assert bulk[name] == expected
        else:
            bulk[name].check()
            assert_frame_equal(bulk[name].frame, expected.frame)


FIELDS = st.sampled_from([("auto", "messages"), ("messages", "messages"), ("sharegpt", "conversations")])


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_lines_in_bulk_are_the_lines_read_singly(data, tmp_path_factory):
    form, field = data.draw(FIELDS)
    found = data.draw(st.lists(json_lines_of(field), min_size=1, max_size=12))
    ends = data.draw(
        st.lists(st.sampled_from([b"\n", b"\n", b"\r\n", b"\r"]), min_size=len(found), max_size=len(found))
    )
    text = b"".join(line + end for line, end in zip(found, ends, strict=True))
    text = data.draw(st.sampled_from([b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf"])) + text
    text = text[: len(text) - data.draw(st.integers(0, 3))]
    path = tmp_path_factory.mktemp("lines") / "chats.jsonl"
    path.write_bytes(text)
    limit = data.draw(st.sampled_from([None, None, 2]))
    check_bulk(path, format=form, limit=limit, domain=data.draw(st.sampled_from(["general", "math", "safety"])))


TURN_TYPES = [
    {"role": pl.String, "content": pl.String},
    {"from": pl.Categorical, "value": pl.String},
    {"role": pl.Enum(["user", "assistant", "system", "tool", "narrator"]), "content": pl.String, "name": pl.String},
    {"role": pl.String, "content": pl.List(pl.String)},
    {"content": pl.String, "from": pl.String, "value": pl.String},
]
COLUMNS = {
    "id": st.sampled_from([None, 1, 2]),
    "source": st.sampled_from([None, "", "web"]),
    "length": st.sampled_from([None, 0.5]),
    "system": st.sampled_from([None, "Be brief.", " "]),
    "kind": st.sampled_from([None, "b"]),
    "tokens": st.sampled_from([None, [1], []]),
}


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_rows_in_bulk_are_the_rows_read_singly(data, tmp_path_factory):
    form, field = data.draw(FIELDS)
    fields = data.draw(st.sampled_from(TURN_TYPES))
    words = {"role": "user assistant", "from": "human gpt"}

    def turn(number: int) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, dtype in fields.items():
            if name in words:
                odd = ["system", "tool", "narrator", None] if number == 0 else [None, "user"]
                values[name] = data.draw(st.sampled_from([words[name].split()[number % 2]] * 4 + odd[:2]))
            elif isinstance(dtype, pl.List):
                values[name] = [data.draw(SAYS)]
            else:
                values[name] = None if name == "name" and data.draw(st.booleans()) else data.draw(SAYS)
        if isinstance(fields.get("role"), pl.Enum) and values["role"] not in fields["role"].categories:
            values["role"] = None
        return values

    def row() -> object:
        match data.draw(st.sampled_from(["turns"] * 5 + ["none", "empty", "null turn"])):
            case "none":
                return None
            case "empty":
                return []
            case "null turn":
                return [None, turn(1)]
        return [turn(number) for number in range(data.draw(st.integers(1, 5)))]

    count = data.draw(st.integers(1, 9))
    columns = {field: pl.Series([row() for _ in range(count)], dtype=pl.List(pl.Struct(fields)))}
    for name in data.draw(st.sets(st.sampled_from(sorted(COLUMNS)), max_size=3)):
        columns[name] = pl.Series([data.draw(COLUMNS[name]) for _ in range(count)])
    path = tmp_path_factory.mktemp("rows") / "chats.parquet"
    pl.DataFrame(columns).write_parquet(path)
    check_bulk(path, format=form, limit=data.draw(st.sampled_from([None, 2])))


def plain_lines(rows: int, **beside) -> str:
    turns = [
        [{"role": "user", "content": f"Question {n}"}, {"role": "assistant", "content": "So."}] for n in range(rows)
    ]
    return "".join(json.dumps({"messages": one} | beside) + "\n" for one in turns)


def pieces(path: Path) -> list[object]:
    file = sources.RecordFile(path, Reading())
    next(file.records)  # the first records tell the format
    found = file.batches("messages")
    return None if found is None else list(batch.pieces_of(found))


def test_plain_conversations_come_in_bulk(tmp_path):
    """Else the properties above would compare one reading with itself."""
    lines, table = tmp_path / "chats.jsonl", tmp_path / "chats.parquet"
    lines.write_text(plain_lines(30, id=7) + '{"messages": []}\n' + plain_lines(3))
    pl.read_ndjson(lines).write_parquet(table)
    for path in (lines, table):
        before, odd, after = pieces(path)
        assert before.rows["line"].to_list() == list(range(1, 31)) and after.rows["line"].to_list() == [32, 33, 34]
        assert odd.line == 31
        assert (before.left, after.left) == ({"field id": 30}, {})


def test_a_batch_of_many_odd_records_is_read_singly(tmp_path):
    path = tmp_path / "chats.jsonl"
    odd = '{"messages": []}\n'
    path.write_text(plain_lines(30) + odd * 2)
    assert sum(isinstance(piece, batch.Plain) for piece in pieces(path)) == 1
    path.write_text(plain_lines(30) + odd * 3)
    assert len(pieces(path)) == 33


def test_what_is_damaged_late_is_read_as_before(tmp_path):
    path = tmp_path / "chats.jsonl.gz"
    path.write_bytes(gzip.compress(plain_lines(2000).encode())[:-20])
    assert pieces(path) is None
    check_bulk(path)
    whole = tmp_path / "chats.parquet"
    table = pl.read_ndjson(plain_lines(2000).encode()).to_arrow()
    parquet.write_table(
        table, whole, row_group_size=100, compression="none", use_dictionary=False, write_page_checksum=True
    )
    content = whole.read_bytes()
    last = content.rindex(b"Question 1990")
    whole.write_bytes(content[:last] + b"R" + content[last + 1 :])
    check_bulk(whole)
    found = outcome(whole)
    assert len(found["instructions"]) == 0 and "CRC" in found["quarantine"].frame["error"][0]


def test_a_line_longer_than_is_read_at_once_ends_bulk_reading(tmp_path):
    path = tmp_path / "chats.jsonl"
    path.write_text(plain_lines(2).replace("So.", "So." * 100))
    with patch.object(json_lines, "CHUNK", 64), patch.object(json_lines, "LONGEST", 256):
        assert pieces(path) is None
    with patch.object(json_lines, "CHUNK", 64), patch.object(json_lines, "LONGEST", 1024):
        assert len(pieces(path)) == 2


def test_other_sources_are_read_singly(tmp_path):
    path = tmp_path / "chats.jsonl"
    path.write_text(plain_lines(3))
    source = {"name": "chats", "path": str(path), "domain": "general", "license": "MIT"}
    assert sources.may_be_plain(SourceFile(**source))
    assert not sources.may_be_plain(SourceFile(**source | {"ids": "2"}))
    assert not sources.may_be_plain(SourceFile(**source | {"domain": "safety"}))
    assert not sources.may_be_plain(EvaluationFile(**source))
    path.write_text(plain_lines(3), encoding="utf-16")
    assert pieces(path) is None


@pytest.mark.parametrize("shape", names.FIELDS)
@pytest.mark.parametrize("name", sorted(names.UNREAD))
def test_no_shape_reads_the_fields_that_are_only_counted(shape, name):
    speaker, says = names.OPENAI
    turns = [{speaker: "user", says: "Why?"}, {speaker: "assistant", says: "So."}]
    record = {names.FIELDS[shape]: turns}
    without, beside = SHAPES[shape](record), SHAPES[shape](record | {name: "text"})
    assert beside.fields == without.fields and beside.kind == "instruction"
    assert beside.left == {f"field {name}": 1}


def test_texts_are_stripped_and_written_as_python_does_it():
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    assert set(chats.SPACE) == {character for character in characters if character.isspace()}
    text = "".join(characters)
    said = [("system", text), ("user", "a" + text), ("assistant", text + "b")]
    turns = [{"content": content, "role": role} for role, content in said]
    rows = [turns, turns[1:]]
    frame = pl.DataFrame({"prompt": [row[:-1] for row in rows], "reference": [row[-1:] for row in rows]})
    fields = [{"prompt": row[:-1], "reference": row[-1:], "domain": "math"} for row in rows]
    expected = [content_id("instruction", identity("instruction", one)) for one in fields]
    assert list(ids_of(frame, "math")) == expected
