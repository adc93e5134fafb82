"""What a run came to, in a few lines: the two products and their sources, held-out accuracy by model, the report's path.

cultivar summary [--all]
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from cultivar.runlog.closing import SHOWN, largest
from cultivar.runlog.console import complain, say
from cultivar.runlog.freshness import locked_stages, outdated
from cultivar.runlog.record import last_runs
from cultivar.runner.graph import GRAPH, load_yaml

PRODUCTS = {"D": "demonstrations", "P": "preferences"}
MODELS = ("base", "sft", "dpo", "online_dpo")
TASKS = {"math": "exact match", "constraints": "constraints", "code": "code"}


def main(
    everything: Annotated[
        bool, typer.Option("--all", help="every held-out metric of each model, and the seconds of each stage as well")
    ] = False,
) -> int:
    metrics = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path("metrics").glob("*.json"))
    }
    evaluated = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(Path("metrics/evaluate").glob("*.json"))
    }
    if not metrics:
        complain("nothing has run yet; `dvc repro` runs the recipe")
        return 1
    if everything:
        say("\n".join([*(model_table(evaluated) if evaluated else []), "", *time_table(), ""]))
    if "assemble" in metrics:
        out = metrics["assemble"]["out"]
        share = metrics.get("datasheet", {}).get("simulated_share", 0)
        say(f"D {out['demonstrations']:,} demonstrations, P {out['preferences']:,} preferences{simulated(share)}")
        if brought := brought_line(metrics):
            say(brought)
    behind = stages_behind()
    if evaluated:
        of_earlier = "evaluate" in behind
        say(accuracy_line(evaluated) + (" (of earlier data; `dvc repro` measures this)" if of_earlier else ""))
    say(f"report: {Path('reports/report.html').resolve()}{' (of earlier data)' if 'report' in behind else ''}")
    return 0


def brought_line(metrics: dict[str, dict[str, Any]]) -> str:
    """What became of what people brought: rows of D and P by source, what was not taken, quarantined, ranked by people."""
    made, taken = metrics["assemble"], metrics.get("ingest", {})
    products = {name: made.get(f"{product}_by_source", {}) for name, product in PRODUCTS.items()}
    together = Counter(products["D"]) + Counter(products["P"])
    order = sorted(together, key=lambda source: (-together[source], source))
    named = [
        f"{source} " + " + ".join(f"{rows[source]:,} {name}" for name, rows in products.items() if source in rows)
        for source in order[:SHOWN]
    ]
    parts = ["by source: " + ", ".join(named)] if named else []
    if len(order) > SHOWN:
        parts[0] += f", {len(order) - SHOWN} more in metrics/assemble.json"
    if left := taken.get("not_taken"):
        parts.append("not taken: " + largest(left, "metrics/ingest.json", 3))
    quarantined = {stage: of_stage.get("out", {}).get("quarantine", 0) for stage, of_stage in metrics.items()}
    if any(quarantined.values()):
        files = {f"data/quarantine/{stage}.parquet": rows for stage, rows in quarantined.items() if rows}
        parts.append("quarantined: " + largest(files, "data/quarantine", 3))
    if by_people := metrics.get("rank", {}).get("ranked_by_people"):
        parts.append(f"{by_people:,} prompts ranked by people")
    return "; ".join(parts)


def stages_behind() -> set[str]:
    """Stages that dvc.lock records with other inputs than the stages before them have made since."""
    lock = Path("dvc.lock")
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    return {name.partition("@")[0] for name in outdated(locked_stages(text))}


def accuracy_line(evaluated: dict[str, dict[str, Any]]) -> str:
    """Greedy accuracy of every model on each task."""
    models = [model for model in MODELS if model in evaluated]
    parts = []
    for task, name in TASKS.items():
        rates = {model: evaluated[model].get(f"{task}_greedy") for model in models}
        if any(rate is not None for rate in rates.values()):
            parts.append(
                f"{name} "
                + " → ".join(f"{model} {'–' if rate is None else f'{rate:.1%}'}" for model, rate in rates.items())
            )
    return "held out, greedy: " + "; ".join(parts)


def model_table(evaluated: dict[str, dict[str, Any]]) -> list[str]:
    """One line per number that every model has, one column per model."""
    models = [model for model in MODELS if model in evaluated]
    names = [name for name, value in evaluated[models[0]].items() if isinstance(value, int | float)]
    width = max(map(len, names))
    lines = [" " * width + "".join(f"{model:>12}" for model in models)]
    for name in names:
        values = [evaluated[model].get(name) for model in models]
        lines.append(
            f"{name:<{width}}" + "".join(f"{'–' if value is None else f'{value:.4g}':>12}" for value in values)
        )
    return lines


def time_table() -> list[str]:
    """Seconds of each stage's last run, in the order of the graph, and rows changed against the version before."""
    notes = last_runs()
    order = list(load_yaml(GRAPH)["stages"])
    timed = sorted(
        notes, key=lambda name: (order.index(name.split("-")[0]) if name.split("-")[0] in order else 99, name)
    )
    lines = [f"{name:<22}{notes[name]['seconds']:>8.1f} s{churn(notes[name].get('rows_changed'))}" for name in timed]
    return [*lines, f"{'stages together':<22}{sum(note['seconds'] for note in notes.values()):>8.1f} s"]


def churn(changed: dict[str, Any] | None) -> str:
    """Rows that a run changed, of those that it read and wrote."""
    if not changed or changed["out"] is None:
        return ""
    read = "" if changed["in"] is None else f"{changed['in']:,} in, "
    return f"   rows changed: {read}{changed['out']:,} out"


def simulated(share: float) -> str:
    """What there is to say of the simulated teacher's share of D and P; nothing where it has none."""
    return f" ({share:.1%} by the simulated teacher: figures show that the recipe runs)" if share else ""


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("summary")
