"""Inline SVG: lines over steps, rates with their intervals, bars and histograms. No script, no fonts, the page's colours.

Every chart has a name for whoever cannot see it, and titles on its axes. Texts are
redacted and escaped here.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cultivar.outgoing.escape import for_html
from cultivar.outgoing.redaction import redacted

LEFT, RIGHT, TOP, BOTTOM = 52, 16, 10, 42
LABEL_CHARS = 20
"""Of a value beside its bar."""


class Rate(NamedTuple):
    """A share with its interval, all in [0, 1]."""

    name: str
    value: float
    low: float
    high: float


class Bin(NamedTuple):
    """A bin of a histogram: where it begins, and the share of each series in it."""

    label: str
    shares: Sequence[float]


def drawing(width: float, height: float, label: str, parts: Sequence[str]) -> str:
    """An SVG element that scales with the page; `label` says what it shows."""
    named = for_html(redacted(label))
    return f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{named}">{"".join(parts)}</svg>'


def text(kind: str, x: float, y: float, words: str, anchor: str = "start", turn: int = 0) -> str:
    """A text of the page's class `kind`."""
    turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{turned}>{for_html(redacted(words))}</text>'


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width):.1f}" height="{height:.1f}"/>'


def axis_titles(x_title: str, y_title: str, width: int, height: int) -> list[str]:
    """The titles below and beside the axes of a chart."""
    middle = TOP + (height - TOP - BOTTOM) / 2
    below = text("axis", LEFT + (width - LEFT - RIGHT) / 2, height - 6, x_title, "middle")
    return [below, text("axis", 12, middle, y_title, "middle", -90)]


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

    parts = axis_titles(x_name, y_name, width, height)
    for y in bounds[1]:
        _, at = place(x0, y)
        parts += [line("grid", LEFT, at, width - RIGHT, at), text("tick", LEFT - 6, at + 4, f"{y:g}", "end")]
    parts += [
        text("tick", place(x, y0)[0], height - BOTTOM + 16, f"{x:g}", "middle") for x in bounds[0] if x0 <= x <= x1
    ]
    path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
    parts.append(f'<polyline class="line" points="{path}"/>')
    return drawing(width, height, f"{y_name} by {x_name}, {len(points)} points", parts)


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


def rate_chart(rates: Sequence[Rate], title: str, width: int) -> str:
    """One dot with its interval per rate, on a common axis from 0 to 100 %, which `title` names."""
    left, row = 132, 26
    height = row * len(rates) + 44
    across = width - left - 60

    def x_of(share: float) -> float:
        return left + share * across

    parts = [text("axis", x_of(0.5), height - 6, title, "middle")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = x_of(share)
        parts += [line("grid", x, 4, x, height - 40), text("tick", x, height - 24, f"{share:.0%}", "middle")]
    for number, rate in enumerate(rates):
        y = row * number + 18
        parts += [
            text("name", left - 10, y + 4, rate.name, "end"),
            line("interval", x_of(rate.low), y, x_of(rate.high), y),
            f'<circle class="dot" cx="{x_of(rate.value):.1f}" cy="{y}" r="5"/>',
            text("value", width - 4, y + 4, f"{rate.value:.1%}", "end"),
        ]
    return drawing(width, height, ", ".join(f"{rate.name} {rate.value:.1%}" for rate in rates), parts)


def bar_chart(counts: Mapping[str, Sequence[int]], series: Sequence[str], width: int, title: str) -> str:
    """Bars of shares, one per value and series side by side, with the counts; each series' shares are of its own sum."""
    left, bar = 150, 11
    row = bar * len(series) + 9
    height = row * len(counts) + 44
    sums = [max(1, sum(of_value[place] for of_value in counts.values())) for place in range(len(series))]
    most = max((of[n] / sums[n] for of in counts.values() for n in range(len(series))), default=1.0) or 1.0
    across = width - left - 76
    parts = [text("axis", left + across / 2, height - 6, title, "middle")]
    for share in [tick for tick in ticks([0.0, most]) if tick <= most]:
        x = left + share / most * across
        parts += [line("grid", x, 2, x, height - 40), text("tick", x, height - 24, f"{share:.0%}", "middle")]
    for number, (value, of_value) in enumerate(counts.items()):
        y = row * number + 4
        parts.append(text("name", left - 8, y + row / 2, shortened(value), "end"))
        for place, count in enumerate(of_value):
            length = count / sums[place] / most * across
            parts.append(box(f"bar{place}", left, y + bar * place, length, bar - 1))
            parts.append(text("value small", left + length + 5, y + bar * place + bar - 2, f"{count:,}"))
    label = ", ".join(f"{value}: {' and '.join(f'{count:,}' for count in of)}" for value, of in counts.items())
    return drawing(width, height, f"{title} by {' and '.join(series)}: {label}"[:1000], parts)


def histogram(bins: Sequence[Bin], series: Sequence[str], width: int, height: int, x_title: str) -> str:
    """Shares of each series by bin, as columns side by side."""
    most = ticks([0.0, max((share for each in bins for share in each.shares), default=1.0) or 1.0])[-1]
    across, down = width - LEFT - RIGHT, height - TOP - BOTTOM
    parts = axis_titles(x_title, "share of rows", width, height)
    for share in ticks([0.0, most]):
        y = TOP + (1 - share / most) * down
        parts += [line("grid", LEFT, y, width - RIGHT, y), text("tick", LEFT - 6, y + 4, f"{share:.0%}", "end")]
    slot = across / max(1, len(bins))
    for number, each in enumerate(bins):
        x = LEFT + slot * number
        column = slot * 0.84 / len(series)
        for place, share in enumerate(each.shares):
            high = share / most * down
            parts.append(box(f"bar{place}", x + slot * 0.08 + column * place, TOP + down - high, column, high))
        parts.append(text("tick", x, height - BOTTOM + 16, each.label, "middle"))  # where the bin begins
    label = "; ".join(f"{each.label}: {', '.join(f'{share:.0%}' for share in each.shares)}" for each in bins)
    return drawing(width, height, f"{x_title}, shares of {' and '.join(series)}: {label}"[:1000], parts)


def shortened(value: str) -> str:
    value = redacted(value)  # before it is cut
    return value if len(value) <= LABEL_CHARS else value[: LABEL_CHARS - 1] + "…"
