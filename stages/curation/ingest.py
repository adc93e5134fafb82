"""ingest: read what people have into one table per kind of task; evaluation files apart from everything else.

Sources are declared in params.yaml. A record that is broken or does not have its file's shape goes to quarantine with
file, line and reason; a file whose format cannot be told stops the stage with what was tried.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.ids import content_id
from schemas.rows import (
    Character,
    CodeTask,
    Constraint,
    Dropped,
    EvaluationItem,
    Instruction,
    Passage,
    Problem,
    Quarantined,
    Row,
    SafetyPrompt,
)
from schemas.stage import Files
from schemas.table import Table
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers import books, wikidata
from stages.curation.readers.records import FormatError, Record, read
from stages.curation.readers.shapes import SHAPES, Item, Misfit


class Ingested(NamedTuple):
    instructions: Table[Instruction]
    problems: Table[Problem]
    code_tasks: Table[CodeTask]
    constraints: Table[Constraint]
    passages: Table[Passage]
    characters: Table[Character]
    safety_prompts: Table[SafetyPrompt]
    evaluation: Table[EvaluationItem]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]
    metrics: dict[str, Any]


TABLES: dict[str, tuple[str, type[Row]]] = {
    "instruction": ("instructions", Instruction),
    "problem": ("problems", Problem),
    "code_task": ("code_tasks", CodeTask),
    "constraint": ("constraints", Constraint),
    "passage": ("passages", Passage),
    "character": ("characters", Character),
    "safety_prompt": ("safety_prompts", SafetyPrompt),
    "evaluation": ("evaluation", EvaluationItem),
}


@dataclass
class Gathered:
    """Rows by kind and id, in the order of the sources; the first of equal rows stays."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {kind: {} for kind in TABLES})
    dropped: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: dict[str, dict[str, Any]] = field(default_factory=dict)
    not_taken: Counter[str] = field(default_factory=Counter)

    def drop(self, kind: str, row: dict[str, Any], rule: str, detail: str, parents: tuple[str, ...] = ()) -> None:
        key = content_id("dropped", [kind, row["source"], rule], parents)
        detail = f"{row['source']}: {detail}"
        self.dropped[key] = {"id": key, "parents": list(parents), "stage": "ingest", "rule": rule, "detail": detail}

    def quarantine(self, source: str, error: str, raw: str) -> None:
        key = content_id("quarantined", [source, error, raw])
        row = {"id": key, "parents": [], "stage": "ingest", "error": error, "source": source, "raw": raw}
        self.broken[key] = row


def ingest(files: Files, params: IngestParams) -> Ingested:
    """Read every declared source. Raises FormatError for an undetectable format, FileNotFoundError for no file."""
    gathered = Gathered()
    for held_source in params.evaluation:
        take(gathered, held_source, files, params, evaluation=True)
    held_out = {same(row["prompt"]): row["id"] for row in gathered.rows["evaluation"].values()}
    for source in params.sources:
        take(gathered, source, files, params, evaluation=False, held_out=held_out)
    tables: dict[str, Any] = {
        name: Table.of(model, gathered.rows[kind].values(), name) for kind, (name, model) in TABLES.items()
    }
    return Ingested(
        **tables,
        dropped=Table.of(Dropped, gathered.dropped.values()),
        quarantine=Table.of(Quarantined, gathered.broken.values()),
        metrics={"not_taken": {name: count for name, count in sorted(gathered.not_taken.items()) if count}},
    )


def same(prompt: str) -> str:
    return " ".join(prompt.casefold().split())


def take(
    gathered: Gathered,
    source: SourceFile,
    files: Files,
    params: IngestParams,
    evaluation: bool,
    held_out: dict[str, str] | None = None,
) -> None:
    """Gather the rows of one source: shape, selection by `ids`, duplicates, and the `limit` with the least ids."""
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    for place, line, item in items_of(gathered, source, paths_of(source, files), params):
        if isinstance(item, Record):
            gathered.quarantine(f"{place}:{line}", item.error, item.raw)
            continue
        try:
            kind, fields = held(item) if evaluation else routed(item, source)
        except Misfit as error:
            gathered.quarantine(f"{place}:{line}", str(error), orjson.dumps(item.fields).decode())
            continue
        gathered.not_taken[f"{source.name}: turns and instances after the first"] += item.left
        key = content_id(kind, fields)
        row = fields | {"id": key, "parents": [], "source": f"{place}:{line}"}
        row |= {"license": source.license, "split": source.split}
        if key in found or key in gathered.rows[kind]:
            first = found[key][1] if key in found else gathered.rows[kind][key]
            gathered.drop(kind, row, "exact duplicate", f"the same {kind} stands at {first['source']}", (key,))
        elif held_out and (twin := held_out.get(same(fields.get("prompt", "")))):
            gathered.drop(kind, row, "evaluation prompt", "its prompt is an evaluation item", (twin,))
        else:
            found[key] = (kind, row)
    chosen = sorted(found)[: source.limit] if source.limit else found
    if len(chosen) < len(found):
        gathered.not_taken[f"{source.name}: rows over the limit"] += len(found) - len(chosen)
    for key in chosen:
        kind, row = found[key]
        gathered.rows[kind][key] = row


def paths_of(source: SourceFile, files: Files) -> list[Path]:
    """Files of a source. A path below the working folder is made relative, as dvc.yaml names it."""
    path = Path(source.path)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return files.find(str(path))


Found = Iterator[tuple[Path, int | str, Item | Record]]


def items_of(gathered: Gathered, source: SourceFile, paths: list[Path], params: IngestParams) -> Found:
    """(file, line, item or broken record) of every file; entities and passages that are no rows are dropped here."""
    known: dict[str, str] | None = None
    wanted = Selector(source.ids)
    for path in paths:
        family = format_of(source, path)
        if family == "book":
            yield from book_items(gathered, path, params)
        elif family == "wikidata":
            if problem := wikidata.broken(path):
                yield path, 1, problem
            known = known if known is not None else wikidata.labels(paths, params.language)
            for entity in wikidata.read(path, known, params.language):
                if entity.fields is None:
                    gathered.drop("character", {"source": f"{path}:{entity.key}"}, "not a character", entity.reason)
                elif wanted(entity.key, 0):
                    yield path, entity.key, Item("character", entity.fields)
        else:
            yield from shaped(path, family, source, params, wanted)


def format_of(source: SourceFile, path: Path) -> str:
    """The named format, or for `auto` what the file's beginning and the source's domain say."""
    if source.format != "auto":
        return source.format
    if path.suffix.lower() == ".txt":
        if source.domain == "literature" or books.is_book(path):
            return "book"
        return "constraint" if source.domain == "constraint" else "prompt"
    return "wikidata" if wikidata.is_wikidata(path) else "auto"


def book_items(gathered: Gathered, path: Path, params: IngestParams) -> Found:
    for cut in books.read(path, params.passage_min_words, params.passage_max_words):
        fields = {"work": cut.work, "author": cut.author, "section": cut.section, "text": cut.text}
        if cut.short:
            gathered.drop("passage", {"source": f"{path}:{cut.line}"}, "short passage", "fewer than passage_min_words")
        else:
            yield path, cut.line, Item("passage", fields)


def shaped(path: Path, family: str, source: SourceFile, params: IngestParams, wanted: "Selector") -> Found:
    """Records of one file in the shape `family`, detected from the first sound records for `auto`."""
    records = read(path)
    head = list(islice(records, params.detect_rows))
    if not head:
        raise FormatError(f"{path}: the file is empty; remove it from source {source.name} in params.yaml")
    shape = SHAPES[family] if family != "auto" else SHAPES[detect(path, head, source)]
    for record in chain(head, records):
        if record.value is None:
            yield path, record.line, record
        elif wanted(next((record.value[key] for key in ID_FIELDS if key in record.value), None), record.line):
            try:
                yield path, record.line, shape(record.value)
            except Misfit as error:
                raw = orjson.dumps(record.value, default=str).decode()
                yield path, record.line, Record(record.line, None, raw, f"not {shape.__name__}: {error}")


def detect(path: Path, head: list[Record], source: SourceFile) -> str:
    """The first shape that more than half of the sound records have (others may be broken). Raises FormatError with what was tried and why not."""
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


def misfit(shape: Any, value: dict[str, Any]) -> str | None:
    try:
        shape(value)
    except Misfit as error:
        return str(error)
    return None


ID_FIELDS = ("task_id", "id", "key")


class Selector:
    """Which records a source takes: `ids` is a list of ids and ranges ("601-974, seed_task_3"), None takes all.

    An id is the record's `task_id`, `id` or `key`, else its line number.
    """

    def __init__(self, ids: str | None):
        parts = [part.strip() for part in (ids or "").split(",") if part.strip()]
        bounds = [part.split("-") for part in parts if part.replace("-", "", 1).isdigit() and "-" in part]
        self.ranges = [(int(low), int(high)) for low, high in bounds if low and high]
        self.names = set(parts)

    def __call__(self, given: Any, line: int) -> bool:
        if not self.names:
            return True
        name = str(line if given is None else given)
        return name in self.names or (name.isdigit() and any(low <= int(name) <= high for low, high in self.ranges))


def routed(item: Item, source: SourceFile) -> tuple[str, dict[str, Any]]:
    """The row that an item of a training source becomes; the source's domain decides where the shape leaves it open."""
    kind, fields, _ = item
    if kind == "constrained":
        raise Misfit("IFEval rows are evaluation rows; declare the file under ingest.evaluation")
    if kind == "problem" and source.domain != "math":
        return "instruction", {
            "prompt": fields["prompt"],
            "reference": fields["solution"] or fields["answer"],
            "domain": source.domain,
        }
    if kind == "instruction":
        if source.domain == "safety":
            raise Misfit("a safety prompt needs `area` and `harmful`")
        return "instruction", fields | {"domain": source.domain}
    return kind, fields


def held(item: Item) -> tuple[str, dict[str, Any]]:
    """The evaluation item that an item of an evaluation source becomes."""
    kind, fields, _ = item
    match kind:
        case "problem":
            kept = {"task": "math", "prompt": fields["prompt"], "answer": fields["answer"]}
        case "code_task":
            kept = {"task": "code"} | {name: fields[name] for name in ("prompt", "entry_point", "tests", "setup")}
        case "constrained":
            kept = {"task": "constraint"} | fields
        case "instruction" | "safety_prompt":
            kept = {"task": "general", "prompt": fields["prompt"], "answer": fields.get("reference")}
        case _:
            raise Misfit(f"a {kind} cannot be evaluated; evaluation takes problems, code tasks, IFEval and prompts")
    return "evaluation", kept
