"""What a trace shows, in the order in which it reads well, whatever it is written in: sections of items, and what they say."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from reports.trace.family import Family, Node
from reports.trace.identities import Output
from reports.trace.requests import Asked, Requests
from reports.trace.training import training_lines
from reports.trace.words import (
    facts_of,
    kind_of,
    kind_of_node,
    more_of,
    raw_of,
    reading_lines,
    texts_of,
    way_of,
)
from schemas.conversations import shown, speaker

PROOFS = {
    "key": "exactly as sent: its key is the answer's id",
    "derived": "exactly as sent: with its answer the stage makes this row again, and not without it",
    "asked": "the store holds the answer to exactly this request, which the stage asks of this row's parents",
}
AT_ONCE = 3
"""Requests and outputs of one row that are shown unless all are asked for."""


@dataclass
class Item:
    """A row, or a line, of a section. `level`: how deep it stands in the tree. `texts`: (name, text) pairs; a name may have
    a note in brackets. `is_again`: it has been shown in full above.
    """

    title: str
    id: str = ""
    level: int = 0
    facts: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    is_again: bool = False


@dataclass
class Section:
    """A heading and its items; `note` stands between them."""

    title: str
    items: list[Item]
    note: str = ""


def outline(family: Family, requests: Requests | None, full: bool = False) -> list[Section]:
    """All sections of a trace that have something to say. `requests` is None where none were rebuilt."""
    row = family.row
    sections = [Section(f"{kind_of_node(row)} {row.id}", [item_of(row, family, requests, full)])]
    back = list(tree(family, requests, full, is_back=True))
    sections.append(Section("Made from", back, "" if back else "Nothing: people brought it."))
    way = [Item(line) for line in way_of(row, family.version)]
    sections.append(Section("Way through the stages", way))
    sections.append(Section("Training", [Item(line) for line in training_lines(family)]))
    on = list(tree(family, requests, full, is_back=False))
    on += [Item(f"and {more_of(kind_of(table), count)} ({table})") for table, count in family.more.items()]
    totals = ", ".join(f"{count:,} in {table}" for table, count in family.totals.items())
    sections.append(Section("Made of it", on, totals))
    if requests is not None and requests.notes:
        sections.append(Section("Not rebuilt", [Item(note) for note in requests.notes]))
    return [section for section in sections if section.items or section.note]


def tree(family: Family, requests: Requests | None, full: bool, is_back: bool) -> Iterator[Item]:
    """The nodes before (or behind) the traced row, each below the one that it leads to; once in full, then by name."""
    following: dict[str, list[str]] = {}
    for parent, child in family.edges():
        one, other = (child, parent) if is_back else (parent, child)
        following.setdefault(one, []).append(other)
    allowed = {node.id for node in (family.back() if is_back else family.on())}
    shown: set[str] = set()
    waiting = [(one, 0) for one in reversed(following.get(family.focus, []))]
    # what no shown way leads to stands at the top level
    reached = closure(family.focus, following)
    waiting = [(one, 0) for one in sorted(allowed - reached, reverse=True)] + waiting
    while waiting:
        one, level = waiting.pop()
        if one not in allowed:
            continue
        node = family.nodes[one]
        item = item_of(node, family, requests, full)
        item.level, item.is_again = level, one in shown
        yield item
        if one not in shown:
            shown.add(one)
            waiting += [(next_one, level + 1) for next_one in reversed(following.get(one, []))]


def closure(start: str, following: dict[str, list[str]]) -> set[str]:
    """All that is reached from a node."""
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        for one in following.get(waiting.pop(), []):
            if one not in reached:
                reached.add(one)
                waiting.append(one)
    return reached


def item_of(node: Node, family: Family, requests: Requests | None, full: bool) -> Item:
    """A node in words: facts, texts, source line, ranking, why it ended, requests, outputs of programs."""
    item = Item(kind_of_node(node), node.id, facts=facts_of(node, family))
    if node.line is not None:
        item.facts.insert(0, node.line.place)
        item.texts.append(
            ("source line", node.line.text if node.line.text is not None else "(the file has no such line here)")
        )
    item.texts += texts_of(node)
    if not node.is_whole:
        item.facts.append("texts of this large table are read with --full")
    if "readings" in node.row:
        item.texts += [("ranking", line) for line in reading_lines(node.row)]
    item.texts += [
        ("ended", line)
        for line in way_of(node, family.version)
        if node.ends and " it: " in line and "made it" not in line
    ]
    item.texts += [("raw", raw) for raw in raw_of(node)]
    if requests is not None:
        item.texts += output_texts(requests.outputs.get(node.id, []), full)
        asked = requests.of_row.get(node.id, [])
        for number, one in enumerate(asked if full else asked[:AT_ONCE]):
            item.texts += request_texts(one, node, number)
        if len(asked) > AT_ONCE and not full:
            item.texts.append(("requests", f"and {len(asked) - AT_ONCE} more; --full shows them"))
    return item


def request_texts(asked: Asked, node: Node, number: int) -> Iterator[tuple[str, str]]:
    """A request in texts: who was asked and how, the messages, and the answer where the node does not say it."""
    yield (
        f"request {number + 1}",
        f"{asked.stage} asked {asked.role}, {asked.engine}: {asked.sampling} ({PROOFS[asked.proof]})",
    )
    for message in asked.request.messages:
        yield (f"  {speaker(message)}", shown(message))
    if node.id != asked.key:
        yield ("  answer", asked.answer.text)


def output_texts(outputs: list[Output], full: bool) -> Iterator[tuple[str, str]]:
    """What programs gave, with their source."""
    for output in outputs if full else outputs[:AT_ONCE]:
        yield (f"gave {output.outcome}", output.program)
    if len(outputs) > AT_ONCE and not full:
        yield ("programs", f"and {len(outputs) - AT_ONCE} more; --full shows them")
