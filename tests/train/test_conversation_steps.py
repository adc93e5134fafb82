"""A conversation with tools and reasoning goes from D and P into real steps of TRL: what is learned is the assistant's."""

import families
import pytest
import tiny
from families import ANSWER, FAMILIES, PROMPT, REJECTED
from transformers import AutoTokenizer
from trl import DPOTrainer, SFTTrainer

from schemas.rows import FinalDemonstration, FinalPreference
from schemas.stage import Model
from train.dpo import dpo
from train.params import DpoParams, RewardParams, SftParams
from train.reward import reward
from train.sft import sft

ONE_STEP = tiny.SHORT | {"max_steps": 1, "max_length": 2000, "batch_size": 1}


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tmp_path_factory) -> tuple[str, Model]:
    return request.param, families.write_model(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture
def batches(monkeypatch) -> list[dict]:
    """What the trainers compute a loss of."""
    seen: list[dict] = []
    for trainer in (SFTTrainer, DPOTrainer):
        compute = trainer.compute_loss

        def record(self, model, inputs, *args, compute=compute, **more):
            seen.append({key: value.tolist() for key, value in inputs.items() if key in COLUMNS})
            return compute(self, model, inputs, *args, **more)

        monkeypatch.setattr(trainer, "compute_loss", record)
    return seen


COLUMNS = ("input_ids", "labels", "completion_mask")


@pytest.mark.parametrize("turns", ["all", "last"])
@pytest.mark.parametrize("reasoning", ["train", "mask", "remove"])
def test_sft_learns_exactly_what_the_assistant_wrote(model, batches, tmp_path, turns, reasoning):
    family, base = model
    data = tiny.context(FinalDemonstration, [families.row("d", completion=ANSWER)])
    params = SftParams(**(ONE_STEP | {"turns": turns, "reasoning": reasoning, "packing": False, "batch_size": 2}))
    result = sft(data, base, params, tiny.folder(tmp_path / "sft"), tiny.checkpoints(tmp_path), tiny.silent)
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    rows = [labels for batch in batches for labels in batch["labels"]]
    learned = "".join(tokenizer.decode([label for label in labels if label != -100]) for labels in rows)
    turns_learned = PROMPT + ANSWER if turns == "all" else ANSWER
    assert learned == "".join(families.expected(family, turns_learned, reasoning == "train"))
    seen = "".join(tokenizer.decode(ids) for batch in batches for ids in batch["input_ids"])
    assert ("I have to ask." in seen) == (reasoning != "remove")
    assert result.metrics["demonstrations"] == 1 and result.metrics["texts"] == len(rows)


@pytest.mark.parametrize("reasoning", ["train", "mask", "remove"])
def test_dpo_counts_exactly_what_the_assistant_wrote(model, batches, tmp_path, reasoning):
    family, base = model
    data = tiny.context(FinalPreference, [families.row("p", chosen=ANSWER, rejected=REJECTED, margin=1.0)])
    params = DpoParams(**(ONE_STEP | {"reasoning": reasoning}))
    dpo(data, base, params, tiny.folder(tmp_path / "dpo"), tiny.checkpoints(tmp_path), tiny.silent)
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    (batch,) = batches
    counted = [
        tokenizer.decode([token for token, mark in zip(ids, mask, strict=True) if mark])
        for ids, mask in zip(batch["input_ids"], batch["completion_mask"], strict=True)
    ]
    sides = [families.expected(family, side, reasoning == "train") for side in (ANSWER, REJECTED)]
    assert counted == ["".join(side) for side in sides]


def test_a_reward_model_reads_the_whole_conversation(model, tmp_path):
    data = tiny.context(FinalPreference, [families.row("p", chosen=ANSWER, rejected=REJECTED, margin=1.0)])
    out = tiny.folder(tmp_path / "reward")
    result = reward(data, model[1], RewardParams(**ONE_STEP), out, tiny.checkpoints(tmp_path), tiny.silent)
    assert (result.metrics["pairs"], result.metrics["steps"]) == (1, 1)
