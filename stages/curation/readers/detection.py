"""Which format a file has: the one that its source names, or what its beginning and the source's domain tell."""

from pathlib import Path
from typing import Any

from stages.curation.params import SourceFile
from stages.curation.readers import books, wikidata
from stages.curation.readers.lines import kind_of
from stages.curation.readers.record import FormatError, Record
from stages.curation.readers.shapes import SHAPES, Misfit, Refused, Shape


def format_of(source: SourceFile, path: Path) -> str:
    """The named format, or for `auto` what the file's beginning and the source's domain tell."""
    if source.format != "auto":
        return source.format
    if kind_of(path) == ".txt":
        if source.domain == "literature" or books.is_book(path, source.encoding):
            return "book"
        return "constraint" if source.domain == "constraint" else "prompt"
    return "wikidata" if wikidata.is_wikidata(path) else "auto"


def detect(path: Path, head: list[Record], source: SourceFile, read_as: str) -> str:
    """The first shape that more than half of the sound records have (others may be broken).

    Raises FormatError with what the file was read as, and every shape that was tried and why it does not fit.
    """
    sound = [record.value for record in head if record.value is not None]
    broken = next((f"line {record.line}: {record.error}" for record in head if record.value is None), "")
    if not sound:
        raise FormatError(
            f"{path}: none of its first {len(head)} records can be read (source {source.name}); {broken}. It was read as "
            f"{read_as}; correct the file, or say in params.yaml how it is to be read (ingest.sources, keys `encoding`, "
            "`delimiter`), or exclude it"
        )
    reasons = {name: [misfit(shape, value) for value in sound] for name, shape in SHAPES.items()}
    if source.domain == "constraint":  # one line of text is a constraint there, not a prompt
        reasons = {name: reasons[name] for name in sorted(reasons, key=lambda name: name != "constraint")}
    for name, why in reasons.items():
        if why.count(None) * 2 > len(sound):
            return name
    tried = "\n".join(f"  {name}: {next(filter(None, why), 'no sound record')}" for name, why in reasons.items())
    fields = sorted({key for value in sound for key in value})
    raise FormatError(
        f"{path}: the format cannot be told (source {source.name}), read as {read_as}; its first {len(head)} records have "
        f"the fields {fields}{f'; {broken}' if broken else ''}. Tried:\n{tried}\nName the format in params.yaml "
        "(ingest.sources, key `format`), name its columns (key `columns`: {prompt: …, response: …}), or rename the fields"
    )


def misfit(shape: Shape, value: dict[str, Any]) -> str | None:
    """Why a record does not have the shape; None where it does."""
    try:
        shape(value)
    except Misfit as error:
        return str(error)
    except Refused:  # it has the shape
        return None
    return None
