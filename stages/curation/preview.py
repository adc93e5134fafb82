"""What a source will be in the project, before it is one: `cultivar add` shows it.

The source is read by `ingest` itself, whole, so that nothing shown differs from what the stage will do.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from cultivar.text.languages import languages_of
from cultivar.text.tokens import tokenize
from schemas.conversations import message_text, script
from schemas.stage import Files
from schemas.table import Table
from stages.curation.hub_path import parse_hub
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams, SourceFile
from stages.curation.readers.detection import format_of
from stages.curation.readers.files import Part, chosen_files, unpacked
from stages.curation.readers.hub import pinned
from stages.curation.readers.records import read_records
from stages.curation.readers.sources import SourceReader, reading_of

DOMAINS = {
    "gsm8k": "math",
    "math": "math",
    "mbpp": "code",
    "humaneval": "code",
    "apps": "code",
    "code_task": "code",
    "safety": "safety",
    "character": "character",
    "wikidata": "character",
    "passage": "literature",
    "book": "literature",
    "constraint": "constraint",
    "ifeval": "constraint",
}
"""Format -> the domain that its rows are of; any other is general, but `prompt_answer`: its answers tell."""
MOST_FORMULA = 40
"""Characters of a final answer, at most; a longer one is text."""
BESIDES = {"id", "parents", "source", "license", "split", "line"}
PAIR_BESIDES = {"strategy", "label_source", "quality", "scores", "engine", "simulated"}
"""Columns that no file brought: the stage fills them."""
SHOWN_ROWS, SHOWN_FILES = 3, 20
SAMPLE = 5_000
"""Rows of which languages and lengths are told: the least ids, which are a random choice."""
ROWS = "instructions problems code_tasks constraints passages characters safety_prompts evaluation".split()
HUMAN = {"given_demonstrations": "answers of people", "given_preferences": "pairs of people"}


@dataclass
class Preview:
    """A source as the project will have it.

    `format` per file, counts of rows by table, `examples` as (place, lines), what is not taken, skipped files by name,
    dropped and quarantined (reason -> rows, with an example), tokens of the texts as (median, 95th percentile, most),
    languages by rows; `ids` of the rows by table, which are hashes of their content, to compare with what the project has.
    """

    files: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[str, list[str]]] = field(default_factory=list)
    not_taken: dict[str, int] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    dropped: dict[str, tuple[int, str]] = field(default_factory=dict)
    quarantined: dict[str, tuple[int, str]] = field(default_factory=dict)
    tokens: tuple[int, int, int] = (0, 0, 0)
    languages: dict[str, int] = field(default_factory=dict)
    ids: dict[str, pl.Series] = field(default_factory=dict)

    @property
    def taken(self) -> int:
        """Rows of all tables but those that hold an instruction's answer once more."""
        return sum(self.rows.get(name, 0) for name in (*ROWS, "given_preferences"))


def at_commit(path: str) -> str:
    """A data set of a hub, pinned to the commit that it is at now. Raises HubError, ValueError."""
    found = pinned(parse_hub(path))
    return found.at(found.revision)


def domain_of(path: str, options: dict[str, Any]) -> str:
    """The domain that the format of a source's first file tells; `options` are the other keys of its entry. Raises what the readers raise, and ValidationError."""
    source = {"path": path, "domain": "general", "license": "none", **options}
    params = IngestParams.model_validate({"sources": [source]})
    answers: list[Any] = []
    found = formats(params.sources[0], Files("ingest", (Path(path),)), params, answers)
    name = next(iter(found.values()), "")
    if name == "prompt_answer":  # of sums, or of any question
        return "math" if 2 * sum(map(is_formula, answers)) > len(answers) else "general"
    return DOMAINS.get(name, "general")


def is_formula(answer: Any) -> bool:
    """Whether an answer may be a number or a formula: short, with a digit or a command of TeX."""
    text = str(answer)
    return len(text) <= MOST_FORMULA and ("\\" in text or any(map(str.isdigit, text)))


def formats(source: SourceFile, files: Files, params: IngestParams, answers: list[Any] | None = None) -> dict[str, str]:
    """File -> its format, of the first files of a source. Raises FormatError, FileNotFoundError.

    `answers` gets what stands in the field `answer` of their first records.
    """
    reader, chosen = SourceReader(source, params), chosen_files(source, files)
    if chosen.plain.parts or not chosen.archives:
        return dict(formats_in(reader, chosen.plain.parts, answers))
    with unpacked(chosen.archives[0], source, chosen.is_one) as members:
        return dict(formats_in(reader, members.parts, answers))


def formats_in(reader: SourceReader, parts: Iterable[Part], answers: list[Any] | None) -> Iterator[tuple[str, str]]:
    """(name, format) of the first files that hold records which can be read."""
    for part in islice(parts, SHOWN_FILES):
        name = format_of(reader.source, part.path)
        if name == "auto":
            reading = reading_of(reader.source)
            records = (reader.renamed(record, part) for record in read_records(part.path, reading))
            head = list(islice(records, reader.params.detect_rows))
            if all(record.value is None for record in head):
                continue
            name = reader.detected(part, head, reading)
            if answers is not None:
                answers += [dict.get(record.value, "answer") for record in head if record.value is not None]
        yield part.name, name


def preview(source: dict[str, Any], evaluation: bool = False) -> Preview:
    """Read a source, an entry of ingest.sources (or of ingest.evaluation). Raises what `ingest` raises, and ValidationError."""
    listed = {"evaluation": [source], "sources": []} if evaluation else {"sources": [source]}
    params = IngestParams.model_validate(listed)
    declared = (params.evaluation or params.sources)[0]
    files = Files("ingest", (Path(declared.path),))
    tables = ingest(files, params)
    found = Preview(rows=counts(tables), examples=list(examples(tables)))
    found.ids = {name: table.frame["id"] for name, table in by_name(tables).items() if name != "given_demonstrations"}
    found.files = formats(declared, files, params)
    found.not_taken = {name.removeprefix(f"{declared.name}: "): n for name, n in tables.metrics["not_taken"].items()}
    found.skipped = tables.metrics.get("skipped_files", [])
    found.dropped = reasons(tables.dropped, "rule", "detail")
    found.quarantined = reasons(tables.quarantine, "error", "source")
    texts = sample(tables)
    lengths = tokenize(texts).list.len()
    if len(lengths):
        found.tokens = tuple(round(float(lengths.quantile(share) or 0)) for share in (0.5, 0.95, 1.0))  # type: ignore[assignment]
    languages = Counter(language or scripts or "not told" for scripts, language in languages_of(texts))
    found.languages = dict(languages.most_common())
    return found


def by_name(tables: IngestTables) -> dict[str, Table]:
    """The tables of rows, in the order of the recipe."""
    return {name: getattr(tables, name) for name in (*ROWS, *HUMAN) if isinstance(getattr(tables, name, None), Table)}


def counts(tables: IngestTables) -> dict[str, int]:
    return {name: len(table) for name, table in by_name(tables).items() if len(table)}


def reasons(table: Table, reason: str, example: str) -> dict[str, tuple[int, str]]:
    """Reason -> how many rows, and what the first says beside it; the most frequent first."""
    found = table.frame.group_by(reason, maintain_order=True).agg(pl.len(), pl.col(example).first())
    rows = found.sort("len", descending=True, maintain_order=True).iter_rows()
    return {name: (count, str(shown)) for name, count, shown in rows}


def examples(tables: IngestTables) -> Iterator[tuple[str, list[str]]]:
    """(place, lines) of the first rows: one of each table at least, at most SHOWN_ROWS in all where that allows it."""
    left = SHOWN_ROWS
    shown = {name: table for name, table in by_name(tables).items() if len(table) and name != "given_demonstrations"}
    for rest, (name, table) in zip(reversed(range(len(shown))), shown.items(), strict=True):  # answers: in instructions
        rows = table.frame.with_columns(line=pl.col("source").str.extract(r":(\d+)$").cast(pl.Int64, strict=False))
        for row in rows.sort("line", "source", nulls_last=True).head(max(1, left - rest)).iter_rows(named=True):
            besides = BESIDES | PAIR_BESIDES if name == "given_preferences" else BESIDES
            yield row["source"], list(lines_of({key: value for key, value in row.items() if key not in besides}))
            left -= 1


def lines_of(row: dict[str, Any]) -> Iterator[str]:
    """A row as people read it: each turn and each text with its name."""
    for name, value in row.items():
        if value in (None, "", [], {}):
            continue
        if is_conversation(value):
            turns = script(value)
            yield from (f"{name} · {turn}" for turn in turns)
            yield from (f"{name} · reasoning: {turn['reasoning']}" for turn in value if turn.get("reasoning"))
        elif isinstance(value, str | int | float):
            yield f"{name}: {value}"
        else:
            yield f"{name}: {len(value)} {name}" if isinstance(value, list) else f"{name}: {value}"


def is_conversation(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and "role" in value[0]


def sample(tables: IngestTables) -> pl.Series:
    """The texts of some rows: all that each row says."""
    texts = [
        "\n".join(text_of_row(row))
        for name, table in by_name(tables).items()
        if name != "given_demonstrations"
        for row in table.frame.head(SAMPLE).iter_rows(named=True)
    ]
    return pl.Series(texts[:SAMPLE], dtype=pl.String)


def text_of_row(row: dict[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name in (
            "prompt",
            "reference",
            "text",
            "answer",
            "solution",
            "description",
            "article",
            "chosen",
            "rejected",
        ):
            if is_conversation(value):
                yield from map(message_text, value)
            elif isinstance(value, str):
                yield value
