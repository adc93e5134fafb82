"""How far a source, a licence or a model reaches: every row made from it, by table, by strategy and domain, and the models
that have seen some. Rows are counted as sets over all tables at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import numpy as np
import polars as pl

from cultivar.store.segments import SUFFIX
from cultivar.store.store import Store, project_store_folder
from reports.lineage.index import LineageIndex, Reach, keys_of
from reports.trace.find import column_types
from reports.trace.training import SEEN, trained
from reports.trace.words import PRODUCTS
from reports.versions.database import connect, parquet
from reports.versions.version import Version
from schemas.errors import UserError

What = Literal["source", "license", "model"]
EXAMPLES = 3
"""Ids that are shown of each product."""


@dataclass
class Counted:
    """Rows reached in a table, and all of its rows."""

    table: str
    rows: int
    total: int

    @property
    def share(self) -> float:
        return self.rows / self.total if self.total else 0.0


@dataclass
class Spread:
    """How far `name`, a `what`, reaches in a version. `starts`: rows that bear it themselves, by table. `groups`: product ->
    (strategy, domain) -> rows reached. `examples`: product -> ids. `models`: stage -> rows of its training split that
    were reached. `files`: source files of the rows reached. `stages`: those that ask a model. `labelled`: of a licence, product -> rows that bear its name.
    """

    what: What
    name: str
    version: Version
    starts: dict[str, int]
    tables: list[Counted] = field(default_factory=list)
    groups: dict[str, dict[tuple[str, str], int]] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    labelled: dict[str, int] = field(default_factory=dict)


def spread(what: What, name: str, index: LineageIndex) -> Spread:
    """How far a source (a file, file:line, or the name of a source of params.yaml), a licence or a model (engine's label,
    model or role) reaches. Raises UserError where no row bears it.
    """
    starting = {"source": source_starts, "license": license_starts, "model": model_starts}[what]
    own, keys = starting(name, index)
    if not any(own.values()) and not len(keys):
        raise UserError(f"{name}: {remedy(what, index)}")
    start = np.concatenate([keys, *(keys_of(ids) for ids in own.values())])
    reach = index.descendants_of(np.unique(start, axis=0))
    for table, rows in index.tables.items():  # themselves, also where they were passed on or have ended
        reach.add(table, rows.rows(keys_of({one for ids in own.values() for one in ids}))[1])
    found = Spread(what, name, index.version, {table: len(ids) for table, ids in own.items() if ids})
    found.tables = [Counted(table, rows, len(index.tables[table])) for table, rows in reach.counts.items()]
    for table, product in PRODUCTS.items():
        if table in reach.counts:
            count_product(found, reach, table, product)
    found.files = source_files(reach, index)
    if what == "model":
        found.stages = asking_stages(name, index.version)
    if what == "license":
        found.labelled = {
            PRODUCTS[table]: len(ids) for table, ids in bearing("license", [name], index).items() if table in PRODUCTS
        }
    return found


def count_product(found: Spread, reach: Reach, table: str, product: str) -> None:
    """Rows of D or P that were reached, by strategy and domain; and of which models' training split they are."""
    version = found.version
    rows = pl.scan_parquet(version.files(table)).select("strategy", "domain", "split").collect()[reach.positions(table)]
    grouped = rows.group_by("strategy", "domain").len().sort("strategy", "domain")
    found.groups[product] = {(strategy, domain): count for strategy, domain, count in grouped.iter_rows()}
    found.examples[product] = reach.ids(table, EXAMPLES)
    training = int((rows["split"] == "train").sum())
    for stage in SEEN[table]:
        if training and trained(version, stage):
            found.models[stage] = found.models.get(stage, 0) + training


def bearing(column: str, values: Iterable[str], index: LineageIndex, pattern: bool = False) -> dict[str, list[str]]:
    """Table -> ids of its rows whose column is one of the values (or, as a pattern of LIKE, matches one)."""
    found: dict[str, list[str]] = {}
    with connect() as database:
        for table in index.tables:
            if column_types(database, index.version, table).get(column) != "VARCHAR":
                continue
            test = f"{column} LIKE $1 ESCAPE '\\'" if pattern else f"{column} = $1"
            ids: set[str] = set()
            for value in values:
                query = f"SELECT id FROM {parquet(index.version.files(table))} WHERE {test}"
                ids |= {one for (one,) in database.execute(query, [value]).fetchall()}
            if ids:
                found[table] = sorted(ids)
    return found


def source_starts(name: str, index: LineageIndex) -> tuple[dict[str, list[str]], np.ndarray]:
    """Rows that came from a file, from one line of it, or from the files of a declared source."""
    declared = (index.version.params().get("ingest") or {}).get("sources") or []
    paths = [str(one["path"]) for one in declared if one.get("name") == name] or [name]
    found = bearing("source", paths, index) or bearing(
        "source", [f"{literal(path)}:%" for path in paths], index, pattern=True
    )
    if not found:  # a folder, or a pattern: file by file
        files = {file for rows in all_sources(index).values() for file in rows}
        chosen = [
            f for f in files if any(f.startswith(f"{path.rstrip('/')}/") or fnmatchcase(f, path) for path in paths)
        ]
        found = bearing("source", [f"{literal(file)}:%" for file in sorted(chosen)], index, pattern=True)
    return found, keys_of([])


def license_starts(name: str, index: LineageIndex) -> tuple[dict[str, list[str]], np.ndarray]:
    """Rows that people brought under a licence: what has a `license` and a `source`."""
    bears = bearing("license", [name], index)
    with connect() as database:
        brought = {table: "source" in column_types(database, index.version, table) for table in bears}
    made = set(PRODUCTS) | {
        table for table in bears if table.endswith(("_demonstrations.parquet", "_preferences.parquet"))
    }
    return {table: ids for table, ids in bears.items() if brought[table] and table not in made}, keys_of([])


def model_starts(name: str, index: LineageIndex) -> tuple[dict[str, list[str]], np.ndarray]:
    """Rows that a model wrote or judged, and the keys of its remembered answers, which are parents of rows."""
    labels = labels_of(name, index.version)
    found: dict[str, set[str]] = {}
    for column in ("engine", "verifier"):
        for table, ids in bearing(column, labels, index).items():
            found.setdefault(table, set()).update(ids)
    judge = (index.version.params().get("roles") or {}).get("judge")
    if "data/rankings.parquet" in index.tables and judge and label_of(judge) in labels:
        ranked = bearing("source", ["judge"], index).get("data/rankings.parquet", [])
        found.setdefault("data/rankings.parquet", set()).update(ranked)
    return {table: sorted(ids) for table, ids in found.items()}, remembered_keys(labels)


def label_of(role: dict[str, Any]) -> str:
    """What rows name as the engine of a role (cultivar/llm/questions.py)."""
    return f"{role.get('engine', 'simulated')}/{role.get('model')}@{role.get('revision', '1')}"


def labels_of(name: str, version: Version) -> list[str]:
    """Engine labels that a name stands for: itself, a role's, or those of every role with such a model."""
    roles = version.params().get("roles") or {}
    if name in roles:
        return [label_of(roles[name])]
    of_model = [
        label_of(role)
        for role in roles.values()
        if name in (role.get("model"), f"{role.get('engine')}/{role.get('model')}")
    ]
    return list(dict.fromkeys([*of_model, name]))


def asking_stages(name: str, version: Version) -> list[str]:
    """Stages that declare a role of such a label, in the graph's order."""
    labels = labels_of(name, version)
    roles = {
        f"roles.{role}" for role, spec in (version.params().get("roles") or {}).items() if label_of(spec) in labels
    }
    return [
        stage
        for stage, entry in version.graph().get("stages", {}).items()
        if roles & set(map(str, entry.get("params", [])))
    ]


def remembered_keys(labels: list[str]) -> np.ndarray:
    """Keys of the store's answers that engines of these labels gave."""
    try:
        store = Store(project_store_folder())
    except ValueError:
        return keys_of([])
    found: list[str] = []
    for kind in store.kinds():
        segments = sorted((store.root / kind).glob(f"*{SUFFIX}"))
        scan = pl.scan_parquet(segments)
        if "engine" in scan.collect_schema().names():
            keys = scan.filter(pl.col("engine").is_in(labels)).select(pl.col("key").bin.encode("hex")).collect()["key"]
            found += keys.to_list()
    return keys_of(found)


def source_files(reach: Reach, index: LineageIndex) -> list[str]:
    """Files of which reached rows of source tables came, sorted."""
    tables = all_sources(index)
    found = set()
    for table, files in tables.items():
        if table in reach.counts:
            sources = (
                pl.scan_parquet(index.version.files(table)).select("source").collect()["source"][reach.positions(table)]
            )
            found |= {source.rpartition(":")[0] for source in sources.unique()} & files
    return sorted(found)


def all_sources(index: LineageIndex) -> dict[str, set[str]]:
    """Table -> files that its rows name as their source."""
    found = {}
    with connect() as database:
        for table in index.tables:
            if column_types(database, index.version, table).get("source") == "VARCHAR":
                scan = parquet(index.version.files(table))
                query = f"SELECT DISTINCT regexp_replace(source, ':[0-9]+$', '') FROM {scan} WHERE regexp_matches(source, ':[0-9]+$')"
                found[table] = {one for (one,) in database.execute(query).fetchall()}
    return found


def remedy(what: What, index: LineageIndex) -> str:
    """What to give instead of a name that nothing bears."""
    version = index.version
    if what == "source":
        files = sorted({file for rows in all_sources(index).values() for file in rows})
        return f"no row of {version.name} came from there; there are " + ", ".join(files[:20])
    if what == "model":
        roles = ", ".join(f"{role} ({label_of(spec)})" for role, spec in (version.params().get("roles") or {}).items())
        return f"no row of {version.name} was written or judged by it; its roles are {roles}"
    return f"no source row of {version.name} has this licence; `cultivar browse` shows which there are"


def literal(text: str) -> str:
    """A text as a pattern of LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
