"""What there is to look at: the versions of this project, their tables, and the tables that are open."""

import copy
import subprocess
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import RLock

import duckdb

from reports.browse.table import OpenTable
from reports.lineage.lineage import Lineage
from reports.versions.database import connect, parquet, quoted
from reports.versions.objects import MissingObject
from reports.versions.repository import EXPERIMENTS, git
from reports.versions.version import WORKSPACE, Version, open_version
from schemas.errors import UserError

MEMORY = "1GB"
"""What the database may hold; beyond that it goes to disk."""
MOST_ROWS = 3_000_000
"""Of open tables together, beside the one that is looked at."""
RECENT = 20
INTERNAL = (f"{EXPERIMENTS}/exec/", f"{EXPERIMENTS}/celery/")
"""References that DVC keeps for itself."""
DATA, SUFFIX = "data/", ".parquet"
Key = tuple[tuple[str, int, int], ...]


class NotFound(UserError):
    """There is no such version, table or row."""


@dataclass(frozen=True)
class Choice:
    """A version to switch to: its group in the list, the name that opens it, and what it says of itself."""

    group: str
    name: str
    title: str


def table_name(path: str) -> str:
    """demonstrations of data/demonstrations.parquet, dropped/filter of data/dropped/filter.parquet."""
    return path.removeprefix(DATA).removesuffix(SUFFIX)


@dataclass
class Catalog:
    """Versions and tables, opened when they are asked for. Safe to use from several threads."""

    default: str = WORKSPACE
    database: duckdb.DuckDBPyConnection = field(default_factory=lambda: connect(MEMORY))
    lock: RLock = field(default_factory=RLock)
    open_tables: "OrderedDict[Key, OpenTable]" = field(default_factory=OrderedDict)
    versions: dict[str, Version] = field(default_factory=dict)
    missing: dict[tuple[str, str], str] = field(default_factory=dict)
    at_hand: dict[str, dict[str, list[Path]]] = field(default_factory=dict)
    lineages: dict[str, Lineage] = field(default_factory=dict)
    opened: int = 0

    def version(self, name: str) -> Version:
        """The version of that name. Raises NotFound."""
        name = name or self.default
        if len(name) > 200 or not name.isprintable():
            raise NotFound("that is no name of a version")
        try:
            found = open_version(name)
        except UserError as error:
            raise NotFound(str(error)) from error
        if found.commit is None:
            return found
        with self.lock:  # one object per commit: it remembers its lock file
            if len(self.versions) > 32:
                self.versions.clear()
            return self.versions.setdefault(f"{found.name} {found.commit}", found)

    def files(self, version: Version, path: str) -> list[Path]:
        """The files of a table. Raises MissingObject; a remote that has not got it is asked once."""
        key = (version.commit or "", path)
        if version.commit and key in self.missing:
            raise MissingObject(self.missing[key])
        try:
            return version.files(path)
        except MissingObject as error:
            self.missing[key] = str(error)
            raise

    def readable(self, version: Version) -> dict[str, list[Path]]:
        """Path -> files of the tables of a version that are at hand."""
        if version.commit and (known := self.at_hand.get(version.commit)):
            return known
        found = {}
        for path in version.tables():
            try:
                found[path] = self.files(version, path)
            except MissingObject:
                continue
        if version.commit:
            self.at_hand[version.commit] = found
        return found

    def lineage(self, version: Version, database: duckdb.DuckDBPyConnection) -> Lineage:
        """The lineage over the tables that are at hand, by that connection."""
        files = self.readable(version)
        known = self.lineages.get(version.commit or "")
        if known is None or list(known.tables) != list(files):
            known = Lineage(version, database, files)
            self.lineages[version.commit or ""] = known
        mine = copy.copy(known)
        mine.database = database
        return mine

    def path_of(self, version: Version, name: str) -> str:
        """The path of a table by its name. Raises NotFound: what dvc.lock does not record is not read."""
        path = f"{DATA}{name}{SUFFIX}"
        if path not in version.tables():
            raise NotFound(f"{version.label} has no table {name}; the page of the version lists its tables")
        return path

    def open(self, version: Version, name: str) -> OpenTable:
        """A table of a version, its narrow columns in memory. Raises NotFound, MissingObject or UserError."""
        path = self.path_of(version, name)
        files = self.files(version, path)
        stats = [(file, file.stat()) for file in files]
        key = tuple((str(file), stat.st_mtime_ns, stat.st_size) for file, stat in stats)
        with self.lock:
            if key not in self.open_tables:
                self.opened += 1
                try:
                    self.open_tables[key] = OpenTable(self.database.cursor(), files, f"t{self.opened}")
                except duckdb.Error as error:
                    first = str(error).splitlines()[0]
                    raise UserError(
                        f"{path} of {version.label} cannot be read: {first}; `dvc repro` makes it"
                    ) from error
                self.close_old(key)
            self.open_tables.move_to_end(key)
            return self.open_tables[key]

    def close_old(self, kept: Key) -> None:
        """Close the tables that were looked at longest ago, until the rest is small enough."""
        for key in list(self.open_tables):
            others = [table for other, table in self.open_tables.items() if other != kept]
            if sum(table.rows for table in others) <= MOST_ROWS:
                return
            if key != kept:
                self.open_tables.pop(key).close(self.database.cursor())

    def row_counts(self, files: dict[str, list[Path]]) -> dict[str, int]:
        """Path -> rows of tables, from the files' footers."""
        if not files:
            return {}
        parts = (
            f"SELECT {quoted(path)}, num_rows FROM parquet_file_metadata({quoted(str(file))})"
            for path, listed in files.items()
            for file in listed
        )
        found: dict[str, int] = {}
        for path, rows in self.database.cursor().execute(" UNION ALL ".join(parts)).fetchall():
            found[path] = found.get(path, 0) + rows
        return found

    def rules(self, files: dict[str, list[Path]], most: int = 3) -> dict[str, list[tuple[str, int]]]:
        """Path -> the most frequent rules of a table of dropped rows, or errors of one of quarantined rows."""
        parts = [
            f"SELECT {quoted(path)}, {reason} AS reason, count(*) AS rows FROM {parquet(listed)} GROUP BY reason"
            for path, listed in files.items()
            for folder, reason in (("dropped/", "rule"), ("quarantine/", "left(error, 200)"))
            if path.startswith(DATA + folder)
        ]
        found: dict[str, list[tuple[str, int]]] = {}
        if parts:
            rows = self.database.cursor().execute(" UNION ALL ".join(parts) + " ORDER BY rows DESC, reason").fetchall()
            for path, reason, count in rows:
                listed_reasons = found.setdefault(path, [])
                if len(listed_reasons) < most:
                    listed_reasons.append((reason, count))
        return found

    def choices(self) -> list[Choice]:
        """Versions to switch to, the working tree first."""
        return [Choice("This project", WORKSPACE, "the working tree"), *git_choices()]


def git_choices() -> Iterator[Choice]:
    """Versions that git knows; none where this is no repository."""
    try:
        refs = git("for-each-ref", "--sort=-creatordate", "--format=%(refname)", "refs/tags", EXPERIMENTS).decode()
        log = git("log", f"-{RECENT}", "--format=%h%x00%cs%x00%s", "HEAD", "--", "dvc.lock").decode(errors="replace")
    except (UserError, subprocess.SubprocessError, OSError):
        return
    yield Choice("This project", "HEAD", "the last commit")
    for ref in refs.splitlines():
        kind, _, name = ref.removeprefix("refs/").partition("/")
        if kind == "tags":
            yield Choice("Tags", name, "")
    for line in log.splitlines():
        name, date, title = line.split("\0", 2)
        yield Choice("Commits that changed the data", name, f"{date} {title}")
    for ref in refs.splitlines():
        name = ref.rpartition("/")[2]
        if ref.startswith(EXPERIMENTS + "/") and not ref.startswith(INTERNAL) and name != "stash":
            yield Choice("Experiments", name, "")
