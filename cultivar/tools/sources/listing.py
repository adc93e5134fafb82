"""The sources that params.yaml declares, where their files stand, and what the last build took of them: `cultivar sources`."""

import json
import subprocess
from pathlib import Path
from typing import Any

from cultivar.runlog.console import complain, say
from cultivar.tools.sources.edits import covered, declared, deps
from cultivar.tools.sources.place import HUB
from schemas.errors import UserError

COLUMNS = ("name", "rows", "domain", "licence", "format", "kept", "path")
METRICS = Path("metrics/ingest.json")


def main() -> int:
    try:
        sources, listed = declared(), deps()
    except UserError as error:
        complain(f"error: {error}")
        return 1
    if not sources:
        say("no source is declared; `cultivar add PATH` adds one")
        return 0
    taken = measured("rows_by_source")
    lines = [COLUMNS, *(line_of(section, entry, taken, listed) for section, entry in sources)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    for _, entry in sources:
        if fault := fault_of(str(entry["path"]), listed):
            complain(f"{entry['name']}: {fault}")
        elif taken.get(entry["name"]) == {}:
            complain(f"{entry['name']}: the last build took no row of it{ends_of(str(entry['name']))}")
    return 0


def line_of(
    section: str, entry: dict[str, Any], taken: dict[str, dict[str, int]], listed: list[str]
) -> tuple[str, ...]:
    """The cells of a source; rows are those of the last build, "?" before it."""
    name, path = str(entry["name"]), str(entry["path"])
    counts = taken.get(name)
    own = [count for table, count in (counts or {}).items() if table != "given_demonstrations"]  # answers of its rows
    rows = "?" if counts is None else f"{sum(own):,}"
    domain = f"{entry['domain']}{' (evaluation)' if section == 'evaluation' else ''}"
    return name, rows, domain, str(entry["license"]), str(entry.get("format", "auto")), kept_in(path), path


def measured(name: str) -> dict[str, dict[str, int]]:
    """Source -> counts, of the last build of ingest; empty where there is none."""
    try:
        return json.loads(METRICS.read_text(encoding="utf-8")).get(name, {})
    except (OSError, ValueError):
        return {}


def ends_of(name: str) -> str:
    """Where the rows of a source ended in the last build, and in which table they are."""
    tables = {"dropped": "data/dropped/ingest.parquet", "quarantined": "data/quarantine/ingest.parquet"}
    ends = measured("ends_by_source").get(name, {})
    found = [f"{ends[end]:,} {end} ({table})" for end, table in tables.items() if ends.get(end)]
    return f": {', '.join(found)}" if found else ""


def kept_in(path: str) -> str:
    """Who keeps the versions of a file: git, DVC, the Hub, or nobody."""
    if path.startswith(HUB):
        return "Hub"
    place = Path(path)
    if any(one.with_name(one.name + ".dvc").is_file() for one in (place, *place.parents) if one.name):
        return "DVC"
    tracked = subprocess.run(["git", "ls-files", "--", path], capture_output=True, text=True, check=False)
    return "git" if tracked.stdout.strip() else "neither"


def fault_of(path: str, listed: list[str]) -> str:
    """Why a source cannot be read as it is declared, with the remedy; "" where it can."""
    if path.startswith(HUB):
        return ""
    if not list(Path().glob(path)) and not Path(path).exists():
        return f"{path} is not here; `dvc pull` brings what DVC keeps, `cultivar add --remove` takes the source out"
    if covered(path, listed) is None and not any(sign in path for sign in "*?["):
        return f"dvc.yaml does not list {path} for ingest; add it to its deps"
    return ""


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("sources")
