"""`load_dataset` reads every export as the splits that it is, and TRL trains on it as it is."""

import json
from pathlib import Path
from typing import Any

import datasets
import pytest
import trl
from datasets import Json, List, Value, load_dataset
from export_project import (
    ARGUMENTS,
    CALLED,
    PAIR,
    PLAIN,
    THOUGHT,
    TOOLS,
    TURNS,
    demonstration,
    make_project,
)
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import SFTConfig, SFTTrainer, apply_chat_template, is_conversational

from reports.export.command import main
from reports.export.formats import FORMATS

TEMPLATES = Path(trl.__file__).parent / "chat_templates"
ROWS = [
    demonstration(1, PLAIN, tags=["sum"], scores=[{"name": "length", "value": 1.0}]),
    demonstration(2, TURNS, split="heldout"),
    demonstration(3, THOUGHT),
    demonstration(4, CALLED),
]


@pytest.fixture
def load(tmp_path, monkeypatch):
    """A function that exports rows and loads the folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def run(form: str, rows: list[dict[str, Any]] = ROWS, table: str = "D", file: str = "") -> datasets.DatasetDict:
        project = make_project(tmp_path, **{"demonstrations" if table == "D" else "preferences": rows})
        monkeypatch.chdir(project.folder)
        assert main(table, form, tmp_path / "out", file=file) == 0
        return load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))

    return run


def tokenizer(template: str) -> PreTrainedTokenizerFast:
    """Bytes as tokens, with a template of TRL's."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_alone = Tokenizer(models.BPE(vocab={byte: number for number, byte in enumerate(alphabet)}, merges=[]))
    bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_alone.decoder = decoders.ByteLevel()
    found = PreTrainedTokenizerFast(
        tokenizer_object=bytes_alone, bos_token="<s>", eos_token="<|im_end|>", pad_token="<|pad|>"
    )
    found.chat_template = (TEMPLATES / template).read_text()
    return found


@pytest.mark.parametrize(("form", "file"), [(name, file) for name, one in FORMATS.items() for file in one.files])
def test_every_export_loads_as_its_splits(load, form, file):
    found = load(form, file=file)
    expected = {"train": 2 if form == "alpaca" else 3, "heldout": 1}
    assert {split: len(rows) for split, rows in found.items()} == expected


@pytest.mark.parametrize("file", ["jsonl", "parquet"])
def test_messages_come_back_with_their_own_keys_alone(load, file):
    found = load("trl", file=file)["train"]
    assert found.features["prompt"] == List(Json())
    (called,) = [row for row in found if row["tools"]]
    function = called["completion"][0]["tool_calls"][0]["function"]
    assert function["arguments"] == json.loads(ARGUMENTS)
    assert called["tools"] == json.loads(TOOLS)
    assert [set(turn) for turn in called["completion"]] == [
        {"role", "content", "tool_calls"},
        {"role", "content", "tool_call_id", "name"},
        {"role", "content"},
    ]


def test_plain_messages_are_structs_of_text(load):
    found = load("trl", [demonstration(1, PLAIN), demonstration(2, TURNS)])["train"]
    assert found.features["prompt"] == List({"role": Value("string"), "content": Value("string")})
    assert "tools" not in found.features


def test_hf_has_all_columns_and_types(load):
    found = load("hf")["train"]
    assert found.features["tools"] == Json()
    assert found.features["quality"] == Value("float64")
    assert found.features["tags"] == List(Value("string"))
    called = found.filter(lambda row: row["tools"] is not None)[0]
    assert called["completion"][0]["tool_calls"][0]["function"]["arguments"] == json.loads(ARGUMENTS)
    assert found[0]["scores"] == [{"name": "length", "value": 1.0}]


@pytest.mark.parametrize("template", ["llama3_1.jinja", "qwen3.jinja"])
@pytest.mark.parametrize("file", ["jsonl", "parquet"])
def test_chat_templates_render_every_row(load, template, file):
    processing = tokenizer(template)
    for row in load("trl", file=file)["train"]:
        assert is_conversational(row)
        texts = apply_chat_template(row, processing, tools=row["tools"])
        assert row["prompt"][-1]["content"] in texts["prompt"]
        assert row["completion"][-1]["content"] in texts["completion"]
        if "qwen3" in template and "reasoning_content" in row["completion"][-1]:
            assert "Peru, so Lima." in texts["completion"]


def test_trl_trains_on_the_export_as_it_is(load, tmp_path):
    found = load("trl")
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=260, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
            num_key_value_heads=2,
        )
    )  # fmt: skip
    settings = SFTConfig(
        str(tmp_path / "sft"), max_steps=1, per_device_train_batch_size=3, report_to="none", use_cpu=True
    )
    trainer = SFTTrainer(model, settings, train_dataset=found["train"], processing_class=tokenizer("qwen3.jinja"))
    assert trainer.train().training_loss > 0


def test_pairs_render_with_both_sides(load):
    row = load("trl", [demonstration(1, PAIR)], "P")["train"][0]
    texts = apply_chat_template(row, tokenizer("qwen3.jinja"))
    assert "Goethe." in texts["chosen"] and "Schiller." in texts["rejected"] and row["margin"] == 2.0
