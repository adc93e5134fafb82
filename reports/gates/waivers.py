"""Waivers: exceptions that people have reviewed in git, which rows and figures they let pass, and which are of no use.

A waiver counts up to its day, that day included. One that has expired counts no more, and one that lets nothing pass is to
be removed: both are said.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from reports.gates.cases import Labels
from reports.gates.declared import Waiver
from reports.gates.products import LABELS
from reports.gates.reading import WAIVERS


class Waivers:
    """The waivers of a version, on a day. Which have let something pass is noted as gates ask."""

    def __init__(self, waivers: Sequence[Waiver], day: date) -> None:
        self.waivers, self.day = waivers, day
        self.used: set[int] = set()

    def valid(self, gate: str) -> list[tuple[int, Waiver]]:
        """The waivers of a gate that count, with their places in the file."""
        return [
            (place, waiver)
            for place, waiver in enumerate(self.waivers)
            if waiver.gate == gate and waiver.until >= self.day
        ]

    def of_rows(self, gate: str, rows: pl.DataFrame, note: bool = True) -> pl.Series:
        """The reason for which each row (`id`, `table` and the columns of LABELS) is let pass; null where it is not.

        `note`: whether the waivers have been of use by it.
        """
        reasons = pl.Series("waiver", [None] * rows.height, dtype=pl.String)
        for place, waiver in self.valid(gate):
            mask = covered_rows(waiver, rows)
            if note and mask.any():
                self.used.add(place)
            words = f"{waiver.reason} ({waiver.who}, until {waiver.until})"
            reasons = pl.select(pl.when(mask & reasons.is_null()).then(pl.lit(words)).otherwise(reasons)).to_series()
        return reasons

    def of_case(self, gate: str, labels: Labels) -> str:
        """The reason for which a figure is let pass; empty where it is not."""
        for place, waiver in self.valid(gate):
            if covers_case(waiver, labels):
                self.used.add(place)
                return f"{waiver.reason} ({waiver.who}, until {waiver.until})"
        return ""

    def remarks(self, gates: Iterable[str]) -> list[str]:
        """What is to be said of waivers: of no gate, expired, of no use."""
        known, said = set(gates), []
        for place, waiver in enumerate(self.waivers):
            name = f"{WAIVERS}: waivers[{place}] of gate {waiver.gate}"
            if waiver.gate not in known:
                said.append(f"{name}: no such gate is declared; correct the name or remove the waiver")
            elif waiver.until < self.day:
                said.append(f"{name} expired on {waiver.until} and counts no more; renew it in review or remove it")
            elif place not in self.used:
                said.append(f"{name} waives nothing; remove it")
        return said


def covered_rows(waiver: Waiver, rows: pl.DataFrame) -> pl.Series:
    """Whether a waiver names each row."""
    if waiver.rows is not None:
        return rows["id"].is_in(list(waiver.rows))
    if waiver.scope == "all":
        return pl.Series([True] * rows.height, dtype=pl.Boolean)
    mask = pl.Series([True] * rows.height, dtype=pl.Boolean)
    for column, wanted in scope_of(waiver).items():
        if column not in (*LABELS, "table"):
            return pl.Series([False] * rows.height, dtype=pl.Boolean)
        mask &= rows[column].cast(pl.String).is_in(wanted)
    return mask


def covers_case(waiver: Waiver, labels: Labels) -> bool:
    """Whether a waiver names a figure by what tells it apart."""
    if waiver.rows is not None:
        return False
    own = dict(labels)
    return waiver.scope == "all" or all(own.get(column) in wanted for column, wanted in scope_of(waiver).items())


def scope_of(waiver: Waiver) -> dict[str, list[str]]:
    """Column -> values, of a waiver with such a scope."""
    if not isinstance(waiver.scope, dict):
        return {}
    return {name: [value] if isinstance(value, str) else list(value) for name, value in waiver.scope.items()}
