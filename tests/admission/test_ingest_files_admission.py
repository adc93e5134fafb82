"""ingest, files that are no records: books are cut into passages, Wikidata into characters; what is dropped and why."""

import json
from pathlib import Path

import pytest

from schemas.ids import content_id
from schemas.stage import Files
from stages.curation.ingest import ingest
from stages.curation.params import IngestParams
from stages.curation.readers.record import FormatError

START, END = "*** START OF THE PROJECT GUTENBERG EBOOK X ***", "*** END OF THE PROJECT GUTENBERG EBOOK X ***"
BOOK = f"Title: The Sea\nAuthor: A. Nemo\n\n{START}\n\none two three four\n\nfive six\n\n{END}\nlicence\n"


def passages(tables):
    return sorted((row.text, row.source) for row in tables.passages)


def dropped(tables):
    return sorted((row.rule, row.detail) for row in tables.dropped)


def test_a_passage_needs_the_least_words_and_has_no_more_than_the_most(take):
    source = ("a.txt", BOOK, {"domain": "literature"})
    tables = take(source, passage_min_words=4, passage_max_words=4)
    assert passages(tables) == [("one two three four", "a.txt:6")]
    assert dropped(tables) == [("short passage", "a.txt:8: fewer than passage_min_words")]
    assert [row.id for row in tables.dropped] == [content_id("dropped", ["passage", "a.txt:8", "short passage"])]
    (row,) = tables.passages
    assert (row.work, row.author, row.section) == ("The Sea", "A. Nemo", "")
    tables = take(source, passage_min_words=5, passage_max_words=6)
    assert passages(tables) == [("one two three four\n\nfive six", "a.txt:6")] and not dropped(tables)
    tables = take(source, passage_min_words=2, passage_max_words=4)
    assert [text for text, _ in passages(tables)] == ["five six", "one two three four"]


def test_a_passage_names_its_chapter(take):
    chapter = (
        f"Title: The Sea\n\n{START}\n\nChapter I. Of salt\n\n{'word ' * 50}\n\nChapter 2\n\n{'more ' * 50}\n{END}\n"
    )
    tables = take(("a.txt", chapter, {"domain": "literature"}), passage_min_words=1)
    assert {row.section: row.text.split()[0] for row in tables.passages} == {
        "Chapter I. Of salt": "word",
        "Chapter 2": "more",
    }


@pytest.mark.parametrize(
    ("name", "text", "fields", "table"),
    [
        ("a.txt", "one two\n", {"domain": "literature"}, "passages"),
        ("a.txt", BOOK, {}, "passages"),
        ("A.TXT", BOOK, {}, "passages"),
        ("a.txt", "No commas.\n", {"domain": "constraint"}, "constraints"),
        ("a.txt", "Hello there.\n", {}, "instructions"),
        ("a.txt", BOOK, {"format": "prompt"}, "instructions"),
        ("a.jsonl", '{"prompt": "Hello"}\n', {"domain": "literature"}, "instructions"),
        ("a.json", '{"prompt": "Hello"}\n', {}, "instructions"),
    ],
)
def test_the_file_and_the_domain_tell_what_a_file_is(take, name, text, fields, table):
    tables = take((name, text, fields), passage_min_words=1)
    assert len(getattr(tables, table)) and sum(map(len, tables[:8])) == len(getattr(tables, table))


def entity(key, name="Ada", kind="Q5", **fields):
    claim = {
        "rank": "normal",
        "mainsnak": {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": kind}}},
    }
    labels = {"en": {"value": name}} if name else {"de": {"value": "Ada"}}
    return {"id": key, "labels": labels, "claims": {"P31": [claim]}} | fields


def test_people_and_fictional_characters_of_wikidata_are_characters_the_others_are_dropped(take):
    entities = [
        entity("Q1"),
        entity("Q2", "Alice", "Q95074"),
        entity("Q3", "Paris", "Q515"),
        entity("Q4", ""),
        {"id": "Q6", "missing": ""},
    ]
    tables = take(("a.json", json.dumps({"entities": {e["id"]: e for e in entities}}), {"domain": "character"}))
    assert sorted((row.name, row.source) for row in tables.characters) == [("Ada", "a.json:Q1"), ("Alice", "a.json:Q2")]
    assert dropped(tables) == [
        ("not a character", "a.json:Q3: neither a person nor a fictional character (P31)"),
        ("not a character", "a.json:Q4: no label in language en"),
        ("not a character", "a.json:Q6: the entity is missing in Wikidata"),
    ]
    assert [row.parents for row in tables.dropped] == [[]] * 3
    places = [["character", f"a.json:{key}", "not a character"] for key in ("Q3", "Q4", "Q6")]
    assert {row.id for row in tables.dropped} == {content_id("dropped", place) for place in places}


def test_ids_choose_characters_the_language_names_them_and_labels_come_from_all_files(take):
    job = {
        "rank": "normal",
        "mainsnak": {"snaktype": "value", "datavalue": {"value": {"entity-type": "item", "id": "Q9"}}},
    }
    baker = entity("Q1", labels={"en": {"value": "Ada"}, "de": {"value": "Adda"}})
    baker["claims"]["P106"] = [job]
    work = {"id": "Q9", "labels": {"en": {"value": "baker"}, "de": {"value": "Bäcker"}}}
    sources = [("f/a.json", json.dumps(baker), {}), ("f/b.json", json.dumps(work), {})]
    folder = {"path": "f", "domain": "character", "ids": "Q1"}
    for language, expected in (("en", ("Ada", "baker")), ("de", ("Adda", "Bäcker"))):
        tables = take(sources[0][:2] + (folder,), ("f/b.json", sources[1][1], {"path": "f/b.json"}), language=language)
        (row,) = tables.characters
        assert (row.name, row.claims[0].value) == expected
    folder["ids"] = "Q2"
    assert not len(take(sources[0][:2] + (folder,), ("f/b.json", sources[1][1], {"path": "f/b.json"})).characters)


@pytest.mark.parametrize(("text", "error"), [("{", "not JSON"), ("[1]", "no Wikidata entities")])
def test_a_broken_wikidata_file_is_quarantined(take, text, error):
    tables = take(("a.json", text, {"domain": "character", "format": "wikidata"}))
    (row,) = tables.quarantine
    assert row.source == "a.json:1" and error in row.error and row.raw == text


def test_a_file_by_its_absolute_path_is_named_as_dvc_names_it(take, tmp_path):
    (tmp_path / "b.jsonl").write_text('{"prompt": "Hello"}\n')
    for path in (str(tmp_path / "b.jsonl"), "b.jsonl"):
        (row,) = take(("a.jsonl", "", {"path": path})).instructions
        assert row.source == "b.jsonl:1"
    with pytest.raises(FormatError, match=r"^a\.jsonl: the file is empty"):
        take(("a.jsonl", "", {"path": str(tmp_path / "a.jsonl")}))


def test_a_file_outside_the_project_is_named_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    (tmp_path / "a.jsonl").write_text('{"prompt": "Hello"}\n')
    monkeypatch.chdir(tmp_path / "project")
    for path in (str(tmp_path / "a.jsonl"), "../a.jsonl"):
        source = {"name": "s", "path": path, "domain": "general", "license": "MIT"}
        tables = ingest(Files("ingest", (tmp_path, Path("../a.jsonl"))), IngestParams(sources=[source]))
        assert [row.source for row in tables.instructions] == [f"{path}:1"]
