"""seeds: the training repeated with several seeds, online DPO with every optimizer, on the same D and P.

    dvc exp run -S 'seeds.seeds=[0,1,2]'      # or set seeds.seeds in params.yaml and `dvc repro`

Every repetition trains base, sft, reward, dpo and one online_dpo an optimizer from the stages' own parameters, and
evaluates each policy as the evaluate stage does. Finished models stay beside the checkpoints, so a killed run goes
on where it was. With no seeds (the default) it does nothing: each seed costs an entire training.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    tables = Tables(problems, instructions, passages, demonstrations, preferences, evaluation)
    stage_params = StageParams(base, sft, reward, dpo, online_dpo, evaluate, params.optimizers)
    rows: list[dict[str, Any]] = []
    for seed in params.seeds:
        repetition = Repetition(
            seed=seed,
            tables=tables,
            params=stage_params,
            runtime=runtime,
            sandbox=sandbox,
            files=files,
            checkpoints=checkpoints.below(f"seed-{seed}"),
            progress=with_prefix(progress, f"seed {seed}, "),
        )
        models = repetition.train()
        for policy in models.policies:
            rows += result_rows(seed, policy.path.name, repetition.evaluate(policy, models))
    return SeedsOut(Table.of(SeedResult, rows, "seed_results"), summarize(rows))


class Tables(NamedTuple):
    """The tables that training and evaluation read."""

    problems: Context[Problem]
    instructions: Context[Instruction]
    passages: Context[Passage]
    demonstrations: Context[FinalDemonstration]
    preferences: Context[FinalPreference]
    evaluation: Context[EvaluationItem]


class StageParams(NamedTuple):
    """The stages' own parameters, and the optimizers of online DPO."""

    base: BaseParams
    sft: SftParams
    reward: RewardParams
    dpo: DpoParams
    online_dpo: OnlineDpoParams
    evaluate: EvaluateParams
    optimizers: Sequence[str]


class Models(NamedTuple):
    """The models of one repetition; `policies` are those that are evaluated, the SFT model among them."""

    policies: list[Model]
    sft: Model
    reward: Model


@dataclass(frozen=True, kw_only=True)
class Repetition:
    """The training with one seed. What an earlier run finished is read from `checkpoints`."""

    seed: int
    tables: Tables
    params: StageParams
    runtime: RuntimeParams
    sandbox: Sandbox
    files: Files
    checkpoints: Checkpoints
    progress: Progress

    def train(self) -> Models:
        """base, sft, reward, dpo, and an online_dpo with every optimizer."""
        from train.base import base
        from train.dpo import dpo
        from train.online_dpo import online_dpo
        from train.reward import reward
        from train.sft import sft

        tables, progress, runtime = self.tables, self.progress, self.runtime
        base_params = with_seed(self.params.base, self.seed)
        sft_params = with_seed(self.params.sft, self.seed)
        reward_params = with_seed(self.params.reward, self.seed)
        dpo_params = with_seed(self.params.dpo, self.seed)
        online_params = with_seed(self.params.online_dpo, self.seed)

        def train_base(out: ModelOut, work: Checkpoints) -> None:
            corpus = tables.problems, tables.instructions, tables.passages
            base(*corpus, base_params, self.files, out, work, progress)

        def train_sft(out: ModelOut, work: Checkpoints) -> None:
            sft(tables.demonstrations, base_model, sft_params, out, work, progress)

        def train_reward(out: ModelOut, work: Checkpoints) -> None:
            reward(tables.preferences, sft_model, reward_params, out, work, progress)

        def train_dpo(out: ModelOut, work: Checkpoints) -> None:
            dpo(tables.preferences, sft_model, dpo_params, out, work, progress)

        base_model = self.train_once("base", train_base)
        sft_model = self.train_once("sft", train_sft)
        reward_model = self.train_once("reward", train_reward)
        dpo_model = self.train_once("dpo", train_dpo)
        policies = [base_model, sft_model, dpo_model]
        for optimizer in self.params.optimizers:
            chosen = online_params.model_copy(update={"optimizer": optimizer})

            def train_online(out: ModelOut, work: Checkpoints, chosen: OnlineDpoParams = chosen) -> None:
                models = base_model, sft_model, dpo_model, reward_model
                online_dpo(tables.preferences, *models, chosen, runtime, out, work, progress)

            policies.append(self.train_once(f"online_dpo_{optimizer}", train_online))
        return Models(policies, sft_model, reward_model)

    def train_once(self, name: str, run: Callable[[ModelOut, Checkpoints], Any]) -> Model:
        """The model `name`, trained by `run` unless an earlier run finished it."""
        final = self.checkpoints.path / "models" / name
        if not final.is_dir():
            draft = final.with_name(f".{name}.tmp")
            if draft.is_dir():
                for file in draft.iterdir():
                    file.unlink()
            draft.mkdir(parents=True, exist_ok=True)
            run(ModelOut(draft), self.checkpoints.below(f"work/{name}"))
            draft.rename(final)
        return Model(final)

    def evaluate(self, policy: Model, models: Models) -> dict[str, Any]:
        """A policy's metrics, computed once."""
        from train.evaluate import evaluate

        file = policy.path.with_name(f"{policy.path.name}.json")
        if not file.is_file():
            output = evaluate(
                self.tables.evaluation,
                self.tables.demonstrations,
                policy,
                models.sft,
                models.reward,
                with_seed(self.params.evaluate, self.seed),
                self.runtime,
                self.sandbox,
                self.files,
                self.progress,
            )
            draft = file.with_name(f".{file.name}.tmp")
            draft.write_text(json.dumps(output.metrics))
            draft.replace(file)
        return json.loads(file.read_text())


def with_prefix(progress: Progress, prefix: str) -> Progress:
    return lambda done, total, note: progress(done, total, prefix + note)


def with_seed(section: Any, seed: int) -> Any:
    """A stage's parameters with another seed. Raises ParamsError where they want several processes."""
    if isinstance(section, Optimization) and (section.launch != "cpu" or section.processes > 1):
        raise ParamsError(
            "seeds repeats training in one process on the CPU: set launch: cpu and processes: 1 in every stage"
        )
    return section.model_copy(update={"seed": seed})


def result_rows(seed: int, model: str, metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of SeedResult; confidence intervals over items are left out, as a range over seeds is none."""
    return [
        {
            "id": content_id("seed_result", [seed, model, metric, value]),
            "seed": seed,
            "model": model,
            "metric": metric,
            "value": float(value),
        }
        for metric, value in metrics.items()
        if isinstance(value, int | float) and not metric.endswith(("_low", "_high", "_items"))
    ]


def summarize(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """model -> metric -> mean, lowest and highest over the seeds: a range, no confidence interval."""
    values: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        values.setdefault((row["model"], row["metric"]), []).append(row["value"])
    summary: dict[str, Any] = {}
    for (model, metric), numbers in values.items():
        span = {"mean": sum(numbers) / len(numbers), "lowest": min(numbers), "highest": max(numbers)}
        summary.setdefault(model, {})[metric] = span
    return summary
