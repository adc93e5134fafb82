"""The dataset card of an export: what a hub reads in its header, what people read below."""

import io
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from cultivar.outgoing.escape import for_markdown
from cultivar.outgoing.redaction import redacted
from reports.export.features import card_features
from reports.export.files import Written
from reports.export.formats import Format
from reports.export.licences import hub_licence
from reports.export.rows import SPLITS, Product
from reports.export.tally import Tally, ordered

SIZES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
    (10_000_000, "1M<n<10M"),
)
MOST_VALUES = 30
"""Of a column, in the card; the others are counted together."""
MOST_CHARACTERS = 120
"""Of a name in the card."""
WARNING = (
    "> **Warning: {share} of these rows were written by a simulated model**, which stands in for a real one in trials. They "
    "have the form of data and teach a model nothing; do not train on them for use."
)


class Export(NamedTuple):
    """What a card and the metadata tell of: `columns` with their features; `left` and `refused` are counts."""

    product: Product
    format: Format
    files: Sequence[Written]
    columns: dict[str, Any]
    tally: Tally
    provenance: dict[str, Any]
    left: Counter[str]
    refused: Counter[str]
    where: str

    @property
    def title(self) -> str:
        what = "demonstrations" if self.product.name == "D" else "preferences"
        return f"{what} ({self.format.name})"


def card(export: Export) -> str:
    """README.md."""
    return f"---\n{header(export)}---\n\n{body(export)}"


def header(export: Export) -> str:
    """The YAML at the top, which a hub and `load_dataset` read."""
    tally = export.tally
    default = {"config_name": "default"}
    fields: dict[str, Any] = hub_licence(tally.counts.get("license", Counter()))
    if languages := tally.languages():
        fields["language"] = languages
    fields["task_categories"] = ["text-generation"]
    fields["size_categories"] = [next((name for most, name in SIZES if tally.rows < most), "n>10M")]
    fields["tags"] = ["cultivar", export.format.name, "sft" if export.product.name == "D" else "preference"]
    if tally.simulated:
        fields["tags"].append("simulated")
    fields["configs"] = [default | {"data_files": [{"split": one.split, "path": one.name} for one in export.files]}]
    if export.files:
        splits = [{"name": one.split, "num_bytes": one.size, "num_examples": one.rows} for one in export.files]
        fields["dataset_info"] = default | {"features": card_features(export.columns), "splits": splits}
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump({name: safe(value) for name, value in fields.items()}, stream)
    return stream.getvalue()


def safe(value: Any) -> Any:
    return redacted(value) if isinstance(value, str) else value


def body(export: Export) -> str:
    tally = export.tally
    parts = [f"# {export.title.capitalize()}"]
    if tally.simulated:
        parts.append(WARNING.format(share=f"{tally.simulated:,} of {tally.rows:,}"))
    rows = {one.split: one for one in export.files}
    parts.append(
        f"{tally.rows:,} rows of {'D' if export.product.name == 'D' else 'P'} in the format `{export.format.name}` "
        f"({export.format.about})."
    )
    parts.append(
        table(
            ("split", "rows", "file", "sha256"),
            [
                (split, f"{rows[split].rows:,}", f"`{rows[split].name}`", f"`{rows[split].sha256}`")
                if split in rows
                else (split, "0", "none", "")
                for split in SPLITS
            ],
        )
    )
    parts += ["All rows of one prompt are in one split.", "## Where it comes from", origin(export)]
    parts += ["## What is in it", f"Simulated: {tally.simulated:,} of {tally.rows:,} rows."]
    parts += [counts_of(name, tally.counts[name]) for name in tally.counts]
    if quantiles := tally.margin_quantiles():
        parts.append("### margin")
        parts.append(
            "The chosen score less the rejected one, in the unit of the row's strategy.\n\n"
            + table(tuple(quantiles), [tuple(f"{value:g}" for value in quantiles.values())])
        )
    parts += [
        "## Columns",
        table(("column", "type"), [(f"`{name}`", shown_type(kind)) for name, kind in export.columns.items()]),
    ]
    parts += ["## What is not in it", not_in_it(export)]
    return "\n\n".join(parts) + "\n"


def origin(export: Export) -> str:
    told = export.provenance
    lines = [
        f"* made by Cultivar {told['cultivar']} from the table `{told['table']}`",
        f"* data version: git revision `{told['revision']}`" + (f" of {told['date']}" if told["date"] else "")
        if told["revision"]
        else "* data version: not in git",
        f"* MD5 of the table: `{told['md5']}`, "
        + (
            "as `dvc.lock` of that revision records it"
            if told["recorded"]
            else "which `dvc.lock` of that revision does not record"
        ),
    ]
    if export.where:
        lines.append(f"* only rows for which {text(export.where)}")
    return "\n".join(lines)


def counts_of(name: str, counts: Counter[str]) -> str:
    shown = ordered(counts)
    rows = [(text(value) or "(none)", f"{number:,}") for value, number in shown[:MOST_VALUES]]
    if rest := shown[MOST_VALUES:]:
        rows.append((f"{len(rest):,} others", f"{sum(number for _, number in rest):,}"))
    return f"### {name}\n\n" + table((name, "rows"), rows)


def not_in_it(export: Export) -> str:
    lines = [f"* {text(name)}: left out of {number:,} row{'s' * (number > 1)}" for name, number in ordered(export.left)]
    lines += [
        f"* {number:,} row{'s' * (number > 1)} refused: {text(rule)} (`left_out.jsonl`)"
        for rule, number in ordered(export.refused)
    ]
    return "\n".join(lines) or "Nothing of the table is left out."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows))


def text(value: str) -> str:
    """A text of a row in the card: itself, and without effect."""
    return for_markdown(redacted(value)[:MOST_CHARACTERS])


def shown_type(kind: Any) -> str:
    match kind.get("_type"):
        case "Value":
            return str(kind["dtype"])
        case "Json":
            return "JSON"
        case "List":
            return f"list of {shown_type(kind['feature'])}"
    return "{" + ", ".join(f"{name}: {shown_type(part)}" for name, part in kind.items()) + "}"
