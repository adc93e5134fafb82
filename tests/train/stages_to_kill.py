"""Stages that tests kill, as functions that a child process can import."""

import time
from collections.abc import Callable
from pathlib import Path

import tiny

from schemas.params.engines import RuntimeParams
from schemas.stage import Checkpoints, Model, ModelOut
from train.dpo import dpo
from train.online_dpo import online_dpo
from train.params import DpoParams, OnlineDpoParams, RewardParams, SftParams
from train.reward import reward
from train.sft import sft

LONG = tiny.SHORT | {"max_steps": 24}
EPISODES = {"episodes": 2, "prompts": 8, "samples": 3, "max_new_tokens": 8, "start": "sft", "optimizer_state": "kept"}
STAGES: dict[str, Callable] = {
    "sft": lambda models, out, work, progress: sft(
        tiny.demonstrations(), models["base"], SftParams(**LONG), out, work, progress
    ),
    "reward": lambda models, out, work, progress: reward(
        tiny.preferences(), models["sft"], RewardParams(**LONG), out, work, progress
    ),
    "dpo": lambda models, out, work, progress: dpo(
        tiny.preferences(), models["sft"], DpoParams(**LONG), out, work, progress
    ),
    "online_dpo": lambda models, out, work, progress: online_dpo(
        tiny.preferences(),
        models["base"],
        models["sft"],
        models["sft"],
        models["reward"],
        OnlineDpoParams(**(LONG | EPISODES | {"max_steps": 12, "reserve": 0.5, "alpha": 1e-3})),
        RuntimeParams(),
        out,
        work,
        progress,
    ),
}


def run(stage: str, models: dict[str, Model], out: ModelOut, work: Checkpoints, moment: Path) -> None:
    """What a child process does. Once the moment of its kill has come it waits for that where it next reports."""

    def progress(done: int, total: int, note: str) -> None:
        if moment.exists():
            time.sleep(60)

    STAGES[stage](models, out, work, progress)
