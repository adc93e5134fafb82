"""Sources: the items of every file that a source of params.yaml names, in the format that it names or that is detected."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from schemas.stage import Files
from stages.curation.params import EvaluationFile, IngestParams, SourceFile
from stages.curation.readers import books, wikidata
from stages.curation.readers.arrow import saved_files
from stages.curation.readers.bulk.batch import Plain, pieces_of
from stages.curation.readers.bulk.files import RecordFile
from stages.curation.readers.json_text import as_json
from stages.curation.readers.lines import kind_of, shown
from stages.curation.readers.record import FormatError, Record
from stages.curation.readers.records import BINARY
from stages.curation.readers.shapes import SHAPES, Item, Misfit, Shape

ID_FIELDS = ("task_id", "id", "key")


@dataclass(frozen=True, slots=True)
class Excluded:
    """An entity or a passage that is no row of `kind`, with the rule and its reason."""

    kind: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """`count` of `what` (words before a book's first chapter, rows of another split) are no rows and no faults."""

    what: str
    count: int


class Found(NamedTuple):
    """What stands at one place of a file: an item, a broken record, what a rule excludes, or a count of what is not taken.

    `line` may be an entity's id.
    """

    path: Path
    line: int | str
    value: Item | Plain | Record | Excluded | NotTaken

    @property
    def place(self) -> str:
        return f"{self.path!s}:{self.line}"


class Selector:
    """Which records a source takes: `ids` is a list of ids and ranges ("601-974, seed_task_3"), None takes all.

    An id is the record's `task_id`, `id` or `key`, else its line number.
    """

    def __init__(self, ids: str | None):
        parts = [part.strip() for part in (ids or "").split(",") if part.strip()]
        bounds = [part.split("-") for part in parts if part.replace("-", "", 1).isdecimal() and "-" in part]
        self.ranges = [(int(low), int(high)) for low, high in bounds if low and high]
        self.names = set(parts)

    def __call__(self, row_id: Any, line: int) -> bool:
        if not self.names:
            return True
        name = str(line if row_id is None else row_id)
        return name in self.names or (is_number(name) and any(low <= int(name) <= high for low, high in self.ranges))


def id_of(value: dict[str, Any]) -> Any:
    return next((value[key] for key in ID_FIELDS if key in value), None)


def is_number(name: str) -> bool:
    return name.isdecimal() and len(name) < 100


def read_source(source: SourceFile, files: Files, params: IngestParams) -> Iterator[Found]:
    """Everything in the files of a source. Raises FormatError or FolderError, FileNotFoundError where there is no file."""
    paths, other_splits = saved_files(paths_of(source, files), source.split)
    for split, rows in other_splits.items():
        yield Found(Path(source.path), 0, NotTaken(f"rows of split {split}", rows))
    labels: dict[str, str] | None = None
    selects = Selector(source.ids)
    for path in paths:
        match format_of(source, path):
            case "book":
                yield from book_passages(path, params, source.encoding)
            case "wikidata":
                if fault := wikidata.fault_of(path):
                    yield Found(path, 1, fault)
                labels = wikidata.read_labels(paths, params.language) if labels is None else labels
                yield from characters(path, labels, params.language, selects)
            case name:
                yield from shaped_items(path, name, source, params.detect_rows, selects)


def paths_of(source: SourceFile, files: Files) -> list[Path]:
    """Files of a source. A path below the working folder becomes relative, as dvc.yaml names it.

    What `dvc add` writes beside data (`x.dvc`) is no data.
    """
    path = Path(source.path)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return [file for file in files.find(str(path)) if file.suffix != ".dvc"]


def format_of(source: SourceFile, path: Path) -> str:
    """The named format, or for `auto` what the file's beginning and the source's domain tell."""
    if source.format != "auto":
        return source.format
    if kind_of(path) == ".txt":
        if source.domain == "literature" or books.is_book(path, source.encoding):
            return "book"
        return "constraint" if source.domain == "constraint" else "prompt"
    return "wikidata" if wikidata.is_wikidata(path) else "auto"


def book_passages(path: Path, params: IngestParams, encoding: str | None) -> Iterator[Found]:
    for cut in books.read_passages(path, params.passage_min_words, params.passage_max_words, encoding):
        match cut.fault:
            case "":
                fields = {"work": cut.work, "author": cut.author, "section": cut.section, "text": cut.text}
                yield Found(path, cut.line, Item("passage", fields))
            case books.SHORT:
                yield Found(path, cut.line, Excluded("passage", "short passage", "fewer than passage_min_words"))
            case books.FRONT:
                yield Found(
                    path, cut.line, NotTaken("words of titles and contents before a first chapter", round(cut.words))
                )
            case fault:
                yield Found(path, cut.line, Record(cut.line, None, shown(cut.text), fault))


def characters(path: Path, labels: dict[str, str], language: str, selects: Selector) -> Iterator[Found]:
    for entity in wikidata.read_entities(path, labels, language):
        if entity.fields is None:
            yield Found(path, entity.key, Excluded("character", "not a character", entity.reason))
        elif selects(entity.key, 0):
            yield Found(path, entity.key, Item("character", entity.fields))


def shaped_items(path: Path, name: str, source: SourceFile, detect_rows: int, selects: Selector) -> Iterator[Found]:
    """Records of one file in the shape `name`, detected from the first `detect_rows` records for `auto`.

    A Parquet or Arrow file that is damaged before its first row goes to quarantine; an empty file raises FormatError.
    """
    file = RecordFile(path, source.encoding)
    head = list(islice(file.records, detect_rows))
    if not head:
        raise FormatError(f"{path}: the file is empty; remove it from source {source.name} in params.yaml")
    if path.suffix.lower() in BINARY and head[0].value is None:  # damaged before its first row: there is no shape
        yield Found(path, head[0].line, head[0])
        return
    shape = SHAPES[name] if name != "auto" else SHAPES[detect(path, head, source)]
    batches = file.batches(shape.__name__) if may_be_plain(source) else None
    for record in chain(head, file.records) if batches is None else pieces_of(batches):
        if isinstance(record, Plain):
            yield Found(path, 0, record)
        elif record.value is None:
            yield Found(path, record.line, record)
        elif not selects.names or selects(id_of(record.value), record.line):
            try:
                yield Found(path, record.line, shape(record.value))
            except Misfit as error:
                raw = shown(as_json(record.value))
                yield Found(path, record.line, Record(record.line, None, raw, f"not {shape.__name__}: {error}"))


def may_be_plain(source: SourceFile) -> bool:
    """Whether a source takes plain conversations as they are, whatever they say."""
    return not (isinstance(source, EvaluationFile) or source.ids or source.domain == "safety")


def detect(path: Path, head: list[Record], source: SourceFile) -> str:
    """The first shape that more than half of the sound records have (others may be broken).

    Raises FormatError with every shape that was tried and why it does not fit.
    """
    sound = [record.value for record in head if record.value is not None]
    reasons = {name: [misfit(shape, value) for value in sound] for name, shape in SHAPES.items()}
    if source.domain == "constraint":  # one line of text is a constraint there, not a prompt
        reasons = {name: reasons[name] for name in sorted(reasons, key=lambda name: name != "constraint")}
    for name, why in reasons.items():
        if why.count(None) * 2 > len(sound):
            return name
    tried = "\n".join(f"  {name}: {next(filter(None, why), 'no sound record')}" for name, why in reasons.items())
    fields = sorted({key for value in sound for key in value})
    broken = next((f"; line {record.line} is {record.error}" for record in head if record.value is None), "")
    raise FormatError(
        f"{path}: the format cannot be told (source {source.name}); its first {len(head)} records have the fields "
        f"{fields}{broken}. Tried:\n{tried}\nName the format in params.yaml (ingest.sources, key `format`) or rename "
        "the fields"
    )


def misfit(shape: Shape, value: dict[str, Any]) -> str | None:
    """Why a record does not have the shape; None where it does."""
    try:
        shape(value)
    except Misfit as error:
        return str(error)
    return None
