"""The rows that a synthesis stage writes: demonstrations, preferences, verdicts, dropped and quarantined rows."""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

import polars as pl

from cultivar.llm.answer import Answer
from schemas.ids import content_id
from schemas.rows import Demonstration, Dropped, Preference, Quarantined, Row, VerdictRow
from schemas.table import Table

R = TypeVar("R", bound=Row)
PART = 5_000
"""Rows that stand as dicts until they become columns: a dict of a row is some ten times as large."""


class TableBuilder(Generic[R]):
    """Rows of one model that become columns as they come."""

    def __init__(self, model: type[R]):
        self.model = model
        self.rows: list[dict[str, Any]] = []
        self.frames: list[pl.DataFrame] = []

    def extend(self, rows: Iterable[dict[str, Any]]) -> None:
        self.rows += rows
        if len(self.rows) >= PART:
            self.pack()

    def pack(self) -> None:
        self.frames.append(Table.of(self.model, self.rows).frame)
        self.rows = []

    def table(self) -> Table[R]:
        self.pack()
        return Table(self.model, pl.concat(self.frames))


class Ledger:
    """Rows of one stage's run, by id. A row that is there already is not added again; its first state stays."""

    def __init__(self, stage: str):
        self.stage = stage
        self.demonstrations: dict[str, dict] = {}
        self.preferences: dict[str, dict] = {}
        self.verdicts: dict[str, dict] = {}
        self.dropped: dict[str, dict] = {}
        self.quarantined: dict[str, dict] = {}

    def demonstrate(self, row: dict[str, Any]) -> None:
        """Add a row of D (`schemas.products.demonstration_row`)."""
        self.demonstrations[row["id"]] = row

    def prefer(self, row: dict[str, Any] | None) -> None:
        """Add a row of P (`schemas.products.preference_row`, so None adds nothing)."""
        if row is not None:
            self.preferences[row["id"]] = row

    def verdict(
        self,
        subject: str,
        verifier: str,
        outcome: str,
        *,
        score: float | None = None,
        detail: str = "",
        parents: Sequence[str] = (),
    ) -> str:
        """Add a verdict on the row or answer `subject`, which becomes its first parent; the verdict's id."""
        row_id = content_id("verdict", [verifier, outcome, score, detail], [subject, *parents])
        self.verdicts[row_id] = {
            "id": row_id,
            "parents": [subject, *parents],
            "stage": self.stage,
            "verifier": verifier,
            "outcome": outcome,
            "score": score,
            "detail": detail[:500],
        }
        return row_id

    def drop(self, row_id: str, rule: str, parent: str | None = None, detail: str = "") -> None:
        """Note the rule that removed a row, or a candidate derived from the row `parent`."""
        row = {
            "id": row_id,
            "parents": [parent] if parent else [],
            "stage": self.stage,
            "rule": rule,
            "detail": detail,
        }
        self.dropped.setdefault(row_id, row)

    def fail(self, answer: Answer, parent: str) -> None:
        """Quarantine an unusable answer about the row `parent`, which itself goes on."""
        row_id = content_id("failed answer", answer.key, [parent])
        self.quarantine(row_id, str(answer.error), answer.text, [parent])

    def quarantine(self, row_id: str, error: str, raw: str = "", parents: Sequence[str] = ()) -> None:
        """Note why a row could not be processed, with the text that caused it."""
        row = {"id": row_id, "parents": list(parents), "stage": self.stage, "error": error, "raw": raw}
        self.quarantined.setdefault(row_id, row)

    def close(self, ids: list[str], rule: str) -> None:
        """Drop by `rule` every row of `ids` that is no parent of a row of D or P and has no state yet."""
        used = {
            parent
            for rows in (self.demonstrations, self.preferences)
            for row in rows.values()
            for parent in row["parents"]
        }
        for row_id in ids:
            if row_id in used:
                self.dropped.pop(row_id, None)
                self.quarantined.pop(row_id, None)
            elif row_id not in self.quarantined:
                self.drop(row_id, rule)

    def tables(self) -> dict[str, Table]:
        """The stage's tables, by the names that dvc.yaml gives them."""
        return {
            f"{self.stage}_demonstrations": Table.of(Demonstration, self.demonstrations.values()),
            f"{self.stage}_preferences": Table.of(Preference, self.preferences.values()),
            f"{self.stage}_verdicts": Table.of(VerdictRow, self.verdicts.values()),
            "dropped": Table.of(Dropped, self.dropped.values()),
            "quarantine": Table.of(Quarantined, self.quarantined.values()),
        }
