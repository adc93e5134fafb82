"""dpo: offline DPO on P (Rafailov et al. 2023; Qwen2 report, section 4.3) with the SFT model as policy and reference."""

from typing import Any, NamedTuple

from schemas.ids import unit_of
from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train import tokenized as rows
from train.dpo_trainer import trainer
from train.params import DpoParams
from train.progress import Record
from train.resume import train
from train.settings import read_model, read_tokenizer, save, start


class DpoOut(NamedTuple):
    loss: Plot
    metrics: dict[str, Any]


def dpo(
    preferences: Context[FinalPreference],
    sft: Model,
    params: DpoParams,
    dpo: ModelOut,
    checkpoints: Checkpoints,
    progress: Progress,
) -> DpoOut:
    """Train on the train split of P; `params.pairs` of them, drawn by their ids, where it is not 0."""
    start(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(sft, params.trusted)
    policy, reference = (read_model(sft, trusted=params.trusted, attention=params.attention) for _ in range(2))
    pairs = [row for row in preferences if row.split == "train"]
    if params.pairs:
        drawn = sorted(pairs, key=lambda row: (unit_of(row.id, "dpo", params.seed), row.id))[: params.pairs]
        pairs = sorted(drawn, key=lambda row: row.id)
    taken = rows.preferences(pairs, tokenizer, params.max_length, params.overlong_share, "dpo")
    record = Record(progress, params.batch_size * params.accumulation * taken.tokens / len(taken.ids))
    training = trainer(policy, reference, taken.dataset, tokenizer, params, checkpoints, [record])
    train(training)
    save(training, tokenizer, dpo.path)
    metrics = {
        "pairs": len(taken.ids),
        "overlong": taken.overlong,
        "steps": training.state.global_step,
        "loss": record.last("loss"),
        "train_accuracy": record.last("rewards/accuracies"),
        "train_margin": record.last("rewards/margins"),
    }
    return DpoOut(record.plot(), metrics)
