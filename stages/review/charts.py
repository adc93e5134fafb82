"""Inline SVG: lines over steps, and rates with their intervals. No script, no font files, colours from the page."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from cultivar.outgoing.escape import for_html

LEFT, RIGHT, TOP, BOTTOM = 46, 16, 10, 24


class Rate(NamedTuple):
    """A share with its interval, all in [0, 1]."""

    name: str
    value: float
    low: float
    high: float


def line_chart(xs: Sequence[float], ys: Sequence[float], x_name: str, y_name: str, width: int, height: int) -> str:
    """One line. Points that are not finite are left out; fewer than two points draw nothing but the axes."""
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    bounds = ticks([x for x, _ in points]), ticks([y for _, y in points])
    x0, x1 = min((x for x, _ in points), default=0.0), max((x for x, _ in points), default=1.0)
    x1 = x1 if x1 > x0 else x0 + 1
    y0, y1 = bounds[1][0], bounds[1][-1]
    across, down = width - LEFT - RIGHT, height - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + (x - x0) / (x1 - x0) * across, TOP + (y1 - y) / (y1 - y0) * down

    grid = [
        f'<line class="grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{place(x0, y)[1]:.1f}" y2="{place(x0, y)[1]:.1f}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{place(x0, y)[1] + 4:.1f}" text-anchor="end">{y:g}</text>'
        for y in bounds[1]
    ]
    grid += [
        f'<text class="tick" x="{place(x, y0)[0]:.1f}" y="{height - 8}" text-anchor="middle">{x:g}</text>'
        for x in bounds[0]
        if x0 <= x <= x1
    ]
    path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
    label = f"{y_name} by {x_name}, {len(points)} points"
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{for_html(label)}">{"".join(grid)}'
        f'<polyline class="line" points="{path}"/></svg>'
    )


def ticks(values: Sequence[float], wanted: int = 4) -> list[float]:
    """Round numbers that enclose the values; 0 and 1 for none."""
    if not values:
        return [0.0, 1.0]
    low, high = min(values), max(values)
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    raw = (high - low) / wanted
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(step * number, 12) for number in range(first, last + 1)]


def rate_chart(rates: Sequence[Rate], width: int) -> str:
    """One dot with its interval per rate, on a common axis from 0 to 100 %."""
    left, row = 110, 26
    height = row * len(rates) + 26
    across = width - left - 60

    def x_of(share: float) -> float:
        return left + share * across

    parts = [
        f'<line class="grid" x1="{x_of(s):.1f}" x2="{x_of(s):.1f}" y1="4" y2="{height - 22}"/>'
        f'<text class="tick" x="{x_of(s):.1f}" y="{height - 8}" text-anchor="middle">{s:.0%}</text>'
        for s in (0, 0.25, 0.5, 0.75, 1)
    ]
    for number, rate in enumerate(rates):
        y = row * number + 18
        parts.append(
            f'<text class="name" x="{left - 10}" y="{y + 4}" text-anchor="end">{for_html(rate.name)}</text>'
            f'<line class="interval" x1="{x_of(rate.low):.1f}" x2="{x_of(rate.high):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{x_of(rate.value):.1f}" cy="{y}" r="5"/>'
            f'<text class="value" x="{width - 4}" y="{y + 4}" text-anchor="end">{rate.value:.1%}</text>'
        )
    label = ", ".join(f"{rate.name} {rate.value:.1%}" for rate in rates)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{for_html(label)}">{"".join(parts)}</svg>'
