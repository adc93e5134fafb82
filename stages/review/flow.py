"""The flow of rows: from the sources through the strategies to D and P, and where rows were dropped on the way.

Bands are as wide as the rows they stand for: rows that were read, left of a strategy, and rows and candidates that it made,
right of it. The two sides have scales of their own, since a problem may make many rows or none.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from stages.review.charts import box, drawing, shortened, text

STRATEGY_OF = {
    "instructions": "annotation",
    "problems": "rejection",
    "code_tasks": "execution",
    "constraints": "execution",
    "passages": "repurpose",
    "characters": "repurpose",
    "safety_prompts": "constitution",
    "given_preferences": "given",
}
"""Table of ingest -> the strategy that starts from it."""
STAGES_OF = {
    "annotation": ("select", "evolve", "respond", "rank"),
    "rejection": ("rejection",),
    "execution": ("execution",),
    "repurpose": ("repurpose",),
    "constitution": ("constitution",),
    "human": (),
    "given": (),
}
DROPPED, QUARANTINED = "dropped by a rule", "quarantined"
FILTERED, LEFT_OUT = "dropped by filter", "left out of the mix"
ENDS = ("D", "P", DROPPED, QUARANTINED, FILTERED, LEFT_OUT)
GAP, LEAST, NODE = 19.0, 1.5, 5.0
"""Between the nodes of a column, room for a name; the height of the thinnest band; the width of a node: units of the drawing."""


class Band(NamedTuple):
    """Rows that go from a node of one column to a node of the next."""

    start: str
    end: str
    rows: int


class Flow(NamedTuple):
    """Bands from sources to strategies, and from strategies to where rows ended."""

    sources: list[Band]
    ends: list[Band]


class Span(NamedTuple):
    """A stretch of a column, from the top."""

    top: float
    bottom: float


def flow_of(measured: Mapping[str, Mapping[str, Any]], products: Mapping[str, Mapping[str, int]]) -> Flow:
    """The flow by the metrics of the stages; `products` maps "D" and "P" to their rows by strategy."""
    sources: dict[tuple[str, str], int] = defaultdict(int)
    for source, tables in measured.get("ingest", {}).get("rows_by_source", {}).items():
        for table, rows in tables.items():
            if table in STRATEGY_OF:
                sources[source, STRATEGY_OF[table]] += rows
    answers: dict[str, int] = defaultdict(int)  # demonstrated as they are, by the strategy that their source declares
    for source, by_strategy in measured.get("ingest", {}).get("answers_by_source", {}).items():
        for strategy, rows in by_strategy.items():
            sources[source, strategy] += rows
            answers[strategy] += rows
    ends: dict[tuple[str, str], int] = {}
    for strategy, stages in STAGES_OF.items():
        written = [measured.get(stage, {}).get("out", {}) for stage in stages or ("ingest",)]
        tables = [f"{strategy}_{product}" for product in ("demonstrations", "preferences")]
        if not stages:
            tables = tables[1:]  # given_demonstrations are `answers`
        made = sum(out.get(table, 0) for out in written for table in tables) + answers[strategy]
        kept = measured.get("filter", {}).get("kept_by_strategy", {}).get(strategy, 0)
        taken = {product: by_strategy.get(strategy, 0) for product, by_strategy in products.items()}
        lost = {
            DROPPED: sum(out.get("dropped", 0) for out in written if stages),
            QUARANTINED: sum(out.get("quarantine", 0) for out in written if stages),
            FILTERED: made - kept,
            LEFT_OUT: kept - sum(taken.values()),
        }
        ends |= {(strategy, end): rows for end, rows in (taken | lost).items() if rows > 0}
    return Flow([Band(*way, rows) for way, rows in sources.items()], [Band(*way, rows) for way, rows in ends.items()])


def flow_chart(flow: Flow, width: float = 760) -> str:
    """The flow as a picture: columns of sources, strategies and ends, with their rows; "" for no rows."""
    if not flow.ends:
        return ""
    columns = [
        list(dict.fromkeys(band.start for band in flow.sources)),
        [name for name in STAGES_OF if any(name in (band.start, band.end) for band in (*flow.sources, *flow.ends))],
        [name for name in ENDS if any(band.end == name for band in flow.ends)],
    ]
    height = 46.0 * max(map(len, columns))
    left, strategy_in, strategy_out, right = 150.0, width / 2 - 56, width / 2 + 56, width - 190
    starts, spans_in = stack(flow.sources, 0, columns[0], height), stack(flow.sources, 1, columns[1], height)
    spans_out, finals = stack(flow.ends, 0, columns[1], height), stack(flow.ends, 1, columns[2], height)
    parts = [
        *ribbons(flow.sources, left, strategy_in, starts, spans_in),
        *ribbons(flow.ends, strategy_out, right, spans_out, finals),
    ]
    for name, span in whole(flow.sources, 0, starts).items():
        parts += [
            node(left - NODE, span),
            label(left - NODE - 6, span, f"{shortened(name)} {total(flow.sources, 0, name):,}", "end"),
        ]
    read, made = whole(flow.sources, 1, spans_in), whole(flow.ends, 0, spans_out)
    for name in columns[1]:
        own = [spans[name] for spans in (read, made) if name in spans]
        parts += [
            node(x, spans[name]) for x, spans in ((strategy_in, read), (strategy_out - NODE, made)) if name in spans
        ]
        parts.append(
            label(width / 2, Span(min(span.top for span in own), max(span.bottom for span in own)), name, "middle")
        )
    for name, span in whole(flow.ends, 1, finals).items():
        parts += [node(right, span), label(right + NODE + 6, span, f"{name} {total(flow.ends, 1, name):,}", "start")]
    said = "; ".join(f"{band.start} to {band.end} {band.rows:,}" for band in (*flow.sources, *flow.ends))
    return drawing(width, height + GAP, f"Rows from sources through strategies to D and P: {said}", parts)


def stack(bands: Sequence[Band], side: int, names: Sequence[str], height: float) -> dict[Band, Span]:
    """The stretch of each band in the column of its start (side 0) or end (1): nodes in the order of `names`."""
    column = {name: [band for band in bands if band[side] == name] for name in names}
    column = {name: own for name, own in column.items() if own}
    room = height - GAP * max(0, len(column) - 1) - LEAST * len(bands)
    unit = room / max(1, sum(band.rows for band in bands))
    spans, at = {}, 0.0
    for own in column.values():
        for band in own:
            spans[band] = Span(at, at + LEAST + band.rows * unit)
            at = spans[band].bottom
        at += GAP
    return spans


def whole(bands: Sequence[Band], side: int, spans: Mapping[Band, Span]) -> dict[str, Span]:
    """The stretch of each node."""
    found: dict[str, Span] = {}
    for band in bands:
        own, name = spans[band], (band.start, band.end)[side]
        before = found.get(name, own)
        found[name] = Span(min(before.top, own.top), max(before.bottom, own.bottom))
    return found


def total(bands: Sequence[Band], side: int, name: str) -> int:
    return sum(band.rows for band in bands if band[side] == name)


def ribbons(
    bands: Sequence[Band], x1: float, x2: float, starts: Mapping[Band, Span], ends: Mapping[Band, Span]
) -> list[str]:
    """The bands between two columns."""
    middle, paths = (x1 + x2) / 2, []
    for band in bands:
        (a, b), (c, d) = starts[band], ends[band]
        way = f"M{x1:.1f} {a:.1f}C{middle:.1f} {a:.1f} {middle:.1f} {c:.1f} {x2:.1f} {c:.1f}"
        back = f"L{x2:.1f} {d:.1f}C{middle:.1f} {d:.1f} {middle:.1f} {b:.1f} {x1:.1f} {b:.1f}Z"
        paths.append(f'<path class="band {"lost" if band.end in ENDS[2:] else "kept"}" d="{way}{back}"/>')
    return paths


def node(x: float, span: Span) -> str:
    return box("node", x, span.top, NODE, span.bottom - span.top)


def label(x: float, span: Span, words: str, anchor: str) -> str:
    """A node's name at the middle of its stretch, within the picture."""
    return text("name", x, max(12.0, (span.top + span.bottom) / 2 + 4), words, anchor)
