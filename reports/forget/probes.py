"""Texts, ids and keys to look for, as hashes: what a certificate may hold, and a scan that needs no more than that.

A text is found inside longer ones. Its probe holds 32 bits of a rolling hash of its first and of its last WINDOW bytes
and the sha256 of the whole; where both ends match at the right distance, the bytes between are hashed. 32 bits pin down no
text. Texts below WINDOW bytes ("42", "yes") tell nothing of a row and are not looked for, but for values (an annotator's
name), which only count where they are the entire value of a field. Parquet is compressed, so its columns are decoded.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

WINDOW = 16
"""Bytes of a window, and of the least text that is looked for."""
BASE = np.uint64(0x9E3779B97F4A7C15)
INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))
BLOCK = 2**22
"""Bytes hashed at once."""
HEX_ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
DAMAGED = "cannot be read"


def digest_of(content: bytes) -> str:
    """32 hex characters of sha256."""
    return hashlib.sha256(content).hexdigest()[:32]


@dataclass(frozen=True, order=True)
class Probe:
    """A text of `length` bytes: `sha` of it, and `first` and `last` of its ends."""

    sha: str
    length: int
    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> "Probe | None":
        """None for a text that is too short to tell anything."""
        content = text.strip().encode("utf-8", "surrogatepass")
        if len(content) < WINDOW:
            return None
        ends = [int(windows(end)[0]) for end in (content[:WINDOW], content[-WINDOW:])]
        return cls(digest_of(content), len(content), *ends)


def probes_of(texts: Iterable[str]) -> list[Probe]:
    """Probes of texts as they are, and as JSON and CSV write them inside other texts; sorted, each once."""
    forms = {
        form
        for text in map(str.strip, texts)
        for form in (
            text,
            text.replace('"', '""'),
            *(json.dumps(text, ensure_ascii=ascii)[1:-1] for ascii in (True, False)),
        )
    }
    return sorted({probe for form in forms if (probe := Probe.of(form)) is not None})


@dataclass
class Probes:
    """What is looked for. `ids`: rows and keys as 32 hex characters. `values`: (bytes, sha) of entire values."""

    texts: list[Probe] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    values: set[tuple[int, str]] = field(default_factory=set)

    def in_bytes(self, content: bytes) -> set[str]:
        """The texts (by sha) and ids that some bytes hold."""
        ids = {found.decode() for found in HEX_ID.findall(content)} & self.ids if self.ids else set()
        return ids | self.texts_in(content)

    def texts_in(self, content: bytes) -> set[str]:
        """The texts (by sha) that some bytes hold."""
        found: set[str] = set()
        if not self.texts or len(content) < WINDOW:
            return found
        wanted = np.unique(np.array([end for one in self.texts for end in (one.first, one.last)], dtype=np.uint32))
        places: dict[int, list[np.ndarray]] = {}
        for start in range(0, len(content) - WINDOW + 1, BLOCK):
            hashes = windows(content[start : start + BLOCK + WINDOW - 1])
            hits = np.flatnonzero(np.isin(hashes, wanted))
            for value in np.unique(hashes[hits]):
                places.setdefault(int(value), []).append(hits[hashes[hits] == value] + start)
        of_value = {value: np.concatenate(parts) for value, parts in places.items()}
        none = np.array([], dtype=np.int64)
        for one in self.texts:
            first, last = of_value.get(one.first, none), of_value.get(one.last, none)
            for place in np.intersect1d(first, last - (one.length - WINDOW)):
                if digest_of(content[int(place) : int(place) + one.length]) == one.sha:
                    found.add(one.sha)
                    break
        return found

    def in_frame(self, frame: pl.DataFrame) -> set[str]:
        """What a table holds, in any column at any depth."""
        found: set[str] = set()
        for series in strings_of(frame):
            values = series.drop_nulls().unique()
            ids = values.filter(values.str.len_bytes() == 32)
            found |= set(ids) & self.ids if len(ids) else set()
            for length, sha in self.values:
                alike = values.filter(values.str.len_bytes() == length)
                found |= {sha for value in alike if digest_of(value.encode()) == sha}
            if self.texts:
                found |= self.texts_in("\0".join(values.to_list()).encode("utf-8", "surrogatepass"))
        return found

    def in_content(self, content: bytes, name: str = "") -> set[str]:
        """What a file holds: a Parquet table by its columns, JSON by its strings besides its bytes, all else by its bytes.

        {DAMAGED} where a table cannot be decoded.
        """
        if content[8:9] == b"{" and b'"dtype"' in content[:4096]:  # weights (safetensors) hold no text
            return set()
        if content.startswith(b"PAR1"):
            frame = decoded(content)
            return {DAMAGED} if frame is None else self.in_frame(frame)
        found = self.in_bytes(content)
        if content[:1] in b'{["' and (self.texts or self.values):  # with escapes undone
            strings = list(json_strings(content))
            found |= self.texts_in("\0".join(strings).encode("utf-8", "surrogatepass"))
            found |= {
                sha
                for length, sha in self.values
                for text in strings
                if len(text.encode("utf-8", "surrogatepass")) == length
                and digest_of(text.encode("utf-8", "surrogatepass")) == sha
            }
        return found

    def in_file(self, path: Path) -> set[str]:
        """What a file holds; nothing where it is gone meanwhile."""
        try:
            return self.in_content(path.read_bytes(), path.name)
        except FileNotFoundError:
            return set()

    def without(self, found: Iterable[str]) -> "Probes":
        """These without what was found: what others hold as well tells of nobody."""
        gone = set(found)
        values = {pair for pair in self.values if pair[1] not in gone}
        return Probes([one for one in self.texts if one.sha not in gone], self.ids - gone, values)

    def as_json(self) -> dict[str, Any]:
        texts = [[one.sha, one.length, one.first, one.last] for one in sorted(self.texts)]
        return {"texts": texts, "ids": sorted(self.ids), "values": sorted(map(list, self.values))}

    @classmethod
    def from_json(cls, form: dict[str, Any]) -> "Probes":
        values = {(length, sha) for length, sha in form["values"]}
        return cls([Probe(*one) for one in form["texts"]], set(form["ids"]), values)


def windows(content: bytes) -> np.ndarray:
    """32 bits of a rolling hash of every WINDOW bytes, by where they begin (uint32)."""
    letters = np.frombuffer(content, dtype=np.uint8).astype(np.uint64) + np.uint64(1)
    powers = np.empty(len(letters), dtype=np.uint64)
    powers[0], powers[1:] = 1, BASE
    sums = np.cumsum(letters * np.multiply.accumulate(powers))
    powers[1:] = INVERSE
    inverse = np.multiply.accumulate(powers)
    ends = sums[WINDOW - 1 :].copy()
    ends[1:] -= sums[: len(ends) - 1]
    return ((ends * inverse[: len(ends)]) >> np.uint64(32)).astype(np.uint32)


def decoded(content: bytes) -> pl.DataFrame | None:
    """A Parquet file as a frame, None where it is damaged: read by pyarrow, since Polars trusts lengths."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        frame = pl.from_arrow(parquet.read_table(pa.BufferReader(content), page_checksum_verification=True))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError):
        try:  # integers of 128 bits, which only Polars reads
            return pl.read_parquet(io.BytesIO(content)) if b"ARROW:schema" in content else None
        except pl.exceptions.PolarsError:
            return None
    assert isinstance(frame, pl.DataFrame)
    return frame


def strings_of(frame: pl.DataFrame) -> Iterator[pl.Series]:
    """Every text of a table, at any depth; bytes as hex."""
    waiting = frame.get_columns()
    while waiting:
        series = waiting.pop()
        match series.dtype:
            case pl.String():
                yield series
            case pl.Categorical() | pl.Enum():
                yield series.cast(pl.String)
            case pl.Binary():
                yield series.bin.encode("hex")
            case pl.List():
                waiting.append(series.explode())
            case pl.Array():
                waiting.append(series.arr.explode())
            case pl.Struct():
                waiting += series.struct.unnest().get_columns()


def json_strings(content: bytes) -> Iterator[str]:
    """The strings in JSON, or in each line of JSON Lines, that can be read."""
    for text in [content] if content.count(b"\n") < 2 else [content, *content.split(b"\n")]:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        yield from strings_in(value)
        if text is content:
            return


def strings_in(value: Any) -> Iterator[str]:
    """Every string of a JSON value."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as pairs:
                waiting += [*pairs.keys(), *pairs.values()]
            case list() as items:
                waiting += items
