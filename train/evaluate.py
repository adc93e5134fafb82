"""evaluate: one model on the held-out tasks, greedy and sampled.

Maths is marked by the definitive answer (train/marking.py), code by its tests in the sandbox, constraints by their
verification functions; beside them stand the reward model's score, the loss on held-out D, KL to the SFT model and
length. Greedy figures flip abruptly when a model's mode does, sampled ones move smoothly: both are reported. Rates have
Wilson's intervals, means over items Wilson's with the variance that the items have (cultivar/grading/intervals.py). KL
is of completions sampled for it at temperature 1, where it is the model's own; `temperature` is of the other samples.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from cultivar.grading.intervals import mean_share, wilson
from cultivar.sandbox import Sandbox
from schemas.ids import content_id, unit_of
from schemas.params.engines import RuntimeParams
from schemas.rows import EvaluatedItem, EvaluationItem, FinalDemonstration
from schemas.stage import Files, Model, Progress
from schemas.table import Context, Table
from train.chat import encode_prompt
from train.divergence import kl_divergences
from train.harness import run_harness
from train.marking import can_mark, mark
from train.params import EvaluateParams
from train.sampling.sampler import SamplingSettings, sample_completions
from train.sampling.samples import Sample
from train.scoring import open_scorer
from train.settings import evaluation_mode, read_model, read_tokenizer, set_up_process
from train.tokenized import LengthLimit, TooManyLeftOut, tokenize_demonstrations
from train.turns import Conversation, Loss

METRIC_NAMES = {"math": "math", "constraint": "constraints"}
"""Task -> how its metrics begin, where that is not the task's own name."""


class EvaluateOut(NamedTuple):
    evaluated: Table[EvaluatedItem]
    metrics: dict[str, Any]


def evaluate(
    evaluation: Context[EvaluationItem],
    demonstrations: Context[FinalDemonstration],
    model: Model,
    sft: Model,
    reward: Model,
    params: EvaluateParams,
    runtime: RuntimeParams,
    sandbox: Sandbox,
    files: Files,
    progress: Progress,
) -> EvaluateOut:
    """Greedy (sample 0) and `params.samples` sampled completions of every item that can be marked."""
    set_up_process(params.seed)
    tokenizer = read_tokenizer(model, params.trusted)
    policy = Policy(
        model.path, read_model(model, trusted=params.trusted, attention=params.attention, on_device=True), tokenizer
    )
    items = [
        EncodedItem(
            item, encode_prompt(tokenizer, Conversation([{"role": "user", "content": item.prompt}]), params.thinking)
        )
        for item in select_items(evaluation, params)
    ]
    samples = sample_items(policy, items, params, progress)
    answers = [(item, sample) for item, of_item in zip(items, samples, strict=True) for sample in of_item]
    scorer = open_scorer(params, reward, tokenizer.pad_token_id, runtime)
    rewards = scorer.score([item.prompt_ids + sample.ids + [tokenizer.eos_token_id] for item, sample in answers])
    correct = mark([(item.item, sample.text) for item, sample in answers], sandbox)
    kl = kl_to_sft(policy, sft, items, params, progress)
    scores = iter(zip(correct, rewards, strict=True))
    rows = []
    for (item, _), of_item in zip(items, samples, strict=True):
        for number, sample in enumerate(of_item):
            row = sample_row(model.path.name, item, number, sample)
            is_correct, score = next(scores)
            rows.append(row | {"correct": is_correct, "reward": score, "kl": None if number else kl.get(item.id)})
    metrics = task_metrics(rows, params) | overall_metrics(rows, params) | heldout_loss(policy, demonstrations, params)
    if left_out := sum(not can_mark(item) for item in evaluation):
        metrics["items_left_out"] = left_out  # nothing could mark them, whatever the model answers
    if params.harness_tasks:
        metrics["harness"] = run_harness(model.path, params, files)
    return EvaluateOut(Table.of(EvaluatedItem, rows, "evaluated"), metrics)


class Policy(NamedTuple):
    """The model that is evaluated, loaded."""

    path: Path
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase


class EncodedItem(NamedTuple):
    """An item and the token ids of its prompt."""

    item: EvaluationItem
    prompt_ids: list[int]


def select_items(evaluation: Context[EvaluationItem], params: EvaluateParams) -> list[EvaluationItem]:
    """Items that can be marked here; at most `params.items` of each task, selected at random by their ids."""
    items = [item for item in evaluation if can_mark(item)]
    if params.items:
        by_task: dict[str, list[EvaluationItem]] = {}
        for item in sorted(items, key=lambda item: (unit_of(item.id, "evaluate", params.seed), item.id)):
            by_task.setdefault(item.task, []).append(item)
        items = [item for of_task in by_task.values() for item in of_task[: params.items]]
    return sorted(items, key=lambda item: item.id)


def sample_items(
    policy: Policy, items: Sequence[EncodedItem], params: EvaluateParams, progress: Progress
) -> list[list[Sample]]:
    """The greedy completion of every item, then its `params.samples` sampled ones."""

    def run(settings: SamplingSettings) -> list[list[Sample]]:
        prompts = [item.prompt_ids for item in items]
        return sample_completions(
            policy.model, policy.tokenizer, prompts, settings, params.batch_size, progress=progress
        )

    greedy = run(SamplingSettings(1, 0.0, params.max_new_tokens, params.seed))
    if not params.samples:
        return greedy
    sampled = run(SamplingSettings(params.samples, params.temperature, params.max_new_tokens, params.seed + 1))
    return [first + others for first, others in zip(greedy, sampled, strict=True)]


def kl_to_sft(
    policy: Policy, sft: Model, items: Sequence[EncodedItem], params: EvaluateParams, progress: Progress
) -> dict[str, float]:
    """KL(model ‖ SFT) in nats of one completion of up to `kl_items` items, by the items' ids.

    The completions are sampled at temperature 1: only there are they of the distribution whose KL is taken.
    """
    by_unit = sorted(items, key=lambda item: (unit_of(item.item.id, "kl", params.seed), item.item.id))
    selected = by_unit[: params.kl_items]
    if policy.path == sft.path:
        return {item.id: 0.0 for item, _ in selected}
    reference = read_model(sft, trusted=params.trusted, attention=params.attention, on_device=True)
    prompts = [item.prompt_ids for item in selected]
    settings = SamplingSettings(1, 1.0, params.max_new_tokens, params.seed + 2)
    samples = sample_completions(
        policy.model, policy.tokenizer, prompts, settings, params.batch_size, progress=progress
    )
    stop = policy.tokenizer.eos_token_id
    sequences = [(ids, sample.ids_with_stop(stop)) for ids, (sample,) in zip(prompts, samples, strict=True)]
    nats = kl_divergences(policy.model, reference, sequences)
    return {item.id: value for (item, _), value in zip(selected, nats, strict=True)}


def sample_row(model: str, item: EvaluationItem, number: int, sample: Sample) -> dict[str, Any]:
    return {
        "id": content_id("evaluated", [model, number], [item.id]),
        "parents": [item.id],
        "model": model,
        "task": item.task,
        "sample": number,
        "completion": sample.text,
        "completion_tokens": len(sample.ids) + sample.finished,
    }


def task_metrics(rows: Sequence[dict[str, Any]], params: EvaluateParams) -> dict[str, Any]:
    """The share of right completions by task, greedy and sampled, with intervals.

    Completions that cannot be judged are left out of them and counted.
    """
    metrics: dict[str, Any] = {}
    for task in sorted({row["task"] for row in rows}):
        name = METRIC_NAMES.get(task, task)
        of_task = [row for row in rows if row["task"] == task]
        if undecided := sum(row["correct"] is None for row in of_task):
            metrics[f"{name}_undecided"] = undecided
            of_task = [row for row in of_task if row["correct"] is not None]
        greedy = [row["correct"] for row in of_task if row["sample"] == 0]
        metrics[f"{name}_items"] = len(greedy)
        if greedy:
            low, high = wilson(sum(greedy), len(greedy), params.confidence)
            metrics[f"{name}_greedy"] = sum(greedy) / len(greedy)
            metrics[f"{name}_greedy_low"] = low
            metrics[f"{name}_greedy_high"] = high
        if any(row["sample"] for row in of_task):
            by_item: dict[str, list[bool]] = {}
            for row in of_task:
                if row["sample"]:
                    by_item.setdefault(row["parents"][0], []).append(row["correct"])
            means = [sum(values) / len(values) for _, values in sorted(by_item.items())]
            low, high = mean_share(means, params.confidence)
            metrics[f"{name}_sampled"] = math.fsum(means) / len(means)
            metrics[f"{name}_sampled_low"] = low
            metrics[f"{name}_sampled_high"] = high
    return metrics


def overall_metrics(rows: Sequence[dict[str, Any]], params: EvaluateParams) -> dict[str, float]:
    """KL (nats a completion), reward and length (tokens) as means; of the sampled completions where there are any."""
    if not rows:
        return {}
    metrics: dict[str, float] = {}
    if nats := [row["kl"] for row in rows if row["kl"] is not None]:
        metrics["kl_to_sft"] = math.fsum(nats) / len(nats)
    samples = [row for row in rows if row["sample"] or not params.samples]
    metrics["reward"] = math.fsum(row["reward"] for row in samples) / len(samples)
    metrics["completion_tokens"] = sum(row["completion_tokens"] for row in samples) / len(samples)
    return metrics


def heldout_loss(policy: Policy, demonstrations: Context[FinalDemonstration], params: EvaluateParams) -> dict[str, Any]:
    """Mean negative log-likelihood (nats) of a completion token of held-out D."""
    heldout = [row for row in demonstrations if row.split == "heldout"]
    heldout = sorted(heldout, key=lambda row: (unit_of(row.id, "evaluate", params.seed), row.id))
    heldout = heldout[: params.demonstrations]
    if not heldout:
        return {}
    try:
        limit = LengthLimit(params.max_length, 1.0, "evaluate")
        rows = tokenize_demonstrations(heldout, policy.tokenizer, limit, Loss(reasoning=params.reasoning))
    except TooManyLeftOut as error:
        return {"heldout_overlong": error.overlong, "heldout_refused": error.refused}
    total, tokens = 0.0, 0
    device = next(policy.model.parameters()).device
    with evaluation_mode(policy.model):
        for row in rows.dataset:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
            completion_tokens = int((labels != -100).sum())
            loss = policy.model(input_ids=ids.to(device), labels=labels.to(device)).loss
            total += float(loss) * completion_tokens
            tokens += completion_tokens
    return {
        "heldout_nll": total / tokens,
        "heldout_rows": len(rows.ids),
        "heldout_overlong": rows.overlong,
        "heldout_refused": rows.refused,
    }
