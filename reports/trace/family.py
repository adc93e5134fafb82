"""The family of a row: what it was made from, back to the lines that people wrote, and what was made of it."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reports.lineage.index import LineageIndex
from reports.trace.rows import RowReader, SourceLine, source_line
from reports.versions.version import Version

SHOWN = 8
"""Rows of one kind made of a row that are shown; the others are counted."""
ENDS = ("dropped", "quarantine")


@dataclass
class Node:
    """A row of a family. `tables`: where it stands, in the graph's order; `row`: its columns, those of the last table first
    where several have them. `depth` counts back (negative) or on from the traced row. A row that stands in no table is an
    answer of the store, or unknown: `tables` and `row` are empty then.
    """

    id: str
    depth: int
    tables: list[str] = field(default_factory=list)
    row: dict[str, Any] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    line: SourceLine | None = None
    answer: dict[str, Any] | None = None  # of the store: text, finish_reason, engine …
    is_whole: bool = True  # its texts were read

    @property
    def made_in(self) -> str:
        """The table that holds its content: the first that is no end of it; "" for none."""
        own = [table for table in self.tables if not is_end(table)]
        return (own or self.tables or [""])[0]

    @property
    def ends(self) -> list[str]:
        """Tables of dropped and quarantined rows that hold it."""
        return [table for table in self.tables if is_end(table)]


@dataclass
class Family:
    """A row's family: nodes by id, the traced row first, then back, then on. `more`: table -> rows made of it that are not
    among the nodes; `totals`: table -> all rows made of it; `verdicts`: ids of verdicts that the nodes name.
    """

    version: Version
    focus: str
    nodes: dict[str, Node]
    totals: dict[str, int]
    more: dict[str, int]

    @property
    def row(self) -> Node:
        return self.nodes[self.focus]

    def back(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.depth < 0]

    def on(self) -> list[Node]:
        return [node for node in self.nodes.values() if node.depth > 0]

    def edges(self) -> list[tuple[str, str]]:
        """(parent, child) among the nodes, without those that a longer way says as well; verdicts lead to what they admit."""
        above = {
            node.id: [one for one in dict.fromkeys([*node.parents, *node.row.get("verdicts", [])]) if one in self.nodes]
            for node in self.nodes.values()
        }
        return [(parent, child) for child, parents in above.items() for parent in reduced(parents, above, child)]


def reduced(parents: list[str], above: dict[str, list[str]], child: str) -> list[str]:
    """Parents of `child` that are not reached through another of them."""
    beyond: set[str] = set()
    waiting = [up for one in parents for up in above.get(one, []) if up != one]
    while waiting:
        if (one := waiting.pop()) not in beyond and one != child:
            beyond.add(one)
            waiting += above.get(one, [])
    return [one for one in parents if one not in beyond and one != child]


def is_end(table: str) -> bool:
    """Whether a table holds rows that a stage dropped or quarantined."""
    parts = table.split("/")
    return len(parts) > 2 and parts[-2] in ENDS


class Tracer:
    """Traces rows of one version; indexes and small tables are kept between calls. Raises MissingObject."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.index = LineageIndex(version)
        self.reader = RowReader(version)
        self.contents: dict[str, list[bytes]] = {}

    def trace(self, row_id: str, shown: int = SHOWN, whole: bool = False) -> Family:
        """The family of a row. `shown`: rows of a kind made of it; `whole`: read every text, those of large tables too."""
        back = self.index.ancestors([row_id])
        depths = depths_back(row_id, back)
        reach = self.index.descendants([row_id])
        nodes = {one: Node(one, depths[one], parents=back[one]) for one in sorted(back, key=lambda one: -depths[one])}
        more: dict[str, int] = {}
        for table, ids, others in reach.by_first_table(shown, set(nodes)):
            more[table] = others
            nodes |= {one: Node(one, 1) for one in ids}
        on = [node.id for node in nodes.values() if node.depth > 0]
        for one, parents in self.index.parents(on).items():
            nodes[one].parents = parents
        self.add_verdicts(nodes, row_id)
        self.fill(nodes, row_id, whole)
        for one, depth in depths_on(row_id, nodes).items():
            nodes[one].depth = depth
        return Family(
            self.version, row_id, nodes, reach.counts, {table: count for table, count in more.items() if count}
        )

    def add_verdicts(self, nodes: dict[str, Node], row_id: str) -> None:
        """The verdicts that the traced row names, which are no parents of it."""
        for verdict in self.index.verdicts(row_id):
            if verdict not in nodes:
                nodes[verdict] = Node(verdict, -1, parents=self.index.parents([verdict])[verdict])

    def fill(self, nodes: dict[str, Node], row_id: str, whole: bool) -> None:
        """Read the rows of the nodes. Of large tables the texts are read of the traced row and of sources alone."""
        wanted: dict[str, list[tuple[Node, int]]] = {}
        for one, places in self.index.places(nodes).items():
            node = nodes[one]
            node.tables = list(dict.fromkeys(table for table, _ in places))
            kept = [place for place in places if not is_end(place[0])] or places
            for table, position in kept[:1] + kept[1:][-1:]:  # its content, and what was added last
                wanted.setdefault(table, []).append((node, position))
        for table, asked in wanted.items():
            if whole or self.reader.is_small(table):
                for (node, _), row in zip(asked, self.reader.read(table, [at for _, at in asked]), strict=True):
                    node.row = node.row | row
                continue
            for node, position in asked:
                is_needed = node.id == row_id and not node.row
                row = self.reader.read(table, [position])[0] if is_needed else self.reader.narrow(table, position)
                node.row, node.is_whole = node.row | row, node.is_whole and (is_needed or node.id == row_id)
        for node in nodes.values():
            source = "" if node.row.get("parents") else str(node.row.get("source", ""))
            if source:  # a row made of others carries the place of what people brought
                node.line = source_line(self.version, source, self.contents)
        self.fill_ends(nodes)

    def fill_ends(self, nodes: dict[str, Node]) -> None:
        """Why rows ended: `ended` of a node's row holds the rows of dropped/ and quarantine/."""
        ended = {node.id: node for node in nodes.values() if node.ends}
        for one, places in self.index.places(ended).items():
            rows = [
                {"table": table, **self.reader.read(table, [position])[0]}
                for table, position in places
                if is_end(table)
            ]
            ended[one].row = ended[one].row | {"ended": rows}


def depths_back(row_id: str, parents: dict[str, list[str]]) -> dict[str, int]:
    """Steps back from the row, the nearest way: 0 for the row, -1 for its parents, …"""
    depths, frontier = {row_id: 0}, [row_id]
    while frontier:
        one = frontier.pop(0)
        for up in parents.get(one, []):
            if up not in depths:
                depths[up] = depths[one] - 1
                frontier.append(up)
    return depths


def depths_on(row_id: str, nodes: dict[str, Node]) -> dict[str, int]:
    """Steps on from the row by the nearest way among the nodes; 1 where none of its own parents is shown."""
    children: dict[str, list[str]] = {}
    for node in nodes.values():
        for up in node.parents:
            children.setdefault(up, []).append(node.id)
    depths = {node.id: 1 for node in nodes.values() if node.depth > 0}
    frontier, seen = [(row_id, 0)], {row_id}
    while frontier:
        one, depth = frontier.pop(0)
        for child in children.get(one, []):
            if child in depths and child not in seen:
                seen.add(child)
                depths[child] = depth + 1
                frontier.append((child, depth + 1))
    return depths


def count_kinds(nodes: Iterable[Node]) -> Counter[str]:
    """Rows by the table that made them."""
    return Counter(node.made_in for node in nodes)


def trace_seconds(version: Version, ids: Iterable[str]) -> list[float]:
    """Seconds that each trace takes once the version's indexes are open: the family, its facts and its own texts.

    Requests are not rebuilt, which takes seconds a family whatever the tables' size. For bench/diff.py.
    """
    tracer = Tracer(version)
    tracer.index.descendants([])  # opens what is opened by need
    seconds = []
    for one in ids:
        started = time.perf_counter()
        tracer.trace(one)
        seconds.append(time.perf_counter() - started)
    return seconds
