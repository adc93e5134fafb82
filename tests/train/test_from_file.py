"""A conversation with tools and reasoning goes from a file through the data stages to D and P, every field of it, and is learned."""

import inspect
import json
from pathlib import Path

import families
import pytest
import tiny
from families import ANSWER, PROMPT, REJECTED, TOOLS
from transformers import AutoTokenizer
from trl import SFTTrainer

from schemas.rows import Demonstration, EvaluationItem, InstructionScore, Label, Preference, Selected
from schemas.stage import Files
from schemas.table import Context, Table
from stages.annotation.evolve import evolve
from stages.annotation.params import EvolveParams, RankParams, RespondParams, ScoreParams, TagParams
from stages.annotation.rank import rank
from stages.annotation.respond import respond
from stages.annotation.score import score
from stages.annotation.tag import tag
from stages.curation.assemble import assemble
from stages.curation.filter import filter as filter_rows
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import AssembleParams, FilterParams, IngestParams
from tests.conftest import ROOT
from tests.engines import simulated
from train.dpo import dpo
from train.params import DpoParams, SftParams
from train.sft import sft

LOOSE = RankParams(orders=2, min_margin=0.0, min_mean=1.0, min_aspect=1, max_length_ratio=100.0)
RECORD = {"messages": [*PROMPT, *ANSWER], "tools": json.loads(TOOLS)}
PAIR = {
    "prompt": PROMPT,
    "chosen": ANSWER,
    "rejected": REJECTED,
    "tools": TOOLS,
    "score_chosen": 5,
    "score_rejected": 3,
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> IngestTables:
    folder = tmp_path_factory.mktemp("files")
    sources = []
    for name, record in (("chats", RECORD), ("pairs", PAIR)):
        path = folder / f"{name}.jsonl"
        path.write_text(json.dumps(record) + "\n")
        sources.append({"name": name, "path": str(path), "domain": "general", "license": "MIT"})
    return ingest(Files("ingest", (folder,)), IngestParams.model_validate({"sources": sources}))


@pytest.fixture(scope="module")
def products(tables):
    """D and P, of what people brought alone."""
    given = {"given_demonstrations": tables.given_demonstrations, "given_preferences": tables.given_preferences}
    empty = {"demonstrations": Demonstration, "preferences": Preference}
    inputs = {
        name: given.get(name) or Table.of(empty[name.rsplit("_", 1)[1]], [])
        for name in inspect.signature(filter_rows).parameters
        if name.endswith(tuple(empty))
    }
    items = Context.of(EvaluationItem, [])
    filtered = filter_rows(**inputs, evaluation=items, sources=as_context(tables.sources), params=FilterParams())
    assert not len(filtered.dropped)
    return assemble(
        filtered.filtered_demonstrations,
        filtered.filtered_preferences,
        items,
        as_context(tables.sources),
        AssembleParams(heldout_share=0.0),
    )


def as_context(table: Table) -> Context:
    return Context(table.model, table.frame)


def dumped(row, *names: str) -> list:
    fields = row.model_dump()
    return [fields[name] for name in names]


def test_every_message_and_the_tools_stand_in_d_and_p(tables, products):
    assert not len(tables.quarantine) and not len(tables.dropped) and not tables.metrics["not_taken"]
    (shown,) = products.demonstrations
    prompt, completion, tools = dumped(shown, "prompt", "completion", "tools")
    assert (prompt, completion, json.loads(tools)) == (PROMPT, ANSWER, json.loads(TOOLS))
    assert (shown.strategy, shown.engine, shown.simulated) == ("human", "source", False)
    assert shown.source.endswith("chats.jsonl:1")
    (pair,) = products.preferences
    assert dumped(pair, "prompt", "chosen", "rejected", "margin") == [PROMPT, ANSWER, REJECTED, 2.0]
    assert (pair.strategy, json.loads(pair.tools)) == ("given", json.loads(TOOLS))


def test_stages_of_annotation_see_the_whole_conversation(tables, monkeypatch):
    """Each user turn is tagged; the answer of people is a candidate with its calls and results, beside the models'."""
    monkeypatch.chdir(ROOT)
    (row,) = tables.instructions
    with simulated("tagger") as tagger, simulated("judge") as judge, simulated("teacher") as teacher:
        tags = tag(tables.instructions, TagParams(), tagger)
        scores = score(tables.instructions, Context.of(Label, []), ScoreParams(), judge)
        assert len(tags.tag_sets) == 1 and tagger.usage.requests == 2  # one for each turn of the user's
        assert [type(each) for each in scores.instruction_scores] == [InstructionScore]
        selected = Table.of(Selected, [row.model_dump() | {"tags": ["weather"], "scores": [], "pass_number": 0}])
        harder = evolve(selected, EvolveParams(share=1.0, rounds=1), teacher, judge)
        for each in harder.evolved:
            assert dumped(each, "prompt")[0][:-1] == PROMPT[:-1] and each.tools == row.tools
        with simulated("small") as small, simulated("large") as large:
            found = respond(selected, harder.evolved, RespondParams(strategies=["plain"]), small, large)
        own = next(each for each in found.candidates if each.engine == "source")
        assert dumped(own, "prompt", "completion") == [PROMPT, ANSWER] and own.source == row.source
        ranked = rank(found.candidates, LOOSE, judge, Files("rank", (Path("human/annotations"),)))
    made = [
        each.model_dump()
        for table in (ranked.annotation_demonstrations, ranked.annotation_preferences)
        for each in table
    ]
    assert made and all(each["tools"] == row.tools for each in made)
    assert {each["source"] for each in made} == {row.source}


def test_dpo_takes_a_step_on_the_pair_of_the_file(products, tmp_path):
    base = families.write_model("qwen3", tmp_path / "base")
    step = tiny.SHORT | {"max_steps": 1, "max_length": 2000, "batch_size": 1}
    data = Context(products.preferences.model, products.preferences.frame)
    done = dpo(data, base, DpoParams(**step), tiny.folder(tmp_path / "dpo"), tiny.checkpoints(tmp_path), tiny.silent)
    assert (done.metrics["pairs"], done.metrics["steps"]) == (1, 1)


@pytest.mark.parametrize("reasoning", ["train", "remove"])
@pytest.mark.parametrize("family", ["qwen2_5", "qwen3", "llama3_1"])
def test_what_is_learned_of_the_row_is_what_the_assistant_wrote_in_the_file(
    products, family, reasoning, tmp_path, monkeypatch
):
    seen: list = []
    compute = SFTTrainer.compute_loss

    def record(self, model, inputs, *args, **more):
        seen.extend(inputs["labels"].tolist())
        return compute(self, model, inputs, *args, **more)

    monkeypatch.setattr(SFTTrainer, "compute_loss", record)
    base = families.write_model(family, tmp_path / "base")
    step = tiny.SHORT | {"max_steps": 1, "max_length": 2000, "batch_size": 2, "packing": False, "reasoning": reasoning}
    data = Context(products.demonstrations.model, products.demonstrations.frame)
    sft(data, base, SftParams(**step), tiny.folder(tmp_path / "sft"), tiny.checkpoints(tmp_path), tiny.silent)
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    learned = "".join(tokenizer.decode([label for label in labels if label != -100]) for labels in seen)
    assert learned == "".join(families.expected(family, PROMPT + ANSWER, reasoning == "train"))
