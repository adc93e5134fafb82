"""Files as the tests of the readers write and read them."""

import bz2
import gzip
import lzma
from pathlib import Path

import pyarrow as pa

from schemas.conversations import asked_text
from schemas.stage import Files
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams
from stages.curation.readers.record import Reading
from stages.curation.readers.records import read_records

TWO = '{"prompt": "one"}\n{"prompt": "two"}\n'


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zst}


def read(path: Path, content: bytes | str, encoding: str | None = None):
    """(values, errors): values of the sound records, line -> reason of the broken ones."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = list(read_records(path, Reading(encoding)))
    values = [record.value for record in found if record.value is not None]
    return values, {record.line: record.error for record in found if record.value is None}


def prompts(path: Path, content: bytes | str, encoding: str | None = None) -> list[str]:
    values, errors = read(path, content, encoding)
    assert not errors
    return [value["prompt"] for value in values]


def take(folder: Path, monkeypatch, **source):
    monkeypatch.chdir(folder)
    section = {"name": "s", "domain": "general", "license": "MIT"} | source
    return ingest(Files("ingest", (Path(),)), IngestParams.model_validate({"sources": [section]}))


def asks(tables: IngestTables) -> list[str]:
    """What the instructions ask, sorted."""
    return sorted(asked_text(row.prompt) for row in tables.instructions)
