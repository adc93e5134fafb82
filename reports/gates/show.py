"""Results of gates for a terminal, for Markdown and as JSON. What comes from rows is inert in each (cultivar/outgoing)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from cultivar.outgoing.escape import for_markdown
from cultivar.outgoing.redaction import redacted, redacted_value
from reports.gates.check import Checked
from reports.gates.model import Finding, GateResult

WORDS = {"pass": "pass", "warn": "warn", "fail": "FAIL", "unknown": "unknown", "waived": "waived"}
UNITS = {"rows": " rows", "a row read": " a row read"}


def lines_of(checked: Checked, against: str) -> Iterator[str]:
    """The gates in lines for a terminal: one each, then what those that do not pass have found, then remarks."""
    results = checked.results
    rows = [columns_of(result) for result in results]
    widths = [max(len(row[place]) for row in rows) + 2 for place in range(len(rows[0]) - 1)]
    for *columns, note in rows:
        yield "".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)) + note
    for result in results:
        if result.status in ("fail", "warn") or result.waived:
            yield from ("", *explain(result))
    if checked.remarks:
        yield ""
    yield from checked.remarks
    yield ""
    yield summary(results, against)


def columns_of(result: GateResult) -> list[str]:
    """A gate's line: status, name, value, threshold, base, note."""
    base = "" if result.base is None else f"base {result.shown_base}"
    return [WORDS[result.status], result.name, figure_of(result), result.threshold, base, result.note]


def figure_of(result: GateResult) -> str:
    return result.shown + (UNITS.get(result.unit, "") if result.value is not None else "")


def explain(result: GateResult) -> Iterator[str]:
    """Why a gate is there, and its worst rows."""
    yield f"{WORDS[result.status]}: {result.title}: {result.why}"
    if result.waived:
        yield f"  {result.waived:,} of {result.found:,} rows are waived"
    for finding in result.rows:
        text = " ".join(finding.text.split())
        yield f"  {finding.id}  {place_of(finding)}  {finding.what}" + (f"  “{text}”" if text else "")
        if finding.waiver:
            yield f"    waived: {finding.waiver}"
    if result.found > len(result.rows):
        yield f"  and {result.found - len(result.rows):,} more"


def place_of(finding: Finding) -> str:
    return finding.table.removeprefix("data/").removesuffix(".parquet")


def summary(results: Sequence[GateResult], against: str) -> str:
    """How many gates ended how."""
    counts = {word: sum(result.status == status for result in results) for status, word in WORDS.items()}
    ended = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{len(results)} gates{f' against {against}' if against else ', without a base'}: {ended}"


def markdown_of(checked: Checked, against: str) -> str:
    """A table of the gates, what those that do not pass have found, and remarks; ends with a line end."""
    lines = ["| | gate | value | threshold | base | |", "|---|---|---:|---|---:|---|"]
    for result in checked.results:
        cells = [
            WORDS[result.status],
            result.title,
            figure_of(result),
            result.threshold,
            result.shown_base,
            result.note,
        ]
        lines.append(f"| {' | '.join(map(cell, cells))} |")
    for result in checked.results:
        if result.status in ("fail", "warn") or result.waived:
            lines += ["", f"**{cell(result.title)}** ({WORDS[result.status]}): {cell(result.why)}"]
            if result.waived:
                lines += ["", f"{result.waived:,} of {result.found:,} rows are waived."]
            if result.rows:
                lines += ["", "| row | table | what | text |", "|---|---|---|---|"]
            for finding in result.rows:
                waiver = f" (waived: {finding.waiver})" if finding.waiver else ""
                cells = [finding.id, place_of(finding), finding.what + waiver, finding.text]
                lines.append(f"| {' | '.join(map(cell, cells))} |")
            if result.found > len(result.rows):
                lines += ["", f"and {result.found - len(result.rows):,} more"]
    lines += ["", *(f"- {cell(remark)}" for remark in checked.remarks)] if checked.remarks else []
    return "\n".join([*lines, "", cell(summary(checked.results, against)), ""])


def cell(text: str) -> str:
    return for_markdown(redacted(text))


def json_of(checked: Checked, against: str, version: str) -> dict[str, Any]:
    """Everything as plain values."""
    value: dict[str, Any] = redacted_value(
        {
            "base": against or None,
            "version": version,
            "gates": [asdict(result) for result in checked.results],
            "remarks": list(checked.remarks),
        }
    )
    return value
