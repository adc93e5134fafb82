"""What can be declared in reports/gates.yaml and human/waivers.yaml; unknown fields are refused."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from reports.gates.scan import KINDS, Kind
from reports.gates.thresholds import Bound, Change, Thresholds
from schemas.human import Decided, Place, repeated
from schemas.rows import Id, Text

Product = Literal["demonstrations", "preferences"]
ProductNames = Annotated[tuple[Product, ...], Field(min_length=1)]
BOTH: tuple[Product, ...] = ("demonstrations", "preferences")
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]


class Gate(Decided):
    """What every gate has. `why` is a sentence for whoever meets the gate; `unknown` says what a missing value means."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str = ""
    why: Sentence
    severity: Literal["fail", "warn"] = "fail"
    unknown: Literal["unknown", "pass", "warn", "fail"] = "unknown"
    max: Bound | None = None
    min: Bound | None = None
    max_drop: Change | None = None
    max_growth: Change | None = None

    @property
    def thresholds(self) -> Thresholds:
        return Thresholds(max=self.max, min=self.min, max_drop=self.max_drop, max_growth=self.max_growth)

    @model_validator(mode="after")
    def has_threshold(self) -> "Gate":
        if self.max is None and self.min is None and not self.thresholds.has_change:
            raise ValueError("a gate needs a threshold: max, min, max_drop or max_growth")
        return self


class RowGate(Gate):
    """A gate over rows that should not be there. `max` counts them, as `1 %` it is their share of the rows looked at.

    `only_new`: rows that the base version has too are not counted.
    """

    tables: ProductNames = BOTH
    only_new: bool = False

    @model_validator(mode="after")
    def has_no_lower_bound(self) -> "RowGate":
        if self.min is not None or self.max_drop is not None:
            raise ValueError("rows that should not be there have max and max_growth, no min and no max_drop")
        return self


class LeakGate(RowGate):
    """Rows that overlap an evaluation item (stages/curation/decontamination.py), whatever params.yaml says of it."""

    rule: Literal["leaks"]
    ngram: Annotated[int, Field(ge=3)] = 13
    lcs_tokens: Annotated[int, Field(ge=3)] = 13
    lcs_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    solution_tokens: Annotated[int, Field(ge=3)] = 13


class ReportedOverlapGate(RowGate):
    """Rows that data/overlaps.parquet reports and the filter left in: a shorter n-gram in common."""

    rule: Literal["reported_overlaps"]


class SplitGate(RowGate):
    """Rows whose prompt stands on both sides of the split."""

    rule: Literal["split_leaks"]


class PersonalGate(RowGate):
    """Rows that hold personal data or secrets (reports/gates/personal.py)."""

    rule: Literal["personal_data"]
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    allow: tuple[str, ...] = ()


class LicenseGate(RowGate):
    """Rows under a licence that is not allowed, of their own or of what they were made from (SPDX ids).

    `allow` and `deny` are SPDX ids or names of params.yaml; without `allow` everything is allowed that is not denied.
    `derivatives`, `commercial`: whether a NoDerivatives or NonCommercial licence is a conflict. `share_alike`: whether rows
    under several ShareAlike licences, which no one licence can satisfy, are.
    """

    rule: Literal["licenses"]
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    derivatives: bool = True
    commercial: bool = False
    share_alike: bool = True
    lineage: bool = True


class DuplicateGate(RowGate):
    """Rows whose texts another row of their table has, and pairs that another pair contradicts."""

    rule: Literal["duplicates"]


class CountGate(Gate):
    """Rows for each value of a column, those of `values` whether they occur or not; "" counts all rows."""

    rule: Literal["rows"]
    table: Product
    by: Literal["", "domain", "strategy", "language", "label_source", "license", "engine", "split"] = ""
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def has_counts_as_bounds(self) -> "CountGate":
        if "%" in (amount.unit for amount in (self.max, self.min) if amount is not None):
            raise ValueError("rows are counted: max and min are numbers of rows (rule `share` bounds a share)")
        if "points" in (amount.unit for amount in (self.max_drop, self.max_growth) if amount is not None):
            raise ValueError(
                "rows are counted: max_drop and max_growth are numbers of rows or, as `20 %`, parts of the base"
            )
        return self


class ShareGate(Gate):
    """Share of the rows of tables that have a value in a column."""

    rule: Literal["share"]
    tables: ProductNames = BOTH
    column: Literal["simulated", "label_source", "domain", "strategy", "license", "language", "engine", "split"]
    value: str | bool


class QuarantineGate(Gate):
    """Share of the rows that a stage read which it quarantined; of each stage, or of one."""

    rule: Literal["quarantine"]
    stage: str = "*"


class LostAnswerGate(Gate):
    """Share of a stage's requests that came to no answer; of each stage and role, or of one stage."""

    rule: Literal["lost_answers"]
    stage: str = "*"


class DroppedGate(Gate):
    """Rows that a rule of a stage dropped, for each row that the stage read (several candidates of a row may go)."""

    rule: Literal["dropped"]
    stage: str
    reason: str = "*"


class MetricGate(Gate):
    """Any number of metrics/: `filter.rows.kept`, `evaluate/sft.math_greedy`, `rank.judges.*.swap_agreement`.

    `bound` takes an end of the metric's interval (`NAME_low`, `NAME_high`) in place of the value. `within_noise`: what a
    change that breaks max_drop or max_growth means where its noise band holds 0 (reports/gates/metrics.py).
    """

    rule: Literal["metric"]
    metric: Annotated[str, Field(pattern=r"^[^.\s]+(?:\.[^.\s]+)+$")]
    bound: Literal["value", "low", "high"] = "value"
    within_noise: Literal["pass", "warn", "fail"] = "warn"


AnyGate = Annotated[
    LeakGate
    | ReportedOverlapGate
    | SplitGate
    | PersonalGate
    | LicenseGate
    | DuplicateGate
    | CountGate
    | ShareGate
    | QuarantineGate
    | LostAnswerGate
    | DroppedGate
    | MetricGate,
    Field(discriminator="rule"),
]


class GateFile(Decided):
    """reports/gates.yaml."""

    gates: Annotated[tuple[AnyGate, ...], Field(min_length=1)]

    def conflicts(self) -> Iterator[tuple[Place, str]]:
        named: list[tuple[Place, str]] = [(("gates", n, "name"), gate.name) for n, gate in enumerate(self.gates)]
        for place, name, _ in repeated(named):
            yield place, f"several gates have the name {name}; a waiver could not tell them apart: give it another"


class Waiver(Decided):
    """An exception that people have reviewed: rows by id, or a scope, until a day, which it still counts on.

    `scope` is a column of D and P (domain, license, …) with a value or several; of a gate over stages or metrics `stage`,
    `metric` and the like; `all` waives the gate.
    """

    gate: Text
    rows: Annotated[tuple[Id, ...], Field(min_length=1)] | None = None
    scope: Literal["all"] | dict[str, str | tuple[str, ...]] | None = None
    reason: Sentence
    who: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    until: date

    @model_validator(mode="after")
    def has_one_extent(self) -> "Waiver":
        if (self.rows is None) == (self.scope is None):
            raise ValueError("a waiver has either rows (ids) or a scope")
        if self.scope == {}:
            raise ValueError("scope names no column; write `all` to waive the gate")
        return self


class WaiverFile(Decided):
    """human/waivers.yaml."""

    waivers: tuple[Waiver, ...] = ()

    @field_validator("waivers", mode="before")
    @classmethod
    def has_none(cls, waivers: object) -> object:
        """Every entry taken out or commented out leaves the key alone."""
        return () if waivers is None else waivers
