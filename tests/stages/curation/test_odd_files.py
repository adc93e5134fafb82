"""Odd input of every kind ends in a row, in quarantine or dropped."""

import gzip
import json
from random import Random

import pytest
from read_files import TWO, asks, prompts, read, take

from stages.curation.readers.records import read_records


def test_a_broken_first_line_does_not_make_json_lines_something_else(tmp_path):
    for first in (b'{"prompt": "caf\xe9"}', b'{"prompt": oops}', b'{"prompt": "cut'):
        values, errors = read(tmp_path / "a.jsonl", first + b"\n" + TWO.encode())
        assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [1]
    assert prompts(tmp_path / "a.jsonl", '[\n{"prompt": "one"}\n]\n') == ["one"]


def test_labels_of_any_data_set_are_no_wikidata(tmp_path, monkeypatch):
    rows = [{"text": "I am glad.", "labels": ["joy"], "id": 7}, {"text": "I am not.", "labels": {}, "id": "x7"}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert len(take(tmp_path, monkeypatch, path="a.json").instructions) == 2


ODD = [None, [], {}, "x", 3, [None], {"en": None}, {"en": {"value": None}}, {"en": []}, {"P31": [None]}, {"X": [{}]}]
DATES = ["+1952-99-00T", 3, None, "+1952-03-11T00:00:00Z"]


def test_odd_wikidata_entities_end_as_characters_or_dropped(tmp_path, monkeypatch):
    human = {
        "rank": "normal",
        "mainsnak": {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": "Q5"}}},
    }
    whole = {"id": "Q1", "labels": {"en": {"value": "Ada"}}, "claims": {"P31": [human]}}
    odd = [whole | {field: value} for field in ("labels", "descriptions", "aliases", "claims") for value in ODD]
    for value in [*ODD, *({"time": date, "precision": 11} for date in DATES), {"text": 3}, {"amount": None}]:
        for data in ({"value": value}, value):
            odd.append(
                whole | {"claims": {"P31": [human], "P569": [{"mainsnak": {"snaktype": "value", "datavalue": data}}]}}
            )
    odd = [entity | {"id": f"Q{n + 1}"} for n, entity in enumerate(odd)]
    (tmp_path / "a.json").write_text(json.dumps([*odd, None, 3, "x", []]))
    tables = take(tmp_path, monkeypatch, path="a.json", domain="character", format="wikidata")
    assert len(tables.characters) + len(tables.dropped) == len(odd) and len(tables.characters) > 3


def test_a_book_with_broken_bytes_in_its_header_and_heads_can_be_kept(tmp_path, monkeypatch):
    body = "\n\n".join(f"The boat went out {n} times, and each time it came back." for n in range(8))
    (tmp_path / "b.txt").write_bytes(f"Title: Na\xefve\n\nCHAPTER 1. Caf\xe9\n\n{body}\n".encode("latin-1"))
    tables = take(tmp_path, monkeypatch, path="b.txt", domain="literature")
    assert {(row.work, row.section) for row in tables.passages} == {("Na\ufffdve", "CHAPTER 1. Caf\ufffd")}
    (tmp_path / "c.txt.gz").write_bytes(gzip.compress(body.encode()))
    tables = take(tmp_path, monkeypatch, path="c.txt.gz", domain="literature")
    assert {row.work for row in tables.passages} == {"c"}


def test_ids_of_any_digits_are_no_error(tmp_path, monkeypatch):
    rows = [
        {"prompt": "a", "id": "\u00b2"},
        {"prompt": "b", "id": "9" * 5000},
        {"prompt": "c", "id": 7},
        {"prompt": "d", "id": 2**80},
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert asks(take(tmp_path, monkeypatch, path="a.jsonl", ids="5-8")) == ["c"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt", "a.parquet", "a.arrow", "a.jsonl.gz"])
def test_random_bytes_end_as_records(tmp_path, name):
    draw = Random(0)
    alphabet = [
        b'"',
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\n",
        b"\r",
        b"\\",
        b"u",
        b"d83d",
        b"\xff",
        b"\0",
        b"1e",
        b"9" * 30,
    ]
    for _ in range(100):
        content = b"".join(draw.choices(alphabet, k=draw.randrange(40)))
        values, errors = read(
            tmp_path / name, gzip.compress(content)[: draw.randrange(60)] if name.endswith(".gz") else content
        )
        json.dumps([values, errors], ensure_ascii=False).encode()


def test_every_byte_of_a_csv_file_ends_in_a_record(tmp_path):
    """Whatever quotation marks do: each line is in a record, sound or broken."""
    draw = Random(1)
    for _ in range(100):
        lines = ["".join(draw.choices(['"', '""', ",", "a", "b "], k=draw.randrange(1, 8))) for _ in range(8)]
        marked = [f"{n}{line}" if draw.random() < 0.5 else f'"{n}{line}' for n, line in enumerate(lines)]
        (tmp_path / "a.csv").write_text("\n".join(["x,y", *marked]))
        kept = "".join(
            f"{record.raw}{''.join((record.value or {}).values())}" for record in read_records(tmp_path / "a.csv")
        )
        assert all(str(n) in kept for n in range(8)), marked
