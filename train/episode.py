"""One episode of online DPO: prompts, their samples and rewards, the pairs, and what is measured of the policy.

What costs time is cached on disk beside the episode's checkpoints (`cached_json`), and samples are as they come
(train/sampling/samples.py), so a killed stage goes on within the episode.
"""

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from accelerate.utils import broadcast_object_list

from cultivar.grading.pairs import pairs
from schemas.conversations import lean_turns
from schemas.ids import content_id
from schemas.rows import Message
from train.launch import is_main_process
from train.params import OnlineDpoParams, StopLimits
from train.progress import TrainingLog
from train.sampling.samples import Sample
from train.tokenized import Columns

Signals = dict[str, Any]
"""What is measured of one policy, by column of the plot."""


class EncodedPrompt(NamedTuple):
    """A prompt: the id of the row of P that holds it, its messages and its token ids."""

    row_id: str
    messages: list[Message]
    ids: list[int]


class ScoredSamples(NamedTuple):
    """Samples of each prompt and their rewards (prompts × samples)."""

    samples: list[list[Sample]]
    rewards: list[list[float]]


class Episode(NamedTuple):
    """One episode's prompts with their samples, rewards and pairs, in the order of the prompts.

    `pairs`: positions of the chosen and the rejected sample of each prompt; None where it has no pair.
    """

    number: int
    prompts: Sequence[EncodedPrompt]
    scored: ScoredSamples
    pairs: Sequence[tuple[int, int] | None]


class EpisodeRows(NamedTuple):
    """An episode's rows of Rollout, RolloutReward and OnlinePair."""

    rollouts: list[dict[str, Any]]
    rewards: list[dict[str, Any]]
    pairs: list[dict[str, Any]]


def episode_folder(folder: Path, episode: int) -> Path:
    """Where an episode has its work, within the folder of checkpoints."""
    return folder / f"episode-{episode:03d}"


def cached_json(file: Path, compute: Callable[[], Any]) -> Any:
    """What `compute` returns (as JSON), or returned before the stage was killed.

    The main process computes it; all processes are given it.
    """
    result: list[Any] = [None]
    if is_main_process():
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{file.name}.tmp")
            with draft.open("wb") as handle:
                handle.write(json.dumps(compute()).encode())
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(file)
        result = [json.loads(file.read_bytes())]
    broadcast_object_list(result)
    return result[0]


def cached_samples(file: Path, compute: Callable[[], ScoredSamples]) -> ScoredSamples:
    """`cached_json` for samples and rewards."""
    samples, rewards = cached_json(file, compute)
    return ScoredSamples([[Sample(*sample) for sample in of_prompt] for of_prompt in samples], rewards)


def pair_samples(scored: ScoredSamples, params: OnlineDpoParams) -> list[tuple[int, int] | None]:
    """Positions of the most and least preferred sample of each prompt; None for a tie or too small a margin."""
    result = []
    for samples, rewards in zip(scored.samples, scored.rewards, strict=True):
        candidates = pairs(
            [sample.text for sample in samples],
            [rewards],
            min_margin=params.margin,
            max_length_ratio=params.max_length_ratio,
            tie=params.tie,
        )
        result.append(candidates[0] if candidates else None)
    return result


def training_rows(episode: Episode, stop: int) -> list[Columns]:
    """Pairs as the trainer takes them. A completion that was cut off has no stop token to learn."""
    return [
        {
            "prompt_ids": prompt.ids,
            "chosen_ids": samples[pair[0]].ids_with_stop(stop),
            "rejected_ids": samples[pair[1]].ids_with_stop(stop),
            "chosen_mask": [1] * len(samples[pair[0]].ids_with_stop(stop)),
            "rejected_mask": [1] * len(samples[pair[1]].ids_with_stop(stop)),
        }
        for prompt, samples, pair in zip(episode.prompts, episode.scored.samples, episode.pairs, strict=True)
        if pair is not None
    ]


def table_rows(episode: Episode) -> EpisodeRows:
    """A row for every sample, reward and pair, whether or not the pairs are then trained on."""
    rows = EpisodeRows([], [], [])
    for prompt, samples, rewards, pair in zip(episode.prompts, *episode.scored, episode.pairs, strict=True):
        shared = {"episode": episode.number, "prompt": lean_turns(prompt.messages)}
        ids = [
            content_id("rollout", [episode.number, number, sample.text], [prompt.row_id])
            for number, sample in enumerate(samples)
        ]
        for rollout_id, sample, reward in zip(ids, samples, rewards, strict=True):
            rows.rollouts.append(rollout_row(rollout_id, prompt, sample) | shared)
            rows.rewards.append(
                {
                    "id": content_id("rollout_reward", [reward], [rollout_id]),
                    "parents": [rollout_id],
                    "episode": episode.number,
                    "reward": reward,
                }
            )
        if pair is not None:
            chosen, rejected = pair
            parents, margin = [ids[chosen], ids[rejected]], rewards[chosen] - rewards[rejected]
            rows.pairs.append(
                {
                    "id": content_id("online_pair", [episode.number, margin], parents),
                    "parents": parents,
                    "margin": margin,
                    "chosen": samples[chosen].text,
                    "rejected": samples[rejected].text,
                }
                | shared
            )
    return rows


def rollout_row(row_id: str, prompt: EncodedPrompt, sample: Sample) -> dict[str, Any]:
    return {
        "id": row_id,
        "parents": [prompt.row_id],
        "completion": sample.text,
        "finished": sample.finished,
        "completion_tokens": len(sample.ids) + sample.finished,
    }


def episode_signals(episode: Episode, baseline: Sequence[float], kl: Sequence[float]) -> Signals:
    """What an episode's samples show of the policy that they are of.

    `baseline`: the reward of the start policy's sample of each prompt. `kl`: nats of one completion of each prompt.
    `win_rate`: how often a sample's reward is above the baseline's for the same prompt, ties half.
    """
    scored = episode.scored
    samples = [sample for of_prompt in scored.samples for sample in of_prompt]
    margins = [
        rewards[pair[0]] - rewards[pair[1]] for rewards, pair in zip(scored.rewards, episode.pairs, strict=True) if pair
    ]
    wins = [
        (reward > start_reward) + 0.5 * (reward == start_reward)
        for rewards, start_reward in zip(scored.rewards, baseline, strict=True)
        for reward in rewards
    ]
    return {
        "episode": episode.number,
        "reward": mean([reward for rewards in scored.rewards for reward in rewards]),
        "reward_best": mean([max(rewards) for rewards in scored.rewards]),
        "win_rate": mean(wins),
        "kl": mean(kl),
        "gap": mean(margins),
        "tie_share": 1 - len(margins) / len(episode.pairs),
        "completion_tokens": mean([len(sample.ids) for sample in samples]),
        "finished": mean([sample.finished for sample in samples]),
    }


def training_signals(pair_count: int, log: TrainingLog) -> Signals:
    """What training on an episode's pairs came to."""
    return {
        "pairs": pair_count,
        "loss": log.recent_mean("loss", 1.0),
        "train_accuracy": log.recent_mean("rewards/accuracies", 1.0),
    }


def exceeded_limit(signals: Signals, first: Signals, stop: StopLimits) -> str | None:
    """The declared limit that an episode's signals pass, in words; None where there is none.

    `first`: the signals of the first episode, whose length is what lengths are compared with.
    """
    ratio = signals["completion_tokens"] / max(1e-9, first["completion_tokens"])
    if stop.max_kl is not None and signals["kl"] > stop.max_kl:
        return f"kl {signals['kl']:.3g} > max_kl {stop.max_kl:g}"
    if stop.max_length_ratio is not None and ratio > stop.max_length_ratio:
        return f"length ratio {ratio:.3g} > max_length_ratio {stop.max_length_ratio:g}"
    if stop.min_finished is not None and signals["finished"] < stop.min_finished:
        return f"finished {signals['finished']:.3g} < min_finished {stop.min_finished:g}"
    if stop.max_tie_share is not None and signals["tie_share"] > stop.max_tie_share:
        return f"tie share {signals['tie_share']:.3g} > max_tie_share {stop.max_tie_share:g}"
    return None


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
