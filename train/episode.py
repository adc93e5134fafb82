"""One episode of online DPO: what is sampled, scored, paired and measured. Everything of it that cost time is on disk.

Samples are kept as they come (train/sampling/samples.py), and `remembered` keeps them and their rewards beside the episode's
checkpoints, so a killed stage goes on within the episode.
"""

import json
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from accelerate.utils import broadcast_object_list

from cultivar.grading.pairs import pairs
from schemas.ids import content_id
from schemas.rows import Message
from train.chat import turns
from train.launch import is_first
from train.params import OnlineDpoParams, StopLimits
from train.progress import Record
from train.sampling.samples import Sample

Line = dict[str, Any]


class Task(NamedTuple):
    """A prompt: the id of the row of P that it stands in, its messages and its token ids."""

    id: str
    prompt: list[Message]
    ids: list[int]


class Sampled(NamedTuple):
    """Samples of each prompt and their rewards."""

    made: list[list[Sample]]
    rewards: list[list[float]]


def place(folder: Path, episode: int) -> Path:
    """Where an episode keeps its work."""
    return folder / f"episode-{episode:03d}"


def remembered(file: Path, make: Callable[[], Any]) -> Any:
    """What `make` gave (as JSON) now or before the stage was killed. The first process makes it, all are given it."""
    held: list[Any] = [None]
    if is_first():
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(f".{file.name}.tmp")
            with draft.open("wb") as handle:
                handle.write(json.dumps(make()).encode())
                handle.flush()
                os.fsync(handle.fileno())
            draft.replace(file)
        held = [json.loads(file.read_bytes())]
    broadcast_object_list(held)
    return held[0]


def sampled(file: Path, make: Callable[[], Sampled]) -> Sampled:
    """`remembered` for samples and rewards."""
    made, rewards = remembered(file, make)
    return Sampled([[Sample(*said) for said in samples] for samples in made], rewards)


def paired(found: Sampled, params: OnlineDpoParams) -> list[tuple[int, int] | None]:
    """Positions of the most and least preferred sample of each prompt; None for a tie or too small a margin."""
    chosen = []
    for samples, rewards in zip(found.made, found.rewards, strict=True):
        fit = pairs(
            [said.text for said in samples],
            rewards,
            min_margin=params.margin,
            max_length_ratio=params.max_length_ratio,
            tie=params.tie,
        )
        chosen.append(fit[0] if fit else None)
    return chosen


def rows_of(
    asked: Sequence[Task], made: Sequence[Sequence[Sample]], chosen: Sequence[tuple[int, int] | None], stop: int
) -> list[dict[str, list[int]]]:
    """Pairs as the trainer takes them. A completion that was cut off has no stop token to learn."""
    return [
        {
            "prompt_ids": task.ids,
            "chosen_ids": samples[pair[0]].ended(stop),
            "rejected_ids": samples[pair[1]].ended(stop),
        }
        for task, samples, pair in zip(asked, made, chosen, strict=True)
        if pair is not None
    ]


def tables(
    episode: int, asked: Sequence[Task], found: Sampled, chosen: Sequence[tuple[int, int] | None]
) -> tuple[list[Line], list[Line], list[Line]]:
    """Rows of Rollout and RolloutReward, and of OnlinePair for the pairs, whether or not they are then trained on."""
    rollouts, rewards, online_pairs = [], [], []
    for task, samples, values, pair in zip(asked, found.made, found.rewards, chosen, strict=True):
        ids = [content_id("rollout", [episode, number, said.text], [task.id]) for number, said in enumerate(samples)]
        shared = {"episode": episode, "prompt": turns(task.prompt)}
        for row_id, said, value in zip(ids, samples, values, strict=True):
            rollouts.append(
                {"id": row_id, "parents": [task.id], "completion": said.text, "finished": said.finished}
                | {"completion_tokens": len(said.ids) + said.finished}
                | shared
            )
            reward_id = content_id("rollout_reward", [value], [row_id])
            rewards.append({"id": reward_id, "parents": [row_id], "episode": episode, "reward": value})
        if pair is not None:
            parents = [ids[at] for at in pair]
            texts = {"chosen": samples[pair[0]].text, "rejected": samples[pair[1]].text}
            margin = values[pair[0]] - values[pair[1]]
            row_id = content_id("online_pair", [episode, margin], parents)
            online_pairs.append({"id": row_id, "parents": parents, "margin": margin} | shared | texts)
    return rollouts, rewards, online_pairs


def signals(
    episode: int,
    found: Sampled,
    baseline: Sequence[float],
    chosen: Sequence[tuple[int, int] | None],
    kl: Sequence[float],
) -> Line:
    """What an episode's samples say of the policy that made them. `baseline`: rewards of the start policy's samples.

    `win_rate`: how often a sample is scored above the start policy's sample of the same prompt, ties half.
    """
    flat = [said for samples in found.made for said in samples]
    values = [value for rewards in found.rewards for value in rewards]
    gaps = [rewards[pair[0]] - rewards[pair[1]] for rewards, pair in zip(found.rewards, chosen, strict=True) if pair]
    wins = [
        (value > theirs) + 0.5 * (value == theirs)
        for rewards, theirs in zip(found.rewards, baseline, strict=True)
        for value in rewards
    ]
    return {
        "episode": episode,
        "reward": mean(values),
        "reward_best": mean([max(rewards) for rewards in found.rewards]),
        "win_rate": mean(wins),
        "kl": mean(kl),
        "gap": mean(gaps),
        "tie_share": 1 - len(gaps) / len(chosen),
        "completion_tokens": mean([len(said.ids) for said in flat]),
        "finished": mean([said.finished for said in flat]),
    }


def trained(pairs_: int, record: Record) -> Line:
    """What training on an episode's pairs came to."""
    return {
        "pairs": pairs_,
        "loss": record.last("loss", 1.0),
        "train_accuracy": record.last("rewards/accuracies", 1.0),
    }


def exceeded(line: Line, first: Line, stop: StopLimits) -> str | None:
    """The declared limit that an episode's signals pass, in words; None where there is none."""
    ratio = line["completion_tokens"] / max(1e-9, first["completion_tokens"])
    if stop.max_kl is not None and line["kl"] > stop.max_kl:
        return f"kl {line['kl']:.3g} > max_kl {stop.max_kl:g}"
    if stop.max_length_ratio is not None and ratio > stop.max_length_ratio:
        return f"length ratio {ratio:.3g} > max_length_ratio {stop.max_length_ratio:g}"
    if stop.min_finished is not None and line["finished"] < stop.min_finished:
        return f"finished {line['finished']:.3g} < min_finished {stop.min_finished:g}"
    if stop.max_tie_share is not None and line["tie_share"] > stop.max_tie_share:
        return f"tie share {line['tie_share']:.3g} > max_tie_share {stop.max_tie_share:g}"
    return None


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
