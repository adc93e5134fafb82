"""dpo: offline DPO on P (Rafailov et al. 2023; Qwen2 report, section 4.3) with the SFT model as policy and reference."""

from typing import Any, NamedTuple

from schemas.ids import unit_of
from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train.dpo_trainer import preference_trainer
from train.params import DpoParams
from train.progress import TrainingLog
from train.resume import train_resumably
from train.settings import read_model, read_tokenizer, save_model, set_up_process
from train.tokenized import LengthLimit, tokenize_preferences
from train.turns import Loss


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
    """Train on the train split of P; `params.pairs` of them, sampled by their ids, where it is not 0."""
    set_up_process(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(sft, params.trusted)
    policy, reference = (read_model(sft, trusted=params.trusted, attention=params.attention) for _ in range(2))
    pairs = [row for row in preferences if row.split == "train"]
    if params.pairs:
        selected = sorted(pairs, key=lambda row: (unit_of(row.id, "dpo", params.seed), row.id))[: params.pairs]
        pairs = sorted(selected, key=lambda row: row.id)
    limit = LengthLimit(params.max_length, params.overlong_share, "dpo")
    rows = tokenize_preferences(pairs, tokenizer, limit, Loss(reasoning=params.reasoning))
    log = TrainingLog(progress, params.batch_size * params.accumulation * rows.tokens / len(rows.ids))
    trainer = preference_trainer(policy, reference, rows.dataset, tokenizer, params, checkpoints, callbacks=[log])
    train_resumably(trainer)
    save_model(trainer, tokenizer, dpo.path)
    metrics = {
        "pairs": len(rows.ids),
        "overlong": rows.overlong,
        "refused": rows.refused,
        "broken_markup": rows.broken,
        "steps": trainer.state.global_step,
        "loss": log.recent_mean("loss"),
        "train_accuracy": log.recent_mean("rewards/accuracies"),
        "train_margin": log.recent_mean("rewards/margins"),
    }
    return DpoOut(log.to_plot(), metrics)
