"""Places for the boxes of a small graph, left to right, and ways for its arrows that cross no box.

Layers by the longest way from a beginning (Sugiyama et al. 1981): an arrow over several layers gets a lane of its own in each
layer between, so that every arrow runs in the gaps between columns or in a lane, never through a box. Orders within a layer
by the mean place of neighbours, a few sweeps.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SWEEPS = 6


@dataclass(frozen=True)
class Sizes:
    """Pixels: of a box, between columns and between boxes, and the height of a lane."""

    width: int = 200
    height: int = 50
    gap: int = 70
    space: int = 14
    lane: int = 8


@dataclass(frozen=True)
class Layout:
    """`boxes`: name -> (x, y) of the upper left corner. `ways`: arrow -> its points, from the right edge of a box over its
    lanes (two points each) to the left edge of another. `size`: width and height of all.
    """

    boxes: dict[str, tuple[float, float]]
    ways: dict[tuple[str, str], list[tuple[float, float]]]
    size: tuple[float, float]


def lay_out(names: Sequence[str], edges: Iterable[tuple[str, str]], sizes: Sizes = Sizes()) -> Layout:
    """Places of `names`, which `edges` (from, to) connect. An edge that would close a circle is left out."""
    forward = without_circles(names, edges)
    layer = layers_of(names, forward)
    columns: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for name in names:
        columns[layer[name]].append(name)
    chains: dict[tuple[str, str], list[str]] = {}
    for number, (one, other) in enumerate(forward):
        lanes = [f"\0{number}/{at}" for at in range(layer[one] + 1, layer[other])]
        for at, lane in enumerate(lanes, layer[one] + 1):
            columns[at].append(lane)
        chains[one, other] = [one, *lanes, other]
    links = [pair for chain in chains.values() for pair in zip(chain, chain[1:], strict=False)]
    columns = ordered(columns, links)
    places, height = stacked(columns, sizes)
    ways = {}
    for edge, chain in chains.items():
        points = []
        for position, name in enumerate(chain):
            x, y = places[name]
            middle = y + (sizes.lane if name.startswith("\0") else sizes.height) / 2
            if position:
                points.append((x, middle))
            if position < len(chain) - 1:
                points.append((x + sizes.width, middle))
        ways[edge] = points
    width = len(columns) * (sizes.width + sizes.gap) - sizes.gap if columns else 0
    return Layout({name: places[name] for name in names}, ways, (max(width, 0), height))


def without_circles(names: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The edges between these names, each once, in their order, but those that lead back to where a way came from."""
    known = set(names)
    following: dict[str, list[str]] = {name: [] for name in names}
    kept = []
    for one, other in dict.fromkeys(edges):
        if one in known and other in known and one != other and not leads(other, one, following):
            following[one].append(other)
            kept.append((one, other))
    return kept


def leads(start: str, goal: str, following: Mapping[str, list[str]]) -> bool:
    """Whether a way leads from one name to another."""
    seen, waiting = {start}, [start]
    while waiting:
        if (one := waiting.pop()) == goal:
            return True
        fresh = [other for other in following[one] if other not in seen]
        seen.update(fresh)
        waiting += fresh
    return False


def layers_of(names: Sequence[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a beginning to each name, in steps; beginnings stand just before what needs them first."""
    layer = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for one, other in edges:
            if layer[other] <= layer[one]:
                layer[other], moved = layer[one] + 1, True
        if not moved:
            break
    return layer


def ordered(columns: list[list[str]], links: list[tuple[str, str]]) -> list[list[str]]:
    """The columns with each name near the names that it is linked with."""
    before: dict[str, list[str]] = {}
    behind: dict[str, list[str]] = {}
    for one, other in links:
        before.setdefault(other, []).append(one)
        behind.setdefault(one, []).append(other)
    for sweep in range(SWEEPS):
        near = behind if sweep % 2 else before
        place = {name: at / max(1, len(column)) for column in columns for at, name in enumerate(column)}
        for column in reversed(columns) if sweep % 2 else columns:
            middle = {name: mean([place[one] for one in near.get(name, [])], place[name]) for name in column}
            column.sort(key=lambda name: middle[name])
            place |= {name: at / max(1, len(column)) for at, name in enumerate(column)}
    return columns


def mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def stacked(columns: list[list[str]], sizes: Sizes) -> tuple[dict[str, tuple[float, float]], float]:
    """The corner of each name, columns centred on each other; and the height of the tallest."""
    heights = [
        sum(height_of(name, sizes) for name in column) + sizes.space * max(0, len(column) - 1) for column in columns
    ]
    tallest = max(heights, default=0.0)
    places = {}
    for at, column in enumerate(columns):
        y = (tallest - heights[at]) / 2
        for name in column:
            places[name] = (float(at * (sizes.width + sizes.gap)), y)
            y += height_of(name, sizes) + sizes.space
    return places, tallest


def height_of(name: str, sizes: Sizes) -> float:
    return sizes.lane if name.startswith("\0") else sizes.height
