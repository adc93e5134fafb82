"""Principles to follow and to avoid: human/constitution/*.yaml (docs/human.md)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import StringConstraints

from schemas.errors import UserError
from schemas.faults import Fault, FileFaults
from schemas.human import Decided, Place, Places, read_human, repeated

KINDS = ("harmful", "benign")
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Principle(Decided):
    """What a response follows or avoids, and how to criticise and revise one by it."""

    id: Sentence
    area: Sentence
    polarity: Literal["follow", "avoid"]
    applies_to: Literal["harmful", "benign", "any"]
    text: Sentence
    critique_request: Sentence
    revision_request: Sentence


class PrincipleFile(Decided):
    """A file of human/constitution."""

    principles: list[Principle]

    @property
    def named(self) -> Iterator[tuple[Place, str]]:
        """The ids with their places."""
        for number, principle in enumerate(self.principles):
            yield ("principles", number, "id"), principle.id

    def conflicts(self) -> Iterator[tuple[Place, str]]:
        for place, name, _ in repeated(self.named):
            yield place, f"several principles have the id {name}, which their conversations come from: give it another"


def read_principles(paths: Sequence[Path]) -> list[Principle]:
    """The principles of all files.

    Raises FileFaults, which lists all that is wrong with the files, and UserError for what is no YAML and for a kind of
    prompts that no principle applies to.
    """
    principles: list[Principle] = []
    faults: list[Fault] = []
    owners: dict[str, Path] = {}
    for path in paths:
        try:
            found = read_human(path, PrincipleFile)
        except FileFaults as error:
            faults += error.faults
            continue
        principles += found.principles
        for place, name in found.named:
            if owners.setdefault(name, path) != path:
                words = f"{owners[name]} has a principle of the id {name} as well: give it another"
                faults.append(Places(path.read_bytes()).fault(str(path), place, words))
    if faults:
        raise FileFaults(faults)
    for kind in KINDS:
        if not any(principle.applies_to in (kind, "any") for principle in principles):
            raise UserError(
                f"human/constitution/*.yaml: no principle applies to {kind} prompts; write one (`applies_to: {kind}`)"
            )
    return principles


def findings(paths: Sequence[Path], _: object = None) -> tuple[int, list[Fault]]:
    """How many principles there are, and files that are not read. Raises as `read_principles`."""
    remarks = [
        Fault(str(path), 0, "this is not read; principles stand in files *.yaml")
        for path in paths
        if path.suffix != ".yaml"
    ]
    return len(read_principles([path for path in paths if path.suffix == ".yaml"])), remarks
