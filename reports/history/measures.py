"""Metrics by address (`reward:heldout_accuracy` is that key of metrics/reward.json), with what is known of their noise."""

import difflib
import fnmatch
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from cultivar.grading.intervals import wilson
from schemas.errors import UserError

Metrics = dict[str, dict[str, Any]]
"""Metrics of one version by the path of their file below metrics/, without its ending."""


class Measured(NamedTuple):
    """A value and the ends of its interval over the held-out items, where one is recorded or follows from the counts."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Measure:
    """A column: its address (unique), the words over it, and how its value is found. `is_share`: shown in percent."""

    address: str
    words: str
    find: Callable[[Metrics], Measured | None]
    is_share: bool = False


TRIALS = {"reward:heldout_accuracy": "reward:heldout_pairs"}
"""Rates whose file holds their number of trials but no interval."""
QUARANTINE, AGREEMENT = "quarantine_share", "judge_agreement"
SHARES = ("_share", "_rate", "accuracy", "_sampled", "_greedy", "_agreement")
FILE_ENDS = ("metrics/", ".json")


def number_at(metrics: Metrics, address: str) -> float | None:
    """The number at an address; None where there is none."""
    file, _, key = address.partition(":")
    value: Any = metrics.get(file)
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return number(value)


def number(value: Any) -> float | None:
    """A value of a metrics file as a finite number; None of any other."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of more digits than a float holds
        return None


def measured_at(metrics: Metrics, address: str) -> Measured | None:
    """The number at an address with its interval: from its `_low` and `_high`, or Wilson's from its trials."""
    value = number_at(metrics, address)
    if value is None:
        return None
    low, high = (number_at(metrics, f"{address}_{end}") for end in ("low", "high"))
    trials = number_at(metrics, TRIALS[address]) if address in TRIALS else None
    if low is None and trials is not None and trials >= 1 and 0 <= value <= 1:
        low, high = wilson(value * trials, int(trials))
    return Measured(value, low, high)


def addresses(metrics: Metrics) -> Iterator[str]:
    """Every address that holds a number, in the files' order."""

    def keys(value: dict[str, Any], before: str) -> Iterator[str]:
        for key, inner in value.items():
            if isinstance(inner, dict):
                yield from keys(inner, f"{before}{key}.")
            elif isinstance(inner, int | float) and not isinstance(inner, bool):
                yield f"{before}{key}"

    for file, value in metrics.items():
        yield from keys(value, f"{file}:")


def quarantine_share(metrics: Metrics) -> Measured | None:
    """Rows of every stage that ended in quarantine, over rows that stages read."""
    rows = [value["rows"] for value in metrics.values() if isinstance(value.get("rows"), dict)]
    read, ended = (math.fsum(number(row.get(state)) or 0.0 for row in rows) for state in ("in", "quarantined"))
    return Measured(ended / read) if read else None


def judge_agreement(metrics: Metrics) -> Measured | None:
    """Share of the judge's comparisons that stay when the order of the answers changes; the mean of several judges."""
    judges = metrics.get("rank", {}).get("judges", {})
    listed = judges.values() if isinstance(judges, dict) else ()
    found = [number(one.get("swap_agreement")) for one in listed if isinstance(one, dict)]
    values = [value for value in found if value is not None]
    return Measured(math.fsum(values) / len(values)) if values else None


def last_model(graph: dict[str, Any]) -> str | None:
    """The model that the graph evaluates last: the result of the recipe."""
    models = graph.get("stages", {}).get("evaluate", {}).get("matrix", {}).get("model", [])
    return models[-1] if isinstance(models, list) and models else None


def default_measures(graph: dict[str, Any], known: Sequence[str]) -> list[Measure]:
    """The few that matter: accuracies of the last model, reward accuracy, agreement, simulated share, quarantine."""
    found = []
    if (model := last_model(graph)) is not None:
        begins = f"evaluate/{model}:"
        tasks = [one.removesuffix("_sampled") for one in known if one.startswith(begins) and one.endswith("_sampled")]
        for task in tasks:
            words = f"{task.removeprefix(begins).replace('_', ' ')}, {model.replace('_', ' ')} model"
            found.append(measure_of(f"{task}_sampled", words, True))
    shares = {"reward:heldout_accuracy": "reward accuracy", "datasheet:simulated_share": "simulated share"}
    found += [measure_of(address, words, True) for address, words in shares.items() if address in known]
    found.insert(
        len(found) - ("datasheet:simulated_share" in known),
        Measure(AGREEMENT, "judge agreement", judge_agreement, True),
    )
    return [*found, Measure(QUARANTINE, "in quarantine", quarantine_share, True)]


def measure_of(address: str, words: str | None = None, is_share: bool | None = None) -> Measure:
    """The measure at an address; whether it is a share is told by its name where nobody says."""
    share = address.endswith(SHARES) if is_share is None else is_share
    return Measure(address, words or address, lambda metrics: measured_at(metrics, address), share)


def chosen_measures(asked: Sequence[str], known: Sequence[str]) -> list[Measure]:
    """Measures by address, pattern (`evaluate/*:math_sampled`) or DVC's form (`metrics/reward.json:loss`).

    Raises UserError where no version has such a metric.
    """
    own = {QUARANTINE: quarantine_share, AGREEMENT: judge_agreement}
    found: dict[str, Measure] = {}
    for word in asked:
        if word in own:
            found[word] = Measure(word, word.replace("_", " "), own[word], True)
            continue
        file, _, key = word.partition(":")
        name = f"{file.removeprefix(FILE_ENDS[0]).removesuffix(FILE_ENDS[1])}:{key}"
        names = [one for one in known if fnmatch.fnmatchcase(one, name)]
        if not names:
            hint = ", ".join(difflib.get_close_matches(name, known, 5, 0.3) or [QUARANTINE, AGREEMENT])
            raise UserError(f"no data version has a metric {word}; there are {hint} … (FILE:KEY of metrics/FILE.json)")
        found |= {one: measure_of(one) for one in names}
    return list(found.values())
