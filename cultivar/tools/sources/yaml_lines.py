"""Entries of a list in params.yaml, added and taken out by lines: a round trip through objects moves comments."""

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.compat import StringIO
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from schemas.errors import GraphError


def loaded(text: str) -> dict[str, Any]:
    """What a YAML text holds."""
    return YAML(typ="safe", pure=True).load(text)


def with_entry(text: str, section: str, entry: dict[str, Any]) -> str:
    """params.yaml with another entry at the end of the list `ingest.section`. Raises GraphError for no such mapping."""
    lines = text.splitlines(keepends=True)
    ingest = ingest_of(text)
    listed = value_of(ingest, section)
    if isinstance(listed, SequenceNode) and not listed.flow_style:
        place, indent = last_line(listed) + 1, listed.start_mark.column
    elif listed is None:
        place, indent = last_line(ingest) + 1, ingest.start_mark.column + 2
        lines.insert(place, f"{' ' * ingest.start_mark.column}{section}:\n")
        place += 1
    elif isinstance(listed, SequenceNode) and listed.value:
        raise GraphError(f"params.yaml: ingest.{section} is written in one line; write an entry a line, then add again")
    else:  # [] or nothing
        line = key_line(ingest, section)
        if isinstance(listed, SequenceNode):
            start, end = listed.start_mark, listed.end_mark
            row = lines[start.line]
            lines[start.line] = row[: start.column].rstrip() + row[end.column :]
            if start.line != line and not lines[start.line].strip():
                del lines[start.line]
        place, indent = line + 1, ingest.start_mark.column + 2
    if place and not lines[place - 1].endswith("\n"):
        lines[place - 1] += "\n"
    lines[place:place] = [" " * indent + line for line in as_item(entry)]
    return "".join(lines)


def without_entry(text: str, section: str, name: str) -> str:
    """params.yaml without the entry of this name in the list `ingest.section`; an empty list is written []."""
    lines = text.splitlines(keepends=True)
    ingest = ingest_of(text)
    listed = value_of(ingest, section)
    if not isinstance(listed, SequenceNode) or listed.flow_style:
        raise GraphError(f"params.yaml: ingest.{section} is written in one line; write an entry a line, then try again")
    item = next(node for node in listed.value if str(value_of(node, "name").value) == name)
    first = item.start_mark.line
    while not lines[first].lstrip().startswith("-"):
        first -= 1
    del lines[first : last_line(item) + 1]
    if len(listed.value) == 1:
        line = key_line(ingest, section)
        head, colon, rest = lines[line].partition(f"{section}:")
        lines[line] = f"{head}{colon} []{rest}"
    return "".join(lines)


def as_item(entry: dict[str, Any]) -> list[str]:
    """The lines of an entry of a list."""
    yaml = YAML()
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    text = StringIO()
    yaml.dump(CommentedMap(entry), text)
    lines = text.getvalue().splitlines(keepends=True)
    return [("- " if number == 0 else "  ") + line for number, line in enumerate(lines)]


def ingest_of(text: str) -> MappingNode:
    """The mapping `ingest`. Raises GraphError where there is none."""
    found = value_of(YAML(typ="safe", pure=True).compose(text), "ingest")
    if not isinstance(found, MappingNode):
        raise GraphError("params.yaml has no section ingest")
    return found


def value_of(mapping: Any, key: str) -> Any:
    """The node of a key's value, None for none."""
    return next((value for name, value in mapping.value if name.value == key), None)


def key_line(mapping: MappingNode, key: str) -> int:
    return next(name.start_mark.line for name, _ in mapping.value if name.value == key)


def last_line(node: Node) -> int:
    """The last line on which something of the node stands (its end mark lies behind the comments that follow)."""
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return max(last_line(part) for pair in node.value for part in pair)
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return max(map(last_line, node.value))
    end = node.end_mark
    return end.line - 1 if end.column == 0 and end.line > node.start_mark.line else end.line
