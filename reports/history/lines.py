"""A metric over data versions as inline SVG: a line, its dots, the band of its intervals, named axes."""

import math
from collections.abc import Sequence

from markupsafe import Markup

from cultivar.outgoing.escape import for_html
from cultivar.outgoing.redaction import redacted
from reports.history.formats import value_text
from reports.history.measures import Measure, Measured
from reports.page.numbers import figure

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 210, 62, 14, 10, 52


def line_chart(measure: Measure, names: Sequence[str], values: Sequence[Measured | None]) -> Markup:
    """The values at equal steps, one a version, broken where there is none; the axis is not from 0.

    A run of one value has an upright bar for its interval, longer ones a band.
    """
    known = [value for value in values if value is not None]
    reach = [end for value in known for end in (value.value, value.low, value.high) if end is not None]
    marks = axis_marks(min(reach, default=0.0), max(reach, default=1.0))
    low, high = marks[0], marks[-1]
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(at: int) -> float:
        return LEFT + across * (at + 0.5) / max(1, len(values))

    def y(value: float) -> float:
        return TOP + down * (high - value) / (high - low)

    shapes = []
    for mark in marks:
        shapes.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>')
        shown = f"{mark * 100:g} %" if measure.is_share else figure(mark)
        shapes.append(f'<text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{shown}</text>')
    every = math.ceil(len(names) / 6)
    for at, name in enumerate(names):
        if at % every == 0 or at == len(names) - 1 and at % every > every / 2:
            shapes.append(f'<text x="{x(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{safe(name)}</text>')
    shapes.append(
        f'<text x="{LEFT + across / 2}" y="{HEIGHT - 8}" text-anchor="middle">data version, oldest first</text>'
    )
    for run in runs(values):
        band = [(at, value.low, value.high) for at, value in run if value.low is not None and value.high is not None]
        if len(band) > 1:
            upper = [f"{x(at):.1f},{y(top):.1f}" for at, _, top in band]
            lower = [f"{x(at):.1f},{y(bottom):.1f}" for at, bottom, _ in reversed(band)]
            shapes.append(f'<polygon class="interval" points="{" ".join(upper + lower)}"/>')
        for at, bottom, top in band if len(band) == 1 else []:
            shapes.append(
                f'<line class="bar" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{y(bottom):.1f}" y2="{y(top):.1f}"/>'
            )
        points = " ".join(f"{x(at):.1f},{y(value.value):.1f}" for at, value in run)
        shapes.append(f'<polyline class="trend" points="{points}"/>')
        for at, value in run:
            tip = safe(f"{names[at]}: {value_text(value, measure)}")
            shapes.append(
                f'<circle class="dot" cx="{x(at):.1f}" cy="{y(value.value):.1f}" r="3.5"><title>{tip}</title></circle>'
            )
    label = safe(f"{measure.words} by data version: {len(known)} of {len(values)} measured")
    return Markup(
        f'<svg class="history" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(shapes)}</svg>'
    )


def runs(values: Sequence[Measured | None]) -> list[list[tuple[int, Measured]]]:
    """Neighbours that have a value, with their places."""
    found: list[list[tuple[int, Measured]]] = []
    for at, value in enumerate(values):
        if value is None:
            continue
        if not found or found[-1][-1][0] != at - 1:
            found.append([])
        found[-1].append((at, value))
    return found


def axis_marks(low: float, high: float) -> list[float]:
    """Some four round numbers that enclose a range, which is at least a fiftieth of its values: less is no movement."""
    least = max(abs(low), abs(high)) / 50 or 1.0
    if (lacking := least - (high - low)) > 0:
        low, high = low - lacking / 2, high + lacking / 2
    raw = (high - low) / 4
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{step * number:.12g}") for number in range(first, last + 1)]


def safe(text: str) -> str:
    return for_html(redacted(text))
