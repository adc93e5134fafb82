"""The alignment tax: abilities after preference training minus abilities after SFT, in points, with intervals.

Within a run, over items: the same items before and after, so the interval is of paired differences: Newcombe's for
greedy flips, one of the items' differences for sampled shares (cultivar/grading/intervals.py). Over repetitions
(train/seeds.py): the difference of each seed, as mean, lowest and highest, AdamW beside OnDARE and OnTIES; the lowest
and the highest of a few seeds are a range, no confidence interval.
"""

from typing import Any

import polars as pl

from cultivar.grading.intervals import change
from schemas.rows import EvaluatedItem, SeedResult
from schemas.table import Context

Lines = list[dict[str, Any]]
AFTER = ("dpo", "online_dpo")
ABILITIES = ("math_greedy", "math_sampled", "constraints_greedy", "constraints_sampled", "code_greedy", "code_sampled")
BESIDE = ("reward", "kl_to_sft", "completion_tokens", "heldout_nll")


def tax(models: dict[str, Context[EvaluatedItem]], names: dict[str, str], confidence: float) -> Lines:
    """One line per task and model after SFT: points against SFT, greedy and sampled, each with its interval."""
    before = models["sft"].frame
    lines = []
    for task, title in names.items():
        for model in AFTER:
            line: dict[str, Any] = {"task": title, "key": task, "model": model}
            for way, which in (("greedy", pl.col("sample") == 0), ("sampled", pl.col("sample") > 0)):
                was, now = (item_rates(frame, task, which) for frame in (before, models[model].frame))
                line[way] = mean_change(was.join(now, on="item", suffix="_now"), confidence)
            lines.append(line)
    return lines


def item_rates(frame: pl.DataFrame, task: str, which: pl.Expr) -> pl.DataFrame:
    """item and its share of right completions."""
    return (
        frame.filter((pl.col("task") == task) & which & pl.col("correct").is_not_null())
        .group_by(item=pl.col("parents").list.first())
        .agg(rate=pl.col("correct").mean())
        .sort("item")
    )


def mean_change(both: pl.DataFrame, confidence: float) -> dict[str, float | None] | None:
    """Mean difference in points with its interval over items; None without items, no interval of fewer than two."""
    if not both.height:
        return None
    was, now = both["rate"].to_list(), both["rate_now"].to_list()
    interval = change(was, now, confidence)
    low, high = (100 * end for end in interval) if interval else (None, None)
    return {"points": 100 * (sum(now) - sum(was)) / both.height, "low": low, "high": high}


def over_seeds(results: Context[SeedResult]) -> dict[str, Any]:
    """Tables over seeds: each figure of each model, and the tax of each model; empty where nothing was repeated."""
    frame = results.frame
    if not frame.height:
        return {}
    models = frame["model"].unique(maintain_order=True).to_list()
    order = sorted(
        models, key=lambda name: (["base", "sft", "dpo"].index(name) if name in ("base", "sft", "dpo") else 3, name)
    )
    wide = frame.pivot("metric", index=["seed", "model"], values="value")
    abilities = [name for name in ABILITIES if name in wide.columns]
    figures = [name for name in (*abilities, *BESIDE) if name in wide.columns]
    sft = wide.filter(pl.col("model") == "sft").drop("model")
    lines, taxes = [], []
    for model in order:
        own = wide.filter(pl.col("model") == model)
        lines.append({"model": model, "values": [spread_of(own[name], name in abilities) for name in figures]})
        if model not in ("base", "sft"):
            pair = own.join(sft, on="seed", suffix="_sft")
            changes = [pair[name] - pair[f"{name}_sft"] for name in abilities]
            taxes.append({"model": model, "values": [spread_of(change, True, signed=True) for change in changes]})
    return {
        "seeds": sorted(frame["seed"].unique().to_list()),
        "figures": [name.replace("_", " ") for name in figures],
        "abilities": [name.replace("_", " ") for name in abilities],
        "lines": lines,
        "taxes": taxes,
    }


def spread_of(values: pl.Series, share: bool, signed: bool = False) -> str:
    """`mean (lowest – highest)`, a range and no interval; shares in points."""
    known = values.drop_nulls()
    if not len(known):
        return "–"
    scale, digits, sign = (100, 1, "+" if signed else "") if share else (1, 2, "")
    low, mean, high = (scale * float(value) for value in (known.min(), known.mean(), known.max()))  # type: ignore[arg-type]
    return f"{mean:{sign}.{digits}f} ({low:{sign}.{digits}f} – {high:{sign}.{digits}f})"
