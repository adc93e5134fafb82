"""What differs between two versions of the data: the values that the terminal, HTML, Markdown, gates and causes read.

Everything here is plain and frozen. Texts are as the rows have them: whoever writes them out makes them inert
(cultivar/outgoing/escape.py). Shares are in [0, 1]; percentage points are their difference times 100.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl

    from reports.versions.version import Version

DEMONSTRATIONS, PREFERENCES = "data/demonstrations.parquet", "data/preferences.parquet"
PRODUCTS = {DEMONSTRATIONS: "D", PREFERENCES: "P"}
"""The two tables that a change set is classed by, and their letters."""

Kind = Literal["added", "removed", "changed"]
Level = Literal["neutral", "additive", "breaking"]
Severity = Literal["high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = ("high", "medium", "low")


# ---------------------------------------------------------------- rows


@dataclass(frozen=True)
class Piece:
    """A run of a text in a word diff: in both versions, in the old one only, in the new one only, or left out.

    For "skip" the text is empty and `words` says how many words of both versions stand there.
    """

    kind: Literal["same", "old", "new", "skip"]
    text: str
    words: int = 0


@dataclass(frozen=True)
class CellDiff:
    """One value that differs: `column`, where in it (`place`: "turn 2, assistant", "complexity" of scores; "" for the
    whole), and the words of both versions in reading order. `old` or `new` is None where only one version has it."""

    column: str
    place: str
    old: str | None
    new: str | None
    words: tuple[Piece, ...]


@dataclass(frozen=True)
class RowDiff:
    """A changed row: its ids, its columns that differ, its small columns in the new version, and each difference."""

    table: str
    id_old: str
    id_new: str
    columns: tuple[str, ...]
    context: Mapping[str, str]
    cells: tuple[CellDiff, ...]


@dataclass(frozen=True)
class Samples:
    """Some rows of each kind, drawn by the hash of their key: whole rows (column -> value) where added or removed."""

    changed: tuple[RowDiff, ...] = ()
    added: tuple[dict[str, Any], ...] = ()
    removed: tuple[dict[str, Any], ...] = ()


# ---------------------------------------------------------------- columns and their values


@dataclass(frozen=True)
class ColumnChange:
    """A column whose type differs. `old` is None where it is new, `new` None where it is gone; types as DuckDB names them."""

    column: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class SchemaDiff:
    """Columns added, removed and of another type."""

    changes: tuple[ColumnChange, ...] = ()

    @property
    def added(self) -> tuple[ColumnChange, ...]:
        return tuple(change for change in self.changes if change.old is None)

    @property
    def removed(self) -> tuple[ColumnChange, ...]:
        return tuple(change for change in self.changes if change.new is None)

    @property
    def retyped(self) -> tuple[ColumnChange, ...]:
        return tuple(change for change in self.changes if change.old is not None and change.new is not None)

    def __bool__(self) -> bool:
        return bool(self.changes)


@dataclass(frozen=True)
class Shift:
    """How often a value occurs in a column, old and new: rows, and their share of the table's rows (of one version).

    `column` is "tags", "domain", "strategy", "source" (the file), "language", "license", "label_source", "engine", "split",
    "rule" …; a row with several tags counts for each.
    """

    column: str
    value: str
    old_share: float
    new_share: float
    old_rows: int
    new_rows: int

    @property
    def points(self) -> float:
        """Percentage points that the share has gained."""
        return (self.new_share - self.old_share) * 100


@dataclass(frozen=True)
class Summary:
    """A column of numbers in one version; NaN where there are none."""

    rows: int
    mean: float
    median: float
    p95: float


@dataclass(frozen=True)
class Distribution:
    """A column of numbers, old and new. `edges` has one value more than the bins, which count rows of equal edges.

    `column` is "quality", "margin", "scores.NAME" … or, with `unit` "characters", the length of a text ("completion").
    """

    column: str
    unit: str
    old: Summary
    new: Summary
    edges: tuple[float, ...]
    old_bins: tuple[int, ...]
    new_bins: tuple[int, ...]


@dataclass(frozen=True)
class TableDiff:
    """One table of two versions.

    `added`, `removed`, `changed`, `moved`, `unchanged` count rows: rows_new = added + changed + moved + unchanged,
    rows_old = removed + changed + moved + unchanged. A changed row has the same id and other columns, or another id and
    the same natural key (`rewritten` counts these; they have `id_old` != `id_new`). A moved row differs in its source's line
    alone. `columns`: changed rows by column touched. `ids` (a Polars frame): kind (added, removed, changed), id_old, id_new
    (null where there is none), columns (list of str; touched, for changed rows), sorted by kind and id.

    `is_new` and `is_gone`: the other version has no such table. `duplicates`: rows beyond the first of their id, old and new.
    """

    table: str
    rows_old: int
    rows_new: int
    added: int
    removed: int
    changed: int
    moved: int
    unchanged: int
    rewritten: int
    schema: SchemaDiff
    columns: Mapping[str, int]
    shifts: tuple[Shift, ...]
    distributions: tuple[Distribution, ...]
    samples: Samples
    ids: pl.DataFrame = field(repr=False, compare=False)
    is_new: bool = False
    is_gone: bool = False
    duplicates: tuple[int, int] = (0, 0)
    stage: str = ""

    @property
    def touched(self) -> int:
        """Rows added, removed or changed."""
        return self.added + self.removed + self.changed


# ---------------------------------------------------------------- what else changed


@dataclass(frozen=True)
class ParamChange:
    """A knob of params.yaml by its dotted key; `old` or `new` is None where the key is missing (or null)."""

    key: str
    old: Any
    new: Any


@dataclass(frozen=True)
class FileChange:
    """A file that a stage reads and git or DVC has: a prompt, a source, a human decision."""

    path: str
    kind: Literal["added", "removed", "edited"]


@dataclass(frozen=True)
class CodeChange:
    """A line of fingerprints/<stage>.txt: a module or a library of these stages; `old` or `new` is None where missing.

    `name` is the module's path or the library's name; for libraries the values are versions, for modules hashes.
    """

    kind: Literal["module", "library"]
    name: str
    old: str | None
    new: str | None
    stages: tuple[str, ...]


@dataclass(frozen=True)
class StageChange:
    """A stage whose command, parameters, dependencies or outputs differ in dvc.lock; `deps` and `outs` are paths."""

    stage: str
    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]


Change = ParamChange | FileChange | CodeChange | StageChange


@dataclass(frozen=True)
class Alert:
    """Something to look at first. `kind` names the check ("removed", "leak", "license", "share", "schema", "cause" …),
    `rank_key` orders alerts of one severity: larger first. `cause` names the cause, where one is known."""

    severity: Severity
    text: str
    kind: str
    rank_key: float = 0.0
    cause: str | None = None
    table: str = ""


@dataclass(frozen=True)
class ClassShare:
    """Rows of a product (D or P) of one class: neutral (as they were), additive (added), breaking (rewritten or removed).

    `share` is of the rows of both versions together, each row once.
    """

    level: Level
    table: str
    rows: int
    share: float


@dataclass(frozen=True)
class Diff:
    """What differs between two versions.

    `tables`: those that differ, in the graph's order; `same`: names of those with equal bytes. `pending`: stages that
    would run again before the new version (the workspace) is what its sources say. `why` (reports/causes), `gates`,
    `price` and `metrics` (reports/gates) are filled in afterwards: `dataclasses.replace(diff, why=…)`, then
    `reports.diff.alerts.rank_alerts`. `missing`: tables that could not be compared, since the bytes of a version are not to be
    had. `notes`: what must be known before the rest is believed: those, a version that records no table.
    """

    old: Version
    new: Version
    tables: tuple[TableDiff, ...]
    same: tuple[str, ...]
    alerts: tuple[Alert, ...]
    level: Level
    classes: tuple[ClassShare, ...]
    changes: tuple[Change, ...]
    pending: tuple[str, ...] = ()
    why: Any = None
    gates: Any = None
    price: Any = None
    metrics: Any = None
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def table(self, name: str) -> TableDiff | None:
        """The difference of one table by its path, None where it does not differ."""
        return next((table for table in self.tables if table.table == name), None)
