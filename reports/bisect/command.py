"""Which data version, or which part of a change, moved a metric: `cultivar bisect METRIC [--by source]`.

METRIC is FILE:KEY of metrics/FILE.json. Over versions: a binary search over the commits that changed dvc.lock, whose
metric is read where it is recorded, else trained. Over parts (--by strategy, domain, tag or source): the bad version is
trained with D and P in which some parts are as in the good one. Everything is compared over the same seeds; what they do
not separate is left open. Without --yes only the plan is printed. Trained candidates are DVC experiments (`bisect-…`): an
interrupted search goes on where it was, and `dvc exp list` shows them.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Annotated, NamedTuple, cast

import typer

from cultivar.runlog.console import complain, say
from cultivar.runlog.freshness import locked_stages
from reports.bisect.candidates import Step, retrained, training_of
from reports.bisect.parts import WAYS, read_change
from reports.bisect.plan import plan_of, plan_text
from reports.bisect.running import Bench
from reports.bisect.search import Comparison, Rule, Search, comparisons_of, looks_of, search, side_of
from reports.history.measures import chosen_measures
from reports.history.revisions import Revision, data_revisions
from reports.history.timeline import PRODUCTS, known_addresses, read_states
from reports.page.numbers import figure
from reports.versions.version import LOCK, Version
from schemas.errors import UserError

VERSION = "version"
INTERRUPTED = 130


def main(
    metric: Annotated[str, typer.Argument(help="FILE:KEY of metrics/FILE.json")],
    good: Annotated[
        str | None,
        typer.Option(
            "--good", help="a version before it moved (default: the first measured; with parts the one before --bad)"
        ),
    ] = None,
    bad: Annotated[str | None, typer.Option("--bad", help="a version after it moved (default: the last)")] = None,
    by: Annotated[str, typer.Option("--by", help="version, strategy, domain, tag or source")] = VERSION,
    seeds: Annotated[int, typer.Option("--seeds", help="trainings of a candidate, at most", min=3)] = 5,
    confidence: Annotated[
        float, typer.Option("--confidence", help="of the whole answer, below 1", min=0.5, max=0.999)
    ] = 0.95,
    yes: Annotated[bool, typer.Option("--yes", help="train what the plan says")] = False,
    ask: Annotated[bool, typer.Option("--ask", help="candidates may ask models what was never asked")] = False,
) -> int:
    try:
        if by not in (VERSION, *WAYS):
            raise UserError(f"--by {by} is none of {', '.join((VERSION, *WAYS))}")
        return bisect(metric, good, bad, by, Settings(seeds, confidence, yes, ask))
    except UserError as error:
        complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        complain("interrupted: finished candidates are kept; the same command goes on from there")
        return INTERRUPTED


class Settings(NamedTuple):
    """What holds for the whole search: the options of these names."""

    seeds: int
    confidence: float
    yes: bool
    ask: bool


def bisect(metric: str, good: str | None, bad: str | None, by: str, settings: Settings) -> int:
    """Plan, search, tell; the exit status. Raises UserError."""
    revisions = data_revisions(None, bad)
    states = read_states(revisions)
    measures = chosen_measures([metric], known_addresses(states))
    if len(measures) != 1 or ":" not in measures[0].address:
        raise UserError(f"{metric} names {len(measures)} metrics; name one, FILE:KEY of metrics/FILE.json")
    measure = measures[0]
    last = Version(revisions[-1].name, revisions[-1].commit)
    stages = locked_stages(last.text(LOCK) or "")
    training = training_of(measure.address.partition(":")[0], stages, last.graph(), last.params())
    again = retrained(stages, last.graph(), training)
    measured = [state.revision for state in states if measure.find(state.metrics) is not None]
    first = start(good, revisions, measured, by)
    between = revisions[revisions.index(first) :]
    if len(between) < 2:
        raise UserError("the good and the bad version are the same; name others with --good and --bad")
    confirms = int(by != VERSION)
    parts: list[str] = []
    if by == VERSION:
        ladder = [Step(one.commit or "", f"{one.name} {one.title}") for one in between]
        alone: list[Step] = []
        change = None
    else:
        if not {PRODUCTS["D"], PRODUCTS["P"]} & {path for name in again for path in stages[name].deps}:
            raise UserError(
                f"{metric} is measured before D and P are made, so no part of them moved it; use --by version"
            )
        change = read_change(Version(first.name, first.commit), last, by)
        parts = list(change.rows)
        if not parts:
            raise UserError(f"D and P are equal in {first.name} and {last.name}; the data did not move the metric")
        ladder, alone = ladder_of_parts(parts, first, last, by)
    looks = looks_of(settings.seeds) if training.seeds else (1,)
    rule = Rule(settings.confidence, looks, comparisons_of(len(ladder), confirms))
    with Bench(measure, training, settings.ask, change) as bench:
        say(plan_text(plan_of(ladder, rule, bench, again, confirms), metric, again, parts))
        if not settings.yes:
            say("nothing was run; --yes runs it")
            return 0
        value = cast(Callable[[Hashable, int], float], bench.value)
        result = search(ladder, value, rule, lambda found: say(comparison_text(found)))
        is_sure = result.outcome == "found" and (
            not alone or is_confirmed(alone[result.last_good or 0], ladder, result, value, rule)
        )
        say(answer(result, between, parts, is_sure, bench.trained))
    return 0


def start(good: str | None, revisions: Sequence[Revision], measured: Sequence[Revision], by: str) -> Revision:
    """The good version: the asked one's data, else the first that is measured, or for parts the one before the last."""
    if good is not None:
        wanted = data_revisions(None, good)[-1].commit
        found = next((one for one in revisions if one.commit == wanted), None)
        if found is None:
            raise UserError(f"--good {good} is not before the bad version; exchange them, or name another")
        return found
    if by != VERSION:
        return revisions[max(0, len(revisions) - 2)]
    return measured[0] if measured else revisions[0]


def ladder_of_parts(parts: Sequence[str], first: Revision, last: Version, by: str) -> tuple[list[Step], list[Step]]:
    """Steps from all parts as in the good version to none, and for every part the step in which it alone is."""
    commit, origin = last.commit or "", first.commit or ""

    def step(reverted: Sequence[str], words: str) -> Step:
        return Step(commit, words, tuple(reverted), by, origin) if reverted else Step(commit, f"{last.name} itself")

    ladder = [step(parts[at:], f"{len(parts) - at} of {len(parts)} by {by} reverted") for at in range(len(parts) + 1)]
    return ladder, [step([part], f"{by} {part} reverted") for part in parts]


def is_confirmed(
    alone: Step, ladder: Sequence[Step], result: Search, value: Callable[[Hashable, int], float], rule: Rule
) -> bool:
    """Whether the found part, reverted alone, brings the metric to the good side."""
    falls = result.comparisons[0].mean < 0
    found = side_of(alone, (ladder[0], ladder[-1]), falls, value, rule)
    say(comparison_text(found))
    return found.verdict == "good"


def comparison_text(found: Comparison) -> str:
    """A comparison in a line."""
    words = found.step.words if isinstance(found.step, Step) else str(found.step)
    noise = (
        f", {figure(found.interval[0])} to {figure(found.interval[1])} by {found.seeds} seeds"
        if found.seeds > 1
        else ""
    )
    return f"  {words}: {found.verdict} (distance {figure(found.mean)}{noise})"


def answer(result: Search, between: Sequence[Revision], parts: Sequence[str], is_sure: bool, trained: int) -> str:
    """The result in words."""
    by_trainings = f" ({trained} trained)"
    if result.outcome == "not moved" or result.last_good is None or result.first_bad is None:
        return f"not decided: the seeds do not separate the good and the bad version{by_trainings}; more --seeds may"
    moved = f"moved by {figure(result.comparisons[0].mean)}"
    if not parts:
        good, bad = between[result.last_good], between[result.first_bad]
        if is_sure:
            return f"{moved} with {bad.name} {bad.title}{by_trainings}; `cultivar diff {good.name} {bad.name}` says what changed"
        return f"{moved}, not decided where between {good.name} and {bad.name}{by_trainings}; more --seeds may decide"
    left = parts[result.last_good : result.first_bad]
    if is_sure:
        return f"{moved}; the part that moved it: {left[0]}{by_trainings}"
    if result.outcome == "found":
        return f"{moved}; {left[0]} is not enough alone: several parts together, or the seeds do not tell{by_trainings}"
    return f"{moved}, not decided among {', '.join(left)}{by_trainings}; more --seeds may decide"


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("bisect")
