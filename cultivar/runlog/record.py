"""The record of a stage's last run in .cache/runs: seconds, requests, rows changed, and averages that a plan needs."""

import json
from pathlib import Path
from typing import Any

from cultivar.runlog.folders import runs_folder
from schemas.writing import Drafts

ENOUGH_REQUESTS = 20
"""Requests sent from which a run tells how long one takes."""


def record_path(name: str) -> Path:
    """The record of a stage's last run (`name`: stage, for a matrix with its items: evaluate-sft)."""
    return runs_folder() / f"{name}.json"


def last_run(name: str) -> dict[str, Any]:
    """The record of the last run, {} where there is none that can be read."""
    try:
        found = json.loads(record_path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def last_runs(pattern: str = "*") -> dict[str, dict[str, Any]]:
    """Name -> record of the last runs whose names match, where it can be read and says how long the run took."""
    found = {path.stem: last_run(path.stem) for path in sorted(runs_folder().glob(f"{pattern}.json"))}
    return {name: record for name, record in found.items() if isinstance(record.get("seconds"), int | float)}


def record_run(name: str, seconds: float, usage: dict[str, dict], rows_changed: dict | None, rows_in: int) -> None:
    """Write the record of a run that took `seconds` and consumed `rows_in` rows. `usage`: requests by role."""
    path = record_path(name)
    record = {
        "seconds": round(seconds, 2),
        "usage": usage,
        "rows": rows_in,
        "rows_changed": rows_changed,
        "seconds_per_request": seconds_per_request(name, seconds, usage),
        "prompt_tokens": mean_tokens(name, usage, "prompt_tokens"),
        "completion_tokens": mean_tokens(name, usage, "completion_tokens"),
    }
    with Drafts() as drafts:
        drafts.add(path).write_text(json.dumps(record) + "\n", encoding="utf-8")
        drafts.publish()


def seconds_per_request(name: str, seconds: float, usage: dict[str, dict]) -> float | None:
    """Of the last run that sent enough requests to tell."""
    sent = sum(used.get("sent", 0) for used in usage.values())
    return round(seconds / sent, 6) if sent >= ENOUGH_REQUESTS else last_run(name).get("seconds_per_request")


def mean_tokens(name: str, usage: dict[str, dict], field: str) -> dict[str, float]:
    """Role -> mean tokens of a request (`field`: prompt_tokens or completion_tokens), each of the last run that sent some."""
    means = {role: used[field] / used["sent"] for role, used in usage.items() if used.get("sent")}
    return last_run(name).get(field, {}) | {role: round(mean, 2) for role, mean in means.items() if mean}
