"""Writing the outputs of a stage to its declared paths: tables, plots, documents, models, metrics; all or none."""

import glob
import json
from pathlib import Path
from typing import Any

import psutil

from cultivar.runner.graph import StageSpec
from schemas.errors import GraphError
from schemas.rows import Dropped
from schemas.stage import Document, ModelOut, Plot
from schemas.table import Table
from schemas.writing import Drafts, naming, remove, write_text


def write_outputs(
    spec: StageSpec, outputs: dict[str, Any], models: dict[str, ModelOut], metrics: dict[str, Any], drafts: Drafts
) -> None:
    """Write every output to disk beside its declared path; `drafts.publish` puts all of them in their places.

    `outputs`: what the stage returned, by name; `models`: drafts that it filled; `metrics`: of the runner and the stage.
    Raises GraphError for an output that dvc.yaml does not list, that is missing, empty or of another type; DiskFull.
    """
    for name, model in models.items():
        drafts.add(spec.targets[name], model.path)
    returned = {name for name in outputs if name != "metrics"} | set(models)
    if missing := set(spec.targets) - returned:
        raise GraphError(f"stage {spec.name}: dvc.yaml lists outs {sorted(missing)} that the stage does not return")
    if extra := returned - set(spec.targets):
        raise GraphError(f"stage {spec.name}: returns {sorted(extra)}; add their paths to outs or plots in dvc.yaml")
    for name, value in outputs.items():
        if isinstance(value, Table):
            value.name = name
            value.write_draft(drafts.add(spec.targets[name]), spec.targets[name])
        elif isinstance(value, Plot):
            draft_text(drafts, spec.targets[name], value.frame.write_csv(float_precision=6))
        elif isinstance(value, Document):
            draft_text(drafts, spec.targets[name], value.text)
        elif name != "metrics":
            kind = type(value).__name__
            raise GraphError(f"stage {spec.name}: output {name} is a {kind}, not a Table, Plot or Document")
    for name, model in models.items():
        if not any(model.path.iterdir()):
            raise GraphError(f"stage {spec.name}: model {name} is empty")
    if spec.metrics:
        draft_text(drafts, spec.metrics, json.dumps(six_digits(metrics), indent=2, sort_keys=True) + "\n")


def draft_text(drafts: Drafts, path: Path, text: str) -> None:
    """Write a text that is to be `path`. Raises DiskFull, which names that."""
    draft = drafts.add(path)
    with naming(path):
        write_text(draft, text)


def metrics_of(
    states: dict[str, int], consumed: dict[str, Table], tables: dict[str, Table], usage: dict[str, dict]
) -> dict[str, Any]:
    """Metrics that two equal runs share: rows by state, rows per table, drops by rule, requests and errors by role."""
    metrics: dict[str, Any] = {"rows": states} if consumed else {}
    metrics["out"] = {name: len(table) for name, table in tables.items()}
    if "dropped" in tables and tables["dropped"].model is Dropped:
        counts = tables["dropped"].frame.group_by("rule").len().sort("rule")
        metrics["dropped_by_rule"] = {metric_key(rule): number for rule, number in counts.iter_rows()}
    for role, used in usage.items():
        metrics[f"asked_{role}"] = {name: used[name] for name in ("requests", "asked_again", "errors")}
    return metrics


def metric_key(text: str) -> str:
    """A rule's words as a key that DVC can address."""
    return "".join(letter if letter.isalnum() else "_" for letter in text.lower())


def remove_drafts(spec: StageSpec) -> None:
    """Remove the drafts of outputs that killed runs of this stage have left."""
    for path in [*spec.targets.values(), *([spec.metrics] if spec.metrics else [])]:
        for draft in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            number = draft.name.removesuffix(".tmp").rpartition(".")[2]
            if number.isdigit() and not psutil.pid_exists(int(number)):
                remove(draft)


def six_digits(value: Any) -> Any:
    """Numbers to six significant digits, so that metrics diff well."""
    if isinstance(value, dict):
        return {name: six_digits(item) for name, item in value.items()}
    if isinstance(value, list):
        return [six_digits(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value
