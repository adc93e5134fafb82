"""Tiny tables and models for the tests of training: real stages, a few steps each."""

import json
import random
import tempfile
from pathlib import Path

from schemas.ids import content_id
from schemas.rows import EvaluationItem, FinalDemonstration, FinalPreference, Instruction, Passage, Problem
from schemas.stage import Checkpoints, Files, Model, ModelOut
from schemas.table import Context, Table
from train.base import base
from train.params import BaseParams, SftParams
from train.sft import sft

OPTIMIZATION = {"seed": 3, "batch_size": 4, "max_steps": 6, "learning_rate": 5e-3, "floor": 5e-4, "logging_steps": 1}
SHORT = OPTIMIZATION | {"max_length": 128, "overlong_share": 0.1}


def silent(done: int, total: int, note: str) -> None:
    """Progress that goes nowhere."""


def problems(count: int = 24) -> Context[Problem]:
    rows = []
    rng = random.Random(7)
    for _ in range(count):
        a, b = rng.randrange(5, 20), rng.randrange(2, 9)
        prompt = f"Tom has {a} apples. Tom finds {b}. How many apples does Tom have now?"
        solution = f"Start {a}. finds {b}: {a}+{b}={a + b}. The answer is {a + b}."
        rows.append({"id": content_id("problem", prompt), "source": "test", "license": "CC0-1.0", "prompt": prompt})
        rows[-1] |= {"answer": str(a + b), "solution": solution}
    return context(Problem, list({row["id"]: row for row in rows}.values()))


def context(model, rows) -> Context:
    return Context(model, Table.of(model, rows).frame)


def admitted(kind: str, prompt: str, split: str, **more) -> dict:
    row = {"prompt": [{"role": "user", "content": prompt}], "domain": "math", "strategy": "rejection"}
    row |= {"label_source": "verifier", "quality": 0.5}
    row |= {
        "license": "CC0-1.0",
        "engine": "simulated/teacher@1",
        "simulated": True,
        "split": split,
        "source": "test:1",
    }
    row |= more
    return row | {"id": content_id(kind, row)}


def assistant(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def demonstrations(extra: list[dict] | None = None) -> Context[FinalDemonstration]:
    rows = [
        admitted("d", row.prompt, "heldout" if index % 6 == 0 else "train", completion=assistant(row.solution))
        for index, row in enumerate(problems())
    ]
    return context(FinalDemonstration, rows + (extra or []))


def preferences() -> Context[FinalPreference]:
    rows = [
        admitted(
            "p",
            row.prompt,
            "heldout" if index % 6 == 0 else "train",
            chosen=assistant(row.solution),
            rejected=assistant(f"The answer is {int(row.answer) + 1}."),
            margin=1.0,
        )
        for index, row in enumerate(problems())
    ]
    return context(FinalPreference, rows)


def evaluation() -> Context[EvaluationItem]:
    shared = {"source": "test", "license": "CC0-1.0"}
    rows = [
        shared | {"id": content_id("e", row.prompt), "task": "math", "prompt": row.prompt, "answer": row.answer}
        for row in list(problems())[:6]
    ]
    instruction = "What is the capital of France? Answer in capital letters only."
    constraints = {"constraints": ["change_case:english_capital"], "arguments": [json.dumps({})]}
    rows.append(
        shared | {"id": content_id("e", instruction), "task": "constraint", "prompt": instruction} | constraints
    )
    coding_prompt = "Write a function double(n) that gives twice its argument."
    tests = {"tests": ["assert double(2) == 4", "assert double(-1) == -2"], "entry_point": "double"}
    rows.append(shared | {"id": content_id("e", coding_prompt), "task": "code", "prompt": coding_prompt} | tests)
    return context(EvaluationItem, rows)


def folder(path: Path) -> ModelOut:
    path.mkdir(parents=True)
    return ModelOut(path)


def checkpoints(path: Path) -> Checkpoints:
    """A new folder; only the same stage with the same inputs may find an old one."""
    return Checkpoints(Path(tempfile.mkdtemp(dir=path, prefix="checkpoints-")))


def base_model(path: Path, **more) -> Model:
    params = BaseParams(**(OPTIMIZATION | {"vocabulary": 340, "hidden": 32, "heads": 1, "ffn": 64, "block": 64} | more))
    empty = context(Instruction, []), context(Passage, [])
    base(problems(), *empty, params, Files("base", ()), folder(path / "base"), checkpoints(path), silent)
    return Model(path / "base")


def sft_model(path: Path, base: Model, name: str = "sft", **more) -> Model:
    params = SftParams(**(SHORT | more))
    sft(demonstrations(), base, params, folder(path / name), checkpoints(path), silent)
    return Model(path / name)


def weights(model: Model) -> bytes:
    return (model.path / "model.safetensors").read_bytes()
