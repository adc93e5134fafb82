"""reward: the reward model, a sequence classifier from the SFT model trained on P with TRL's RewardTrainer.

Bradley-Terry loss, centred by `center`·mean((r_chosen + r_rejected)²). The value at the last token is the raw, unbounded reward.
Its accuracy on held-out pairs follows, by domain and by which of the two is longer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase
from trl import RewardConfig, RewardTrainer

from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train.launch import is_main_process
from train.params import RewardParams
from train.progress import TrainingLog
from train.resume import train_resumably
from train.scoring import Scorer, TransformersScorer
from train.settings import read_model, read_tokenizer, save_model, set_up_process, training_arguments
from train.tokenized import LengthLimit, TooManyLeftOut, tokenize_preferences
from train.turns import Loss


class RewardOut(NamedTuple):
    loss: Plot
    metrics: dict[str, Any]


def reward(
    preferences: Context[FinalPreference],
    sft: Model,
    params: RewardParams,
    reward: ModelOut,
    checkpoints: Checkpoints,
    progress: Progress,
) -> RewardOut:
    """Train on the train split of P, measure accuracy on the held-out split. Raises TooManyLeftOut."""
    set_up_process(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(sft, params.trusted)
    model = read_model(
        sft,
        model_class=AutoModelForSequenceClassification,
        trusted=params.trusted,
        attention=params.attention,
        num_labels=1,
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    pairs = list(preferences)
    limit = LengthLimit(params.max_length, params.overlong_share, "reward")
    train_pairs = (pair for pair in pairs if pair.split == "train")
    rows = tokenize_preferences(train_pairs, tokenizer, limit, Loss(reasoning=params.reasoning))
    log = TrainingLog(progress, params.batch_size * params.accumulation * rows.tokens / len(rows.ids))
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(
            **training_arguments(params, checkpoints),
            max_length=params.max_length,
            center_rewards_coefficient=params.center,
        ),
        train_dataset=rows.dataset.map(
            lambda row: {side: row["prompt_ids"] + row[side] for side in ("chosen_ids", "rejected_ids")},
            keep_in_memory=True,
        ).remove_columns(["prompt_ids", "chosen_mask", "rejected_mask"]),
        processing_class=tokenizer,
        callbacks=[log],
    )
    train_resumably(trainer)
    save_model(trainer, tokenizer, reward.path)
    metrics: dict[str, Any] = {
        "pairs": len(rows.ids),
        "overlong": rows.overlong,
        "refused": rows.refused,
        "broken_markup": rows.broken,
        "steps": trainer.state.global_step,
        "loss": log.recent_mean("loss"),
        "heldout_pairs": 0,
    }
    heldout = [pair for pair in pairs if pair.split == "heldout"]
    if heldout and is_main_process():
        # read again: the trained one may be sharded over processes
        scorer = TransformersScorer(Model(reward.path), tokenizer.pad_token_id, params.trusted)
        metrics |= heldout_metrics(scorer, tokenizer, heldout, params)
    return RewardOut(log.to_plot(), metrics)


def heldout_metrics(
    scorer: Scorer, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[FinalPreference], params: RewardParams
) -> dict[str, Any]:
    """How many held-out pairs the model orders as P does (a tie counts half): all, by domain, by `length_gap`."""
    try:
        limit = LengthLimit(params.max_length, 1.0, "reward")
        rows = tokenize_preferences(pairs, tokenizer, limit, Loss(reasoning=params.reasoning))
    except TooManyLeftOut as error:  # nothing to order; training is done by now and stays
        return {"heldout_pairs": 0, "heldout_overlong": error.overlong, "heldout_refused": error.refused}
    rewards = {
        side: scorer.score([row["prompt_ids"] + row[side] for row in rows.dataset])
        for side in ("chosen_ids", "rejected_ids")
    }
    margins = [
        chosen - rejected for chosen, rejected in zip(rewards["chosen_ids"], rewards["rejected_ids"], strict=True)
    ]
    correct = [1.0 if margin > 0 else 0.5 if margin == 0 else 0.0 for margin in margins]
    domains = {pair.id: pair.domain for pair in pairs}
    groups: dict[str, list[float]] = {}
    for row_id, row, value in zip(rows.ids, rows.dataset, correct, strict=True):
        for group in (domains[row_id], length_gap(len(row["chosen_ids"]), len(row["rejected_ids"]))):
            groups.setdefault(group, []).append(value)
    mean_reward = sum(sum(values) for values in rewards.values()) / (2 * len(margins))
    return {
        "heldout_pairs": len(margins),
        "heldout_overlong": rows.overlong,
        "heldout_refused": rows.refused,
        "heldout_accuracy": sum(correct) / len(correct),
        "heldout_margin": sum(margins) / len(margins),
        "heldout_mean_reward": mean_reward,
        "heldout_accuracy_by": {group: sum(values) / len(values) for group, values in sorted(groups.items())},
        "heldout_pairs_by": {group: len(values) for group, values in sorted(groups.items())},
    }


def length_gap(chosen: int, rejected: int) -> str:
    """Which completion is longer in tokens, and whether by more than half again; lengths within a tenth are similar."""
    ratio = chosen / max(1, rejected)
    if 1 / 1.1 <= ratio <= 1.1:
        return "similar_length"
    side, ratio = ("chosen", ratio) if ratio > 1 else ("rejected", 1 / ratio)
    return f"{side}_{'much_' if ratio > 1.5 else ''}longer"
