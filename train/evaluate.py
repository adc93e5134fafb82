"""evaluate: one model on the held-out tasks, greedy and sampled.

Maths is marked by math-verify against the definitive answer (train/marking.py), code by its tests in the sandbox,
constraints by their verification functions; beside them stand the reward model's score, the loss on held-out D, KL to
the SFT model and length. Greedy figures flip abruptly when a model's mode does, sampled ones move smoothly: both are
reported. Rates have Wilson's intervals, means over items Wilson's with the variance that the items have
(cultivar/grading/intervals.py). KL is of completions drawn for it at temperature 1, where it is the model's own; `temperature`
is of the other samples.
"""

import math
from collections.abc import Sequence
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
from train import tokenized as rows
from train.chat import encode_prompt
from train.divergence import divergence
from train.harness import harness
from train.marking import can_mark, mark
from train.params import EvaluateParams
from train.sampling.sampler import sample
from train.sampling.samples import Sample
from train.scoring import open_scorer
from train.settings import evaluating, read_model, read_tokenizer, start


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
    start(params.seed)
    name = model.path.name
    tokenizer = read_tokenizer(model, params.trusted)
    policy = read_model(model, trusted=params.trusted, attention=params.attention, place=True)
    items = drawn(evaluation, params)
    prompts = [encode_prompt(tokenizer, [{"role": "user", "content": item.prompt}]) for item in items]
    made = completions(policy, tokenizer, prompts, params, progress)
    stop = tokenizer.eos_token_id
    scorer = open_scorer(params, reward, tokenizer.pad_token_id, runtime)
    rewards = iter(
        scorer.score([ids + said.ids + [stop] for ids, samples in zip(prompts, made, strict=True) for said in samples])
    )
    right = iter(
        mark([(item, said.text) for item, samples in zip(items, made, strict=True) for said in samples], sandbox)
    )
    kl = divergences(policy, model, sft, tokenizer, items, prompts, params, progress)
    table: list[dict[str, Any]] = []
    for item, samples in zip(items, made, strict=True):
        for number, said in enumerate(samples):
            table.append(
                {
                    "id": content_id("evaluated", [name, number], [item.id]),
                    "parents": [item.id],
                    "model": name,
                    "task": item.task,
                    "sample": number,
                    "completion": said.text,
                    "correct": next(right),
                    "reward": next(rewards),
                    "kl": None if number else kl.get(item.id),
                    "completion_tokens": len(said.ids) + said.finished,
                }
            )
    metrics = figures(table, params) | loss(policy, tokenizer, demonstrations, params)
    if left_out := sum(not can_mark(item) for item in evaluation):
        metrics["items_left_out"] = left_out  # nothing could mark them, whatever the model says
    if params.harness_tasks:
        metrics["harness"] = harness(model.path, params, files)
    return EvaluateOut(Table.of(EvaluatedItem, table, "evaluated"), metrics)


def completions(
    policy: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[list[int]],
    params: EvaluateParams,
    progress: Progress,
) -> list[list[Sample]]:
    """The greedy completion of every prompt, then the sampled ones."""
    most, size = params.max_new_tokens, params.batch_size
    made = sample(policy, tokenizer, prompts, 1, 0.0, most, size, params.seed, progress)
    if params.samples:
        seed, warm = params.seed + 1, params.temperature
        more = sample(policy, tokenizer, prompts, params.samples, warm, most, size, seed, progress)
        made = [greedy + sampled for greedy, sampled in zip(made, more, strict=True)]
    return made


def divergences(
    policy: PreTrainedModel,
    model: Model,
    sft: Model,
    tokenizer: PreTrainedTokenizerBase,
    items: Sequence[EvaluationItem],
    prompts: Sequence[list[int]],
    params: EvaluateParams,
    progress: Progress,
) -> dict[str, float]:
    """KL(model ‖ SFT) in nats of one completion of up to `kl_items` items, by the items' ids.

    The completions are drawn at temperature 1: only there are they the distribution's whose KL is taken.
    """
    some = sorted(range(len(items)), key=lambda at: (unit_of(items[at].id, "kl", params.seed), items[at].id))
    some = some[: params.kl_items]
    if model.path == sft.path:
        return {items[at].id: 0.0 for at in some}
    reference = read_model(sft, trusted=params.trusted, attention=params.attention, place=True)
    asked, most, seed = [prompts[at] for at in some], params.max_new_tokens, params.seed + 2
    made = sample(policy, tokenizer, asked, 1, 1.0, most, params.batch_size, seed, progress)
    stop = tokenizer.eos_token_id
    sequences = [(ids, said.ended(stop)) for ids, (said,) in zip(asked, made, strict=True)]
    return dict(zip((items[at].id for at in some), divergence(policy, reference, sequences), strict=True))


def drawn(evaluation: Context[EvaluationItem], params: EvaluateParams) -> list[EvaluationItem]:
    """Items that can be marked here; at most `params.items` of each task, drawn by their ids."""
    fit = [item for item in evaluation if can_mark(item)]
    if params.items:
        by_task: dict[str, list[EvaluationItem]] = {}
        for item in sorted(fit, key=lambda item: (unit_of(item.id, "evaluate", params.seed), item.id)):
            by_task.setdefault(item.task, []).append(item)
        fit = [item for items in by_task.values() for item in items[: params.items]]
    return sorted(fit, key=lambda item: item.id)


def figures(table: list[dict[str, Any]], params: EvaluateParams) -> dict[str, Any]:
    """Rates by task, greedy and sampled, with intervals; mean reward and length of the samples."""
    found: dict[str, Any] = {}
    names = {"math": "math", "constraint": "constraints"}
    for task in sorted({row["task"] for row in table}):
        label = names.get(task, task)
        greedy = [row["correct"] for row in table if row["task"] == task and row["sample"] == 0]
        low, high = wilson(sum(greedy), len(greedy), params.confidence)
        found |= {
            f"{label}_greedy": sum(greedy) / len(greedy),
            f"{label}_greedy_low": low,
            f"{label}_greedy_high": high,
        }
        found[f"{label}_items"] = len(greedy)
        if params.samples:
            of_item: dict[str, list[bool]] = {}
            for row in table:
                if row["task"] == task and row["sample"]:
                    of_item.setdefault(row["parents"][0], []).append(row["correct"])
            means = [sum(values) / len(values) for _, values in sorted(of_item.items())]
            low, high = mean_share(means, params.confidence)
            found |= {f"{label}_sampled": math.fsum(means) / len(means)}
            found |= {f"{label}_sampled_low": low, f"{label}_sampled_high": high}
    if table:
        kept = [row for row in table if row["sample"] or not params.samples]
        nats = [row["kl"] for row in table if row["kl"] is not None]
        if nats:
            found["kl_to_sft"] = math.fsum(nats) / len(nats)
        found["reward"] = math.fsum(row["reward"] for row in kept) / len(kept)
        found["completion_tokens"] = sum(row["completion_tokens"] for row in kept) / len(kept)
    return found


def loss(
    policy: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    demonstrations: Context[FinalDemonstration],
    params: EvaluateParams,
) -> dict[str, Any]:
    """Mean negative log-likelihood (nats) of a completion token of held-out D."""
    heldout = [row for row in demonstrations if row.split == "heldout"]
    heldout = sorted(heldout, key=lambda row: (unit_of(row.id, "evaluate", params.seed), row.id))
    heldout = heldout[: params.demonstrations]
    if not heldout:
        return {}
    try:
        taken = rows.demonstrations(heldout, tokenizer, params.max_length, 1.0, "evaluate")
    except rows.TooManyOverlong:
        return {"heldout_overlong": len(heldout)}
    total, tokens = 0.0, 0
    with evaluating(policy):
        for row in taken.dataset:
            ids, labels = torch.tensor([row["input_ids"]]), torch.tensor([row["labels"]])
            where = next(policy.parameters()).device
            trained = int((labels != -100).sum())
            total += float(policy(input_ids=ids.to(where), labels=labels.to(where)).loss) * trained
            tokens += trained
    return {"heldout_nll": total / tokens, "heldout_rows": len(taken.ids), "heldout_overlong": taken.overlong}
