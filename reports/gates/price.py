"""What the answers of a version cost beyond those of another: distinct requests, tokens, money, executions.

Metrics in git count the requests of a stage whether they were sent or remembered, and judges' answers stand in no table. So
the stages that ask and whose entry in dvc.lock differs are rehearsed in both versions, each by its own code, on its own
tables, with the answers that the store remembers (reports/gates/asked.py): what the new version asks and the old one did
not is the price. It is what the change costs a store that knows the old version; whoever built a third version in between
has paid for less. What the next `dvc repro` would spend is `cultivar plan`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import polars as pl

from cultivar.outgoing.redaction import redacted
from cultivar.store.store import project_store_folder
from reports.gates import asked
from reports.gates.metrics import flat_metrics
from reports.gates.model import ModelPrice, Price
from reports.versions.repository import git, tree_files, unpack
from reports.versions.version import Version
from schemas.errors import UserError
from schemas.params.engines import BudgetParams

CODE = ("cultivar", "schemas", "stages", "train", "prompts", "human", "fingerprints", "params.yaml", "dvc.yaml")
"""What a rehearsal of a commit needs of git."""


class Asked(NamedTuple):
    """What stages of a version ask and run (columns of reports/gates/asked.py)."""

    answers: pl.DataFrame
    programs: pl.DataFrame


def price(old: Version, new: Version) -> Price:
    """The price of `new` beyond `old`. Takes about as long as the rehearsal of the changed stages, twice.

    Where a version cannot be rehearsed (its tables are gone, its code knows no rehearsal) the price is what the metrics of
    both tell, which the note says.
    """
    budget = BudgetParams.model_validate(new.params().get("budget") or {})
    stages = changed_stages(old, new)
    if not stages:
        return Price(
            requests=0,
            prompt_tokens=0,
            completion_tokens=0,
            cost=0.0,
            currency=budget.currency,
            programs=0,
            note="no stage that asks a model has changed",
        )
    try:
        with ThreadPoolExecutor(2) as pool:  # each waits for a process of its own
            before, after = pool.map(lambda version: asked_by(version, stages), (old, new))
    except UserError as error:
        return by_counts(old, new, stages, budget, str(error))
    return price_of(before, after, stages, budget)


def changed_stages(old: Version, new: Version) -> list[str]:
    """Stages of the new version that ask a model and that dvc.lock records otherwise, or not at all, in the old one."""
    before, after = old.lock(), new.lock()
    kept = ("cmd", "deps", "params")
    asking = [
        name
        for name, stage in new.graph().get("stages", {}).items()
        if any(str(entry).startswith("roles.") for entry in stage.get("params", []))
    ]
    return [
        name
        for name in asking
        if name in after
        and [after[name].get(part) for part in kept] != [before.get(name, {}).get(part) for part in kept]
    ]


def asked_by(version: Version, stages: Sequence[str]) -> Asked:
    """What these stages of a version ask, those that it has. Raises UserError where they cannot be rehearsed."""
    known = [name for name in stages if name in version.lock()]
    if not known:
        return Asked(pl.DataFrame(schema=asked.ANSWERS), pl.DataFrame(schema=asked.PROGRAMS))
    with tempfile.TemporaryDirectory(prefix="cultivar-price-") as scratch:
        place = Path.cwd()
        if version.commit is not None:
            place = Path(scratch) / "project"
            export(version, known, place)
        outputs = [Path(scratch) / name for name in ("answers.parquet", "programs.parquet")]
        store = {"CULTIVAR_STORE": str(project_store_folder().resolve()), "PYTHONPATH": str(place)}
        done = subprocess.run(
            [sys.executable, "-P", asked.__file__, *map(str, outputs), *known],
            cwd=place,
            env={name: value for name, value in os.environ.items() if name != "DVC_ROOT"} | store,
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            words = redacted(done.stderr).strip().splitlines() or ["it failed without a word"]
            raise UserError(f"{version.label} cannot be rehearsed: {words[-1][:200]}")
        return Asked(*map(pl.read_parquet, outputs))


def export(version: Version, stages: Sequence[str], place: Path) -> None:
    """A commit's code, prompts and parameters in a folder, with links to the tables that the stages read."""
    place.mkdir()
    present = [name for name in CODE if tree_files(version.commit, Path(name))]
    unpack(git("archive", "--format=tar", str(version.commit), "--", *present), place)
    for stage in stages:
        for entry in version.lock()[stage].get("deps", []):
            path = entry["path"]
            if path.endswith(".parquet") and not (place / path).exists():
                (place / path).parent.mkdir(parents=True, exist_ok=True)
                (place / path).symlink_to(version.files(path)[0].resolve())


def price_of(before: Asked, after: Asked, stages: Sequence[str], budget: BudgetParams) -> Price:
    """The price of what only the later version asks."""
    fresh = after.answers.join(before.answers, on="key", how="anti").unique("key")
    questions = fresh.group_by("stage", "model", "question").agg(prompt=pl.col("prompt_tokens").max())
    prompts = questions.group_by("model").agg(prompt=pl.col("prompt").sum())
    sums = (
        fresh.group_by("model", "simulated")
        .agg(requests=pl.len(), completion=pl.col("completion_tokens").sum())
        .join(prompts, on="model")
        .sort("model")
    )
    models = tuple(
        ModelPrice(
            model=row["model"],
            requests=row["requests"],
            prompt_tokens=row["prompt"],
            completion_tokens=row["completion"],
            cost=cost_of(row["model"], row["simulated"], row["prompt"], row["completion"], budget),
        )
        for row in sums.iter_rows(named=True)
    )
    costs = [model.cost for model in models]
    programs = after.programs.select("key").unique().join(before.programs, on="key", how="anti").height
    return Price(
        requests=sum(model.requests for model in models),
        prompt_tokens=sum(model.prompt_tokens for model in models),
        completion_tokens=sum(model.completion_tokens for model in models),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        currency=budget.currency,
        note=note_of(fresh, stages, models),
        programs=programs,
        models=models,
    )


def cost_of(label: str, simulated: bool, prompt: int, completion: int, budget: BudgetParams) -> float | None:
    """By budget.prices, where the model stands by its name; the simulated teacher costs nothing."""
    if simulated:
        return 0.0
    tariff = budget.prices.get(label.partition("/")[2].rpartition("@")[0])
    return None if tariff is None else tariff.of(prompt, completion)


def note_of(fresh: pl.DataFrame, stages: Sequence[str], models: Sequence[ModelPrice]) -> str:
    """What was counted and what could not be."""
    words = [f"requests of {', '.join(stages)} that the base did not make, with the tokens that the store remembers"]
    if unknown := fresh["completion_tokens"].is_null().sum():
        words.append(f"{unknown:,} of them are not in this store, so their tokens and what follows them are missing")
    if fresh.height and fresh["simulated"].all():
        words.append("all by the simulated teacher, which costs nothing")
    if unpriced := [model.model for model in models if model.cost is None]:
        words.append(f"no price in budget.prices for {', '.join(unpriced)}")
    return "; ".join(words)


def by_counts(old: Version, new: Version, stages: Sequence[str], budget: BudgetParams, reason: str) -> Price:
    """What the metrics tell: how many more requests each stage makes. Tokens are not in them."""
    before, after = flat_metrics(old.metrics()), flat_metrics(new.metrics())
    more = sum(max(0, int(after.get(f"{stage}.requests", 0) - before.get(f"{stage}.requests", 0))) for stage in stages)
    return Price(
        requests=more,
        prompt_tokens=0,
        completion_tokens=0,
        cost=None,
        currency=budget.currency,
        note=f"only by how many more requests {', '.join(stages)} make, tokens unknown, since {reason}",
    )
