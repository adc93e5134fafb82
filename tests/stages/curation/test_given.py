"""What people wrote counts: answers are rows of D, pairs and ratings rows of P, each by its source; nothing else is lost."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.conversations import lean_turns
from schemas.products import Admission, demonstration_row
from schemas.rows import DeclaredSource, Demonstration, Instruction
from schemas.stage import Files
from schemas.table import Context, Table
from stages.curation.by_source import rows_by_source
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.fields import Item
from stages.curation.readers.shapes import SHAPES
from stages.curation.references import reference_demonstrations
from stages.curation.training_items import training_rows
from tests.admission.rows import declared, demonstration, ident, turn
from tests.admission.test_filter_admission import filter_by

CHAT = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]}
SAFE = {"prompt": "How do I pick a lock?", "area": "weapons", "harmful": True, "response": "I will not say."}


def source(**more) -> SourceFile:
    return SourceFile.model_validate({"name": "s", "path": "s.jsonl", "domain": "general", "license": "MIT"} | more)


def take(folder, rows, evaluation=(), **more) -> IngestTables:
    for name, lines in (("s", rows), ("e", evaluation)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    of_test = [{**source().model_dump(include={"domain", "license"}), "name": "e", "path": str(folder / "e.jsonl")}]
    sources = [source(**{"path": str(folder / "s.jsonl")} | more).model_dump(exclude_unset=True)]
    params = IngestParams.model_validate({"sources": sources, "evaluation": of_test if evaluation else []})
    tables = ingest(Files("ingest", (folder,)), params)
    for table in tables[:-1]:
        table.check()
    return tables


@pytest.mark.parametrize(
    ("more", "strategies"), [({}, ["human"]), ({"strategy": "rejection"}, ["rejection"]), ({"strategy": None}, [])]
)
def test_a_reference_answer_is_a_row_of_d_of_the_strategy_that_the_source_declares(tmp_path, more, strategies):
    tables = take(tmp_path, [CHAT, {"messages": CHAT["messages"][:1]}], **more)
    rows = list(tables.given_demonstrations)
    assert [row.strategy for row in rows] == strategies and len(tables.instructions) == 2
    assert sum(bool(row.reference) for row in tables.instructions) == 1  # a candidate of rank in any case
    for row in rows:
        assert (row.label_source, row.quality, row.engine, row.simulated) == ("given", 1.0, "source", False)
        assert [turn.content for turn in (*row.prompt, *row.completion)] == ["Hi?", "Hello."]
        (parent,) = (each for each in tables.instructions if each.reference)
        assert row.parents == [parent.id] and row.source == parent.source and row.source.endswith("s.jsonl:1")
    counted = {"s": {strategies[0]: 1}} if strategies else {}
    assert tables.metrics["answers_by_source"] == counted


def test_answers_to_safety_prompts_wait_for_a_written_strategy(tmp_path):
    tables = take(tmp_path, [SAFE], domain="safety")
    assert not len(tables.given_demonstrations) and sum(tables.metrics["not_taken"].values()) == 1
    (row,) = (tables := take(tmp_path, [SAFE], domain="safety", strategy="human")).given_demonstrations
    assert (row.domain, row.tags, row.scores[0].value) == ("safety", ["weapons"], 1.0) and not tables.metrics[
        "not_taken"
    ]
    assert row.parents == [tables.safety_prompts.frame["id"][0]] and row.completion[0].content == SAFE["response"]


def test_an_answer_goes_with_its_prompt(tmp_path):
    held_out = take(tmp_path, [CHAT], evaluation=[{"prompt": "hi?"}])
    assert not len(held_out.instructions) + len(held_out.given_demonstrations)
    many = [{"prompt": f"q{n}", "completion": "a"} for n in range(5)]
    limited = take(tmp_path, many, limit=2)
    assert len(limited.given_demonstrations) == len(limited.instructions) == 2
    assert set(limited.given_demonstrations.frame["parents"].explode()) == set(limited.instructions.ids)


CALL = {"id": "c", "type": "function", "function": {"name": "add", "arguments": "{}"}}
TURNS = st.sampled_from(
    [
        turn("assistant", "Four."),
        [
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "content": "4", "name": "add"},
            *turn("assistant", "4"),
        ],
        [{"role": "assistant", "content": "4", "reasoning": "2 and 2"}],
    ]
)


@given(st.lists(st.tuples(st.text(), TURNS), min_size=1, max_size=4, unique_by=lambda one: one[0]))
def test_ids_are_those_of_rows_that_are_built_one_by_one(rows):
    shared = {"source": "s:1", "license": "MIT"}
    made = Table.of(
        Instruction,
        [
            {"id": ident(text), "prompt": turn("user", text), "reference": reference} | shared
            for text, reference in rows
        ],
    )
    found = Table(Demonstration, reference_demonstrations(made.frame, "human"))
    for row in found.frame.iter_rows(named=True):
        admission = Admission(
            prompt=row["prompt"], domain="general", strategy="human", label_source="given", quality=1.0, license="MIT",
            engine="source", simulated=False, verdicts=[], scores={}, source="s:1",
        )  # fmt: skip
        expected = demonstration_row(admission, row["completion"], row["parents"])
        assert row | {"prompt": lean_turns(row["prompt"]), "completion": lean_turns(row["completion"])} == expected


def rated(scores, texts="abcdef", best=None, limit=4, **more):
    responses = [turn("assistant", text) for text, _ in zip(texts, scores, strict=False)]
    fields = {"prompt": turn("user", "Why?"), "responses": responses, "scores": scores, "best": best}
    rows = training_rows(Item("rated", fields), "s:1", source(**more), limit).rows
    pairs = [
        (row["chosen"][0]["content"], row["rejected"][0]["content"], row["margin"], row["quality"])
        for kind, row in rows
        if kind == "preference"
    ]
    return pairs, [
        (row["completion"][0]["content"], row["strategy"], row["quality"])
        for kind, row in rows
        if kind == "demonstration"
    ]


def test_ratings_are_pairs_with_their_difference_as_margin_the_widest_first():
    assert rated([4.0, 1.0, 3.0], best=5.0)[0] == [("a", "b", 3.0, 0.6), ("c", "b", 2.0, 0.4), ("a", "c", 1.0, 0.2)]
    assert rated([4.0, 1.0, 3.0], limit=1)[0] == [("a", "b", 3.0, 1.0)]  # of an unknown scale: the widest of the prompt
    assert rated([2.0, 2.0]) == rated([1.0, 2.0], texts="aA") == ([], [])  # ties, and texts that are one
    assert rated([float("nan"), 1.0, 2.0])[0] == [("c", "b", 1.0, 1.0)]


def test_the_best_of_rated_responses_is_demonstrated_where_the_source_writes_a_strategy():
    assert rated([4.0, 1.0, 3.0])[1] == []
    assert rated([3.0, 1.0, 4.0], strategy="given")[1] == [("c", "given", 1.0)]
    assert rated([4.0, 1.0, 4.0], strategy="human")[1] == [("a", "human", 0.75)]


def test_a_rated_prompt_without_a_pair_is_dropped_by_rule(tmp_path, monkeypatch):
    item = Item(
        "rated",
        {"prompt": turn("user", "Why?"), "responses": [turn("assistant", x) for x in "ab"], "scores": [1.0, 1.0]},
    )
    monkeypatch.setitem(SHAPES, "prompt", lambda record: item)
    tables = take(tmp_path, [{"prompt": "Why?"}], format="prompt")
    assert tables.dropped.frame["rule"].to_list() == ["no response is preferred"] and not len(tables.given_preferences)
    assert tables.metrics["ends_by_source"]["s"] == {"dropped": 1}


def test_of_one_answer_the_row_with_the_better_label_source_stays():
    given_row = demonstration("Why?", "So.", strategy="human", label_source="given", quality=1.0)
    for label, stays in (("judge", given_row), ("human", None)):
        ranked = demonstration("Why?", "so.", label_source=label, quality=0.2)
        found = filter_by(annotation_demonstrations=[ranked], given_demonstrations=[given_row])
        assert found.filtered_demonstrations.ids.to_list() == [(stays or ranked)["id"]]
        assert [gone.rule for gone in found.dropped] == ["exact duplicate"]


def test_rows_count_by_the_names_of_their_sources():
    sources = declared(chats="data/raw/a:b.jsonl", more="x.zip/b.csv", twice="x.zip/b.csv")
    rows = pl.DataFrame({"source": ["data/raw/a:b.jsonl:3", "x.zip/b.csv:1", "x.zip/b.csv:2", "gone.csv:9"]})
    assert rows_by_source(rows, sources.frame) == {"chats": 1, "more + twice": 2, "unknown source": 1}
    assert rows_by_source(rows.clear(), Context.of(DeclaredSource, []).frame) == {}
