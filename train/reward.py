"""reward: the reward model, a sequence classifier from the SFT model trained on P with TRL's RewardTrainer.

Bradley-Terry loss, centred by `center`·mean((r+ + r-)²). The value at the last token is the raw, unbounded reward.
Held-out pairs are ordered afterwards, by domain and by which of the two is longer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerBase
from trl import RewardConfig, RewardTrainer

from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train import tokenized as rows
from train.launch import is_first
from train.params import RewardParams
from train.progress import Record
from train.resume import train
from train.scoring import Scorer, TransformersScorer
from train.settings import arguments, read_model, read_tokenizer, save, start


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
    """Train on the train split of P, order the held-out split. Raises TooManyOverlong."""
    start(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(sft, params.trusted)
    model = read_model(
        sft, AutoModelForSequenceClassification, params.trusted, attention=params.attention, num_labels=1
    )
    model.config.pad_token_id = tokenizer.pad_token_id
    everything = list(preferences)
    length, share = params.max_length, params.overlong_share
    taken = rows.preferences((row for row in everything if row.split == "train"), tokenizer, length, share, "reward")
    record = Record(progress, params.batch_size * params.accumulation * taken.tokens / len(taken.ids))
    trainer = RewardTrainer(
        model=model,
        args=RewardConfig(
            **arguments(params, checkpoints),
            max_length=params.max_length,
            center_rewards_coefficient=params.center,
        ),
        train_dataset=taken.dataset.map(
            lambda row: {part: row["prompt_ids"] + row[part] for part in ("chosen_ids", "rejected_ids")},
            keep_in_memory=True,
        ).remove_columns("prompt_ids"),
        processing_class=tokenizer,
        callbacks=[record],
    )
    train(trainer)
    save(trainer, tokenizer, reward.path)
    metrics: dict[str, Any] = {"pairs": len(taken.ids), "overlong": taken.overlong, "steps": trainer.state.global_step}
    metrics |= {"loss": record.last("loss"), "heldout_pairs": 0}
    heldout = [row for row in everything if row.split == "heldout"]
    if heldout and is_first():
        # read again: the trained one may be sharded over processes
        saved = TransformersScorer(Model(reward.path), tokenizer.pad_token_id, params.trusted)
        metrics |= order(saved, tokenizer, heldout, params)
    return RewardOut(record.plot(), metrics)


def order(
    scorer: Scorer, tokenizer: PreTrainedTokenizerBase, pairs: Sequence[FinalPreference], params: RewardParams
) -> dict[str, Any]:
    """How many held-out pairs the model orders as P does (a tie counts half): all, by domain, by the length gap."""
    try:
        taken = rows.preferences(pairs, tokenizer, params.max_length, 1.0, "reward")
    except rows.TooManyOverlong:  # nothing to order; training is done by now and stays
        return {"heldout_pairs": 0, "heldout_overlong": len(pairs)}
    scores = {
        part: scorer.score([row["prompt_ids"] + row[part] for row in taken.dataset])
        for part in ("chosen_ids", "rejected_ids")
    }
    gaps = [a - b for a, b in zip(scores["chosen_ids"], scores["rejected_ids"], strict=True)]
    points = [1.0 if gap > 0 else 0.5 if gap == 0 else 0.0 for gap in gaps]
    domains = {row.id: row.domain for row in pairs}
    groups: dict[str, list[float]] = {}
    for row_id, row, point in zip(taken.ids, taken.dataset, points, strict=True):
        for group in (domains[row_id], length_gap(len(row["chosen_ids"]), len(row["rejected_ids"]))):
            groups.setdefault(group, []).append(point)
    mean = sum(sum(values) for values in scores.values()) / (2 * len(gaps))
    return {
        "heldout_pairs": len(gaps),
        "heldout_overlong": taken.overlong,
        "heldout_accuracy": sum(points) / len(points),
        "heldout_margin": sum(gaps) / len(gaps),
        "heldout_mean_reward": mean,
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
