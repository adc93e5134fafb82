"""A matrix of files: every row ends kept, dropped, quarantined or counted as not taken, and so does every field of it."""

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_files import CASES, Case, Row, by_column, database, lines, parted, zipped

from schemas.characters import strings_of
from schemas.conversations import asked_text, text_of
from schemas.stage import Files
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams
from stages.curation.readers.json_text import NotJSON, parse_json

TABLES = ("instructions", "problems", "code_tasks", "constraints", "passages", "characters", "safety_prompts")


def read(folder: Path, case: Case, monkeypatch: pytest.MonkeyPatch) -> IngestTables:
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    monkeypatch.chdir(folder)
    section = {"name": "s", "path": case.where, "domain": "general", "license": "MIT"} | case.source
    return ingest(Files("ingest", (Path(),)), IngestParams.model_validate({"sources": [section]}))


def taken_rows(tables: IngestTables) -> int:
    return sum(len(getattr(tables, name)) for name in (*TABLES, "given_preferences"))


def texts_in(tables: IngestTables) -> str:
    """Everything that rows and quarantined ones say, without what only quotes or parts it."""
    found: list[str] = []
    for name in (*TABLES, "given_preferences", "quarantine"):
        found += strings_of(getattr(tables, name).frame.to_dicts())
    values = []
    for text in found:
        with suppress(NotJSON):
            values += strings_of(parse_json(text))  # a quarantined record
    return plain("|".join([*found, *values]))


def plain(text: str) -> str:
    return "".join(text.replace('"', "").split())


def uncounted(case: Case, tables: IngestTables) -> Counter[str]:
    """Fields that are in no table and not in quarantine, by name."""
    said = texts_in(tables)
    return Counter(name for row in case.rows for name, cell in row.items() if plain(cell) not in said)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_row_and_every_field_is_accounted_for(case, tmp_path, monkeypatch):
    tables = read(tmp_path, case, monkeypatch)
    counted = {name.removeprefix("s: "): count for name, count in tables.metrics["not_taken"].items()}
    rows_left = sum(count for name, count in counted.items() if name.startswith("rows "))
    ends = (taken_rows(tables), len(tables.dropped), len(tables.quarantine), rows_left)
    assert ends == (case.kept, case.dropped, case.quarantined, case.left)
    missing = uncounted(case, tables)
    fields = {name: counted.get(f"field {name}", 0) + case.left for name in missing}
    assert dict(missing) == fields
    assert sum(count for name, count in counted.items() if name.startswith("files skipped")) == len(case.skipped)
    assert {name.partition(": ")[0] for name in tables.metrics.get("skipped_files", [])} == set(case.skipped)


def test_the_matrix_has_sixty_files_of_twenty_formats_and_more():
    names = [case.name for case in CASES]
    formats = {name.rpartition(", ")[0] for name in names}
    assert len(names) == len(set(names)) >= 60 and len(formats) >= 20
    assert Counter(name.rpartition(", ")[2] for name in names) == dict.fromkeys(
        ("well-formed", "odd", "broken"), len(formats)
    )


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS), min_size=1, max_size=8)
WRITERS = {
    "a.jsonl": lines,
    "a.json": lambda rows: json.dumps(rows).encode(),
    "b.json": lambda rows: json.dumps({"train": rows}).encode(),
    "c.json": lambda rows: json.dumps(by_column(rows)).encode(),
    "a.csv": lambda rows: parted(quoted(rows)).encode(),
    "b.csv": lambda rows: parted(quoted(rows), ";", "\r\n").encode("utf-16"),
    "a.tsv": lambda rows: parted(quoted(rows), "\t").encode("utf-8-sig"),
    "a.db": database,
    "a.zip": lambda rows: zipped({"x/a.jsonl": lines(rows)}),
}


def quoted(rows: list[Row]) -> list[Row]:
    return [{name: cell.replace('"', '""') for name, cell in row.items()} for row in rows]


def marked(drawn: list[tuple[str, str, str]]) -> list[Row]:
    """Rows with a mark in every field by which it is found again."""
    names = ("prompt", "response", "note")
    return [
        {name: f"{name}#{number}# {cell} ." for name, cell in zip(names, cells, strict=True)}
        for number, cells in enumerate(drawn)
    ]


@settings(max_examples=60)
@given(drawn=ROWS, name=st.sampled_from(sorted(WRITERS)))
def test_nothing_of_any_row_is_lost(drawn, name, tmp_path_factory):
    rows = marked(drawn)
    with pytest.MonkeyPatch.context() as patch:
        case = Case("", {name: WRITERS[name](rows)}, rows, len(rows))
        tables = read(tmp_path_factory.mktemp("matrix"), case, patch)
    assert taken_rows(tables) == len(rows) and not len(tables.quarantine)
    found = {(asked_text(row.prompt), text_of(row.reference)) for row in tables.instructions}
    assert found == {(row["prompt"], row["response"]) for row in rows}
    assert tables.metrics["not_taken"] == {"s: field note": len(rows)}


@settings(max_examples=60)
@given(
    drawn=ROWS,
    name=st.sampled_from(["a.jsonl", "a.csv", "a.tsv"]),
    place=st.floats(0, 1, exclude_max=True),
    byte=st.integers(0, 255),
)
def test_a_wrong_byte_loses_no_row_silently(drawn, name, place, byte, tmp_path_factory):
    """Whatever byte stands wherever in the rows: the mark of every row is in a table or in quarantine, or it is the byte's."""
    ends = [{"prompt": end, "response": "x", "note": "y"} for end in ("first", "last")]
    rows = [ends[0], *marked(drawn), ends[1]]
    content = bytearray(WRITERS[name](rows))
    start = content.index(b"prompt#0#")
    at = start + int(place * (len(content) - start))
    content[at] = byte
    with pytest.MonkeyPatch.context() as patch:
        tables = read(tmp_path_factory.mktemp("matrix"), Case("", {name: bytes(content)}, rows, 0), patch)
    said = texts_in(tables)
    hit = bytes(content[at - 12 : at + 12])
    missing = [row["prompt"] for row in rows if row["prompt"].partition(" ")[0] not in said]
    assert len(missing) <= ("#" in hit.decode(errors="replace"))
