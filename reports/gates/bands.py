"""How far a metric moves by chance: intervals of the change of one between two versions.

Three sources, each where it is there: the items of the evaluation, compared in pairs (data/evaluated/<model>.parquet); the
number of trials behind a rate; the spread of repeated trainings (data/seed_results.parquet). Items say how well a model
is measured, seeds how much another training of the same data would move it: where both are known the wider end counts.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from scipy.special import stdtrit

from cultivar.grading.intervals import change, wilson
from reports.versions.objects import MissingObject
from reports.versions.version import Version

TASKS = {"math": "math", "constraints": "constraint", "code": "code", "general": "general"}
"""How the metrics of a task begin -> the task."""
LEAST_SEEDS = 3
"""Trainings from which their spread is taken."""


class Band(NamedTuple):
    """Ends of the interval of new - old, and what it comes from."""

    low: float
    high: float
    source: str


def wider(bands: Sequence[Band | None]) -> Band | None:
    """The lowest and the highest end of those that are known."""
    known = [band for band in bands if band is not None]
    if not known:
        return None
    return Band(
        min(band.low for band in known), max(band.high for band in known), "; ".join(band.source for band in known)
    )


def unpaired_rates(old: float, old_trials: int, new: float, new_trials: int, confidence: float) -> Band | None:
    """Newcombe's interval of the difference of two rates of their own trials (Newcombe 1998a, method 10)."""
    if not old_trials or not new_trials:
        return None
    old_low, old_high = wilson(old * old_trials, old_trials, confidence)
    new_low, new_high = wilson(new * new_trials, new_trials, confidence)
    low = new - old - math.hypot(new - new_low, old_high - old)
    high = new - old + math.hypot(new_high - new, old - old_low)
    return Band(low, high, f"{old_trials:,} and {new_trials:,} trials")


def paired_mean(differences: pl.Series, confidence: float, what: str) -> Band | None:
    """Student's interval of the mean of differences; None for fewer than two, or where none differs from another."""
    count = len(differences)
    if count < 2:
        return None
    mean, deviation = float(differences.mean() or 0.0), float(differences.std() or 0.0)  # type: ignore[arg-type]
    if not deviation:
        return None
    half = float(stdtrit(count - 1, 0.5 + confidence / 2)) * deviation / math.sqrt(count)
    return Band(mean - half, mean + half, f"paired, {count:,} {what}")


class Evaluations:
    """The evaluated items of two versions, read by need."""

    def __init__(self, old: Version, new: Version, confidence: float) -> None:
        self.versions, self.confidence = (old, new), confidence
        self.frames: dict[str, tuple[pl.DataFrame, pl.DataFrame] | None] = {}

    def of(self, model: str) -> tuple[pl.DataFrame, pl.DataFrame] | None:
        """The tables of a model in both versions; None where one has not got it."""
        path = f"data/evaluated/{model}.parquet"
        if model not in self.frames:
            try:
                old, new = (
                    pl.concat([pl.read_parquet(file) for file in version.files(path)]) for version in self.versions
                )
                self.frames[model] = (old, new)
            except MissingObject:
                self.frames[model] = None
        return self.frames[model]

    def band(self, model: str, metric: str) -> Band | None:
        """The band of one metric of metrics/evaluate/<model>.json over the items that both versions have."""
        frames = self.of(model)
        if frames is None:
            return None
        task, _, way = metric.rpartition("_")
        if way in ("greedy", "sampled") and task in TASKS:
            old, new = (rates(frame, TASKS[task], greedy=way == "greedy") for frame in frames)
            both = old.join(new, on="item", suffix="_new").sort("item")
            interval = change(both["value"].to_list(), both["value_new"].to_list(), self.confidence)
            return Band(*interval, f"paired, {both.height:,} items") if interval else None
        column = {"reward": "reward", "completion_tokens": "completion_tokens", "kl_to_sft": "kl"}.get(metric)
        if column is None:
            return None
        old, new = (means(frame, column) for frame in frames)
        both = old.join(new, on="item", suffix="_new").sort("item")
        return paired_mean(both["value_new"] - both["value"], self.confidence, "items")


def rates(frame: pl.DataFrame, task: str, greedy: bool) -> pl.DataFrame:
    """`item` and `value`, its share of right completions."""
    sample = pl.col("sample") == 0 if greedy else pl.col("sample") > 0
    chosen = frame.filter((pl.col("task") == task) & sample & pl.col("correct").is_not_null())
    return chosen.group_by(item=pl.col("parents").list.first()).agg(value=pl.col("correct").mean())


def means(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """`item` and `value`, the mean of a column over its sampled completions; over the greedy one where only it has any."""
    known = frame.filter(pl.col(column).is_not_null())
    sampled = known.filter(pl.col("sample") > 0)
    chosen = sampled if sampled.height else known
    return chosen.group_by(item=pl.col("parents").list.first()).agg(value=pl.col(column).cast(pl.Float64).mean())


class Repetitions:
    """The repeated trainings of two versions (train/seeds.py)."""

    def __init__(self, old: Version, new: Version, confidence: float) -> None:
        self.confidence = confidence
        self.frames = [frame for version in (old, new) if (frame := seed_results(version)) is not None]

    def band(self, model: str, metric: str, difference: float) -> Band | None:
        """What two trainings with different seeds differ by, around `difference`; None for fewer than LEAST_SEEDS."""
        groups = [
            frame.filter((pl.col("model") == model) & (pl.col("metric") == metric))["value"] for frame in self.frames
        ]
        groups = [group for group in groups if len(group) >= LEAST_SEEDS]
        freedom = sum(len(group) - 1 for group in groups)
        if not freedom:
            return None
        squares = math.fsum(((group - group.mean()) ** 2).sum() for group in groups)
        half = float(stdtrit(freedom, 0.5 + self.confidence / 2)) * math.sqrt(2 * squares / freedom)
        seeds = sum(len(group) for group in groups)
        return Band(difference - half, difference + half, f"{seeds} trainings")


def seed_results(version: Version) -> pl.DataFrame | None:
    """`seed`, `model`, `metric`, `value` of a version's repeated trainings; None where there is no table."""
    path = "data/seed_results.parquet"
    if path not in version.tables():
        return None
    try:
        return pl.concat([pl.read_parquet(file) for file in version.files(path)])
    except MissingObject:
        return None
