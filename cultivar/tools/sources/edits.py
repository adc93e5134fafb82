"""Sources in params.yaml and their deps in dvc.yaml; every other line and every comment of both stays as it is."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.runner.params import validate
from cultivar.tools.sources.yaml_lines import loaded, with_entry, without_entry
from schemas.errors import UserError
from schemas.faults import did_you_mean

SECTIONS = ("sources", "evaluation")
"""Lists of `ingest` that hold sources."""
PLAIN = re.compile(r"[\w./][\w./ \[\]()+=@-]*", re.ASCII)
"""A path that YAML reads as it is written."""


class SourceError(UserError, ValueError):
    """A source cannot be added or removed; the message says why, and what to do."""


def declared() -> list[tuple[str, dict[str, Any]]]:
    """(section, entry) of every source that params.yaml declares."""
    ingest = load_yaml(PARAMS).get("ingest") or {}
    return [(section, entry) for section in SECTIONS for entry in ingest.get(section) or []]


def deps() -> list[str]:
    """What dvc.yaml lists for stage ingest."""
    return list(load_yaml(GRAPH)["stages"]["ingest"]["deps"])


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Both files as they were where what is done within fails or is interrupted."""
    before = {path: path.read_bytes() for path in (PARAMS, GRAPH)}
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if path.read_bytes() != content:
                replace(path, content)
        raise


def replace(path: Path, content: bytes) -> None:
    """Write a file at once."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def declare(section: str, entry: dict[str, Any]) -> None:
    """Add a source to params.yaml. Raises ParamsError where it is then none."""
    write_params(with_entry(PARAMS.read_text(encoding="utf-8"), section, entry))


def undeclare(*names: str) -> list[dict[str, Any]]:
    """Take sources out of params.yaml; their entries. Raises SourceError for an unknown name."""
    entries = {str(entry["name"]): (section, entry) for section, entry in declared()}
    text = PARAMS.read_text(encoding="utf-8")
    for name in names:
        if name not in entries:
            known = ", ".join(entries) or "none"
            raise SourceError(
                f"no source is called {name!r}{did_you_mean(name, entries)}; params.yaml declares {known}"
            )
        text = without_entry(text, entries[name][0], name)
    write_params(text)
    return [entries[name][1] for name in names]


def write_params(text: str) -> None:
    """Write params.yaml. Raises ParamsError, GraphError where it is then none; it stays as it was."""
    validate(loaded(text))
    replace(PARAMS, text.encode("utf-8"))


def covered(path: str, listed: list[str]) -> str | None:
    """The dep that a path stands in, or is; None where there is none."""
    place = Path(path)
    return next((dep for dep in listed if place == Path(dep) or Path(dep) in place.parents), None)


def list_dep(path: str) -> bool:
    """Add a dep to stage ingest, where none covers it; whether that changed dvc.yaml."""
    listed = deps()
    if covered(path, listed):
        return False
    text = GRAPH.read_text(encoding="utf-8")
    end = ingest_deps(text)[-1].end
    line = f"      - {path if PLAIN.fullmatch(path) and ': ' not in path else orjson.dumps(path).decode()}\n"
    write_graph(text[:end] + line + text[end:])
    if path not in deps():
        raise SourceError(f"{path} cannot be written into dvc.yaml; add it to the deps of ingest by hand")
    return True


def drop_dep(path: str) -> bool:
    """Take a dep of stage ingest away; whether it was there."""
    text = GRAPH.read_text(encoding="utf-8")
    found = next((line for line in ingest_deps(text) if line.name == path), None)
    if found is None:
        return False
    write_graph(text[: found.start] + text[found.end :])
    return True


class DepLine(NamedTuple):
    """A line of dvc.yaml's text, from `start` to `end`, that lists a dep of ingest."""

    start: int
    end: int
    name: str


def ingest_deps(text: str) -> list[DepLine]:
    """The lines of the deps of ingest in dvc.yaml's text."""
    start = text.index("    deps:\n", text.index("\n  ingest:\n")) + len("    deps:\n")
    found = []
    for line in text[start:].splitlines(keepends=True):
        if line.startswith("      - "):
            found.append(DepLine(start, start + len(line), name_of(line.removeprefix("      - "))))
        elif line.strip() and not line.startswith("      #"):
            break
        start += len(line)
    return found


def name_of(written: str) -> str:
    """What a dep's scalar says."""
    from ruamel.yaml import YAML

    return str(YAML(typ="safe", pure=True).load(written))


def write_graph(text: str) -> None:
    replace(GRAPH, text.encode("utf-8"))
