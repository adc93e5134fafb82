"""How far something reaches, in lines for a terminal and as plain values."""

from typing import Any

from reports.trace.spread import Spread
from reports.trace.training import DEMONSTRATIONS, PREFERENCES


def spread_lines(found: Spread) -> list[str]:
    """How far something reaches, in lines."""
    noun = {"source": "source", "license": "licence", "model": "model"}[found.what]
    lines = [f"{noun} {found.name} in {found.version.label}", ""]
    lines += [f"  {rows:>9,} rows of {table} bear it themselves" for table, rows in found.starts.items()]
    lines += ["", f"  {'rows':>9}  {'of':>9}  {'share':>6}  table"]
    lines += [f"  {one.rows:>9,}  {one.total:>9,}  {one.share:>6.1%}  {one.table}" for one in found.tables]
    for product, groups in found.groups.items():
        lines += ["", f"{product}, by strategy and domain"]
        lines += [f"  {count:>9,}  {strategy}, {domain}" for (strategy, domain), count in groups.items()]
        lines.append(f"  for example {', '.join(found.examples[product])}")
    if found.labelled:
        lines += [
            "",
            "rows that bear the licence's name: "
            + ", ".join(f"{rows:,} of {name}" for name, rows in found.labelled.items()),
        ]
    if found.models:
        lines += ["", "models that have seen such rows"]
        lines += [
            f"  models/{stage} ({rows:,} rows of the train split{pretext(stage)})"
            for stage, rows in found.models.items()
        ]
    if not {DEMONSTRATIONS, PREFERENCES} & {one.table for one in found.tables}:
        lines += ["", "no row of D or P was made of it"]
    if found.stages:
        lines += ["", f"stages that ask it: {', '.join(found.stages)}"]
        lines.append("(what a judge let pass without a verdict of its own, as evolve does, leads to no row here)")
    if found.files:
        lines += ["", "files of its sources: " + ", ".join(found.files)]
    return lines


def pretext(stage: str) -> str:
    """What is to be said of how a model has seen rows."""
    return {
        "dpo": "; of P those that `dpo.pairs` takes",
        "online_dpo": "; by their prompts, or through the models it starts from",
    }.get(stage, "")


def as_json(found: Spread) -> dict[str, Any]:
    """A spread as plain values."""
    return {
        "what": found.what,
        "name": found.name,
        "version": {"name": found.version.name, "commit": found.version.commit},
        "bear_it": found.starts,
        "tables": [
            {"table": one.table, "rows": one.rows, "total": one.total, "share": one.share} for one in found.tables
        ],
        "groups": {
            product: [
                {"strategy": strategy, "domain": domain, "rows": rows} for (strategy, domain), rows in groups.items()
            ]
            for product, groups in found.groups.items()
        },
        "examples": found.examples,
        "labelled": found.labelled,
        "models": found.models,
        "files": found.files,
        "stages": found.stages,
    }
