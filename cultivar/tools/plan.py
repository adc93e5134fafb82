"""What the next `dvc repro` will do and cost, without doing it: `cultivar plan`.

For every stage: whether it will run and why; the requests that it makes and how many of them nobody has answered yet;
tokens, cost (`budget.prices` in params.yaml) and minutes. Stages that ask, and those that they need, are rehearsed on
their tables with the answers that the store has, and what a stage would write is what the next one is rehearsed on, so
a plan is exact as long as everything is answered. Behind the first unanswered request tables are incomplete: from there
figures come from the last run as well and are marked ~. Stages that nobody rehearses (training, reports) say "perhaps"
to what reads their outputs, and DVC may restore a stage from its run cache that the plan lists as to be run. Nothing is sent, and
no output written; the store takes in what killed processes have left there.
"""

import json
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from tqdm import tqdm

from cultivar.outgoing.redaction import redacted, redacted_value
from cultivar.runlog.console import complain, say
from cultivar.runlog.record import last_run, last_runs
from cultivar.runner.fingerprints import CODE, FOLDER, fingerprint
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml, stage_spec
from cultivar.runner.params import validate
from cultivar.tools.changes import reasons, restorable, status
from cultivar.tools.check import raise_faults
from cultivar.tools.dry_run import Rehearsal, Unasked, kinds_of, rehearsal
from cultivar.tools.objects import UNCACHED
from cultivar.tools.parallel import closure, upstream
from cultivar.tools.surroundings import failure_of
from schemas.errors import GraphError, ParamsError, UserError
from schemas.params.engines import BudgetParams
from schemas.stage import UndeclaredRead
from schemas.table import Table, TableError


@dataclass
class Planned:
    """One stage of a plan. `exact` is false where its input or its later turns are not known yet."""

    stage: str
    runs: str = "no"  # no | yes | perhaps
    why: str = "nothing changed"
    requests: int | None = None
    to_ask: int = 0
    tokens: int = 0
    cost: float | None = 0.0
    seconds: float | None = 0.0
    jobs: int = 0  # programs still to be judged
    exact: bool = True
    more: bool = False  # it may ask more than anybody can tell yet
    frames: dict[Path, Table] = field(default_factory=dict)


def main(
    stages: Annotated[
        list[str] | None, typer.Argument(help="targets with all that they need; default: all stages")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the plan as JSON")] = False,
) -> int:
    try:
        planned = plan(stages or [])
    except (UserError, UndeclaredRead) as error:
        complain(f"error: {error}")
        return 1
    except subprocess.CalledProcessError as error:
        complain(f"error: {failure_of(error)}")
        return 1
    currency = BudgetParams.model_validate(load_yaml(PARAMS).get("budget") or {}).currency
    if as_json:
        rows = [{k: v for k, v in vars(one).items() if k != "frames"} for one in planned]
        print(json.dumps(redacted_value({"currency": currency, "stages": rows}), indent=2))
    else:
        say("\n".join(format_plan(planned, currency)))
    return 0


def plan(targets: list[str]) -> list[Planned]:
    """The plan of the targets and all that they need, in the order of the graph.

    Raises GraphError, ParamsError, UndeclaredRead where the graph or params are wrong (a role without a server), UserError for
    all that people wrote amiss (cultivar/tools/check.py).
    """
    graph, params = load_yaml(GRAPH), load_yaml(PARAMS)
    validate(params)
    raise_faults()
    needs = upstream(graph["stages"])
    if unknown := [name for name in targets if name not in needs]:
        raise GraphError(f"{', '.join(unknown)} not in dvc.yaml; it has {', '.join(needs)}")
    wanted = closure(needs, targets or needs)
    changes = status()
    changed, restored = reasons(changes), restorable(changes, ordered(needs))
    kinds = {name: kinds_of(name) if name != CODE else set() for name in wanted}
    asking = closure(needs, [name for name in wanted if "engine" in kinds[name]])
    done: dict[str, Planned] = {}
    order = [name for name in ordered(needs) if name in wanted]
    for name in tqdm(order, desc="plan", unit=" stages", leave=False, disable=None):
        one = done[name] = Planned(name)
        above = [done[up] for up in sorted(needs[name]) if done[up].runs != "no"]
        if name in restored and not above:
            one.why = "comes back from the cache"
            continue
        if words := changed.get(name):
            one.runs, one.why = "yes", "; ".join(words)
        elif above:
            verdicts = {up.stage: differs(up, name, graph) for up in above}
            if set(verdicts.values()) == {False}:
                one.why = f"{', '.join(verdicts)} will make the same again"
                continue
            if certain := [up for up, verdict in verdicts.items() if verdict]:
                one.runs, one.why = "yes", f"{', '.join(certain)} changes its input"
            else:
                unsure = [up for up, verdict in verdicts.items() if verdict is None]
                one.runs, one.why = "perhaps", f"if {', '.join(unsure)} changes its input"
        else:
            continue
        one.exact = all(up.exact for up in above)
        if restored & closure(needs, [name]):
            one.exact, one.why = False, f"{one.why} (exact after `dvc checkout`)"
        if name == CODE or "model" in kinds[name] or name not in asking:
            one.seconds = last_run(name).get("seconds") if "matrix" not in graph["stages"][name] else seconds_of(name)
            continue
        tables = {path: frame for up in done.values() for path, frame in up.frames.items()}
        try:
            estimate(one, graph, params, tables)
        except (ParamsError, GraphError, UndeclaredRead):  # what is configured is wrong, whatever the input
            raise
        except (TableError, OSError, ValueError) as error:
            one.exact, one.seconds, one.requests = False, last_run(name).get("seconds"), None
            one.why += f" (its input is not there yet: {redacted(str(error)).splitlines()[0][:80]})"
    return [done[name] for name in order]


def differs(up: Planned, name: str, graph: dict[str, Any]) -> bool | None:
    """Whether what `up` would write for the stage `name` is not what is on disk; None where nobody can tell."""
    if up.stage == CODE:
        path = FOLDER / f"{name}.txt"
        return not path.is_file() or path.read_text(encoding="utf-8") != fingerprint(name)
    wants = set(stage_spec(name, {}, graph).deps) if "matrix" not in graph["stages"][name] else None
    if not up.exact or not up.frames or wants is None:
        return None
    for path in wants & set(up.frames):
        try:
            if not up.frames[path].frame.equals(Table.read(up.frames[path].model, path).frame):
                return True
        except TableError:
            return True
    others = wants - {FOLDER / f"{name}.txt"}  # only stage `code` writes that
    return None if any(path.parts[0] in UNCACHED for path in others) else False


def estimate(one: Planned, graph: dict[str, Any], params: dict[str, Any], tables: dict[Path, Table]) -> None:
    """Rehearse a stage and fill in what it asks, and what it would write."""
    with ExitStack() as stack:
        run = rehearsal(one.stage, graph, params, stack, replacements=tables)
        outputs = run.outputs()
        one.frames = {run.spec.targets[name]: value for name, value in outputs.items() if isinstance(value, Table)}
        if run.engines:
            count_requests(one, run, BudgetParams.model_validate(params.get("budget") or {}))
        elif run.sandbox is None:
            one.seconds = last_run(one.stage).get("seconds")
        if run.sandbox is not None:
            one.jobs = run.sandbox.requests - run.sandbox.hits
            one.exact &= one.jobs == 0


def count_requests(one: Planned, run: Rehearsal, budget: BudgetParams) -> None:
    """Requests, tokens, money and seconds of a rehearsed stage.

    What a role is asked only after answers that are not there yet is taken from the stage's last run, in proportion to
    the rows read then and now.
    """
    last = last_run(one.stage)
    one.requests = one.to_ask = 0
    incomplete = not one.exact or any(engine.backend.requests for engine in run.engines.values())
    for role, engine in run.engines.items():
        assert isinstance(engine.backend, Unasked)
        asked, missing, later = engine.usage.requests, len(engine.backend.requests), 0
        if incomplete:
            before = last.get("usage", {}).get(role, {}).get("requests", 0)
            one.more = not last
            later = max(0, round(before * growth(one, run, last)) - asked)
        one.requests += asked + later
        one.to_ask += missing + later
        prompt, completion = tokens_each(engine, last, role)
        tokens = engine.backend.prompt_tokens + later * (prompt or 0.0), (missing + later) * completion
        one.tokens += round(sum(tokens))
        if engine.simulated or not (missing + later or one.more):
            continue
        price = budget.prices.get(engine.spec.model)
        known = price is not None and (prompt is not None or not later) and missing + later
        one.cost = one.cost + price.of(*tokens) if known and price and one.cost is not None else None
    pace = last.get("seconds_per_request")
    if one.to_ask:
        one.seconds = None if pace is None else one.to_ask * pace
    else:
        one.seconds = last.get("seconds", None if one.more else 0.0)
    one.exact &= one.to_ask == 0


def growth(one: Planned, run: Rehearsal, last: dict[str, Any]) -> float:
    """Rows to read over the rows of the last run. Where its input is not complete yet, it will be no shorter than then."""
    before = last.get("rows")
    if not before:
        return 1.0
    share = sum(len(table) for table in run.consumed.values()) / before
    return share if one.exact else max(1.0, share)


def tokens_each(engine: Any, last: dict[str, Any], role: str) -> tuple[float | None, float]:
    """Tokens of a prompt (None: unknown) and of an answer.

    Of prompts, the mean of the last run's, else of those to be sent; of answers, the mean of what is cached, else of
    the last run's, else half of max_tokens.
    """
    missing = len(engine.backend.requests)
    prompt = last.get("prompt_tokens", {}).get(role) or (engine.backend.prompt_tokens / missing if missing else None)
    known = [answer.completion_tokens for answer in engine.sender.cache.known.values()]
    if known:
        return prompt, sum(known) / len(known)
    return prompt, last.get("completion_tokens", {}).get(role) or engine.spec.max_tokens / 2


def seconds_of(matrix: str) -> float | None:
    """Seconds of all items of a matrix stage in their last runs."""
    notes = [record["seconds"] for record in last_runs(f"{matrix}-*").values()]
    return sum(notes) if notes else None


def ordered(needs: dict[str, set[str]]) -> list[str]:
    """Stages after all that they need, otherwise as in dvc.yaml."""
    order: list[str] = []
    while len(order) < len(needs):
        ready = next(name for name in needs if name not in order and needs[name] <= set(order))
        order.append(ready)
    return order


def estimates(one: Planned) -> list[str]:
    """Requests to ask, tokens, money and minutes of a stage; `~` before what is not exact, `?` for what is unknown."""
    return [
        f"{'' if one.exact else '~'}{one.to_ask:,}",
        f"{'~' if one.tokens else ''}{one.tokens:,}",
        "?" if one.cost is None else f"{'~' if one.cost else ''}{one.cost:.2f}",
        "?" if one.seconds is None else f"~{one.seconds / 60:.1f}",
    ]


def format_plan(planned: list[Planned], currency: str) -> list[str]:
    """The plan in columns, and its sums."""
    lines = [f"{'stage':<14}{'runs':<9}{'requests':>10}{'to ask':>10}{'tokens':>12}{currency:>10}{'minutes':>9}  why"]
    for one in planned:
        unknown = (one.requests is None and not one.exact) or (one.more and not one.requests)
        asked = "" if one.runs == "no" else "?" if unknown else f"{one.requests or 0:,}"
        figures = [asked, *([""] * 4 if one.runs == "no" else estimates(one))]
        jobs = f"; {one.jobs:,} programs to judge" if one.jobs else ""
        lines.append(
            f"{one.stage:<14}{one.runs:<9}" + "{:>10}{:>10}{:>12}{:>10}{:>9}".format(*figures) + f"  {one.why}{jobs}"
        )
    runs = [one for one in planned if one.runs != "no"]
    exact = all(one.exact for one in runs)
    unpriced = [one.stage for one in runs if one.cost is None]
    perhaps = sum(one.runs == "perhaps" for one in runs)
    how = "" if exact else "at least " if any(one.more for one in runs) else "about "
    lines.append(
        f"{len(runs) - perhaps} of {len(planned)} stages will run{f', {perhaps} perhaps' if perhaps else ''}; "
        f"{how}{sum(one.to_ask for one in runs):,} requests to ask, about {sum(one.tokens for one in runs):,} tokens, "
        f"{sum(one.cost or 0.0 for one in runs):.2f} {currency}"
        + (f" without {', '.join(unpriced)} (no price in budget.prices, or nothing known yet)" if unpriced else "")
        + f", about {sum(one.seconds or 0.0 for one in runs) / 60:.1f} minutes"
    )
    if not exact:
        lines.append("~ an estimate: some of its input is not there before earlier answers are")
    return lines


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("plan")
