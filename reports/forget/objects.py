"""DVC's objects that hold what is forgotten: tables of every version with its rows, raw files, models trained on them.

Ids are hashes of content, so rows and all that was made of them are found in the tables of every version alike, whatever
revision wrote these: an object goes where it names a row that goes or holds its text. What trains on such an object, or
runs what was trained on it, goes with all its outputs. A file that a folder which stays shares with one that goes stays.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from tqdm import tqdm

from cultivar.runlog.previous import objects_folder
from reports.forget.probes import DAMAGED, Probes, decoded, strings_of
from reports.forget.revisions import Repository, members_of, with_members
from reports.forget.target import Target
from reports.versions.objects import object_path

MODELS = "models/"
TRAINED = "was trained on it, or made by what was"


@dataclass
class Holders:
    """What holds the forgotten. `rows`: ids of all rows made of it, of every version; `keys`: of answers of such rows alone,
    which their verdicts name. `objects`: md5 -> why it goes. `damaged`: objects that cannot be read.
    """

    rows: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    objects: dict[str, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Answers:
    """Keys of the store as 32 hex characters: all that it has, those that go, those that a build without the target needs."""

    stored: set[str]
    going: set[str]
    needed: set[str]


def find_holders(
    target: Target, probes: Probes, repository: Repository, staying: set[str], answers: Answers
) -> Holders:
    """Everything in DVC's cache that holds the target. `staying`: ids of rows that a build without it has as well.

    A row goes with a parent that goes, an answer with the last row that names it, and a row that names such an answer goes
    with it (the verdict of a program that no row was made of).
    """
    holders = Holders()
    frames = Tables(sorted(objects_folder().glob("??/*")))
    edges = frames.edges(target, staying)
    gone = descend(target.rows | target.keys | answers.going | frames.roots, edges, staying)
    while True:
        is_gone = pl.col("id").is_in(list(gone))
        named, by_others = set(edges.filter(is_gone)["parent"]), set(edges.filter(~is_gone)["parent"])
        more = ((named - by_others) & answers.stored) - answers.needed - gone
        if not more:
            break
        gone = descend(gone | more, edges, staying)
    holders.keys = gone & answers.stored
    holders.rows = gone - staying - answers.stored - target.keys
    sought = Probes(probes.texts, gone - staying, probes.values)
    for path in tqdm(frames.paths, desc="objects read", unit=" objects", leave=False, disable=None):
        found = sought.in_file(path)
        if DAMAGED in found:
            holders.damaged.append(md5_named(path))
        elif found or (target.label is not None and frames.has_label(path, target.label)):
            holders.objects[md5_named(path)] = "holds its rows or text"
    for revision in repository.revisions:
        for md5, path in revision.objects.items():
            if target.kind == "source" and target.files.get(Path(path), b"") is None:
                holders.objects[md5] = "is the source"
    add_trained(holders.objects, repository)
    return holders


class Tables:
    """The files among the objects of a cache, and the tables among them."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = [path for path in paths if path.is_file() and path.suffix == ""]
        self.roots: set[str] = set()

    def edges(self, target: Target, staying: set[str]) -> pl.DataFrame:
        """(id, parent) of the rows of every table of every version, each once; fills `roots` with rows of the target that
        only other versions have.
        """
        found = [pl.DataFrame(schema={"id": pl.String, "parent": pl.String})]
        for path in self.paths:
            frame = table_at(path)
            if frame is None or "id" not in frame.columns or "parents" not in frame.columns:
                continue
            edges = frame.select("id", parent=pl.col("parents")).explode("parent").drop_nulls().unique()
            if "generation" in frame.columns:
                edges = pl.concat([edges, frame.select("id", parent="generation")])
            found.append(edges.cast(pl.String))
            self.roots |= set(roots_in(frame, target)) - staying
        return pl.concat(found).unique()

    def has_label(self, path: Path, label: str) -> bool:
        """Whether a table has rows of a model."""
        frame = table_at(path)
        return frame is not None and any(series.eq(label).any() for series in strings_of(frame))


def roots_in(frame: pl.DataFrame, target: Target) -> Iterable[str]:
    """Ids of a table's rows that are the target's in whatever version: of its files, its people, its model."""
    columns = frame.columns
    if target.kind == "source" and "source" in columns:
        gone = [str(path) for path, content in target.files.items() if content is None]
        return frame.filter(pl.col("source").str.replace(r":[^:]*$", "").is_in(gone))["id"]
    if target.kind == "annotator" and "annotators" in columns:
        return frame.filter(pl.col("annotators").list.eval(pl.element().is_in(list(target.values))).list.any())["id"]
    if target.label is not None and "engine" in columns:
        return frame.filter(engine=target.label)["id"]
    return ()


def table_at(path: Path) -> pl.DataFrame | None:
    """The table in an object; None where it is none, or cannot be read."""
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return None
    return decoded(path.read_bytes())


def descend(roots: set[str], edges: pl.DataFrame, staying: set[str]) -> set[str]:
    """The roots and every row made of them, through no row that stays."""
    found, front = set(roots), pl.DataFrame({"parent": sorted(roots)}, schema={"parent": pl.String})
    while front.height:
        children = set(edges.join(front, on="parent", how="semi")["id"]) - found - staying
        found |= children
        front = pl.DataFrame({"parent": sorted(children)}, schema={"parent": pl.String})
    return found


def add_trained(objects: dict[str, str], repository: Repository) -> None:
    """Add what was trained on objects that go, and what such models made, until nothing is added.

    Files of a folder go but for those that a folder or an output which stays has as well.
    """
    runs = [run for run in repository.runs if any(path.startswith(MODELS) for path in (*run.deps, *run.outs))]
    while True:
        added = {
            md5: TRAINED
            for run in runs
            if set(run.deps.values()) & set(objects)
            for path, md5 in run.outs.items()
            if md5 not in objects and path.split("/")[0] in ("models", "data")
        }
        if not added:
            break
        objects |= added
    innocent = {md5 for run in runs if not set(run.deps.values()) & set(objects) for md5 in run.outs.values()}
    for md5 in innocent & set(objects):  # the same bytes came of other data as well
        if objects[md5] == TRAINED:
            del objects[md5]
    gone = {md5 for md5 in objects if md5.endswith(".dir")}
    staying = set()
    for revision in repository.revisions:
        of_revision = {md5 for run in revision.runs for md5 in run.outs.values()} | set(revision.pointed.values())
        staying |= with_members(of_revision - set(objects))
    for folder in gone:
        for md5 in members_of(folder).values():
            if md5 not in staying and md5 not in objects:
                objects[md5] = TRAINED


def md5_named(path: Path) -> str:
    """The md5 in an object's path."""
    return path.parent.name + path.name


def unlink_objects(objects: Iterable[str]) -> int:
    """Remove objects from the cache; how many were there."""
    removed = 0
    for md5 in objects:
        path = object_path(md5)
        if path.is_file():
            path.unlink()
            removed += 1
    return removed
