"""The gates of a version, checked against a base version: one result a gate, and what is to be said of gates and waivers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase

import polars as pl

from reports.gates.cases import Case, Cases, Labels, find_cases
from reports.gates.declared import CountGate, Gate, LeakGate, MetricGate, ReportedOverlapGate, RowGate
from reports.gates.excerpts import findings_of
from reports.gates.metrics import metric_lines
from reports.gates.model import GateResult, MetricLine, Status
from reports.gates.products import LABELS, Products
from reports.gates.reading import GATES, WAIVERS, read_gates, read_waivers
from reports.gates.rows import find_rows
from reports.gates.units import shown, unit_of
from reports.gates.waivers import Waivers
from reports.versions.version import Version
from schemas.errors import UserError


@dataclass(frozen=True)
class Checked:
    """The results in the order of reports/gates.yaml, and remarks on gates and waivers."""

    results: tuple[GateResult, ...]
    remarks: tuple[str, ...]


def check(old: Version | None, new: Version, day: date) -> Checked:
    """Check the gates and waivers that `new` declares; waivers count on `day`. `old` is the base, None where there is none.

    Raises UserError where a declaration is wrong or the bytes of a table are not to be had.
    """
    text = new.text(GATES)
    if text is None:
        raise UserError(f"{GATES} is not there in {new.name}; `git log -- {GATES}` shows where it went")
    gates = read_gates(text).gates
    waivers = Waivers(read_waivers(new.text(WAIVERS)), day)
    checker = Checker(old, new, waivers)
    results = tuple(checker.result(gate) for gate in gates)
    remarks = [*changed_gates(old, new), *waivers.remarks(gate.name for gate in gates)]
    return Checked(results, tuple(remarks))


def changed_gates(old: Version | None, new: Version) -> list[str]:
    """Which gates the base declares otherwise: a change that is reviewed as any other."""
    before = old.text(GATES) if old is not None else None
    if before is None:
        return []
    try:
        was = {gate.name: gate for gate in read_gates(before).gates}
    except UserError:
        return [f"{GATES} of {old.name if old else ''} cannot be read, so nothing is said of changed gates"]
    now = {gate.name: gate for gate in read_gates(new.text(GATES) or "").gates}
    said = []
    for name in sorted(was.keys() | now.keys()):
        if name not in now:
            said.append(f"{GATES}: gate {name} is removed")
        elif name in was and was[name] != now[name]:
            fields = ", ".join(field_names(was[name], now[name]))
            said.append(
                f"{GATES}: gate {name} is changed ({fields}): {was[name].thresholds} before, {now[name].thresholds} now"
            )
    return said


def field_names(one: Gate, other: Gate) -> list[str]:
    """The fields that two declarations of a gate differ in."""
    own, others = one.model_dump(), other.model_dump()
    return [name for name in own | others if own.get(name) != others.get(name)]


class Checker:
    """Checks gates one by one over what two versions hold."""

    def __init__(self, old: Version | None, new: Version, waivers: Waivers) -> None:
        self.new, self.waivers = Products(new), waivers
        self.old = Products(old) if old is not None else None
        self._lines: dict[str, MetricLine] | None = None

    @property
    def lines(self) -> dict[str, MetricLine]:
        """Metric -> its line with a noise band; none without a base."""
        if self._lines is None:
            found = metric_lines(self.old.version, self.new.version) if self.old is not None else []
            self._lines = {line.name: line for line in found}
        return self._lines

    def result(self, gate: Gate) -> GateResult:
        found = self.of_rows(gate) if isinstance(gate, RowGate) else self.of_cases(gate)
        unit = found.unit or unit_of(gate)
        return replace(found, unit=unit, shown=shown(found.value, unit), shown_base=shown(found.base, unit))

    # ---- rows

    def of_rows(self, gate: RowGate) -> GateResult:
        frame = find_rows(self.new, gate)
        if frame is None:
            return unknown(gate, f"{self.new.version.name} has no {absent(self.new, gate)}")
        frame = self.labelled(frame, self.new)
        if gate.only_new and self.old is not None:
            known = [self.old.labels(name).select("table", "id") for name in gate.tables if self.old.has(name)]
            frame = frame.join(pl.concat(known), on=["table", "id"], how="anti") if known else frame
        frame = frame.with_columns(waiver=self.waivers.of_rows(gate.name, frame))
        counted = frame.filter(pl.col("waiver").is_null())
        scale = self.scale(gate, self.new)
        base = self.base_of_rows(gate)
        value = counted.height / scale
        status, note = self.status(gate, value, base)
        waived = frame.height - counted.height
        if status == "pass" and waived and self.status(gate, frame.height / scale, base)[0] != "pass":
            status = "waived"
        worst = pl.concat([counted, frame.filter(pl.col("waiver").is_not_null())])
        return GateResult(
            name=gate.name,
            title=title_of(gate),
            status=status,
            value=value,
            base=base,
            threshold=str(gate.thresholds),
            why=gate.why,
            rows=findings_of(worst, self.new),
            found=frame.height,
            waived=waived,
            note=join(note, f"of {self.new.height(gate.tables):,} rows"),
        )

    def base_of_rows(self, gate: RowGate) -> float | None:
        """The same figure of the base version, by the waivers of the new one."""
        frame = find_rows(self.old, gate) if self.old is not None else None
        if frame is None or self.old is None:
            return None
        frame = self.labelled(frame, self.old)
        counted = int(self.waivers.of_rows(gate.name, frame, note=False).is_null().sum())
        return counted / self.scale(gate, self.old)

    @staticmethod
    def scale(gate: RowGate, products: Products) -> float:
        """What a number of rows is divided by: the rows looked at where the bound is a percentage."""
        is_share = gate.max is not None and gate.max.unit == "%"
        return max(1, products.height(gate.tables)) if is_share else 1

    @staticmethod
    def labelled(frame: pl.DataFrame, products: Products) -> pl.DataFrame:
        """Findings with the columns by which waivers choose."""
        names = frame["table"].unique().sort().str.strip_prefix("data/").str.strip_suffix(".parquet").to_list()
        if not names:
            return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in LABELS)
        labels = pl.concat([products.labels(name) for name in names])
        return frame.join(labels, on=["table", "id"], how="left", maintain_order="left")

    # ---- figures

    def of_cases(self, gate: Gate) -> GateResult:
        now = find_cases(self.new, gate) or {}
        before = (find_cases(self.old, gate) if self.old is not None else None) or {}
        gone = [labels for labels in before if labels not in now]
        if isinstance(gate, CountGate):
            now |= dict.fromkeys(gone, Case(0)) if now or self.new.has(gate.table) else {}
            gone = []
        if not now:
            return unknown(gate, f"{self.new.version.name} has no such figure{self.measured_before(gate)}")
        judged = {labels: self.judge_case(gate, labels, case, before) for labels, case in now.items()}
        rank: list[Status] = ["fail", "warn", "unknown", "waived", "pass"]

        def badness(labels: Labels) -> tuple[int, float, Labels]:
            base = before[labels].value if labels in before else None
            return rank.index(judged[labels][0]), -gate.thresholds.pressure(now[labels].value, base), labels

        worst = min(judged, key=badness)
        status, note, reason = judged[worst]
        if gone and rank.index(status) > rank.index("unknown"):
            names = "; ".join(words_of(labels) for labels in gone)
            return unknown(
                gate, f"{self.new.version.name} has no {names}, which the base has{self.measured_before(gate)}"
            )
        case = now[worst]
        base = before[worst].value if worst in before else None
        which = words_of(worst) + (f", the worst of {len(now)}" if len(now) > 1 else "")
        rows = case.rows() if case.rows is not None and status in ("fail", "warn") else pl.DataFrame()
        return GateResult(
            name=gate.name,
            title=title_of(gate),
            status=status,
            value=case.value,
            base=base,
            threshold=str(gate.thresholds),
            why=gate.why,
            unit=unit_of(gate, case.name),
            low=case.low,
            high=case.high,
            rows=findings_of(rows, self.new),
            found=rows.height,
            note=join(which, note, f"waived: {reason}" if status == "waived" else ""),
        )

    def measured_before(self, gate: Gate) -> str:
        """That the figure there is was measured on earlier data, where that is so."""
        wanted = gate.metric.partition(".")[0] if isinstance(gate, MetricGate) else getattr(gate, "stage", "")
        names = sorted(name for name in self.new.version.earlier_metrics if fnmatchcase(name, wanted))
        return f": {', '.join(names)} ran on earlier data; `dvc repro` measures anew" if names else ""

    def judge_case(self, gate: Gate, labels: Labels, case: Case, before: Cases) -> tuple[Status, str, str]:
        """Status of a figure, what is to be said of it, and the reason of a waiver."""
        base = before[labels].value if labels in before else None
        status, note = self.status(gate, case.value, base, case.name)
        if status in ("fail", "warn") and (reason := self.waivers.of_case(gate.name, labels)):
            return "waived", note, reason
        return status, note, ""

    # ---- both

    def status(self, gate: Gate, value: float, base: float | None, metric: str = "") -> tuple[Status, str]:
        """Whether a value passes, and what is to be said of it."""
        bounds = gate.thresholds
        if bounds.excess(value):
            return gate.severity, ""
        if not bounds.has_change:
            return "pass", ""
        if base is None:
            if gate.max is not None or gate.min is not None:
                return "pass", "no base to compare with"
            return gate.unknown, "unknown: no base to compare with"
        if not bounds.excess_change(value, base):
            return "pass", ""
        line = self.lines.get(metric) if isinstance(gate, MetricGate) and metric else None
        if isinstance(gate, MetricGate) and line is not None and line.word == "within noise":
            note = f"within noise: the change is {line.low:+.3g} to {line.high:+.3g} ({line.band})"
            return min(gate.within_noise, gate.severity, key=["pass", "warn", "fail"].index), note
        return gate.severity, ""


def unknown(gate: Gate, note: str) -> GateResult:
    """The result of a gate whose figure is missing."""
    return GateResult(
        name=gate.name,
        title=title_of(gate),
        status=gate.unknown,
        value=None,
        base=None,
        threshold=str(gate.thresholds),
        why=gate.why,
        note=f"unknown: {note}",
    )


def absent(products: Products, gate: RowGate) -> str:
    """The tables that a gate needs and a version lacks."""
    needed = [*gate.tables]
    if isinstance(gate, LeakGate | ReportedOverlapGate):
        needed.append("evaluation" if isinstance(gate, LeakGate) else "overlaps")  # type: ignore[arg-type]
    return ", ".join(f"data/{name}.parquet" for name in needed if not products.has(name))


def title_of(gate: Gate) -> str:
    return gate.title or gate.name.replace("_", " ")


def words_of(labels: Labels) -> str:
    flags = {"True": "", "False": "not "}
    return ", ".join(flags[value] + name if value in flags else value for name, value in labels)


def join(*words: str) -> str:
    return "; ".join(filter(None, words))


def failing(results: Sequence[GateResult]) -> list[GateResult]:
    """The results that end a run with an error."""
    return [result for result in results if result.status == "fail"]
