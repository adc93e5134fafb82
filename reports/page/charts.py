"""Inline SVG: bars, histograms, lines, intervals. No script, no font files, colours from the page (base.html.jinja).

Shapes are placed in percent of the picture's width, and words stand beside the picture in HTML, so a chart is as readable at
400 px as at 1,200. Every function returns Markup; every text in it is escaped.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from cultivar.outgoing.escape import for_html
from reports.page.numbers import change, count, figure, share
from reports.page.secrets import redact


class Part(NamedTuple):
    """A part of a stacked bar: `kind` is its colour (unchanged, changed, added, removed, moved, or c0 … c7)."""

    name: str
    value: float
    kind: str


def picture(label: str, shapes: str, height: int, kind: str = "", view: tuple[int, int] | None = None) -> Markup:
    """An SVG as wide as its place, `height` px high. With `view` its shapes stand in units of that size, stretched."""
    box = f' viewBox="0 0 {view[0]} {view[1]}" preserveAspectRatio="none"' if view else ""
    text = for_html(redact(label))
    return Markup(
        f'<svg class="chart {kind}" role="img" aria-label="{text}" height="{height}"{box}><title>{text}</title>{shapes}</svg>'
    )


def stacked_bar(name: str, parts: Sequence[Part], height: int = 14) -> Markup:
    """Parts of a whole side by side; a part above nothing is never too thin to see."""
    total = sum(part.value for part in parts)
    label = f"{name}: " + ", ".join(f"{part.name} {figure(part.value)}" for part in parts)
    if not total:
        return picture(label, '<rect class="empty" width="100%" height="100%"/>', height, "stacked")
    widths = [max(part.value / total * 100, 0.4 if part.value else 0) for part in parts]
    scale, at, shapes = 100 / sum(widths), 0.0, []
    for part, width in zip(parts, widths, strict=True):
        if width:
            tip = for_html(f"{part.name} {figure(part.value)} ({share(part.value / total)})")
            shapes.append(
                f'<rect class="{part.kind}" x="{at:.2f}%" width="{width * scale:.2f}%" height="100%"><title>{tip}</title></rect>'
            )
        at += width * scale
    return picture(label, "".join(shapes), height, "stacked")


def pair(name: str, old: float, new: float, most: float) -> Markup:
    """Two bars, old above new, as shares of `most`: the cell of a table whose other cells hold the numbers."""
    scale = 100 / most if most else 0
    shapes = (
        f'<rect class="old" y="1" width="{old * scale:.2f}%" height="7"/>'
        f'<rect class="new" y="9" width="{new * scale:.2f}%" height="7"/>'
    )
    return picture(f"{name}: old {share(old)}, new {share(new)}", shapes, 17, "pair")


def histogram(name: str, old: Sequence[int], new: Sequence[int], height: int = 120) -> Markup:
    """Two histograms of equal bins laid over each other, each as shares of its own rows: old filled, new as a line."""
    shares = [shares_of(old), shares_of(new)]
    most = highest(old, new) or 1
    width, tall = 1000, 1000

    def steps(bins: Sequence[float]) -> list[str]:
        step = width / max(1, len(bins))
        levels = [tall * (1 - 0.96 * value / most) for value in bins]
        return [f"{at * step:.1f},{y:.1f} {(at + 1) * step:.1f},{y:.1f}" for at, y in enumerate(levels)]

    shapes = (
        f'<polygon class="old" points="0,{tall} {" ".join(steps(shares[0]))} {width},{tall}"/>'
        f'<polyline class="new" points="0,{tall} {" ".join(steps(shares[1]))} {width},{tall}"/>'
    )
    label = f"{name}: {len(old)} bins, the highest holds {share(most)} of the rows"
    return picture(label, shapes, height, "histogram", (width, tall))


def shares_of(bins: Sequence[int]) -> list[float]:
    total = sum(bins)
    return [value / total if total else 0.0 for value in bins]


def highest(old: Sequence[int], new: Sequence[int]) -> float:
    """The share that the highest bin of two histograms stands for: the top of their axis."""
    return max((*shares_of(old), *shares_of(new)), default=0.0)


def interval(name: str, old: float, new: float, low: float | None, high: float | None, reach: float) -> Markup:
    """A change as a dot on an axis from -reach to +reach, with the band that bounds it. The line in the middle is 0."""

    def x(value: float) -> float:
        return min(100.0, max(0.0, 50 + value / reach * 48)) if reach else 50.0

    label = f"{name}: {change(old, new)}"
    shapes = '<line class="zero" x1="50%" x2="50%" y1="1" y2="17"/>'
    if low is not None and high is not None:
        label += f", between {figure(low)} and {figure(high)}"
        shapes += (
            f'<rect class="band" x="{x(low):.2f}%" width="{max(x(high) - x(low), 0.8):.2f}%" y="5" height="8" rx="2"/>'
        )
    shapes += f'<circle class="dot" cx="{x(new - old):.2f}%" cy="9" r="4"/>'
    return picture(label, shapes, 18, "interval")


def line(name: str, values: Sequence[float | None], height: int = 120, dots: bool = True) -> Markup:
    """Values at equal steps as one line; it is broken where a value is None or not finite. The axis is not from 0."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    span = high - low or abs(high) or 1.0
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in enumerate(values):
        if value is None or not math.isfinite(value):
            runs.append([])
        else:
            x = 1 + 98 * at / max(1, len(values) - 1) if len(values) > 1 else 50.0
            runs[-1].append((x, 92 - 84 * (value - low) / span if high > low else 50.0))
    shapes = [
        f'<line class="trend" x1="{a:.2f}%" y1="{b:.2f}%" x2="{c:.2f}%" y2="{d:.2f}%"/>'
        for run in runs
        for (a, b), (c, d) in zip(run, run[1:], strict=False)
    ]
    if dots:
        shapes += [f'<circle class="dot" cx="{x:.2f}%" cy="{y:.2f}%" r="3.5"/>' for run in runs for x, y in run]
    ends = f", from {figure(known[0])} to {figure(known[-1])}" if known else ""
    label = f"{name}: {count(len(known))} values{ends}, least {figure(low)}, most {figure(high)}"
    return picture(label, "".join(shapes), height, "line")


def sparkline(name: str, values: Sequence[float | None]) -> Markup:
    """`line` as high as a line of text."""
    return line(name, values, 22, dots=False)
