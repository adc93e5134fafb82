"""After training on pairs, a tiny model prefers the chosen side to the rejected one by more than before."""

import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from transformers import AutoModelForSequenceClassification, Qwen2Config, Qwen2ForCausalLM, set_seed

from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import FinalDemonstration, FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Context, Table
from train.chat import encode_prompt
from train.dpo import dpo
from train.online_dpo import online_dpo
from train.params import DpoParams, OnlineDpoParams, RewardParams, SftParams
from train.reward import reward
from train.sampling.rollouts import Rollouts
from train.sampling.samples import Sample
from train.sft import sft
from train.tokenizer import train_tokenizer
from train.turns import Conversation

TOKENIZER = train_tokenizer(["Why is it so? Because it is."], 300, 128)
PROMPTS = ["Why?", "Who is it?", "How so?", "When?"]
CHOSEN, REJECTED = "Because it is.", "No."
FAST = {"batch_size": 4, "max_steps": 8, "learning_rate": 5e-3, "floor": 5e-3, "max_length": 128, "logging_steps": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    """A model of one layer, as it is before training."""
    folder = tmp_path_factory.mktemp("model")
    set_seed(1)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = Qwen2Config(
        vocab_size=len(TOKENIZER),
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        eos_token_id=TOKENIZER.eos_token_id,
        pad_token_id=TOKENIZER.pad_token_id,
        **sizes,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return Model(folder)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / "store"))


def preferences() -> Context:
    shared = {
        "domain": "math",
        "strategy": "rejection",
        "label_source": "verifier",
        "quality": 0.5,
        "license": "MIT",
        "engine": "e",
        "simulated": False,
        "margin": 1.0,
    }
    rows = []
    for prompt in PROMPTS:
        for split, good, bad in (("train", CHOSEN, REJECTED), ("heldout", REJECTED, CHOSEN)):
            sides = {
                "chosen": [{"role": "assistant", "content": good}],
                "rejected": [{"role": "assistant", "content": bad}],
            }
            row = {
                "id": content_id("row", [prompt, split]),
                "prompt": [{"role": "user", "content": prompt}],
                "split": split,
            }
            rows.append(row | shared | sides)
    return Context(FinalPreference, Table.of(FinalPreference, rows).frame)


def sequence(prompt: str, completion: str) -> tuple[list[int], int]:
    """Ids of a conversation with its stop token, and how many of them are the prompt's."""
    start = encode_prompt(TOKENIZER, Conversation([{"role": "user", "content": prompt}]))
    return [*start, *TOKENIZER(completion)["input_ids"], TOKENIZER.eos_token_id], len(start)


def likelihood_margin(folder: Path) -> float:
    """Mean log p(CHOSEN) - log p(REJECTED) in nats."""
    policy = Qwen2ForCausalLM.from_pretrained(folder)

    def log_probability(prompt: str, completion: str) -> float:
        ids, start = sequence(prompt, completion)
        with torch.no_grad():
            logits = policy(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        return sum(float(logits[position - 1, ids[position]]) for position in range(start, len(ids)))

    margins = [log_probability(prompt, CHOSEN) - log_probability(prompt, REJECTED) for prompt in PROMPTS]
    return sum(margins) / len(margins)


def reward_margin(folder: Path) -> float:
    """Mean reward of CHOSEN less that of REJECTED."""
    scorer = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    scorer.config.pad_token_id = TOKENIZER.pad_token_id

    def score(prompt: str, completion: str) -> float:
        with torch.no_grad():
            return float(scorer(input_ids=torch.tensor([sequence(prompt, completion)[0]])).logits[0, 0])

    return sum(score(prompt, CHOSEN) - score(prompt, REJECTED) for prompt in PROMPTS) / len(PROMPTS)


def test_sft_makes_the_completions_of_the_train_split_likelier(model, tmp_path):
    rows = [
        {name: row[name] for name in row if name not in ("chosen", "rejected", "margin")}
        | {"completion": row["chosen"]}
        for row in preferences().frame.to_dicts()
    ]
    data, out = Context(FinalDemonstration, Table.of(FinalDemonstration, rows).frame), ModelOut(tmp_path / "sft")
    found = sft(data, model, SftParams(**FAST), out, Checkpoints(tmp_path / "work"), lambda *_: None)
    assert likelihood_margin(out.path) > likelihood_margin(model.path) + 1
    tokens = sum(len(sequence(prompt, CHOSEN)[0]) for prompt in PROMPTS)
    assert found.metrics.pop("loss") > 0 and found.loss.frame["loss"].is_sorted(descending=True)
    counts = {"overlong": 0, "refused": 0, "broken_markup": 0, "texts": 4}
    assert found.metrics == counts | {"demonstrations": 4, "tokens": tokens, "steps": 8}


def test_dpo_raises_the_margin_of_the_train_split(model, tmp_path):
    """The held-out split prefers the other side, so that training on it would lower the margin."""
    out = ModelOut(tmp_path / "dpo")
    output = dpo(preferences(), model, DpoParams(**FAST), out, Checkpoints(tmp_path / "work"), lambda *_: None)
    assert likelihood_margin(out.path) > likelihood_margin(model.path) + 1
    assert output.metrics["train_margin"] > 0 and output.metrics["train_accuracy"] == 1
    assert (output.metrics["pairs"], output.metrics["overlong"], output.metrics["steps"]) == (4, 0, 8)
    assert 0 < output.metrics["loss"] < 0.69


def test_reward_training_raises_the_margin_and_the_held_out_pairs_are_those_of_their_split(model, tmp_path):
    out = ModelOut(tmp_path / "reward")
    params = RewardParams(**FAST | {"max_steps": 30})
    output = reward(preferences(), model, params, out, Checkpoints(tmp_path / "work"), lambda *_: None)
    margin = reward_margin(out.path)
    assert margin > 0.5 and output.metrics["pairs"] == output.metrics["heldout_pairs"] == 4
    assert (output.metrics["steps"], output.metrics["overlong"]) == (30, 0) and 0 < output.metrics["loss"] < 0.7
    assert output.metrics["heldout_accuracy"] == 0 and output.metrics["heldout_margin"] == pytest.approx(
        -margin, abs=1e-4
    )


def test_without_held_out_pairs_the_reward_model_has_no_accuracy(model, tmp_path):
    train = Context(FinalPreference, preferences().frame.filter(pl.col("split") == "train"))
    params, out = RewardParams(**FAST | {"max_steps": 1}), ModelOut(tmp_path / "reward")
    found = reward(train, model, params, out, Checkpoints(tmp_path / "work"), lambda *_: None)
    assert found.metrics["heldout_pairs"] == 0 and found.metrics.keys() == {
        "pairs",
        "overlong",
        "refused",
        "broken_markup",
        "steps",
        "loss",
        "heldout_pairs",
    }


class Sampler:
    """Gives every prompt the same one or two completions."""

    def sync(self, policy, prompts):
        pass

    def sample(self, prompts, settings, progress, cache):
        texts = [REJECTED, CHOSEN][: settings.samples]
        return [[Sample(TOKENIZER(text)["input_ids"], text, True) for text in texts] for _ in prompts]

    def close(self):
        pass


class Scorer:
    """Rewards CHOSEN; a sequence must end with the stop token."""

    def score(self, sequences):
        ends = [TOKENIZER.decode(ids).rpartition("assistant\n")[2] for ids in sequences]
        assert {end.removesuffix("<|im_end|>") for end in ends} <= {CHOSEN, REJECTED} and not any(
            e in (CHOSEN, REJECTED) for e in ends
        )
        return [1.0 if end.startswith(CHOSEN) else -1.0 for end in ends]


def test_online_dpo_raises_the_likelihood_of_what_the_reward_model_prefers(model, tmp_path, monkeypatch):
    monkeypatch.setattr(Rollouts, "open_sampler", lambda self, policy: Sampler())
    monkeypatch.setattr(sys.modules[Rollouts.__module__], "open_scorer", lambda *_: Scorer())
    params = OnlineDpoParams(
        **FAST | {"episodes": 1, "prompts": 4, "samples": 2, "optimizer": "adamw", "max_new_tokens": 8}
    )
    out = ModelOut(tmp_path / "online")
    output = online_dpo(
        preferences(),
        model,
        model,
        model,
        model,
        params,
        RuntimeParams(),
        out,
        Checkpoints(tmp_path / "work"),
        lambda *_: None,
    )
    assert likelihood_margin(out.path) > likelihood_margin(model.path) + 1
    assert {(row.chosen, row.rejected, row.margin) for row in output.online_pairs} == {(CHOSEN, REJECTED, 2.0)}
    assert output.metrics["kl_last"] > 0 and output.metrics["win_rate_last"] > 0
