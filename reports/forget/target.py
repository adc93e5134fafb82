"""What is to be forgotten: the records, rows, texts and answers that a name stands for, and the edits that take it out.

Nothing is changed here. Raises UserError, with what to do instead, wherever a request cannot be met in full.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from cultivar.runner.graph import GRAPH, PARAMS, load_yaml, stage_spec
from reports.forget.cutting import cut, records_at
from reports.forget.people import CutLines, cut_lines, items_of
from reports.forget.probes import Probes, digest_of, probes_of, strings_in, strings_of
from reports.forget.recording import PEOPLE
from reports.forget.source_list import without_sources
from schemas.errors import UserError
from schemas.stage import Files
from stages.curation.ingest import TABLES
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.files import paths_of
from stages.curation.readers.sources import id_of, reading_of

NO_TEXT = ("id", "parents", "source", "license", "split", "domain", "task", "strategy")
"""Columns of a source's table that hold no text of its record."""


@dataclass
class Target:
    """What is to go. `name`: as the certificate may say it. `rows`: ids that the records became. `files`: new content of
    files of the workspace, None for one that goes. `texts`: what the records say. `values`: names of people. `label`: of a
    model's answers. `keys`: of answers. `records`: (file, line, sha256) of what is cut. `people`: judgements that go.
    """

    kind: str
    name: str
    rows: set[str] = field(default_factory=set)
    files: dict[Path, bytes | None] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    values: set[str] = field(default_factory=set)
    label: str | None = None
    keys: set[str] = field(default_factory=set)
    records: list[tuple[str, int, str]] = field(default_factory=list)
    people: int = 0

    def probes(self) -> Probes:
        """What a scan looks for, as hashes."""
        values = {(len(value.encode()), digest_of(value.encode())) for value in self.values}
        return Probes(probes_of(self.texts), self.rows | self.keys, values)


@dataclass(frozen=True)
class Sources:
    """The sources that params.yaml declares, and the tables that `ingest` made of them."""

    params: IngestParams
    files: Files

    @classmethod
    def of_project(cls) -> "Sources":
        deps = tuple(stage_spec("ingest", {}, load_yaml(GRAPH)).deps)
        return cls(IngestParams.model_validate(load_yaml(PARAMS)["ingest"]), Files("ingest", deps))

    @property
    def declared(self) -> list[SourceFile]:
        return [*self.params.sources, *self.params.evaluation]

    def readers_of(self, path: Path) -> list[SourceFile]:
        """The sources that read a file."""
        return [source for source in self.declared if path in paths_of(source, self.files)]

    def table(self, name: str) -> pl.DataFrame:
        """A table of `ingest`. Raises UserError where it is not there."""
        path = Path(f"data/{name}.parquet")
        if not path.is_file():
            raise UserError(f"{path} is not there; `dvc checkout` or `dvc repro` first, so that its rows can be found")
        return pl.read_parquet(path)

    def tables(self) -> dict[str, pl.DataFrame]:
        return {name: self.table(name) for name, _ in TABLES.values()}


def row_target(asked: str) -> Target:
    """A row by id (wherever its record stands) or a record by `file:line`."""
    sources = Sources.of_project()
    dropped = sources.table("dropped/ingest")
    target = Target("row", asked)
    if re.fullmatch(r"[0-9a-f]{32}", asked):
        places = {place for frame in sources.tables().values() for place in frame.filter(id=asked)["source"]}
        if not places:
            raise UserError(unknown_row(asked, sources))
        twins = dropped.filter(pl.col("parents").list.contains(asked), rule="exact duplicate")
        places |= {detail.rpartition(": the same ")[0] for detail in twins["detail"]}
    elif re.fullmatch(r".+:\d+", asked):
        places = {f"{Path(asked.rpartition(':')[0])}:{asked.rpartition(':')[2]}"}
    else:
        raise UserError(f"{asked} is neither a row's id (32 hex characters) nor file:line")
    by_file: dict[Path, set[int]] = {}
    for place in places:
        name, _, line = place.rpartition(":")
        if not line.isdecimal():
            raise UserError(
                f"{place} is an entity of Wikidata, which other entities may name: take it out of the file by hand"
            )
        by_file.setdefault(Path(name), set()).add(int(line))
    for path, numbers in sorted(by_file.items()):
        cut_rows(target, sources, path, numbers)
    take_rows(target, sources, places)
    return target


def unknown_row(row: str, sources: Sources) -> str:
    """Why an id is no row of a source, with the rows of sources behind it where it is one made from them."""
    roots = {row_id for frame in sources.tables().values() for row_id in frame["id"]}
    parents: dict[str, set[str]] = {}
    for path in sorted(Path("data").rglob("*.parquet")):
        if "raw" in path.parts or "parents" not in (schema := pl.read_parquet_schema(path)) or "id" not in schema:
            continue
        for row_id, of_row in pl.read_parquet(path, columns=["id", "parents"]).iter_rows():
            parents.setdefault(row_id, set()).update(of_row)
    waiting, seen = [row], set()
    while waiting:
        if (one := waiting.pop()) not in seen:
            seen.add(one)
            waiting += parents.get(one, ())
    if row not in parents:
        return f"no table of the workspace has a row {row}; `cultivar trace {row}` looks in other versions"
    made_of = ", ".join(sorted(seen & roots)[:5])
    return (
        f"row {row} was made from others: forget a row of a source behind it ({made_of or 'none is left'}), or an answer "
        "that it was made from (--answer KEY)"
    )


def cut_rows(target: Target, sources: Sources, path: Path, numbers: set[int]) -> None:
    """Cut records out of a file of a source, and note what they say."""
    readers = sources.readers_of(path) if path.is_file() else []
    if archive := next((parent for parent in path.parents if parent.is_file()), None):
        raise UserError(f"{path} stands in {archive}: unpack it, and name the folder in params.yaml instead")
    if not readers:
        raise UserError(f"{path} is no file of a source in params.yaml; `cultivar browse` shows where a row stands")
    own = readers[0]
    if any(source.format == "book" for source in readers) or is_book(sources, path):
        raise UserError(
            f"{path} is a book, whose passages are cut anew when a line goes: take the text out by hand and `dvc repro`, or "
            f"forget the file whole: `cultivar forget --source {path}`"
        )
    records = records_at(path, numbers, reading_of(own))
    by_number = any(source.ids for source in readers) and any(
        r.value is None or id_of(r.value) is None for r in records
    )
    if by_number:
        raise UserError(f"{path}: `ids` of source {own.name} counts lines, which would shift; give its records an `id`")
    content = cut(path, numbers, reading_of(own))
    if content is None:
        raise UserError(f"{path} would hold no record any more: `cultivar forget --source {path}`")
    target.files[path] = content
    for record in records:
        said = record.raw if record.value is None else json.dumps(record.value, ensure_ascii=False, default=str)
        target.texts |= {record.raw} if record.value is None else set(strings_in(record.value))
        target.records.append((str(path), record.line, digest_of(said.encode("utf-8", "surrogatepass"))))


def is_book(sources: Sources, path: Path) -> bool:
    """Whether rows of a text file are passages."""
    return any(place.rpartition(":")[0] == str(path) for place in sources.table("passages")["source"])


def source_target(asked: str) -> Target:
    """A source by its name in params.yaml, or a file of sources."""
    sources = Sources.of_project()
    target = Target("source", asked)
    named = [source for source in sources.declared if source.name == asked]
    path = Path(asked)
    if named:
        files = paths_of(named[0], sources.files)
        gone = named
    elif path.is_file() and (readers := sources.readers_of(path)):
        files = [path]
        gone = [source for source in readers if paths_of(source, sources.files) == files]
    else:
        names = ", ".join(source.name for source in sources.declared)
        raise UserError(f"{asked} is no source of params.yaml and no file of one; it declares {names}")
    for file in files:
        if others := [source.name for source in sources.readers_of(file) if named and source not in gone]:
            raise UserError(
                f"{file} is also read by source {', '.join(others)}: forget the file (`--source {file}`), or the rows of "
                f"{asked} one by one (--row)"
            )
        target.files[file] = None
        if (pointer := file.with_name(file.name + ".dvc")).is_file():
            target.files[pointer] = None
    listed = {str(dep) for dep in sources.files.declared} & {str(file) for file in files}
    if listed:
        raise UserError(f"{sorted(listed)[0]} is a dep of stage ingest in dvc.yaml: remove that line first")
    if all(source in gone for source in sources.params.sources):
        raise UserError(f"{asked} is the only source: without it nothing could be built")
    if gone:
        target.files[PARAMS] = without_sources({source.name for source in gone}).encode()
    places = {
        place
        for frame in sources.tables().values()
        for place in frame["source"]
        if Path(place.rpartition(":")[0]) in files
    }
    for file in files:
        target.records.append((str(file), 0, digest_of(file.read_bytes())))
    take_rows(target, sources, places)
    return target


def take_rows(target: Target, sources: Sources, places: Iterable[str]) -> None:
    """Note the rows at these places, with what they say, what was dropped or quarantined there, and people's rankings of what
    was made of them: with its candidates gone a ranking is of nothing.
    """
    at = list(places)
    for frame in sources.tables().values():
        rows = frame.filter(pl.col("source").is_in(at))
        target.rows |= set(rows["id"])
        for series in strings_of(rows.drop(NO_TEXT, strict=False)):
            target.texts |= set(series.drop_nulls())
    dropped = sources.table("dropped/ingest").with_columns(place=pl.col("detail").str.extract(r"^(.*?:[^:\s]+): ", 1))
    target.rows |= set(dropped.filter(pl.col("place").is_in(at))["id"])
    broken = sources.table("quarantine/ingest").filter(pl.col("source").is_in(at))
    target.rows |= set(broken["id"])
    target.texts |= set(broken["raw"])
    twins = dropped.filter(~pl.col("place").is_in(at), rule="exact duplicate")
    items = items_of(target.rows - {row for parents in twins["parents"] for row in parents})
    take_lines(target, cut_lines(lambda judgement: judgement.get("item") in items))


def take_lines(target: Target, lines: CutLines) -> None:
    """Let people's lines go with a target."""
    target.files |= lines.files
    target.texts |= lines.texts
    target.people += lines.count


def annotator_target(name: str) -> Target:
    """Everything that one person ranked."""
    target = Target("annotator", f"sha256 {digest_of(name.encode())}", values={name})
    take_lines(target, cut_lines(lambda judgement: judgement.get("annotator") == name))
    if not target.people:
        raise UserError("no line of human/annotations is of that annotator")
    for table in (Path("data/rankings.parquet"), Path("data/edited.parquet")):
        if table.is_file():
            frame = pl.read_parquet(table, columns=["id", "annotators"])
            target.rows |= set(frame.filter(pl.col("annotators").list.contains(name))["id"])
    target.records = [
        (str(path), 0, digest_of(path.read_bytes())) for path in sorted(PEOPLE.glob("*.jsonl")) if path in target.files
    ]
    return target


def model_target(name: str, labels: Iterable[str]) -> Target:
    """Every answer of a model: `<engine>/<model>@<revision>`, or the part of it that names one."""
    known = sorted(set(labels))
    fits = [
        label for label in known if name in (label, label.partition("/")[2], label.partition("/")[2].rpartition("@")[0])
    ]
    if len(fits) != 1:
        what = f"names {' and '.join(fits)}" if fits else "has no remembered answer"
        raise UserError(f"{name} {what}; answers are of {', '.join(known) or 'no model'}")
    return Target("model", fits[0], label=fits[0])


def answer_target(key: str) -> Target:
    """One remembered answer, by its key."""
    if not re.fullmatch(r"[0-9a-f]{32}", key):
        raise UserError(
            f"{key} is no key of an answer (32 hex characters); `cultivar trace ROW` names those behind a row"
        )
    return Target("answer", key, keys={key})
