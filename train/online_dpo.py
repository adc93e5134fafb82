"""online_dpo: the report's online stage, our own loop of episodes on TRL's DPOTrainer.

In each episode: sample k completions of some prompts of P from the current policy, score them with the reward model,
take the most and the least preferred of each prompt (ties and small margins left out), train on the pairs with the
Online Merging Optimizer, give the new weights to the sampler, and go on. TRL's own OnlineDPOTrainer samples exactly two
completions and is experimental, so it is not used.

Each episode begins from what the one before left on disk, so a killed stage goes on where it was. Reward hacking shows
as a reward that rises while KL and length do too; where a declared limit is passed, the policy before that episode's is
the result. A last round of samples measures the final policy. The plot has a line for every policy that was measured;
metrics called `_last` are of the policy that is the result, and `online_pairs` holds the pairs that it was trained on.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from schemas.errors import ParamsError
from schemas.ids import content_id, unit_of
from schemas.params.engines import RuntimeParams
from schemas.rows import FinalPreference, OnlinePair, Rollout, RolloutReward
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context, Table
from train.chat import encode_prompt, turns
from train.dpo_trainer import MakeOptimizer, trainer
from train.episode import (
    Line,
    Task,
    exceeded,
    paired,
    place,
    remembered,
    rows_of,
    signals,
    tables,
    trained,
)
from train.launch import is_first
from train.merging.deltas import Deltas
from train.merging.optimizers import OnDARE, OnTIES
from train.params import OnlineDpoParams
from train.progress import Record
from train.resume import train
from train.sampling.rollouts import Rollouts
from train.settings import read_model, read_tokenizer, save, start

MASKS = 1_000_000
"""Steps of a mask's counter that each episode has for itself."""


class OnlineDpoOut(NamedTuple):
    rollouts: Table[Rollout]
    rollout_rewards: Table[RolloutReward]
    online_pairs: Table[OnlinePair]
    episodes: Plot
    metrics: dict[str, Any]


def online_dpo(
    preferences: Context[FinalPreference],
    base: Model,
    sft: Model,
    dpo: Model,
    reward: Model,
    params: OnlineDpoParams,
    runtime: RuntimeParams,
    online_dpo: ModelOut,
    checkpoints: Checkpoints,
    progress: Progress,
) -> OnlineDpoOut:
    """Run the episodes. An episode in which every prompt ties trains nothing and says so in the plot.

    Raises ParamsError where no prompt leaves room for a completion, SyncError where a sampler did not take new weights.
    """
    start(params.seed, params.launch == "cpu")
    first = dpo if params.start == "dpo" else sft
    tokenizer = read_tokenizer(first, params.trusted)
    everything = tasks(preferences, tokenizer, params)
    asked = [drawn(everything, episode, params) for episode in range(params.episodes + 1)]
    rollouts = Rollouts(first, reward, tokenizer, params, runtime, checkpoints, progress)
    deltas = Deltas(sft.path, base.path) if params.optimizer != "adamw" else None
    baseline = rollouts.baseline(asked)
    policies = [first.path]
    lines: list[Line] = []
    made: list[tuple[list[Line], list[Line], list[Line]]] = []
    stopped: str | None = None
    for episode in range(params.episodes + 1):
        found = rollouts.of_episode(episode, policies[-1], asked[episode])
        chosen = paired(found, params)
        kl = rollouts.kl(episode, policies[-1], asked[episode], found)
        lines.append(signals(episode, found, baseline[episode], chosen, kl))
        made.append(tables(episode, asked[episode], found, chosen))
        if stopped := exceeded(lines[-1], lines[0], params.stop):
            policies = policies[:-1] or policies
            break
        if episode < params.episodes:
            rows = rows_of(asked[episode], found.made, chosen, tokenizer.eos_token_id)
            made_, line = improve(episode, policies[-1], first, rows, tokenizer, params, deltas, checkpoints, progress)
            policies.append(made_)
            lines[-1] |= line
    rollouts.close()
    if is_first():
        shutil.copytree(policies[-1], online_dpo.path, dirs_exist_ok=True)
    PartialState().wait_for_everyone()
    frame = pl.DataFrame(lines, schema=PLOT)
    # line i measures the policy after i episodes, and all but the last round's pairs were trained on
    kept = len(policies) - 1
    last = lines[kept]
    metrics = {
        "episodes": kept,
        "stopped": stopped or "",
        "rollouts": sum(len(part[0]) for part in made),
        "pairs": sum(len(part[2]) for part in made[:kept]),
        "pairs_rejected": sum(len(part[2]) for part in made[kept:-1]),
        "reward_first": lines[0]["reward"],
        "reward_last": last["reward"],
        "win_rate_last": last["win_rate"],
        "kl_last": last["kl"],
        "tie_share": frame["tie_share"].mean(),
    }
    whole = [[row for part in made for row in part[at]] for at in range(2)]
    whole.append([row for part in made[:kept] for row in part[2]])
    return OnlineDpoOut(
        Table.of(Rollout, whole[0], "rollouts"),
        Table.of(RolloutReward, whole[1], "rollout_rewards"),
        Table.of(OnlinePair, whole[2], "online_pairs"),
        Plot(frame),
        metrics,
    )


PLOT = {"episode": pl.Int64} | dict.fromkeys(
    ("reward", "reward_best", "win_rate", "kl", "gap", "tie_share", "completion_tokens", "finished", "pairs", "loss")
    + ("train_accuracy",),
    pl.Float64,
)


def improve(
    episode: int,
    policy_path: Path,
    first: Model,
    rows: Sequence[dict[str, list[int]]],
    tokenizer: PreTrainedTokenizerBase,
    params: OnlineDpoParams,
    deltas: Deltas | None,
    checkpoints: Checkpoints,
    progress: Progress,
) -> tuple[Path, Line]:
    """Train on an episode's pairs. The new policy's folder, and what training came to; found there after a kill."""
    here = place(checkpoints.path, episode)
    done, file = here / "done", here / "trained.json"
    record = Record(progress, note=f"episode {episode + 1}/{params.episodes}, ")
    if not done.is_dir():
        draft = here / ".draft"
        if is_first():
            shutil.rmtree(draft, ignore_errors=True)
        if rows:
            optimize(episode, policy_path, first, rows, tokenizer, params, deltas, checkpoints, record, draft)
        elif is_first():
            shutil.copytree(policy_path.parent if episode else policy_path, draft if episode else draft / "policy")
        remembered(file, lambda: trained(len(rows), record))
        if is_first():
            draft.rename(done)
            shutil.rmtree(here / "training", ignore_errors=True)
            if episode >= 3:  # a stop goes back one episode; older policies are not needed
                shutil.rmtree(place(checkpoints.path, episode - 3) / "done" / "policy", ignore_errors=True)
        PartialState().wait_for_everyone()
    return done / "policy", remembered(file, lambda: trained(len(rows), record))


def optimize(
    episode: int,
    policy_path: Path,
    first: Model,
    rows: Sequence[dict[str, list[int]]],
    tokenizer: PreTrainedTokenizerBase,
    params: OnlineDpoParams,
    deltas: Deltas | None,
    checkpoints: Checkpoints,
    record: Record,
    draft: Path,
) -> None:
    """DPO on the pairs from the policy of a folder; policy (and moments, where they are kept) go to `draft`."""
    start(params.seed * 1_000 + episode, params.launch == "cpu")
    kept = params.optimizer_state == "kept"
    before = policy_path.parent / "optimizer.pt"
    training = trainer(
        read_model(Model(policy_path), trusted=params.trusted, attention=params.attention),
        read_model(
            first if params.reference == "fixed" else Model(policy_path),
            trusted=params.trusted,
            attention=params.attention,
        ),
        Dataset.from_list(list(rows)),
        tokenizer,
        params,
        checkpoints.below(f"{place(Path(), episode)}/training"),
        [record],
        make_optimizer(params, deltas, 0 if kept else episode * MASKS),
        torch.load(before, weights_only=True) if kept and before.is_file() else None,
    )
    record.tokens_per_step = params.batch_size * params.accumulation * sum(map(tokens_of, rows)) / len(rows)
    train(training)
    save(training, tokenizer, draft / "policy")
    if kept and is_first() and training.optimizer is not None:
        torch.save(training.optimizer.state_dict()["state"], draft / "optimizer.pt")


def tokens_of(row: dict[str, list[int]]) -> int:
    return 2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"])


def tasks(preferences: Context[FinalPreference], tokenizer: Any, params: OnlineDpoParams) -> list[Task]:
    """The distinct prompts of P's train split that leave room for a completion, by the id of their first row.

    Raises ParamsError where there is none.
    """
    found: dict[str, Task] = {}
    for row in preferences:
        if row.split != "train":
            continue
        key = content_id("prompt", turns(row.prompt))
        if key not in found:
            found[key] = Task(row.id, row.prompt, encode_prompt(tokenizer, turns(row.prompt)))
    room = [task for task in found.values() if len(task.ids) + params.max_new_tokens <= params.max_length]
    if not room:
        raise ParamsError(
            f"online_dpo: none of {len(found)} prompts of P leaves room for online_dpo.max_new_tokens = "
            f"{params.max_new_tokens} within online_dpo.max_length = {params.max_length}; raise max_length"
        )
    return sorted(room, key=lambda task: task.id)


def drawn(everything: Sequence[Task], episode: int, params: OnlineDpoParams) -> list[Task]:
    """The prompts of one episode, drawn by their ids."""
    order = sorted(everything, key=lambda task: (unit_of(task.id, "episode", params.seed, episode), task.id))
    return order[: params.prompts]


def make_optimizer(params: OnlineDpoParams, deltas: Deltas | None, first_step: int) -> MakeOptimizer | None:
    """What DPOTrainer makes its optimizer with; None for its own AdamW."""
    if deltas is None:
        return None
    kind: Callable[..., torch.optim.Optimizer] = OnDARE if params.optimizer == "ondare" else OnTIES

    def make(model: torch.nn.Module) -> torch.optim.Optimizer:
        # biases and norms are not decayed, as in Transformers
        groups = [
            {
                "params": [(name, p) for name, p in model.named_parameters() if (p.ndim > 1) == decayed],
                "weight_decay": params.weight_decay if decayed else 0.0,
            }
            for decayed in (True, False)
        ]
        return kind(
            [group for group in groups if group["params"]],
            lr=params.learning_rate,
            betas=(params.beta1, params.beta2),
            eps=params.epsilon,
            reserve=params.reserve,
            alpha=params.alpha,
            semantics=params.semantics,
            step_k=params.step_k,
            seed=params.seed,
            deltas=deltas,
            first_step=first_step,
        )

    return make
