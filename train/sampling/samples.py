"""Samples of a policy, and keeping them on disk as they come: a lost connection or a kill costs what was under way."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One completion: its ids without the stop token, the text, and whether it stopped by itself."""

    ids: list[int]
    text: str
    finished: bool

    def ended(self, stop: int) -> list[int]:
        """Ids with the stop token where there was one; a completion that was cut off has none."""
        return self.ids + [stop] * self.finished


class Kept:
    """Samples of one drawing by the position of their prompt: those of an earlier start, and each that is added.

    The file has a JSON line `[position, samples]` for each prompt; a line that a kill cut short is left out.
    """

    def __init__(self, file: Path | None = None):
        """`file` must be of this very drawing; None keeps nothing on disk."""
        self.file = file
        self.held: dict[int, list[Sample]] = {}
        if file is None or not file.is_file():
            return
        whole = file.read_bytes()
        whole = whole[: whole.rfind(b"\n") + 1]
        os.truncate(file, len(whole))
        for line in whole.splitlines():
            at, samples = json.loads(line)
            self.held[at] = [Sample(*said) for said in samples]

    def add(self, made: Mapping[int, Sequence[Sample]]) -> None:
        """Keep finished prompts; they are on disk when this returns."""
        self.held |= {at: list(samples) for at, samples in made.items()}
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as handle:
            for at, samples in made.items():
                handle.write(json.dumps([at, samples]).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())
