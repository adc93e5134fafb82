"""Derive rows again and compare: `cultivar verify --sample 50`.

First every stage that asks models or judges programs is derived again in full from its inputs and the store, and
compared with the tables on disk: a stale, missing or forged row shows here, at no cost. Then a sample of what the store
holds is ignored: those requests are put to the models again, those programs are run again, and the rows are derived
with the new results. Deterministic engines must answer the same; others may drift, which is reported but is no error.
No table changes. The store may gain answers: where a model drifts, the later turns of a conversation are new requests.
"""

import os
import random
import subprocess
import uuid
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Annotated

import polars as pl
import typer
from tqdm import tqdm

from cultivar.runlog.console import complain, say
from cultivar.runner.fingerprints import CODE
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.tools.changes import reasons, status
from cultivar.tools.dry_run import Rehearsal, kinds_of, rehearsal
from cultivar.tools.parallel import upstream
from cultivar.tools.plan import ordered
from cultivar.tools.surroundings import failure_of
from schemas.errors import GraphError, ParamsError
from schemas.stage import UndeclaredRead, Unfinished
from schemas.table import Table, TableError


@dataclass
class Derived:
    """One stage derived again."""

    stage: str
    rows: int = 0
    differing: dict[str, list[str]] = field(default_factory=dict)  # table -> ids of rows that are not the same
    missing: int = 0  # requests that the store does not know
    answers: list[bytes] = field(default_factory=list)
    verdicts: list[bytes] = field(default_factory=list)
    again: int = 0
    alike: int = 0
    deterministic: bool = True


def main(
    stages: Annotated[
        list[str] | None, typer.Argument(help="default: every stage that asks models or judges programs")
    ] = None,
    sample: Annotated[int, typer.Option(help="requests and programs tried again without the store")] = 50,
    seed: Annotated[int, typer.Option(help="of the sample")] = 0,
) -> int:
    os.environ.setdefault("CULTIVAR_RUN", uuid.uuid4().hex)  # a budget of its own
    try:
        return verify(stages or [], sample, seed)
    except KeyboardInterrupt:
        return 130
    except (GraphError, ParamsError, TableError, UndeclaredRead, Unfinished, OSError) as error:
        complain(f"error: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        complain(f"error: {failure_of(error)}")
        return 1


def verify(targets: list[str], sample: int, seed: int) -> int:
    """Verify the stages and print what was found; the exit status, 1 where a table cannot be trusted."""
    graph = load_yaml(GRAPH)
    needs = upstream(graph["stages"])
    if unknown := [name for name in targets if name not in needs]:
        raise GraphError(f"{', '.join(unknown)} not in dvc.yaml; it has {', '.join(needs)}")
    kinds = {name: kinds_of(name) for name in targets or needs if name != CODE}
    chosen = [n for n in ordered(needs) if "model" not in (k := kinds.get(n, {"model"})) and (targets or k)]
    changed = reasons(status())
    first = []
    for name in tqdm(chosen, desc="from the store", unit=" stages", leave=False, disable=None):
        if name in changed:
            say(f"{name}: not verified, `dvc repro` would run it first ({'; '.join(changed[name])})")
        else:
            first.append(derive(name, graph))
    wrong = [one for one in first if one.differing or one.missing]
    for one in first:
        say(line(one))
    sound = [one for one in first if one not in wrong and (one.answers or one.verdicts)]
    picked = pick(sound, sample, seed)
    drifted = False
    for one in tqdm(
        [one for one in sound if picked[one.stage]], desc="again", unit=" stages", leave=False, disable=None
    ):
        again = derive(one.stage, graph, picked[one.stage])
        drifted |= again.alike < again.again
        if again.deterministic and (again.differing or again.alike < again.again):
            wrong.append(again)
        say(line(again))
    tried = sum(len(keys) for keys in picked.values())
    rows = sum(one.rows for one in first)
    if wrong:
        conclusion = f"{len(wrong)} stages cannot be trusted"
    elif drifted:
        conclusion = "the tables are what the store says; the models no longer say the same"
    else:
        conclusion = "everything is as it should be"
    say(
        f"{rows:,} rows of {len(first)} stages derived again, {tried} results of models and sandbox tried again: "
        + conclusion
    )
    return 1 if wrong else 0


def derive(name: str, graph: dict, forgotten: Collection[bytes] = ()) -> Derived:
    """Run a stage on what is on disk and compare its tables with those on disk."""
    with ExitStack() as stack:
        how = {"ask": bool(forgotten), "judge_programs": True, "forgotten": frozenset(forgotten)}
        run = rehearsal(name, graph, load_yaml(PARAMS), stack, **how)
        outputs = run.outputs()
        one = Derived(name)
        for output, derived in outputs.items():
            if isinstance(derived, Table):
                there = Table.read(derived.model, run.spec.targets[output])
                one.rows += len(derived)
                if ids := differing(there.frame, derived.frame):
                    one.differing[str(run.spec.targets[output])] = ids
        tally(one, run)
    return one


def tally(one: Derived, run: Rehearsal) -> None:
    """Note what was recalled, what was missing, and how many fresh results are those of the store."""
    for engine in run.engines.values():
        memory = engine.sender.cache
        one.answers += list(memory.known)
        one.missing += len(getattr(engine.backend, "requests", []))
        one.again += len(memory.fresh_answers)
        one.alike += sum(memory.known[key] == fresh for key, fresh in memory.fresh_answers.items())
        one.deterministic &= engine.simulated
    if run.sandbox is not None:
        one.verdicts += list(run.sandbox.seen)
        one.again += len(run.sandbox.rechecked)
        one.alike += sum(same for same in run.sandbox.rechecked.values())


def pick(sound: list[Derived], sample: int, seed: int) -> dict[str, list[bytes]]:
    """Keys to forget by stage: a sample over everything that the stages recalled."""
    pool = [(one.stage, key) for one in sound for key in sorted({*one.answers, *one.verdicts})]
    chosen = random.Random(seed).sample(pool, min(sample, len(pool)))
    return {one.stage: [key for stage, key in chosen if stage == one.stage] for one in sound}


def differing(there: pl.DataFrame, derived: pl.DataFrame) -> list[str]:
    """Ids of rows that only one of two tables of one model has, or that are not equal."""
    if there.equals(derived):
        return []
    old, new = (frame.rechunk().select("id", row=frame.rechunk().hash_rows()) for frame in (there, derived))
    both = old.join(new, on="id", how="full", coalesce=True)
    return both.filter(pl.col("row").ne_missing(pl.col("row_right")))["id"].sort().to_list()


def line(one: Derived) -> str:
    """What was found of a stage."""
    parts = [f"{one.rows:,} rows"]
    if one.missing:
        parts.append(f"{one.missing:,} of its answers are not in the store, so these rows could not be derived")
    if one.again:
        parts.append(f"{one.again} tried again, {one.alike} with the same result")
    for path, ids in one.differing.items():
        parts.append(f"{path}: {len(ids)} rows differ, first {ids[0]}")
    return f"{one.stage}: " + ("; ".join(parts) if len(parts) > 1 else f"{parts[0]}, all equal")


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("verify")
