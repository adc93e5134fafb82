"""Figures of gates as a reader sees them."""

from reports.gates.declared import DroppedGate, Gate, LostAnswerGate, MetricGate, QuarantineGate, RowGate, ShareGate
from reports.gates.metrics import KNOWN


def unit_of(gate: Gate, metric: str = "") -> str:
    """What the value of a gate is in: share, rows, or the unit of the metric that it is."""
    if isinstance(gate, RowGate):
        return "share" if gate.max is not None and gate.max.unit == "%" else "rows"
    if isinstance(gate, ShareGate | QuarantineGate | LostAnswerGate):
        return "share"
    if isinstance(gate, DroppedGate):
        return "a row read"
    if isinstance(gate, MetricGate):
        return next((known.unit for known in KNOWN if known.pattern.fullmatch(metric or gate.metric)), "")
    return "rows"


def shown(value: float | None, unit: str) -> str:
    """A figure with its unit; a dash where it is not known."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %" if value in (0, 1) or value >= 0.0005 else f"{100 * value:.2g} %"
    if unit == "rows":
        return f"{value:,.0f}"
    return f"{value:.4g}"
