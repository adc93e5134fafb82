"""Sources: the items of every file that a source of params.yaml names, in the format that it names or that is detected."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, NamedTuple

from schemas.stage import Files
from stages.curation.params import EvaluationFile, IngestParams, SourceFile
from stages.curation.readers import books, wikidata
from stages.curation.readers.bulk.batch import Plain, pieces_of
from stages.curation.readers.bulk.files import RecordFile
from stages.curation.readers.columns import Columns
from stages.curation.readers.detection import detect, format_of
from stages.curation.readers.files import Chosen, Part, Skipped, chosen_files, nothing_read, unpacked
from stages.curation.readers.gathering import Gathering
from stages.curation.readers.json_text import as_json
from stages.curation.readers.lines import shown
from stages.curation.readers.record import FormatError, Reading, Record
from stages.curation.readers.records import BINARY
from stages.curation.readers.shapes import Item, Misfit, Refused, shape_of
from stages.curation.readers.trees import Fault

ID_FIELDS = ("task_id", "id", "key")


@dataclass(frozen=True, slots=True)
class Excluded:
    """An entity or a passage that is no row of `kind`, with the rule and its reason."""

    kind: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """`count` of `what` (words before a book's first chapter, rows of another split) are no rows and no faults.

    `files`: those that are meant, where they are skipped as a whole, each with the reason.
    """

    what: str
    count: int
    files: tuple[str, ...] = ()


class Found(NamedTuple):
    """What stands at one place of a file: an item, a broken record, what a rule excludes, or a count of what is not taken.

    `line` may be an entity's id.
    """

    file: str
    line: int | str
    value: Item | Plain | Record | Excluded | NotTaken

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


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


def may_be_plain(source: SourceFile) -> bool:
    """Whether a source takes every plain conversation, as it is."""
    return not (isinstance(source, EvaluationFile) or source.columns or source.ids or source.domain == "safety")


def reading_of(source: SourceFile) -> Reading:
    """How each file of a source is read."""
    return Reading(source.encoding, source.delimiter, source.table, source.split)


def read_source(source: SourceFile, files: Files, params: IngestParams) -> Iterator[Found]:
    """Everything in the files of a source.

    Raises FormatError, FolderError, HubError or ColumnError for what cannot be read as the source says, FileNotFoundError
    where there is no file.
    """
    reader = SourceReader(source, params)
    chosen = chosen_files(source, files)
    yield from reader.read(chosen.plain)
    for archive in chosen.archives:
        with unpacked(archive, source, chosen.is_one) as members:
            yield from reader.read(members)
    reader.close()


class SourceReader:
    """Reads the files of one source, one after the other."""

    def __init__(self, source: SourceFile, params: IngestParams) -> None:
        self.source, self.params = source, params
        self.selects = Selector(source.ids)
        self.columns = Columns(source.name, source.columns)
        self.known_columns: set[str] = set()
        self.skipped: list[Skipped] = []
        self.has_data = False

    def read(self, chosen: Chosen) -> Iterator[Found]:
        """Everything in some of the files, and what of them is not taken."""
        for what, count in chosen.left.items():
            yield Found(self.source.path, 0, NotTaken(what, count))
        for name, record in chosen.broken:
            self.has_data = True
            yield Found(name, record.line, record)
        yield from map(self.skip, chosen.skipped)
        labels: dict[str, str] | None = None
        for part in chosen.parts:
            name = format_of(self.source, part.path)
            if name == "wikidata":
                if labels is None:
                    paths = [other.path for other in chosen.parts]
                    labels = wikidata.read_labels(paths, self.params.language)
                found = self.characters(part, labels)
            else:
                found = self.passages(part) if name == "book" else self.items(part, name, chosen.is_one)
            yield from found

    def skip(self, file: Skipped) -> Found:
        self.skipped.append(file)
        return Found(file.name, 0, NotTaken(f"files skipped ({file.reason})", 1, (f"{file.name}: {file.reason}",)))

    def close(self) -> None:
        """Raise FormatError where no file held a record, ColumnError for a column that none of them had."""
        if not self.has_data:
            raise nothing_read(self.source, self.skipped)
        self.columns.check(self.known_columns)

    def passages(self, part: Part) -> Iterator[Found]:
        self.has_data = True
        least, most = self.params.passage_min_words, self.params.passage_max_words
        for cut in books.read_passages(part.path, least, most, self.source.encoding):
            match cut.fault:
                case "":
                    fields = {"work": cut.work, "author": cut.author, "section": cut.section, "text": cut.text}
                    value: Any = Item("passage", fields)
                case books.SHORT:
                    value = Excluded("passage", "short passage", "fewer than passage_min_words")
                case books.FRONT:
                    value = NotTaken("words of titles and contents before a first chapter", round(cut.words))
                case fault:
                    value = Record(cut.line, None, shown(cut.text), fault)
            yield Found(part.name, cut.line, value)

    def characters(self, part: Part, labels: dict[str, str]) -> Iterator[Found]:
        self.has_data = True
        if fault := wikidata.fault_of(part.path):
            yield Found(part.name, 1, fault)
        for entity in wikidata.read_entities(part.path, labels, self.params.language):
            if entity.fields is None:
                yield Found(part.name, entity.key, Excluded("character", "not a character", entity.reason))
            elif self.selects(entity.key, 0):
                yield Found(part.name, entity.key, Item("character", entity.fields))

    def items(self, part: Part, name: str, is_one: bool) -> Iterator[Found]:
        """Records of one file in the shape `name`, detected from the first `detect_rows` records for `auto`.

        A table or database that is damaged before its first row goes to quarantine. A file without records is skipped
        where others are; the only one raises FormatError.
        """
        reading = reading_of(self.source)
        try:
            yield from self.shaped(part, name, reading, is_one)
        except FormatError as error:
            if part.name == str(part.path):
                raise
            raise FormatError(str(error).replace(str(part.path), part.name)) from error
        self.known_columns |= reading.columns
        for what, count in reading.left.items():
            yield Found(part.name, 0, NotTaken(what, count))

    def shaped(self, part: Part, name: str, reading: Reading, is_one: bool) -> Iterator[Found]:
        file = RecordFile(part.path, reading)
        records = (self.renamed(record, part) for record in file.records)
        head = list(islice(records, self.params.detect_rows))
        if not head:
            if is_one and not any(reading.left.values()):
                raise FormatError(
                    f"{part.path}: the file is empty; remove it from source {self.source.name} in params.yaml"
                )
            if not any(reading.left.values()):
                yield self.skip(Skipped(part.name, "no record"))
            return
        self.has_data = True
        if (
            part.path.suffix.lower() in BINARY and head[0].value is None
        ):  # damaged before its first row: there is no shape
            yield Found(part.name, head[0].line, head[0])
            return
        shape = shape_of(self.detected(part, head, reading) if name == "auto" else name)
        gathering = Gathering()
        batches = file.batches(shape.__name__) if may_be_plain(self.source) else None
        for record in chain(head, records) if batches is None else pieces_of(batches):
            if isinstance(record, Plain):
                yield Found(part.name, 0, record)
            elif record.value is None:
                yield Found(part.name, record.line, record)
            elif self.selects(id_of(record.value), record.line):
                try:
                    for line, made in gathering.add(record.line, shape(record.value)):
                        yield Found(part.name, line, found_value(line, made))
                except Misfit as error:
                    raw = shown(as_json(record.value))
                    broken = Record(record.line, None, raw, f"not {shape.__name__}: {error}")
                    yield Found(part.name, record.line, broken)
                except Refused as error:
                    yield Found(part.name, record.line, found_value(record.line, error))
        for line, made in gathering.rest():
            yield Found(part.name, line, found_value(line, made))

    def renamed(self, record: Record, part: Part) -> Record:
        if record.value is None or not self.source.columns:
            return record
        return record._replace(value=self.columns.renamed(record.value, f"{part.name}:{record.line}"))

    def detected(self, part: Part, head: list[Record], reading: Reading) -> str:
        try:
            return detect(part.path, head, self.source, reading.tried)
        except FormatError:
            self.columns.check(self.known_columns | reading.columns)  # the likely cause
            raise


def found_value(line: int, made: Item | Refused | Fault) -> Item | Excluded | Record:
    """What stands in a file where an item was made of it, a rule leaves it out, or it makes none."""
    match made:
        case Item():
            return made
        case Refused():
            return Excluded("instruction", made.rule, str(made))
        case Fault():
            return Record(line, None, shown(as_json(made.fields)), made.error)
