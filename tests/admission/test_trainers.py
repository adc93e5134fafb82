"""What sft, reward and dpo give their trainers: the train split, all of it, with the sides in place."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from schemas.ids import content_id
from schemas.rows import FinalDemonstration, FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Context, Table
from train.dpo import dpo
from train.params import DpoParams, RewardParams, SftParams
from train.reward import heldout_metrics, length_gap, reward
from train.sft import sft
from train.tokenized import TooManyLeftOut
from train.tokenizer import train_tokenizer

TOKENIZER = train_tokenizer(["Why is it so? Because it is."], 300, 512)


class TrainerArguments(Exception):
    """What the trainer was created with; ends the stage there."""


def rows(model: type, split: str, count: int, domain: str = "math") -> list[dict]:
    shared = {
        "domain": domain,
        "strategy": "rejection",
        "label_source": "verifier",
        "quality": 0.5,
        "license": "MIT",
        "engine": "e",
        "simulated": False,
        "split": split,
    }
    result = []
    for n in range(count):
        texts = (
            {"completion": f"right {n}"}
            if model is FinalDemonstration
            else {"chosen": f"good {n}", "rejected": f"bad {n}"}
        )
        sides = {side: [{"role": "assistant", "content": text}] for side, text in texts.items()}
        extra = {"margin": 1.0} if model is FinalPreference else {}
        prompt = [{"role": "user", "content": f"{split} {n}?"}]
        result.append({"id": content_id("row", [split, n, domain]), "prompt": prompt} | sides | shared | extra)
    return result


def context(model: type, *parts: list[dict]) -> Context:
    return Context(model, Table.of(model, [row for part in parts for row in part]).frame)


@pytest.fixture
def given(monkeypatch, tmp_path):
    """Runs a stage up to its trainer; gives the arguments that the trainer was created with."""

    def run(stage, trainer, data, params):
        def stop(*arguments, **named):
            raise TrainerArguments(arguments, named)

        def read(model, *, trusted, attention, **more):
            assert (model.path, trusted, attention) == (Path("sft"), params.trusted, params.attention)
            return SimpleNamespace(config=SimpleNamespace(), more=more)

        params = params.model_copy(update={"trusted": ["own"], "attention": "eager", "seed": params.seed + 1})
        module, started = sys.modules[stage.__module__], []
        monkeypatch.setattr(module, "set_up_process", lambda *how: started.append(how))
        monkeypatch.setattr(module, "read_tokenizer", lambda model, trusted: TOKENIZER if trusted == ["own"] else None)
        monkeypatch.setattr(module, "read_model", read)
        monkeypatch.setattr(module, trainer, stop)
        with pytest.raises(TrainerArguments) as caught:
            stage(data, Model(Path("sft")), params, ModelOut(tmp_path), Checkpoints(tmp_path), lambda *_: None)
        assert started == [(params.seed, params.launch == "cpu")]
        return caught.value.args

    return run


def decode(ids) -> str:
    return TOKENIZER.decode(ids).removeprefix("<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n")


def test_sft_is_given_the_train_split_of_d_with_labels_of_its_own(given):
    data = context(FinalDemonstration, rows(FinalDemonstration, "train", 5), rows(FinalDemonstration, "heldout", 3))
    for packing in (True, False):
        _, named = given(sft, "SFTTrainer", data, SftParams(packing=packing, max_length=99))
        texts = {decode([t for t in row["labels"] if t != -100]) for row in named["train_dataset"]}
        assert texts == {f"right {n}<|im_end|>" for n in range(5)} and named["train_dataset"].num_rows == 5
        assert all("train" in decode(row["input_ids"]) for row in named["train_dataset"])
        settings = named["args"]
        assert (settings.packing, settings.max_length, settings.completion_only_loss) == (packing, 99, False)
        assert settings.shuffle_dataset is False


def test_reward_is_given_the_train_split_of_p_prompts_before_both_sides(given):
    data = context(FinalPreference, rows(FinalPreference, "train", 4), rows(FinalPreference, "heldout", 3))
    _, named = given(reward, "RewardTrainer", data, RewardParams(center=0.25, max_length=88))
    texts = {(decode(row["chosen_ids"]), decode(row["rejected_ids"])) for row in named["train_dataset"]}
    prompt = "<|im_start|>user\ntrain {0}?<|im_end|>\n<|im_start|>assistant\n"
    assert texts == {
        (f"{prompt}good {{0}}<|im_end|>".format(n), f"{prompt}bad {{0}}<|im_end|>".format(n)) for n in range(4)
    }
    assert named["train_dataset"].column_names == ["chosen_ids", "rejected_ids"]
    assert (named["args"].center_rewards_coefficient, named["args"].max_length) == (0.25, 88)
    assert named["model"].config.pad_token_id == TOKENIZER.pad_token_id and named["model"].more["num_labels"] == 1


def dpo_prompts(given, data, **params) -> list[str]:
    (_, _, dataset, *_), _ = given(dpo, "preference_trainer", data, DpoParams(**params))
    for row in dataset:
        number = decode(row["prompt_ids"]).split("?")[0].split()[-1]
        sides = decode(row["chosen_ids"]), decode(row["rejected_ids"])
        assert sides == (f"good {number}<|im_end|>", f"bad {number}<|im_end|>")
    return [decode(row["prompt_ids"]).split("\n")[1].removesuffix("<|im_end|>") for row in dataset]


def test_dpo_is_given_the_train_split_of_p_and_selects_as_many_pairs_as_params_say(given):
    train, heldout = rows(FinalPreference, "train", 9), rows(FinalPreference, "heldout", 5)
    data = context(FinalPreference, train, heldout)
    everything = [f"train {n}?" for n in range(9)]
    assert sorted(dpo_prompts(given, data)) == everything == sorted(dpo_prompts(given, data, pairs=99))
    some = dpo_prompts(given, data, pairs=4)
    assert len(some) == 4 and set(some) < set(everything)
    by_id = [row["prompt"][0]["content"] for row in sorted(train, key=lambda row: row["id"])]
    assert some == [prompt for prompt in by_id if prompt in some], "in the order of ids"
    assert set(some) <= set(dpo_prompts(given, data, pairs=5)), "more pairs keep those that were selected"
    assert {tuple(dpo_prompts(given, data, pairs=4, seed=seed)) for seed in range(4)} != {tuple(some)}


@pytest.mark.parametrize(
    ("stage", "trainer", "model", "kind"),
    [
        (sft, "SFTTrainer", FinalDemonstration, SftParams),
        (reward, "RewardTrainer", FinalPreference, RewardParams),
        (dpo, "preference_trainer", FinalPreference, DpoParams),
    ],
)
def test_rows_beyond_max_length_are_left_out_up_to_a_share_of_them(given, stage, trainer, model, kind):
    data = rows(model, "train", 4)
    data[0]["prompt"] = [{"role": "user", "content": "long " * 50}]

    def row_count(max_length: int, overlong_share: float) -> int:
        params = kind(max_length=max_length, overlong_share=overlong_share)
        arguments, named = given(stage, trainer, context(model, data), params)
        return (named.get("train_dataset") or arguments[2]).num_rows

    assert (row_count(120, 0.25), row_count(500, 0.0)) == (3, 4)
    with pytest.raises(TooManyLeftOut):
        row_count(120, 0.24)


@pytest.mark.parametrize(
    ("stage", "trainer", "model", "params"),
    [
        (sft, "SFTTrainer", FinalDemonstration, SftParams(launch="ddp")),
        (reward, "RewardTrainer", FinalPreference, RewardParams(launch="ddp")),
        (dpo, "preference_trainer", FinalPreference, DpoParams(launch="ddp")),
    ],
)
def test_only_the_launch_of_the_cpu_sets_the_process_up_for_it(given, stage, trainer, model, params):
    given(stage, trainer, context(model, rows(model, "train", 1)), params)


# ---------------------------------------------------------------- held-out pairs of the reward model


class Scorer:
    """Rewards by the text that a sequence ends with."""

    def __init__(self, rewards: dict[str, float]):
        self.rewards = rewards

    def score(self, sequences):
        return [
            next(r for text, r in self.rewards.items() if decode(ids).endswith(f"{text}<|im_end|>"))
            for ids in sequences
        ]


def test_held_out_pairs_are_counted_by_whether_the_chosen_side_scores_higher():
    pairs = list(
        context(FinalPreference, rows(FinalPreference, "heldout", 3), rows(FinalPreference, "heldout", 1, "code"))
    )
    rewards = {"good 0": 2.0, "bad 0": 1.0, "good 1": 0.5, "bad 1": 0.5, "good 2": -1.0, "bad 2": 1.0}
    metrics = heldout_metrics(Scorer(rewards), TOKENIZER, pairs, RewardParams(max_length=99))
    assert (metrics["heldout_pairs"], metrics["heldout_overlong"]) == (4, 0)
    assert metrics["heldout_accuracy"] == (1 + 0.5 + 0 + 1) / 4 and metrics["heldout_margin"] == (1 + 0 - 2 + 1) / 4
    assert metrics["heldout_mean_reward"] == (3.0 + 1.0 + 0.0 + 3.0) / 8
    lengths = {"good": len(TOKENIZER("good 0")["input_ids"]) + 1, "bad": len(TOKENIZER("bad 0")["input_ids"]) + 1}
    group = length_gap(lengths["good"], lengths["bad"])
    assert metrics["heldout_accuracy_by"] == {group: 2.5 / 4, "code": 1.0, "math": 0.5}
    assert metrics["heldout_pairs_by"] == {group: 4, "code": 1, "math": 3}
    limit = RewardParams(max_length=5)
    assert heldout_metrics(None, TOKENIZER, pairs, limit) == {
        "heldout_pairs": 0,
        "heldout_overlong": 4,
        "heldout_refused": 0,
    }


@pytest.mark.parametrize(
    ("chosen", "rejected", "name"),
    [
        (10, 10, "similar_length"),
        (1, 1, "similar_length"),
        (11, 10, "similar_length"),
        (10, 11, "similar_length"),
        (12, 10, "chosen_longer"),
        (15, 10, "chosen_longer"),
        (16, 10, "chosen_much_longer"),
        (10, 12, "rejected_longer"),
        (10, 15, "rejected_longer"),
        (10, 16, "rejected_much_longer"),
    ],
)
def test_pairs_are_grouped_by_which_side_is_longer_in_tokens(chosen, rejected, name):
    assert length_gap(chosen, rejected) == name
