"""What a run leaves beside its outputs, in .cache: seconds, cache hits, rows changed, what was spent.

These may differ between two equal runs, so they are no outputs and nothing depends on them.
"""

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from schemas.table import Table

DAYS = 30
"""Ledgers and checkpoints of older runs are removed."""
ENOUGH = 20
"""Requests sent from which a run says how long one takes."""


def cache_folder() -> Path:
    """Where work outlives a run: shared by the workspace and every experiment of a repository."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".cache"


def runs_folder() -> Path:
    """The notes of this workspace: an experiment in a folder of its own has a folder for them below the shared one."""
    here, root = Path.cwd(), Path(os.environ.get("DVC_ROOT", ".")).resolve()
    own = [] if here == root else [hashlib.sha256(str(here).encode()).hexdigest()[:12]]
    return cache_folder().joinpath("runs", *own)


def note_path(name: str) -> Path:
    """The note of a stage's last run (`name`: stage, for a matrix with its items: evaluate-sft)."""
    return runs_folder() / f"{name}.json"


def note_of(name: str) -> dict[str, Any]:
    """The note of the last run, {} where there is none."""
    try:
        return json.loads(note_path(name).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def note(name: str, started: float, usage: dict[str, dict], rows_changed: dict | None, rows: int) -> None:
    """Write the note of a run that began at `started` (perf_counter) and consumed so many rows."""
    path = note_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    seconds = round(time.perf_counter() - started, 2)
    kept = {"seconds": seconds, "usage": usage, "rows": rows, "rows_changed": rows_changed,
            "pace": pace(name, seconds, usage), "prompt": mean_tokens(name, usage, "prompt"),
            "completion": mean_tokens(name, usage, "completion")}  # fmt: skip
    temporary.write_text(json.dumps(kept) + "\n")
    temporary.replace(path)


def pace(name: str, seconds: float, usage: dict[str, dict]) -> float | None:
    """Seconds per request sent, of the last run that sent enough to tell."""
    sent = sum(used.get("sent", 0) for used in usage.values())
    return round(seconds / sent, 6) if sent >= ENOUGH else note_of(name).get("pace")


def mean_tokens(name: str, usage: dict[str, dict], of: str) -> dict[str, float]:
    """Tokens of a request's prompt or completion by role, in the last run that sent the role anything."""
    sent = {role: used for role, used in usage.items() if used.get("sent")}
    means = {role: used[f"{of}_tokens"] / used["sent"] for role, used in sent.items()}
    return note_of(name).get(of, {}) | {role: round(mean, 2) for role, mean in means.items() if mean}


def aged(folder: Path, pattern: str) -> Iterator[Path]:
    """What nobody has touched for DAYS."""
    for old in folder.glob(pattern):
        with contextlib.suppress(OSError):  # another process removes it
            if time.time() - max(path.stat().st_mtime for path in (old, *old.rglob("*"))) > DAYS * 86400:
                yield old


def age_out(folder: Path, pattern: str) -> None:
    """Remove what nobody has touched for DAYS."""
    for old in aged(folder, pattern):
        with contextlib.suppress(OSError):
            shutil.rmtree(old) if old.is_dir() else old.unlink()


def ledger() -> Path:
    """The file in which this run counts what it spends: one per `dvc repro`, or per CULTIVAR_RUN where that is set."""
    folder = cache_folder() / "spent"
    age_out(folder, "*.json")
    name = os.environ.get("CULTIVAR_RUN")
    if not name:
        above = psutil.Process().parents()
        run = next((process for process in above if is_dvc(process)), above[0] if above else psutil.Process())
        name = f"{run.pid}-{run.create_time():.2f}"
    return folder / f"{name}.json"


def is_dvc(process: psutil.Process) -> bool:
    try:
        return any(Path(part).name == "dvc" for part in process.cmdline()[:3])
    except psutil.Error:
        return False


def closing_line(
    name: str,
    states: dict[str, int],
    tables: dict[str, Table],
    usage: dict[str, dict],
    rows_changed: dict | None,
    seconds: float,
) -> str:
    """One line of what a stage did."""
    parts = []
    if states["in"]:
        parts.append(
            f"{states['in']:,} rows in: {states['kept']:,} kept, {states['dropped']:,} dropped, "
            f"{states['quarantined']:,} quarantined"
        )
    ends = ("dropped", "quarantine")
    parts += [f"{field} {len(table):,}" for field, table in tables.items() if field not in ends]
    if not states["in"]:  # ingest: its rows come from files
        parts += [f"{field} {len(tables[field]):,}" for field in ends if len(tables.get(field, ()))]
    if rows_changed and rows_changed["out"] is not None:
        came = rows_changed["in"]
        parts.append((f"{came:,} rows changed in, " if came is not None else "") + f"{rows_changed['out']:,} out")
    for said, roles in (("asked", usage.keys() - {"sandbox"}), ("judged", usage.keys() & {"sandbox"})):
        if roles:
            asked, hits = (sum(usage[role][field] for role in roles) for field in ("requests", "hits"))
            parts.append(f"{said} {asked:,} (remembered {hits:,})")
    return f"{name}: " + " · ".join([*parts, f"{seconds:.1f} s"])
