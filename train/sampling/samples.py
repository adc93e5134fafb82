"""Samples of a policy, cached on disk as they come: a lost connection or a kill costs what was under way."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """One completion: its token ids without the stop token, the text, and whether it stopped by itself."""

    ids: list[int]
    text: str
    finished: bool

    def ids_with_stop(self, stop: int) -> list[int]:
        """Ids with the stop token where there was one; a completion that was cut off has none."""
        return self.ids + [stop] * self.finished


class SampleCache:
    """Samples of one sampling run by the position of their prompt: those of an earlier start, and each that is added.

    The file has a JSON line `[position, samples]` for each prompt; a line that a kill cut short is left out.
    """

    def __init__(self, file: Path | None = None):
        """`file` must be of this very sampling run; None writes nothing to disk."""
        self.file = file
        self.samples: dict[int, list[Sample]] = {}
        if file is None or not file.is_file():
            return
        content = file.read_bytes()
        content = content[: content.rfind(b"\n") + 1]
        os.truncate(file, len(content))
        for line in content.splitlines():
            position, samples = json.loads(line)
            self.samples[position] = [Sample(*sample) for sample in samples]

    def add(self, samples_by_position: Mapping[int, Sequence[Sample]]) -> None:
        """Add finished prompts; they are on disk when this returns."""
        self.samples |= {position: list(samples) for position, samples in samples_by_position.items()}
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("ab") as handle:
            for position, samples in samples_by_position.items():
                handle.write(json.dumps([position, samples]).encode() + b"\n")
            handle.flush()
            os.fsync(handle.fileno())

    def in_order(self, count: int) -> list[list[Sample]]:
        """The samples of prompts 0 … count - 1."""
        return [self.samples[position] for position in range(count)]
