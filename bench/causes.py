"""Planted changes: is each changed row of D and P charged to the change that was planted?

    python -m bench.causes [--only NAME …] [--folder FOLDER] [--no-replay]

A small project is built once. For each of forty changes (ten kinds, four sizes) and for several at once, a copy of it is
changed, rebuilt by the real `dvc repro`, and its changed rows are charged. What is right does not come from the charge: one
planted change alone touched every row that differs, a source row those with its text; of several at once, which change
moves a row is read off the builds with each of them alone. Results are kept in the folder, so that a run that was broken
off goes on.

Ends with one line of JSON: `causes_right` and `lineage_right` (shares of the rows, with replays and without), `precision` and
`recall` of the rows, `scenarios_right` of `scenarios`, `alerts_top3` where alerts are there, `proved` (share of the rows).
"""

import argparse
import contextlib
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/causes.py` puts bench/ on the path, not the folder that holds it

from bench.planted import Project  # noqa: E402
from bench.plants import SEVERAL, Names, plants  # noqa: E402

PRODUCTS = ("data/demonstrations.parquet", "data/preferences.parquet")


def states(folder: Path) -> dict[str, pl.DataFrame]:
    """Product -> id, text (of the prompt) and all of the row as text, in a built folder."""
    found = {}
    for table in PRODUCTS:
        frame = pl.read_parquet(folder / table).sort("id")
        rows = [json.dumps(row, sort_keys=True) for row in frame.drop("source").iter_rows(named=True)]
        texts = ["\n".join(turn["content"] for turn in turns) for turns in frame["prompt"].to_list()]
        found[table] = pl.DataFrame({"id": frame["id"], "text": texts, "row": rows})
    return found


def differing(old: dict[str, pl.DataFrame], new: dict[str, pl.DataFrame]) -> dict[tuple[str, str], dict[str, Any]]:
    """(table, id) of the rows that differ -> `old` and `new` (the row as text, None where it is not there) and `text`."""
    found = {}
    for table in PRODUCTS:
        both = old[table].join(new[table], on="id", how="full", coalesce=True, suffix="_new")
        for row in both.filter(pl.col("row").ne_missing(pl.col("row_new"))).iter_rows(named=True):
            found[table, row["id"]] = {"old": row["row"], "new": row["row_new"], "text": row["text"] or row["text_new"]}
    return found


def moved_by(key: tuple[str, str], row: dict[str, Any], alone: dict[str, dict[str, str]]) -> bool:
    """Whether a build with one change alone has this row otherwise than the base has it, in the way of the new version."""
    here = alone[key[0]].get(key[1])
    if row["old"] is None:
        return here is not None
    if row["new"] is None:
        return here is None
    return here != row["old"]


def right_names(
    key: tuple[str, str], row: dict[str, Any], names: dict[str, dict[str, list[str]]], alone: dict[str, Any]
) -> set[str]:
    """Names of changes to which a row may rightly be charged. `names`: of each plant; `alone`: rows of its own build."""
    movers = [plant for plant in names if len(names) == 1 or moved_by(key, row, alone[plant])]
    by_text = {
        name
        for plant in movers or names
        for name, texts in names[plant].items()
        if any(text in row["text"] for text in texts)
    }
    return by_text or {name for plant in movers or names for name in names[plant]}


class Bench:
    """The scenarios in one folder: `base`, a folder for each while it is looked at, and results by name."""

    def __init__(self, folder: Path, replay: bool) -> None:
        self.folder, self.replay = folder, replay
        folder.mkdir(parents=True, exist_ok=True)
        self.results = folder / ("results.jsonl" if replay else "lineage.jsonl")
        self.plants = plants()
        self.base = Project(folder / "base")
        if not (folder / "base.done").exists():
            shutil.rmtree(self.base.folder, ignore_errors=True)
            Project.new(self.base.folder).repro()
            self.base.commit("base")
            (folder / "base.done").touch()
        self.before = states(self.base.folder)

    def done(self) -> dict[str, dict[str, Any]]:
        lines = self.results.read_text().splitlines() if self.results.exists() else []
        return {result["name"]: result for result in map(json.loads, lines)}

    def run(self, name: str) -> dict[str, Any]:
        """Plant, build, charge, compare; the result. What is built already is only charged again."""
        parts = SEVERAL.get(name, (name,))
        alone = {part: self.alone(part) for part in parts} if len(parts) > 1 else {}
        project, names = self.build(name, parts)
        truth = differing(self.before, states(project.folder))
        result = {"name": name, "kinds": [self.plants[part].kind for part in parts]}
        result |= self.judge(project, truth, names, alone)
        with self.results.open("a") as file:
            file.write(json.dumps(result) + "\n")
        return result

    def build(self, name: str, parts: Sequence[str]) -> tuple[Project, dict[str, Names]]:
        """The project with these plants, rebuilt; and the names of each."""
        place = self.folder / "built" / name.replace("/", "_").replace(" ", "_").replace(",", "")
        noted = place.with_name(f"{place.name}.json")
        if not noted.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.parent.mkdir(exist_ok=True)
            project = self.base.copy(place)
            names = {part: self.plants[part].apply(project) for part in parts}
            pairs = [pair for part in parts for pair in self.plants[part].environment(project).items()]
            project.repro(**dict(pairs))
            noted.write_text(json.dumps(names))
        return Project(place), json.loads(noted.read_text())

    def alone(self, name: str) -> dict[str, dict[str, str]]:
        """Table -> id -> row of the build with this change alone."""
        project, _ = self.build(name, (name,))
        return {table: dict(frame.select("id", "row").iter_rows()) for table, frame in states(project.folder).items()}

    def judge(self, project: Project, truth: dict, names: dict, alone: dict) -> dict[str, Any]:
        """What the charges say against what is true."""
        from reports.causes.charge import charge
        from reports.diff.build import build_diff
        from reports.versions.version import open_version

        with contextlib.chdir(project.folder):
            diff = build_diff(open_version("HEAD"), open_version())
            began = time.perf_counter()
            lineage = charge(diff, replay=False)
            lineage_s = time.perf_counter() - began
            began = time.perf_counter()
            why = charge(diff) if self.replay else lineage
            replay_s = time.perf_counter() - began
        counts = {}
        for kind, one in (("lineage", lineage), ("charged", why)):
            charges: dict[tuple[str, str], str] = {}
            for row in one.rows.iter_rows(named=True):
                for side in ("id_old", "id_new"):
                    if row[side] is not None and (row["table"], row[side]) in truth:
                        charges[row["table"], row[side]] = row["cause"]
            named = {(row["table"], row["id_new"] or row["id_old"]) for row in one.rows.iter_rows(named=True)}
            right = [charges.get(key) in right_names(key, row, names, alone) for key, row in truth.items()]
            counts[kind] = sum(right)
            counts[f"{kind}_found"] = sum(key in charges for key in truth)
            counts[f"{kind}_named"] = len(named)
            counts[f"{kind}_false"] = len(named - truth.keys())
            if kind == "charged":
                wrong = [
                    {"key": key, "is": charges.get(key), "right": sorted(right_names(key, row, names, alone))}
                    for (key, row), good in zip(truth.items(), right, strict=True)
                    if not good
                ]
        return {
            "rows": len(truth),
            **counts,
            "proved": sum(cause.proved for cause in why.causes),
            "named": why.rows.height,
            "causes": [cause.change.name for cause in why.causes][:8],
            "notes": list(why.notes)[:6],
            "wrong": wrong[:5],
            "lineage_s": round(lineage_s, 1),
            "replay_s": round(replay_s, 1),
            "alerts": alerts_of(diff, why, names),
        }


def alerts_of(diff: Any, why: Any, names: dict[str, dict[str, list[str]]]) -> int | None:
    """The place among the alerts, from 1, of the planted change that comes last; 0 where one is not there, None where no row
    of D and P is charged to it."""
    from reports.diff.alerts import with_alerts

    alerts = with_alerts(dataclasses.replace(diff, why=why, alerts=())).alerts
    charged = {cause.change.name for cause in why.causes}
    places = []
    for planted in names.values():
        if charged.isdisjoint(planted):
            continue
        wanted = set(planted) | {name.partition("#")[0].rpartition(":")[0] for name in planted}
        own = [number for number, alert in enumerate(alerts, 1) if alert.cause in wanted]
        places.append(own[0] if own else 0)
    return None if not places else 0 if 0 in places else max(places)


def main() -> None:
    parser = argparse.ArgumentParser(description="planted changes and their causes")
    parser.add_argument("--only", nargs="+", help="names of scenarios")
    parser.add_argument("--folder", type=Path, help="keep the base and the results here, and go on from them")
    parser.add_argument("--no-replay", action="store_true", help="charge by lineage alone")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="cultivar-causes-"))
    bench = Bench(folder, not options.no_replay)
    done = bench.done()
    for name in options.only or [*bench.plants, *SEVERAL]:
        if name not in done:
            try:
                done[name] = bench.run(name)
            except RuntimeError as error:
                print(f"{name}: {str(error)[-600:]}", flush=True)
                continue
        result = done[name]
        print(
            f"{name:44} {result['charged']:5}/{result['rows']:5} right ({result['lineage']:5} by lineage), "
            f"{result['proved']:5}/{result['named']:5} proved, {result['lineage_s']:5.1f} + {result['replay_s']:5.1f} s",
            *([f"alert {result['alerts']}"] if result["alerts"] is not None else []),
            flush=True,
        )
        if result["wrong"]:
            print(f"    {result['wrong'][0]}; {result['notes'][:2]}", flush=True)
    print_figures([done[name] for name in options.only or done if name in done])
    if options.folder is None:
        shutil.rmtree(folder)


def print_figures(results: list[dict[str, Any]]) -> None:
    def share(part: str, whole: str) -> float:
        return round(sum(one[part] for one in results) / max(1, sum(one[whole] for one in results)), 4)

    ranked = [one["alerts"] for one in results if one["alerts"] is not None and one["rows"]]
    print(
        json.dumps(
            {
                "causes_right": share("charged", "rows"),
                "lineage_right": share("lineage", "rows"),
                "recall": share("charged_found", "rows"),
                "precision": round(1 - share("charged_false", "charged_named"), 4),
                "proved": share("proved", "named"),
                "scenarios": len(results),
                "scenarios_right": sum(one["charged"] == one["rows"] for one in results),
                "empty": [one["name"] for one in results if not one["rows"]],
                "alerts_top3": sum(0 < place <= 3 for place in ranked) if ranked else None,
            }
        )
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
