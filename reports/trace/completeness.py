"""Whether rows lead back to what people brought: for `bench/diff.py`, and for whoever doubts a table."""

from collections.abc import Iterable

from reports.trace.family import Tracer
from reports.trace.rows import SourceLine, source_line


def sources_of(tracer: Tracer, ids: Iterable[str]) -> dict[str, list[SourceLine]]:
    """Id -> the places that its ancestors, or itself, came from: file, line and what stands there; [] where it leads nowhere.

    Rows of `data/quarantine/ingest.parquet` and `data/dropped/ingest.parquet` were no rows yet: their own place counts.
    """
    ids = list(dict.fromkeys(ids))
    ancestors = {one: list(tracer.index.ancestors([one])) for one in ids}
    everything = dict.fromkeys(up for ups in ancestors.values() for up in ups)
    wanted: dict[str, dict[int, str]] = {}
    for one, places in tracer.index.places(everything).items():
        for table, position in places:
            wanted.setdefault(table, {})[position] = one
    lines: dict[str, SourceLine] = {}
    for table, positions in wanted.items():
        for place, one in zip(tracer.reader.sources(table, list(positions)), positions.values(), strict=True):
            line = source_line(tracer.version, place, tracer.contents) if place else None
            if line is not None:
                lines[one] = line
    return {one: list(dict.fromkeys(lines[up] for up in ancestors[one] if up in lines)) for one in ids}
