"""What a synthesis stage writes down: demonstrations, preferences, verdicts, drops and failures, with ids and parents."""

from typing import Any

from cultivar.llm.answer import Answer
from schemas.ids import content_id
from schemas.rows import Demonstration, Dropped, Preference, Quarantined, VerdictRow
from schemas.table import Table


class Ledger:
    """Rows of one stage's run. A row that was demonstrated, preferred, dropped or failed already is not added twice."""

    def __init__(self, stage: str):
        self.stage = stage
        self.demonstrations: dict[str, dict] = {}
        self.preferences: dict[str, dict] = {}
        self.verdicts: dict[str, dict] = {}
        self.dropped: dict[str, dict] = {}
        self.quarantine: dict[str, dict] = {}

    def drop(self, row_id: str, rule: str, parent: str | None = None, detail: str = "") -> None:
        self.dropped.setdefault(row_id, {"id": row_id, "parents": [parent] if parent else [], "stage": self.stage,
                                         "rule": rule, "detail": detail})  # fmt: skip

    def fail(self, answer: Answer, parent: str, whole: bool = False) -> None:
        """Quarantine an unusable answer; `whole` when it takes its row (`parent`) with it."""
        row_id = parent if whole else content_id("failed answer", answer.key, [parent])
        self.quarantine.setdefault(row_id, {"id": row_id, "parents": [] if whole else [parent], "stage": self.stage,
                                            "error": str(answer.error), "raw": answer.text})  # fmt: skip

    def verdict(
        self, subject: str, verifier: str, outcome: str, score: float | None, detail: str = "", *parents: str
    ) -> str:
        """Note a verdict on `subject`; its id."""
        row_id = content_id("verdict", [verifier, outcome, score, detail], [subject, *parents])
        self.verdicts[row_id] = {"id": row_id, "parents": [subject, *parents], "stage": self.stage, "verifier": verifier,
                                 "outcome": outcome, "score": score, "detail": detail[:500]}  # fmt: skip
        return row_id

    def demonstrate(self, row: dict[str, Any]) -> None:
        """Add a row of D (`schemas.products.demonstration_row`)."""
        self.demonstrations[row["id"]] = row

    def prefer(self, row: dict[str, Any] | None) -> None:
        """Add a row of P (`schemas.products.preference_row`, so None adds nothing)."""
        if row is not None:
            self.preferences[row["id"]] = row

    def close(self, ids: list[str], rule: str) -> None:
        """Drop every row of `ids` that came to nothing, so that each ends in exactly one state."""
        used = {
            parent
            for rows in (self.demonstrations, self.preferences)
            for row in rows.values()
            for parent in row["parents"]
        }
        for row_id in ids:
            if row_id in used:
                self.dropped.pop(row_id, None)
                self.quarantine.pop(row_id, None)
            elif row_id not in self.quarantine:
                self.drop(row_id, rule)

    def tables(self) -> dict[str, Table]:
        return {
            f"{self.stage}_demonstrations": Table.of(Demonstration, self.demonstrations.values()),
            f"{self.stage}_preferences": Table.of(Preference, self.preferences.values()),
            f"{self.stage}_verdicts": Table.of(VerdictRow, self.verdicts.values()),
            "dropped": Table.of(Dropped, self.dropped.values()),
            "quarantine": Table.of(Quarantined, self.quarantine.values()),
        }
