"""online_dpo: online training (Qwen2 report, section 4.3), a loop of episodes around TRL's DPOTrainer.

In each episode: sample k completions of some prompts of P from the current policy, score them with the reward model,
take the most and the least preferred of each prompt (ties and small margins left out), train on the pairs with an
Online Merging Optimizer (arXiv 2405.17931), give the new weights to the sampler, and go on. TRL's own OnlineDPOTrainer
samples exactly two completions and is experimental, so it is not used.

Each episode begins from what the one before left on disk, so a killed stage goes on where it was. Reward hacking shows
as a reward that rises while KL and length do too; where a declared limit is passed, the policy before that episode's is
the result. A last round of samples measures the final policy. The plot has a line for every policy that was measured;
metrics called `_last` are of the policy that is the result, and `online_pairs` holds the pairs that it was trained on.
"""

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from accelerate import PartialState
from transformers import PreTrainedTokenizerBase

from schemas.conversations import lean_turns
from schemas.errors import ParamsError
from schemas.ids import content_id, unit_of
from schemas.params.engines import RuntimeParams
from schemas.rows import FinalPreference, OnlinePair, Rollout, RolloutReward
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context, Table
from train.chat import encode_prompt
from train.chat_template import Refused
from train.episode import (
    EncodedPrompt,
    Episode,
    EpisodeRows,
    Signals,
    episode_signals,
    exceeded_limit,
    pair_samples,
    table_rows,
    training_rows,
)
from train.episode_training import EpisodeTraining
from train.launch import is_main_process
from train.merging import Deltas
from train.params import OnlineDpoParams
from train.sampling.rollouts import Rollouts
from train.settings import read_tokenizer, set_up_process
from train.turns import Conversation

# what the columns measure, with units: train/episode.py, episode_signals and training_signals
PLOT_SCHEMA = {
    "episode": pl.Int64,
    "reward": pl.Float64,
    "reward_best": pl.Float64,
    "win_rate": pl.Float64,
    "kl": pl.Float64,
    "gap": pl.Float64,
    "tie_share": pl.Float64,
    "completion_tokens": pl.Float64,
    "finished": pl.Float64,
    "pairs": pl.Float64,
    "loss": pl.Float64,
    "train_accuracy": pl.Float64,
}


class OnlineDpoOut(NamedTuple):
    rollouts: Table[Rollout]
    rollout_rewards: Table[RolloutReward]
    online_pairs: Table[OnlinePair]
    episodes: Plot
    metrics: dict[str, Any]


class History(NamedTuple):
    """What a run of episodes leaves.

    `policies`: their folders, entry i after i episodes; the last is the result. `signals`, `rows`: one entry per
    measured policy, in the same order, that of a rejected policy included. `stopped`: the limit that ended the run.
    """

    policies: list[Path]
    signals: list[Signals]
    rows: list[EpisodeRows]
    stopped: str | None


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
    """Run the episodes. An episode in which every prompt ties trains nothing; the plot then shows `pairs` 0.

    `preferences`: P, of which the prompts of the train split are used. `base`, `sft`: τ of the optimizer is their
    difference. `sft`, `dpo`: either may be the start policy. `reward`: scores the samples. `online_dpo`: where the
    resulting policy is written, by the main process. Every process runs the loop and must take the same branches.

    Raises ParamsError where no prompt leaves room for a completion, SyncError where a sampler did not take new weights.
    """
    set_up_process(params.seed, params.launch == "cpu")
    start = dpo if params.start == "dpo" else sft
    tokenizer = read_tokenizer(start, params.trusted)
    prompts, refused = encode_prompts(preferences, tokenizer, params)
    prompts_by_episode = [select_prompts(prompts, episode, params) for episode in range(params.episodes + 1)]
    rollouts = Rollouts(
        start=start,
        reward=reward,
        tokenizer=tokenizer,
        params=params,
        runtime=runtime,
        checkpoints=checkpoints,
        progress=progress,
    )
    training = EpisodeTraining(
        start=start,
        tokenizer=tokenizer,
        params=params,
        deltas=Deltas(sft.path, base.path) if params.optimizer != "adamw" else None,
        checkpoints=checkpoints,
        progress=progress,
    )
    history = run_episodes(rollouts, training, prompts_by_episode)
    rollouts.close()
    if is_main_process():
        shutil.copytree(history.policies[-1], online_dpo.path, dirs_exist_ok=True)
    PartialState().wait_for_everyone()
    return result(history, refused)


def run_episodes(
    rollouts: Rollouts, training: EpisodeTraining, prompts_by_episode: Sequence[Sequence[EncodedPrompt]]
) -> History:
    """Sample, pair and train, episode after episode; the last entry of `prompts_by_episode` is measured only.

    Where a limit is exceeded, the newest policy is discarded and the run ends.
    """
    params, baseline = training.params, rollouts.baseline(prompts_by_episode)
    policies = [training.start.path]
    signals: list[Signals] = []
    rows: list[EpisodeRows] = []
    for number, prompts in enumerate(prompts_by_episode):
        scored = rollouts.of_episode(number, policies[-1], prompts)
        episode = Episode(number, prompts, scored, pair_samples(scored, params))
        kl = rollouts.kl_to_start(number, policies[-1], prompts, scored)
        signals.append(episode_signals(episode, baseline[number], kl))
        rows.append(table_rows(episode))
        if stopped := exceeded_limit(signals[-1], signals[0], params.stop):
            return History(policies[:-1] or policies, signals, rows, stopped)
        if number < params.episodes:
            pairs = training_rows(episode, training.tokenizer.eos_token_id)
            policy, training_signals = training.run(number, policies[-1], pairs)
            policies.append(policy)
            signals[-1] |= training_signals
    return History(policies, signals, rows, None)


def result(history: History, refused: int) -> OnlineDpoOut:
    """Tables, plot and metrics; `refused`: prompts that the chat template could not render.

    All pairs but the last round's were trained on; those of episodes whose policy was rejected count as rejected.
    """
    signals, rows, trained = history.signals, history.rows, len(history.policies) - 1
    plot = pl.DataFrame(signals, schema=PLOT_SCHEMA)
    last = signals[trained]
    pairs = [row for of_episode in rows[:trained] for row in of_episode.pairs]
    rollouts = [row for of_episode in rows for row in of_episode.rollouts]
    metrics = {
        "episodes": trained,
        "prompts_refused": refused,
        "stopped": history.stopped or "",
        "rollouts": len(rollouts),
        "pairs": len(pairs),
        "pairs_rejected": sum(len(of_episode.pairs) for of_episode in rows[trained:-1]),
        "reward_first": signals[0]["reward"],
        "reward_last": last["reward"],
        "win_rate_last": last["win_rate"],
        "kl_last": last["kl"],
        "tie_share": plot["tie_share"].mean(),
    }
    return OnlineDpoOut(
        Table.of(Rollout, rollouts, "rollouts"),
        Table.of(RolloutReward, [row for of_episode in rows for row in of_episode.rewards], "rollout_rewards"),
        Table.of(OnlinePair, pairs, "online_pairs"),
        Plot(plot),
        metrics,
    )


def encode_prompts(
    preferences: Context[FinalPreference], tokenizer: PreTrainedTokenizerBase, params: OnlineDpoParams
) -> tuple[list[EncodedPrompt], int]:
    """The distinct prompts of P's train split that leave room for a completion, by the id of their first row, and how
    many the model's chat template cannot render: these are left out, with a warning.

    Raises ParamsError where no prompt is left.
    """
    distinct: dict[str, EncodedPrompt] = {}
    refused: dict[str, str] = {}
    for row in preferences:
        if row.split != "train":
            continue
        conversation = Conversation(lean_turns(row.prompt), tools=row.tools)
        key = content_id("prompt", [*conversation.prompt, conversation.tools])
        if key in distinct or key in refused:
            continue
        try:
            ids = encode_prompt(tokenizer, conversation, params.thinking)
        except Refused as reason:
            refused[key] = str(reason)
        else:
            distinct[key] = EncodedPrompt(row.id, row.prompt, ids)
    if refused:
        warnings.warn(
            f"online_dpo: {len(refused)} of {len(refused) + len(distinct)} prompts of P are left out: "
            f"{'; '.join(sorted(set(refused.values()))[:5])}",
            RuntimeWarning,
            stacklevel=2,
        )
    with_room = [prompt for prompt in distinct.values() if len(prompt.ids) + params.max_new_tokens <= params.max_length]
    if not with_room:
        raise ParamsError(
            f"online_dpo: none of {len(distinct)} prompts of P leaves room for online_dpo.max_new_tokens = "
            f"{params.max_new_tokens} within online_dpo.max_length = {params.max_length}; raise max_length"
        )
    return sorted(with_room, key=lambda prompt: prompt.row_id), len(refused)


def select_prompts(prompts: Sequence[EncodedPrompt], episode: int, params: OnlineDpoParams) -> list[EncodedPrompt]:
    """The prompts of one episode: `params.prompts` of them at random, by their ids."""

    def order(prompt: EncodedPrompt) -> tuple[float, str]:
        return unit_of(prompt.row_id, "episode", params.seed, episode), prompt.row_id

    return sorted(prompts, key=order)[: params.prompts]
