"""ingest: every format and shape reaches its table; what is broken is quarantined; evaluation stays apart."""

import json
from pathlib import Path

import polars as pl
import pytest

from schemas.products import message
from schemas.stage import Files, UndeclaredRead
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams
from stages.curation.readers.books import Paragraph, passages
from stages.curation.readers.record import FormatError


def take(folder: Path, *sources: dict, evaluation: tuple = (), **params) -> IngestTables:
    def named(given):
        return [
            {"name": f"{number}-{s['path']}", "license": "CC0-1.0"} | s | {"path": str(folder / s["path"])}
            for number, s in enumerate(given)
        ]

    evaluated = [source | {"name": f"e{source['name']}"} for source in named(evaluation)]
    checked = IngestParams.model_validate({"sources": named(sources), "evaluation": evaluated} | params)
    tables = ingest(Files("ingest", (folder,)), checked)
    for table in tables[:-1]:
        table.check()
    return tables


def lines(path: Path, *rows: object) -> None:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


GSM8K = {"question": "Two and two?", "answer": "2+2 = <<2+2=4>>4\n#### 4"}
MBPP = {
    "task_id": 601,
    "text": "Add.",
    "code": "def add(a, b):\r\n\treturn a + b",
    "test_list": ["assert (add(1, 2)) == 3"],
    "test_setup_code": "",
}


def asked(prompt, reference, system=None):
    before = [message("system", system)] if system else []
    answer = [message("assistant", reference)] if reference else []
    return {"prompt": [*before, message("user", prompt)], "reference": answer}


@pytest.mark.parametrize(
    ("row", "domain", "table", "expected"),
    [
        (GSM8K, "math", "problems", {"prompt": "Two and two?", "answer": "4", "solution": "2+2 = 4"}),
        (MBPP, "code", "code_tasks", {"entry_point": "add", "solution": "def add(a, b):\n\treturn a + b"}),
        (
            {"instruction": "Sort.", "input": "c a", "output": "a c"},
            "general",
            "instructions",
            asked("Sort.\n\nc a", "a c"),
        ),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
            "general",
            "instructions",
            asked("Hi", "Hello"),
        ),
        (
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "Hi"}]},
            "general",
            "instructions",
            asked("Hi", None, system="s"),
        ),
        (
            {"instruction": "Rhyme.", "instances": [{"input": "", "output": "Time."}]},
            "general",
            "instructions",
            asked("Rhyme.", "Time."),
        ),
        ({"prompt": "Explain rain."}, "general", "instructions", asked("Explain rain.", None)),
        ({"prompt": "6*7?", "answer": 42}, "math", "problems", {"answer": "42"}),
        (
            {"prompt": "Capital of Peru?", "answer": "Lima"},
            "general",
            "instructions",
            asked("Capital of Peru?", "Lima"),
        ),
        ({"prompt": "p", "area": "weapons", "harmful": False}, "safety", "safety_prompts", {"harmful": False}),
        ({"text": "Use no commas."}, "constraint", "constraints", {"text": "Use no commas."}),
        ({"work": "W", "text": "Once."}, "literature", "passages", {"work": "W", "text": "Once."}),
        (
            {"name": "Ada", "claims": [{"property": "occupation", "value": "baker"}]},
            "character",
            "characters",
            {"claims": [{"property": "occupation", "value": "baker"}]},
        ),
    ],
)
def test_every_shape_is_told_and_reaches_its_table(tmp_path, row, domain, table, expected):
    lines(tmp_path / "a.jsonl", row)
    tables = take(tmp_path, {"path": "a.jsonl", "domain": domain})
    (got,) = (row.model_dump() for row in getattr(tables, table))
    assert {name: got[name] for name in expected} == expected
    assert got["source"].endswith("a.jsonl:1") and got["license"] == "CC0-1.0"


def test_turns_after_the_last_reply_are_counted(tmp_path):
    turns = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user")]
    lines(tmp_path / "a.jsonl", {"messages": turns})
    tables = take(tmp_path, {"path": "a.jsonl", "domain": "general"})
    assert tables.metrics["not_taken"] == {"0-a.jsonl: turns after the last reply": 1}
    (row,) = tables.instructions
    assert [turn.content for turn in [*row.prompt, *row.reference]] == ["system", "user", "assistant"]


def test_the_same_rows_as_csv_json_and_parquet_are_the_same_rows(tmp_path):
    rows = [{"instruction": f'Do {n}, "now"\nplease', "input": "", "output": "ok"} for n in range(3)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    pl.DataFrame(rows).write_csv(tmp_path / "b.csv")
    pl.DataFrame(rows).write_parquet(tmp_path / "c.parquet")
    lines(tmp_path / "d.jsonl", *rows)
    ids = [
        set(take(tmp_path, {"path": name, "domain": "general"}).instructions.ids)
        for name in ("a.json", "b.csv", "c.parquet", "d.jsonl")
    ]
    assert len(ids[0]) == 3 and all(other == ids[0] for other in ids)
    together = take(tmp_path, {"path": "*", "domain": "general"})
    assert set(together.instructions.ids) == ids[0]
    assert together.dropped.frame["rule"].to_list() == ["exact duplicate"] * 9
    assert not set(together.dropped.ids) & ids[0]
    assert all("a.json:" in source for source in together.instructions.frame["source"])


def test_broken_rows_go_to_quarantine_with_file_line_and_raw_text(tmp_path):
    lines(
        tmp_path / "a.jsonl",
        GSM8K,
        '{"question": "cut o',
        [1],
        GSM8K | {"question": "b", "answer": "no mark"},
        GSM8K | {"question": "c"},
        GSM8K | {"question": "d"},
    )
    (tmp_path / "b.csv").write_text("prompt,completion\na,b\nonly one\nc,d\n")
    tables = take(tmp_path, {"path": "a.jsonl", "domain": "math"}, {"path": "b.csv", "domain": "general"})
    found = {row.source.rsplit("/", 1)[1]: row for row in tables.quarantine}
    assert set(found) == {"a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "b.csv:3"}
    assert found["a.jsonl:2"].raw == '{"question": "cut o' and "not JSON" in found["a.jsonl:2"].error
    assert "####" in found["a.jsonl:4"].error and "no mark" in found["a.jsonl:4"].raw
    assert "1 fields, the header has 2" in found["b.csv:3"].error
    assert len(tables.problems) == 3 and len(tables.instructions) == 2


def test_text_in_another_encoding_is_quarantined_not_mangled(tmp_path):
    (tmp_path / "a.csv").write_bytes("prompt,answer\ncaf\u00e9 2+2?,4\n3+3?,6\n".encode("latin-1"))
    (tmp_path / "b.txt").write_bytes("Title: Na\u00efve\n".encode("latin-1"))
    tables = take(tmp_path, {"path": "a.csv", "domain": "math"})
    assert tables.problems.frame["prompt"].to_list() == ["3+3?"] and "not UTF-8" in tables.quarantine.frame["error"][0]
    (broken,) = take(tmp_path, {"path": "b.txt", "domain": "literature"}).quarantine
    assert broken.source.endswith("b.txt:1") and "not UTF-8" in broken.error and broken.raw == "Title: Na\ufffdve"


def test_an_undetectable_format_lists_what_was_tried_and_why(tmp_path):
    lines(tmp_path / "a.jsonl", {"query": "x", "reply": "y"})
    with pytest.raises(FormatError) as error:
        take(tmp_path, {"path": "a.jsonl", "domain": "general"})
    message = str(error.value)
    assert "a.jsonl" in message and "'query', 'reply'" in message
    assert "gsm8k: no field `question`" in message and "sharegpt: no list `conversations`" in message
    (tmp_path / "b.xlsx").write_text("x")
    with pytest.raises(FormatError, match=r"no reader for \.xlsx; tried \.jsonl"):
        take(tmp_path, {"path": "b.xlsx", "domain": "general"})


def test_an_evaluation_prompt_cannot_come_in_as_training_and_undeclared_files_are_refused(tmp_path):
    lines(tmp_path / "train.jsonl", GSM8K, GSM8K | {"question": "Three and one?"})
    lines(tmp_path / "test.jsonl", GSM8K | {"question": "two  and TWO?"})
    sources = {"path": "train.jsonl", "domain": "math"}
    tables = take(tmp_path, sources, evaluation=({"path": "test.jsonl", "domain": "math"},))
    assert tables.problems.frame["prompt"].to_list() == ["Three and one?"]
    assert tables.dropped.frame["rule"].to_list() == ["evaluation prompt"]
    assert tables.dropped.frame["parents"][0].to_list() == tables.evaluation.ids.to_list()
    assert tables.evaluation.frame["split"].to_list() == ["test"]
    params = IngestParams(
        sources=[{"name": "a", "path": str(tmp_path / "train.jsonl"), "domain": "math", "license": "x"}]
    )
    with pytest.raises(UndeclaredRead):
        ingest(Files("ingest", (tmp_path / "test.jsonl",)), params)


def test_ids_and_limit_select_rows_whatever_their_order(tmp_path):
    rows = [MBPP | {"task_id": n, "text": f"Add {n}."} for n in range(595, 620)]
    for name, order in (("a.jsonl", rows), ("b.jsonl", rows[::-1])):
        lines(tmp_path / name, *order)
    chosen = [
        take(tmp_path, {"path": name, "domain": "code", "ids": "601-610, 612", "limit": 5})
        for name in ("a.jsonl", "b.jsonl")
    ]
    assert chosen[0].code_tasks.ids.to_list() == chosen[1].code_tasks.ids.to_list()
    assert len(chosen[0].code_tasks) == 5 and list(chosen[0].metrics["not_taken"].values()) == [11, 6]


def test_passages_end_where_nobody_is_speaking_and_keep_every_word():
    texts = ["It was late. " * 10, "“Who is there?”", "“I am,” she said.", "The door opened slowly. " * 8, "“Oh!”"]
    paragraphs = [Paragraph(n, text.strip(), len(text.split())) for n, text in enumerate(texts)]
    cut = list(passages(paragraphs, least=20, most=40))
    assert [line for line, _, _ in cut] == [0, 3]
    assert " ".join(" ".join(text.split()) for _, text, _ in cut) == " ".join(" ".join(text.split()) for text in texts)


def test_real_inputs(real_data):
    def source(name, domain, **more):
        return {"path": name, "domain": domain} | more

    tables = take(
        real_data,
        source("gsm8k/train.jsonl", "math"),
        source("mbpp/mbpp.jsonl", "code", ids="601-974"),
        source("self_instruct_seeds/*.jsonl", "general"),
        source("autoif/seed_instruction.txt", "constraint"),
        source("gutenberg_alice/11-0.txt", "literature"),
        source("wikidata_entities/*.json", "character"),
        evaluation=(
            source("gsm8k/test.jsonl", "math"),
            source("ifeval/input_data.jsonl", "constraint"),
            source("mbpp/mbpp.jsonl", "code", ids="11-510"),
        ),
    )
    assert len(tables.problems) == 7473 and len(tables.instructions) == 175 + 252 and len(tables.constraints) == 36
    assert len(tables.evaluation) == 1319 + 541 + 500 and not len(tables.quarantine)
    assert len(tables.code_tasks) + (tables.dropped.frame["rule"] == "evaluation prompt").sum() == 374
    tasks = {row.source.rsplit(":", 1)[1]: row for row in tables.code_tasks}
    assert tasks["927"].entry_point == "max_height" and "\r" not in tasks["927"].setup + str(tasks["927"].solution)
    assert {row.name for row in tables.characters} == {"Douglas Adams", "Oliver Kahn"}
    adams = next(row for row in tables.characters if row.name == "Douglas Adams")
    assert ("date of birth", "11 March 1952") in [(c.property, c.value) for c in adams.claims]
    text = "\n".join(tables.passages.frame["text"])
    assert tables.passages.frame["section"].n_unique() == 12 and "Gutenberg" not in text and "*    *" not in text
    assert set(tables.passages.frame["author"]) == {"Lewis Carroll"}
