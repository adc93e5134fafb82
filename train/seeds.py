"""seeds: the whole training repeated with several seeds, online DPO with every optimizer, on the same D and P.

    dvc exp run -S 'seeds.seeds=[0,1,2]'      # or set seeds.seeds in params.yaml and `dvc repro`

Every repetition trains base, sft, reward, dpo and one online_dpo an optimizer from the stages' own parameters, and
evaluates each policy as the evaluate stage does. Finished models are kept beside the checkpoints, so a killed run goes
on where it was. With no seeds (the default) it does nothing: seeds cost a whole training each.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from cultivar.sandbox import Sandbox
from schemas.errors import ParamsError
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import (
    EvaluationItem,
    FinalDemonstration,
    FinalPreference,
    Instruction,
    Passage,
    Problem,
    SeedResult,
)
from schemas.stage import Checkpoints, Files, Model, ModelOut, Progress
from schemas.table import Context, Table
from train.params import (
    BaseParams,
    DpoParams,
    EvaluateParams,
    OnlineDpoParams,
    Optimization,
    RewardParams,
    SeedsParams,
    SftParams,
)


class SeedsOut(NamedTuple):
    seed_results: Table[SeedResult]
    metrics: dict[str, Any]


def seeds(
    problems: Context[Problem],
    instructions: Context[Instruction],
    passages: Context[Passage],
    demonstrations: Context[FinalDemonstration],
    preferences: Context[FinalPreference],
    evaluation: Context[EvaluationItem],
    params: SeedsParams,
    base: BaseParams,
    sft: SftParams,
    reward: RewardParams,
    dpo: DpoParams,
    online_dpo: OnlineDpoParams,
    evaluate: EvaluateParams,
    runtime: RuntimeParams,
    sandbox: Sandbox,
    files: Files,
    checkpoints: Checkpoints,
    progress: Progress,
) -> SeedsOut:
    """Every figure of every policy of every seed. Raises ParamsError where a stage is to run in several processes."""
    data = Data(problems, instructions, passages, demonstrations, preferences, evaluation)
    ways = Ways(base, sft, reward, dpo, online_dpo, evaluate, params.optimizers)
    table: list[dict[str, Any]] = []
    for seed in params.seeds:
        shown = titled(progress, f"seed {seed}, ")
        here = checkpoints.below(f"seed-{seed}")
        policies, tuned, judge = trained(data, ways, seed, runtime, files, here, shown)
        for policy in policies:
            figures = evaluated(data, ways, seed, policy, tuned, judge, runtime, sandbox, files, shown)
            table += results(seed, policy.path.name, figures)
    return SeedsOut(Table.of(SeedResult, table, "seed_results"), summary(table))


class Data(NamedTuple):
    """The tables that training and evaluation read."""

    problems: Context[Problem]
    instructions: Context[Instruction]
    passages: Context[Passage]
    demonstrations: Context[FinalDemonstration]
    preferences: Context[FinalPreference]
    evaluation: Context[EvaluationItem]


class Ways(NamedTuple):
    """The stages' own parameters."""

    base: BaseParams
    sft: SftParams
    reward: RewardParams
    dpo: DpoParams
    online_dpo: OnlineDpoParams
    evaluate: EvaluateParams
    optimizers: Sequence[str]


def trained(
    data: Data, ways: Ways, seed: int, runtime: RuntimeParams, files: Files, here: Checkpoints, shown: Progress
) -> tuple[list[Model], Model, Model]:
    """One repetition: its policies, the SFT model among them, and the reward model."""
    from train.base import base
    from train.dpo import dpo
    from train.online_dpo import online_dpo
    from train.reward import reward
    from train.sft import sft

    def train_base(out: ModelOut, work: Checkpoints) -> None:
        base(data.problems, data.instructions, data.passages, seeded(ways.base, seed), files, out, work, shown)

    def train_sft(out: ModelOut, work: Checkpoints) -> None:
        sft(data.demonstrations, start, seeded(ways.sft, seed), out, work, shown)

    def train_reward(out: ModelOut, work: Checkpoints) -> None:
        reward(data.preferences, tuned, seeded(ways.reward, seed), out, work, shown)

    def train_dpo(out: ModelOut, work: Checkpoints) -> None:
        dpo(data.preferences, tuned, seeded(ways.dpo, seed), out, work, shown)

    start = kept(here, "base", train_base)
    tuned = kept(here, "sft", train_sft)
    judge = kept(here, "reward", train_reward)
    offline = kept(here, "dpo", train_dpo)
    policies = [start, tuned, offline]
    for name in ways.optimizers:
        chosen = seeded(ways.online_dpo, seed).model_copy(update={"optimizer": name})

        def train_online(out: ModelOut, work: Checkpoints, chosen: OnlineDpoParams = chosen) -> None:
            online_dpo(data.preferences, start, tuned, offline, judge, chosen, runtime, out, work, shown)

        policies.append(kept(here, f"online_dpo_{name}", train_online))
    return policies, tuned, judge


def evaluated(
    data: Data,
    ways: Ways,
    seed: int,
    policy: Model,
    tuned: Model,
    judge: Model,
    runtime: RuntimeParams,
    sandbox: Sandbox,
    files: Files,
    shown: Progress,
) -> dict[str, Any]:
    """A policy's figures, worked out once."""
    from train.evaluate import evaluate

    file = policy.path.with_name(f"{policy.path.name}.json")
    if not file.is_file():
        way = seeded(ways.evaluate, seed)
        made = evaluate(data.evaluation, data.demonstrations, policy, tuned, judge, way, runtime, sandbox, files, shown)
        draft = file.with_name(f".{file.name}.tmp")
        draft.write_text(json.dumps(made.metrics))
        draft.replace(file)
    return json.loads(file.read_text())


def titled(progress: Progress, title: str) -> Progress:
    return lambda done, total, note: progress(done, total, title + note)


def seeded(section: Any, seed: int) -> Any:
    """A stage's parameters with another seed. Raises ParamsError where they want several processes."""
    if isinstance(section, Optimization) and (section.launch != "cpu" or section.processes > 1):
        raise ParamsError(
            "seeds repeats training in one process on the CPU: set launch: cpu and processes: 1 in every stage"
        )
    return section.model_copy(update={"seed": seed})


def kept(here: Checkpoints, name: str, run: Callable[[ModelOut, Checkpoints], Any]) -> Model:
    """The model `name` of a repetition, trained unless an earlier run finished it."""
    final = here.path / "models" / name
    if not final.is_dir():
        draft = final.with_name(f".{name}.tmp")
        if draft.is_dir():
            for file in draft.iterdir():
                file.unlink()
        draft.mkdir(parents=True, exist_ok=True)
        run(ModelOut(draft), here.below(f"work/{name}"))
        draft.rename(final)
    return Model(final)


def results(seed: int, model: str, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of SeedResult; intervals over items are left out. A range over seeds is none in their place."""
    return [
        {
            "id": content_id("seed_result", [seed, model, metric, value]),
            "seed": seed,
            "model": model,
            "metric": metric,
            "value": float(value),
        }
        for metric, value in figures.items()
        if isinstance(value, int | float) and not metric.endswith(("_low", "_high", "_items"))
    ]


def summary(table: list[dict[str, Any]]) -> dict[str, Any]:
    """model -> metric -> mean, lowest and highest over the seeds: a range, no confidence interval."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in table:
        values.setdefault((row["model"], row["metric"]), []).append(row["value"])
    found: dict[str, Any] = {}
    for (model, metric), numbers in values.items():
        spread = {"mean": sum(numbers) / len(numbers), "lowest": min(numbers), "highest": max(numbers)}
        found.setdefault(model, {})[metric] = spread
    return found
