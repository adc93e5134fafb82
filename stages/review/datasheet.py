"""datasheet: what this data version is, in Markdown and as a page with pictures (Gebru et al. 2021).

Answered as far as a pipeline can.
"""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import polars as pl
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from cultivar.outgoing.escape import for_html, for_markdown
from cultivar.outgoing.redaction import redacted
from cultivar.text.tokens import count_words
from schemas.conversations import shown, shown_in, speaker
from schemas.rows import Admitted, DeclaredSource, FinalDemonstration, FinalPreference
from schemas.stage import Document, Files
from schemas.table import Context, Table
from stages.curation.by_source import source_names
from stages.review.composition import compositions, judge_and_people
from stages.review.flow import flow_chart, flow_of
from stages.review.params import DatasheetParams

A = TypeVar("A", bound=Admitted)
TEMPLATES = Path("reports/templates")
COLUMNS = ("source", "strategy", "label_source", "domain", "license", "engine", "split")
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.95, 1.0)
Lines = list[dict[str, Any]]


class DatasheetResult(NamedTuple):
    datasheet: Document
    datasheet_page: Document
    metrics: dict[str, Any]


def datasheet(
    demonstrations: Context[FinalDemonstration],
    preferences: Context[FinalPreference],
    sources: Context[DeclaredSource],
    files: Files,
    params: DatasheetParams,
) -> DatasheetResult:
    """Counts, lengths, states of every stage, evidence of decontamination and samples drawn by row id."""
    demonstrations, preferences = (with_names(table, sources) for table in (demonstrations, preferences))
    measured = read_metrics(files)
    simulated = share_simulated(demonstrations, preferences)
    context: dict[str, Any] = {
        "title": params.title,
        "demonstrations": len(demonstrations),
        "preferences": len(preferences),
        "simulated": simulated,
        "sources": sources_of(sources, measured.get("ingest", {})),
        "counts": {column: counts(demonstrations, preferences, column) for column in COLUMNS},
        "quantiles": QUANTILES,
        "qualities": [
            {"name": name, "values": qualities(table.frame)}
            for name, table in (("D", demonstrations), ("P", preferences))
        ],
        "lengths": [
            {"name": name, "values": word_quantiles(table.frame, column)}
            for name, table, column in (
                ("D prompt", demonstrations, "prompt"),
                ("D completion", demonstrations, "completion"),
                ("P chosen", preferences, "chosen"),
                ("P rejected", preferences, "rejected"),
            )
        ],
        "states": states(measured),
        "rules": rules(measured),
        "overlaps": {name: measured.get("filter", {}).get(f"overlaps_{name}", 0) for name in ("removed", "reported")},
        "evaluation_items": measured.get("filter", {}).get("evaluation_items", 0),
        "not_found": measured.get("filter", {}).get("evaluation_items_not_found", {}),
        "not_taken": measured.get("ingest", {}).get("not_taken", {}),
        "samples": samples(demonstrations, params),
    }
    text = load_template(files, "datasheet.md.jinja").render(context)
    products = {
        name: {line["value"]: line[name.lower()] for line in context["counts"]["strategy"]} for name in ("D", "P")
    }
    page = load_template(files, "datasheet.html.jinja").render(
        context,
        flow=Markup(flow_chart(flow_of(measured, products))),
        pictures=compositions(demonstrations, preferences, params.width, params.height),
        agreement=judge_and_people(measured, params.width),
    )
    rows = {"demonstrations": len(demonstrations), "preferences": len(preferences)}
    metrics = rows | {"simulated_share": simulated} | shares(measured)
    return DatasheetResult(Document(text), Document(page), metrics)


def with_names(table: Context[A], sources: Context[DeclaredSource]) -> Context[A]:
    """The rows with the name of their source in place of its file and line."""
    return Context(table.model, table.frame.with_columns(source_names(table.frame["source"], sources.frame)))


def sources_of(sources: Context[DeclaredSource], ingest: dict[str, Any]) -> Lines:
    """Each source of training rows, with the rows that `ingest` took of it and how its others ended."""
    taken, ends = ingest.get("rows_by_source", {}), ingest.get("ends_by_source", {})
    declared = sources.frame.filter(~pl.col("evaluation")).sort("name").select("name", "license", "domain")
    return [
        row
        | {"rows": sum(rows for table, rows in taken.get(row["name"], {}).items() if table != "given_demonstrations")}
        | {"answers": taken.get(row["name"], {}).get("given_demonstrations", 0)}
        | {end: ends.get(row["name"], {}).get(end, 0) for end in ("dropped", "quarantined", "not_taken")}
        for row in declared.iter_rows(named=True)
    ]


def load_template(files: Files, name: str) -> Any:
    """A declared file of reports/templates, HTML or Markdown by its name; it may include others. Unknown names are errors.

    Every text that a template shows is redacted and escaped, since rows are model output; Markup is shown as it is. The
    filter `cells` makes one Markup of several texts, a table's cells side by side.
    """
    escape = for_html if ".html." in name else for_markdown

    def read(name: str) -> str:
        (file,) = files.find(str(TEMPLATES / name))
        return file.read_text("utf-8")

    def present(value: Any) -> Any:
        return value if isinstance(value, Markup) or not isinstance(value, str) else Markup(escape(redacted(value)))

    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        finalize=present,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cells"] = lambda values: Markup(" | ").join(map(present, values))
    return environment.get_template(name)


def read_metrics(files: Files) -> dict[str, dict[str, Any]]:
    """Metrics by stage name, of the declared files below metrics/."""
    paths = [path for path in declared_files(files, "metrics") if path.parent.name == "metrics"]
    return {path.stem: json.loads(path.read_text("utf-8")) for path in paths}


def declared_files(files: Files, folder: str) -> list[Path]:
    """Declared files below a folder of the project, in the order of dvc.yaml."""
    return [path for path in files.declared if path.parts[0] == folder and path.suffix in (".json", ".csv")]


def share_simulated(demonstrations: Table[FinalDemonstration], preferences: Table[FinalPreference]) -> float:
    marks = pl.concat([demonstrations.frame["simulated"], preferences.frame["simulated"]])
    return int(marks.sum()) / max(1, len(marks))


def counts(demonstrations: Table[FinalDemonstration], preferences: Table[FinalPreference], column: str) -> Lines:
    both = [dict(table.frame.group_by(column).len().iter_rows()) for table in (demonstrations, preferences)]
    return [
        {"value": value, "d": both[0].get(value, 0), "p": both[1].get(value, 0)}
        for value in sorted({**both[0], **both[1]})
    ]


def qualities(frame: pl.DataFrame) -> list[str]:
    """Quantiles of the quality of rows, from 0 to 1; empty for no rows."""
    return [f"{frame['quality'].quantile(q, 'nearest'):.2f}" for q in QUANTILES] if len(frame) else []


def word_quantiles(frame: pl.DataFrame, column: str) -> list[int]:
    """Quantiles of the number of words over all messages of a column; empty for no rows."""
    words = count_words(frame.select(shown_in(column).list.join(" "))[column])
    return [int(words.quantile(q, "nearest") or 0) for q in QUANTILES] if len(words) else []


def states(measured: dict[str, dict[str, Any]]) -> Lines:
    """Rows in, kept, dropped and quarantined of every stage that consumes rows."""
    lines = [{"stage": stage} | metrics["rows"] for stage, metrics in measured.items() if "rows" in metrics]
    return [line | {"closes": line["in"] == line["kept"] + line["dropped"] + line["quarantined"]} for line in lines]


def shares(measured: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Of all rows that stages read, those in quarantine; of the judges' pairs, those that every order orders alike."""
    read = sum(line["in"] for line in states(measured))
    found = {"quarantined_share": sum(line["quarantined"] for line in states(measured)) / max(1, read)}
    agreed = [judge["swap_agreement"] for judge in measured.get("rank", {}).get("judges", {}).values()]
    return found | ({"judge_agreement": math.fsum(agreed) / len(agreed)} if agreed else {})


def rules(measured: dict[str, dict[str, Any]]) -> Lines:
    """Rows that each rule of each stage dropped."""
    return [
        {"stage": stage, "rule": rule.replace("_", " "), "rows": rows}
        for stage, metrics in measured.items()
        for rule, rows in metrics.get("dropped_by_rule", {}).items()
    ]


def samples(demonstrations: Table[FinalDemonstration], params: DatasheetParams) -> Lines:
    """The rows with the least ids of each strategy: the same ones on every machine."""
    chosen = demonstrations.frame.sort("id").group_by("strategy", maintain_order=True).head(params.samples)
    shown = chosen.select("strategy", "id", "prompt", "completion").sort("strategy", "id")
    return [
        {
            "strategy": row["strategy"],
            "id": row["id"],
            "prompt": cut(row["prompt"], params.sample_chars),
            "completion": cut(row["completion"], params.sample_chars),
        }
        for row in shown.iter_rows(named=True)
    ]


def cut(messages: list[dict[str, Any]], most: int) -> str:
    """The beginning of a conversation, what its user says without the role before it where it is all there is."""
    turns = [shown(turn) if len(messages) == 1 else f"{speaker(turn)}: {shown(turn)}" for turn in messages]
    text = redacted(" / ".join(turns))
    return text if len(text) <= most else text[: most - 1] + "…"
