"""What gates, the price of a change and the comparison of metrics say: plain values, for the terminal, the page and JSON.

Values of rows are masked before they stand here (`Finding.text`); whoever shows them escapes them for its medium
(cultivar/outgoing/escape.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["pass", "warn", "fail", "unknown", "waived"]
Word = Literal["better", "worse", "within noise", "changed", "unchanged", "new", "gone", "not measured"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row that a gate holds against a version. `id` is the row's; `table` the table's path; `text` is masked.

    `waiver` is the reason of the waiver that lets it pass; empty where it counts.
    """

    table: str
    id: str
    what: str
    text: str = ""
    waiver: str = ""


@dataclass(frozen=True, kw_only=True)
class GateResult:
    """One line of `cultivar gate`. `value` and `base` are None where they are not known.

    `value`, `base`, `low` and `high` are in `unit` ("share", "rows", "points" …); `threshold` and `shown` are words for a
    reader: `at most 0`, `at least 40 %`, `falls by at most 2 points`. `low` and `high` are the interval of the value where
    it has one. `rows` are the worst at first, at most `ROWS` of them; `found` is how many there are in all and
    `waived` how many of these a waiver lets pass.
    """

    name: str
    title: str
    status: Status
    value: float | None
    base: float | None
    threshold: str
    why: str
    unit: str = ""
    shown: str = ""
    shown_base: str = ""
    low: float | None = None
    high: float | None = None
    rows: tuple[Finding, ...] = ()
    found: int = 0
    waived: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a version's answers cost beyond another's: distinct requests and their tokens, and what these cost.

    `cost` is None where a model that was asked has no price in `budget.prices`. `programs` are the executions in the
    sandbox. `note` says in a sentence what was counted and what could not be.
    """

    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None
    currency: str
    note: str
    programs: int | None = None
    models: tuple["ModelPrice", ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelPrice:
    """The share of one model in a price."""

    model: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


@dataclass(frozen=True, kw_only=True)
class MetricLine:
    """One metric of two versions. `low` and `high` bound the change new - old, in the metric's own unit.

    They are None where nothing bounds it. `band` says where they come from ("paired, 200 items", "5 seeds"); `word` what the
    change means: `within noise` where the band holds 0, `better` and `worse` beyond it, `changed` where no band is known or
    no direction is better, `not measured` where a version has the figure of earlier data only.
    """

    name: str
    title: str
    old: float | None
    new: float | None
    low: float | None
    high: float | None
    word: Word
    unit: str = ""
    band: str = ""
    group: str = ""


ROWS = 10
"""Rows shown of a gate."""


def worst(results: Iterable[GateResult]) -> Status:
    """The status of all gates together: fail before unknown before warn; waived ones pass."""
    found = {result.status for result in results}
    return next((status for status in ("fail", "unknown", "warn") if status in found), "pass")
