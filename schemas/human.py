"""Files that people write by hand: YAML 1.2, as strict about characters as the tables that it ends in, and about its form
as params.yaml: what is wrong is named with file, line and remedy, all of it at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from schemas.characters import NO_CHARACTER, escape, strings_of
from schemas.errors import UserError
from schemas.faults import Fault, FileFaults, explain
from schemas.parsing import TooDeep, Unreadable, check_levels, parsed

Place = tuple[str | int, ...]
"""Where something stands in a file: names of keys and numbers of entries."""
LOCATED = 200
"""Faults of a file whose lines are looked for."""


class Decided(BaseModel):
    """What people write in a file or an entry of one: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def conflicts(self) -> Iterable[tuple[Place, str]]:
        """Entries that are right by themselves and not beside the others: place, and what is wrong with the remedy."""
        return ()


F = TypeVar("F", bound=Decided)


class Constructor(SafeConstructor):
    """Merge keys are refused: each level of them may repeat the one below, so a dozen lines would never end."""

    def flatten_mapping(self, node: MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, "a merge key (<<); write its entries out", key.start_mark)


def read_human(path: Path, model: type[F]) -> F:
    """A file of human/ as its model. Raises FileFaults, which lists everything that is wrong with it, and UserError."""
    return human_of(path.read_bytes(), str(path), model)


def human_of(text: bytes | str, path: str, model: type[F]) -> F:
    """The text of a file as its model; an empty file is a mapping without entries. Raises as `read_human`."""
    content = yaml_of(text, path)
    try:
        found = model.model_validate({} if content is None else content)
    except ValidationError as error:
        items = error.errors(include_url=False)
        # a list whose entries are all faulty is too short as well
        deeper = {item["loc"][:depth] for item in items for depth in range(1, len(item["loc"]))}
        left = [item for item in items if item["loc"] not in deeper]
        places = Places(text)
        faults = [
            places.fault(path, item["loc"], explain(model, item), is_missing=item["type"] == "missing")
            for item in left[:LOCATED]
        ]
        raise FileFaults(
            faults + [Fault(path, 0, f"and {len(left) - LOCATED:,} more")] * (len(left) > LOCATED)
        ) from error
    if conflicts := list(islice(found.conflicts(), LOCATED)):
        places = Places(text)
        raise FileFaults(places.fault(path, place, words) for place, words in conflicts)
    return found


def read_yaml(path: Path) -> Any:
    """The content of a file of human/. Raises UserError as `yaml_of`."""
    return yaml_of(path.read_bytes(), str(path))


def yaml_of(text: bytes | str, path: str) -> Any:
    """The content of a YAML file.

    Raises UserError where it is no YAML, is nested too deeply, holds a value that YAML's types do not (a date without such
    a day), or a text holds half a surrogate pair or a NUL.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    try:
        loaded = parsed(yaml.load, text)
        check_levels(loaded)
    except TooDeep as error:
        raise UserError(f"{path}: {error}; write it with fewer levels") from error
    except Unreadable as error:
        if isinstance(error.__cause__, YAMLError):
            raise FileFaults([fault_of_yaml(path, error.__cause__)]) from error
        raise UserError(f"{path}: {error}; put the value in quotation marks or correct it") from error
    for each in strings_of(loaded):
        if (found := NO_CHARACTER.search(each)) is not None:
            raise UserError(
                f"{path}: a text holds {escape(found[0])}; write the character itself, as 😀 or \\U0001f600"
            )
    return loaded


def fault_of_yaml(path: str, error: YAMLError) -> Fault:
    """What is wrong with a text that is no YAML, and where."""
    if not isinstance(error, MarkedYAMLError):
        return Fault(path, 0, f"no valid YAML: {' '.join(str(error).split())[:300]}; correct it there")
    mark = error.problem_mark or error.context_mark
    words = " ".join(" ".join(filter(None, (error.context, error.problem))).split())[:300]
    return Fault(path, mark.line + 1 if mark else 0, f"no valid YAML: {words}; correct it there")


class Places:
    """The lines of the entries of a YAML text that can be read."""

    def __init__(self, text: bytes | str) -> None:
        self.root: Node | None = YAML(pure=True).compose(text)

    def fault(self, path: str, place: Place, words: str, *, is_missing: bool = False) -> Fault:
        """Something that is wrong at a place."""
        entry, line = self.of(place, is_missing=is_missing)
        return Fault(path, line, f"{entry or 'the file'}: {words}")

    def of(self, place: Place, *, is_missing: bool = False) -> tuple[str, int]:
        """An entry as a reader writes it (`gates[2].max`), and its line, or that of the nearest above it that is there.

        What pydantic puts among names and numbers, the tags of a union, stands in no file. `is_missing`: nor does the last
        name.
        """
        node = self.root
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


def written(place: Place) -> str:
    """An entry as a reader writes it: `gates[2].max`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def repeated(named: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, str, Place]]:
    """Names that stand at a second place: that place, the name, and its first place."""
    first: dict[str, Place] = {}
    for place, name in named:
        if name in first:
            yield place, name, first[name]
        first.setdefault(name, place)


def cycles_of(becomes: Mapping[str, str]) -> Iterator[list[str]]:
    """The circles in which entries lead back to their beginning."""
    walked: dict[str, int] = {}
    for number, start in enumerate(becomes):
        chain, tag = [], start
        while tag in becomes and tag not in walked:
            walked[tag] = number
            chain.append(tag)
            tag = becomes[tag]
        if walked.get(tag) == number and tag in becomes:
            yield chain[chain.index(tag) :]
