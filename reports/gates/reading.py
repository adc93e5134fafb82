"""reports/gates.yaml and human/waivers.yaml read: an error names the file, the line, the entry and what is allowed."""

import tempfile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from reports.gates.declared import Declared, GateFile, Waiver, WaiverFile
from schemas.characters import beginning
from schemas.errors import UserError
from schemas.human import read_yaml

F = TypeVar("F", bound=Declared)
GATES, WAIVERS = "reports/gates.yaml", "human/waivers.yaml"
SHOWN_CHARS = 60
"""Of a value that is refused, in the error."""


def read_gates(text: str, path: str = GATES) -> GateFile:
    """The gates of a file's text. Raises UserError."""
    return read_declared(text, path, GateFile)


def read_waivers(text: str | None, path: str = WAIVERS) -> tuple[Waiver, ...]:
    """The waivers of a file's text; none where there is no file. Raises UserError."""
    return read_declared(text, path, WaiverFile).waivers if text and text.strip() else ()


def read_declared(text: str, path: str, model: type[F]) -> F:
    """A file's content as its model. Raises UserError: file, line, entry, what is wrong and what is allowed."""
    content = content_of(text, path)
    try:
        return model.model_validate(content if content is not None else {})
    except ValidationError as error:
        faults = error.errors()
        # a list whose entries are all faulty is too short as well
        deeper = {fault["loc"][:depth] for fault in faults for depth in range(1, len(fault["loc"]))}
        lines = [explain(dict(fault), text, path) for fault in faults if fault["loc"] not in deeper]
        raise UserError("\n".join(lines)) from error


def content_of(text: str, path: str) -> Any:
    """The YAML of a text, read as every file that people write (schemas/human.py). Raises UserError."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "file.yaml"
        copy.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            return read_yaml(copy)
        except YAMLError as error:
            raise UserError(f"{path}: no valid YAML: {named(error, copy, path)}; correct it there") from error
        except UserError as error:
            raise UserError(named(error, copy, path)) from error


def named(error: Exception, copy: Path, path: str) -> str:
    """An error with the file's own name."""
    return " ".join(str(error).replace(str(copy), path).split())


def explain(error: dict[str, Any], text: str, path: str) -> str:
    """One fault of a file in a line."""
    entry, line = locate(error["loc"], text, is_missing=error["type"] == "missing")
    given = error["input"]
    got = "" if isinstance(given, dict | list | tuple) else f", got {beginning(str(given), SHOWN_CHARS)!r}"
    words = error["msg"].removeprefix("Value error, ")
    return f"{path}: line {line}: {entry or 'the file'}: {words}{got}"


def locate(place: tuple[str | int, ...], text: str, *, is_missing: bool) -> tuple[str, int]:
    """An entry as a reader writes it (`gates[2].max`), and its line, or that of the nearest above it that is there.

    What pydantic puts among names and numbers, the tags of a union, stands in no file. `is_missing`: nor does the last name.
    """
    node: Node | None = YAML(pure=True).compose(text)
    entry, line = "", 1
    for number, part in enumerate(place):
        if isinstance(node, MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if found:
                key, node = found[0]
                line = key.start_mark.line + 1
            elif not (is_missing and number == len(place) - 1):
                continue
            entry += f".{part}"
        elif node is None and is_missing:
            entry += f".{part}"
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
            entry += f"[{part}]"
    return entry.lstrip("."), line
