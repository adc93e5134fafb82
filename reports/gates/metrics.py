"""Metrics of two versions side by side: those that mean something, each with its noise band and a word.

Counts of rows are left out: the diff names the rows. A change is `better` or `worse` only beyond its band
(reports/gates/bands.py); where nothing bounds the noise it is `changed`, whatever its size. A figure that a version has from
earlier data only, since its stage has not run on this data, is `not measured`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from reports.gates.bands import Band, Evaluations, Repetitions, unpaired_rates, wider
from reports.gates.model import MetricLine, Word
from reports.versions.version import Version

CONFIDENCE = 0.95
MODELS = ("base", "sft", "dpo", "online_dpo")


class Known(NamedTuple):
    """A metric that is shown: `better` is "high", "low" or "", `trials` the metric that counts what a rate is of."""

    pattern: re.Pattern[str]
    title: str
    group: str
    unit: str
    better: str
    trials: str = ""


KNOWN = (
    Known(
        re.compile(r"evaluate/(?P<model>\w+)\.(?P<task>math|constraints|code|general)_greedy"),
        "{model}: {task}, greedy",
        "Abilities",
        "share",
        "high",
    ),
    Known(
        re.compile(r"evaluate/(?P<model>\w+)\.(?P<task>math|constraints|code|general)_sampled"),
        "{model}: {task}, sampled",
        "Abilities",
        "share",
        "high",
    ),
    Known(
        re.compile(r"evaluate/(?P<model>\w+)\.heldout_nll"), "{model}: loss on held-out D", "Abilities", "nats", "low"
    ),
    Known(
        re.compile(r"evaluate/(?P<model>\w+)\.reward"),
        "{model}: mean reward, by its version's reward model",
        "Abilities",
        "reward",
        "",
    ),
    Known(re.compile(r"evaluate/(?P<model>\w+)\.kl_to_sft"), "{model}: KL to SFT", "Abilities", "nats", ""),
    Known(re.compile(r"evaluate/(?P<model>\w+)\.completion_tokens"), "{model}: mean length", "Abilities", "tokens", ""),
    Known(
        re.compile(r"reward\.heldout_accuracy"),
        "reward model: held-out accuracy",
        "Training",
        "share",
        "high",
        "heldout_pairs",
    ),
    Known(re.compile(r"(?P<stage>base|sft|reward|dpo)\.loss"), "{stage}: training loss", "Training", "nats", "low"),
    Known(re.compile(r"online_dpo\.win_rate_last"), "online DPO: win rate, last episode", "Training", "share", "high"),
    Known(
        re.compile(r"rank\.judge_and_people\.agreement"),
        "judge: decided pairs ordered as people do",
        "Judges",
        "share",
        "high",
        "prompts",  # the pairs of a prompt are not independent
    ),
    Known(
        re.compile(r"rank\.judges\.(?P<judge>[^.]+)\.swap_agreement"),
        "{judge}: pairs ordered alike in every order",
        "Judges",
        "share",
        "high",
        "prompts",
    ),
    Known(
        re.compile(r"rank\.judges\.(?P<judge>[^.]+)\.position_bias\.largest"),
        "{judge}: largest bias by place",
        "Judges",
        "rating",
        "low",
    ),
    Known(
        re.compile(r"^(?P<stage>\w+)\.quarantine_share"),
        "{stage}: rows quarantined",
        "Losses of rows",
        "share",
        "low",
        "rows.in",
    ),
    Known(
        re.compile(r"^(?P<stage>\w+)\.lost_share"),
        "{stage}: requests without an answer",
        "Losses of rows",
        "share",
        "low",
        "requests",
    ),
    Known(
        re.compile(r"datasheet\.simulated_share"),
        "rows of D and P by the simulated teacher",
        "Data",
        "share",
        "",
    ),
)
"""In the order in which they are shown."""


def metric_lines(old: Version, new: Version, confidence: float = CONFIDENCE) -> list[MetricLine]:
    """The known metrics that either version has, by group, with their bands at this confidence."""
    before, after = (flat_metrics(version.measured()) for version in (old, new))
    every = [*flat_metrics(new.metrics()), *flat_metrics(old.metrics())]
    evaluations, repetitions = Evaluations(old, new, confidence), Repetitions(old, new, confidence)
    lines = []
    for known in KNOWN:
        names = [name for name in dict.fromkeys(every) if known.pattern.fullmatch(name)]
        for name in sorted(names, key=order_of):
            was, now = before.get(name), after.get(name)
            if known.group == "Losses of rows" and not was and not now:
                continue
            band = None
            if was is not None and now is not None and was != now:
                band = band_of(name, known, (before, after), evaluations, repetitions)
            line = line_of(name, known, was, now, band)
            is_of_earlier_data = any(
                value is None and name.partition(".")[0] in version.earlier_metrics
                for value, version in ((was, old), (now, new))
            )
            lines.append(replace(line, word="not measured") if is_of_earlier_data else line)
    return lines


def order_of(name: str) -> tuple[int, str]:
    model = name.removeprefix("evaluate/").partition(".")[0]
    return (MODELS.index(model) if name.startswith("evaluate/") and model in MODELS else len(MODELS), name)


def band_of(
    name: str,
    known: Known,
    values: tuple[Mapping[str, float], Mapping[str, float]],
    evaluations: Evaluations,
    repetitions: Repetitions,
) -> Band | None:
    """The noise band of a metric that both versions have."""
    was, now = (one[name] for one in values)
    file, _, key = name.partition(".")
    if file.startswith("evaluate/"):
        model = file.removeprefix("evaluate/")
        return wider([evaluations.band(model, key), repetitions.band(model, key, now - was)])
    if known.trials:
        counter = name.rpartition(".")[0] + "." + known.trials
        trials = [int(one.get(counter, 0)) for one in values]
        return unpaired_rates(was, trials[0], now, trials[1], evaluations.confidence)
    return None


def line_of(name: str, known: Known, old: float | None, new: float | None, band: Band | None) -> MetricLine:
    found = known.pattern.fullmatch(name)
    assert found is not None
    return MetricLine(
        name=name,
        title=known.title.format(**{key: value.replace("_", " ") for key, value in found.groupdict().items()}),
        old=old,
        new=new,
        low=band.low if band else None,
        high=band.high if band else None,
        word=word_of(old, new, band, known.better),
        unit=known.unit,
        band=band.source if band else "",
        group=known.group,
    )


def word_of(old: float | None, new: float | None, band: Band | None, better: str) -> Word:
    """What a change means."""
    if old is None or new is None:
        return "gone" if new is None else "new"
    if old == new:
        return "unchanged"
    if band is not None and band.low <= 0 <= band.high:
        return "within noise"
    if band is None or not better:
        return "changed"
    return "better" if (new > old) == (better == "high") else "worse"


def flat_metrics(metrics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """`filter.rows.kept` -> number, for every number of metrics/*.json, and the shares that follow from them."""
    found: dict[str, float] = {}
    for file, content in metrics.items():
        found |= {f"{file}.{key}": value for key, value in numbers(content)}
        found |= {f"{file}.{key}": value for key, value in shares(content).items()}
    return found


def numbers(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{prefix}{key}.")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield f"{prefix}{key}", value


def shares(content: Mapping[str, Any]) -> dict[str, float]:
    """Shares of a stage that its metrics hold as counts: of rows quarantined, of requests without an answer."""
    found: dict[str, float] = {}
    rows = content.get("rows")
    if isinstance(rows, dict) and rows.get("in"):
        found["quarantine_share"] = rows.get("quarantined", 0) / rows["in"]
    asked = [value for key, value in content.items() if key.startswith("asked_") and isinstance(value, dict)]
    if requests := sum(one.get("requests", 0) for one in asked):
        found |= {"lost_share": sum(one.get("errors", 0) for one in asked) / requests, "requests": requests}
    return found
