"""What a search will train, before it trains: steps, seeds, trainings at most, time by the last run of every stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from cultivar.runlog.folders import runs_folder
from reports.bisect.candidates import Step
from reports.bisect.running import Bench
from reports.bisect.search import Rule, comparisons_of


@dataclass(frozen=True)
class Plan:
    """`seconds` of one training, by the last run of its stages here; None where they never ran."""

    steps: int
    rule: Rule
    trainings: int
    seconds: float | None


def plan_of(ladder: Sequence[Step], rule: Rule, bench: Bench, stages: Sequence[str], confirms: int) -> Plan:
    """Trainings at most: both ends, the steps of a halving and the confirmation, with all seeds, less what is known."""
    seeds = rule.looks[-1]
    ends = sum(bench.known(step, seed) is None for step in (ladder[0], ladder[-1]) for seed in range(seeds))
    inner = (comparisons_of(len(ladder)) - 1 + confirms) * seeds
    return Plan(len(ladder), rule, ends + inner, seconds_of(stages))


def seconds_of(stages: Sequence[str]) -> float | None:
    """How long these stages took when each last ran here."""
    found = 0.0
    for stage in stages:
        record = runs_folder() / f"{stage.replace('@', '-')}.json"
        try:
            found += float(json.loads(record.read_text(encoding="utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
    return found


def plan_text(plan: Plan, metric: str, stages: Sequence[str], parts: Sequence[str]) -> str:
    """The plan in words."""
    seeds = plan.rule.looks[-1]
    lines = [f"{metric}: {plan.steps - 1} " + ("parts of the change" if parts else "data versions after the good one")]
    if parts:
        lines.append("  " + " · ".join(parts[:12]) + (f" · {len(parts) - 12} more" if len(parts) > 12 else ""))
    if stages:
        noise = (
            f"{seeds} seeds each, read after {' and '.join(map(str, plan.rule.looks))}"
            if seeds > 1
            else "no seeds, so no noise"
        )
        lines.append(f"trainings: at most {plan.trainings} ({noise}; {' → '.join(stages)})")
    if plan.seconds is not None:
        lines.append(
            f"time: at most {plan.trainings * plan.seconds / 60:.0f} minutes, {plan.seconds:.0f} s a training as stages last took here"
        )
    if seeds > 1:
        error = f"{1 - plan.rule.confidence:.2g}"
        lines.append(f"a wrong answer has a probability of at most {error}; what seeds do not separate stays open")
    return "\n".join(lines)
