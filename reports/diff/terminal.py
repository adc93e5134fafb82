"""The diff as the author sees it: one line a table, what to look at first, and on demand one table with its rows.

Lines are plain text. Colours are added for a terminal alone; what rows hold is made inert before (cultivar/outgoing/escape.py).
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from cultivar.outgoing.escape import for_terminal
from cultivar.outgoing.redaction import redacted
from cultivar.text.tokens import words_in
from reports.diff.cells import CONTEXT_COLUMNS, shown
from reports.diff.model import PRODUCTS, Diff, Piece, RowDiff, SchemaDiff, Shift, StageChange, TableDiff

RESET, BOLD, RED, GREEN, YELLOW, FAINT = "\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[2m"
MOST_ALERTS = 12
MOST_CELL = 400
"""Characters of a value that is shown whole."""
SHIFTS_SHOWN = 6
HEAD = ("table", "rows", "added", "removed", "changed", "moved", "columns touched")


class Style:
    """Colours, or none: then marks of ASCII say what was and what is."""

    def __init__(self, is_colored: bool) -> None:
        self.is_colored = is_colored

    def __call__(self, code: str, text: str) -> str:
        return f"{code}{text}{RESET}" if self.is_colored and text else text

    def pieces(self, pieces: Sequence[Piece]) -> str:
        """A word diff in a line: deletions and additions by colour, or as [-was-] {+is+}."""
        found = []
        for one in pieces:
            text = inert(one.text)
            if one.kind == "skip":
                found.append(self(FAINT, f" … {one.words} words … "))
            elif one.kind == "same":
                found.append(text)
            elif self.is_colored:
                found.append(self(RED if one.kind == "old" else GREEN, text))
            else:
                found.append(f"[-{text}-]" if one.kind == "old" else f"{{+{text}+}}")
        return "".join(found)


def inert(text: object) -> str:
    """Text of a row on a terminal, without secrets, on one line."""
    return for_terminal(redacted(str(text))).replace("\n", "⏎").replace("\t", " ")


def diff_lines(diff: Diff, style: Style) -> Iterator[str]:
    """The whole diff, compact."""
    yield style(BOLD, f"{diff.old.label} → {diff.new.label}") + f"  {level_text(diff)}"
    yield from (style(YELLOW, inert(note)) for note in diff.notes)
    if diff.pending:
        yield style(YELLOW, pending_text(diff))
    yield ""
    if not diff.tables:
        yield f"no row differs{' in the others' if diff.missing else ''}: {len(diff.same)} tables are equal"
        return
    yield from alert_lines(diff, style)
    yield from table_lines(diff, style)
    yield f"{len(diff.same)} tables are equal" + ("" if not diff.tables else "; --table NAME shows the rows of one")


def level_text(diff: Diff) -> str:
    """The class, and each class's share of D and P."""
    if lost := [PRODUCTS[table] for table in diff.missing if table in PRODUCTS]:
        return f"class unknown: {' and '.join(lost)} cannot be read"
    if diff.level == "neutral":
        return "neutral: no row of D and P differs" if any_product(diff) else "neutral: no row differs"
    parts = []
    for name, group in groupby(diff.classes, key=lambda one: one.table):
        shares = {one.level: one for one in group}
        words = [f"{shares[level].share:.1%} {level}" for level in ("breaking", "additive") if shares[level].rows]
        if words:
            parts.append(f"{PRODUCTS.get(name, name)} {', '.join(words)}")
    return f"{diff.level}: {'; '.join(parts)}" if parts else diff.level


def any_product(diff: Diff) -> bool:
    return any(path in PRODUCTS for path in (*diff.same, *(table.table for table in diff.tables)))


def pending_text(diff: Diff) -> str:
    return f"{', '.join(diff.pending)} would run again before this is what the sources say; `dvc repro` first"


def alert_lines(diff: Diff, style: Style) -> Iterator[str]:
    if not diff.alerts:
        return
    yield style(BOLD, "Look at these first")
    colors = {"high": RED, "medium": YELLOW, "low": FAINT}
    for alert in diff.alerts[:MOST_ALERTS]:
        yield f"  {style(colors[alert.severity], f'{alert.severity:6}')} {inert(alert.text)}"
    if len(diff.alerts) > MOST_ALERTS:
        yield f"         … and {len(diff.alerts) - MOST_ALERTS} more"
    yield ""


def table_lines(diff: Diff, style: Style) -> Iterator[str]:
    """A line a table, numbers aligned."""
    cells = [HEAD, *(table_cells(table) for table in diff.tables)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(HEAD) - 1)]
    for number, row in enumerate(cells):
        first, *counts, columns = row
        padded = [f"{count:>{width}}" for count, width in zip(counts, widths[1:], strict=True)]
        if number:
            colors = (None, GREEN, RED, YELLOW, FAINT)
            padded = [
                style(color, one) if color and one.strip() else one for color, one in zip(colors, padded, strict=True)
            ]
        line = "  ".join([f"{first:<{widths[0]}}", *padded, columns]).rstrip()
        yield style(BOLD, line) if not number else line
    yield ""


def table_cells(table: TableDiff) -> tuple[str, ...]:
    """The columns of a table's line; no digit where nothing is counted."""
    counts = (table.added, table.removed, table.changed, table.moved)
    signs = ("+", "−", "", "")
    name = inert(table.table.removeprefix("data/").removesuffix(".parquet"))
    columns = ", ".join(f"{column} {count:,}" for column, count in list(table.columns.items())[:4])
    more = len(table.columns) - 4
    return (
        name + (" (new)" if table.is_new else " (gone)" if table.is_gone else ""),
        f"{table.rows_old:,} → {table.rows_new:,}" if table.rows_old != table.rows_new else f"{table.rows_new:,}",
        *(f"{sign}{count:,}" if count else "" for sign, count in zip(signs, counts, strict=True)),
        inert(
            columns
            + (f" and {more} more" if more > 0 else "")
            + (f"  [{schema_text(table.schema)}]" if table.schema else "")
        ),
    )


def schema_text(schema: SchemaDiff) -> str:
    parts = [f"+{change.column} {change.new}" for change in schema.added]
    parts += [f"−{change.column}" for change in schema.removed]
    parts += [f"{change.column}: {change.old} → {change.new}" for change in schema.retyped]
    return ", ".join(parts)


# ---------------------------------------------------------------- one table


def one_table_lines(table: TableDiff, style: Style) -> Iterator[str]:
    """A table with what has shifted and its samples."""
    yield style(BOLD, table.table) + f"  {table.rows_old:,} → {table.rows_new:,} rows"
    yield f"  {table.added:,} added, {table.removed:,} removed, {table.changed:,} changed, {table.moved:,} moved, {table.unchanged:,} as they were"
    if table.schema:
        yield f"  columns: {inert(schema_text(table.schema))}"
    if table.duplicates != (0, 0):
        yield f"  rows whose id another row has: {table.duplicates[0]:,} → {table.duplicates[1]:,}"
    yield from shift_lines(table.shifts)
    yield from number_lines(table)
    yield ""
    for row in table.samples.changed:
        yield from changed_lines(row, style)
    for name, rows, color, sign in (
        ("added", table.samples.added, GREEN, "+"),
        ("removed", table.samples.removed, RED, "−"),
    ):
        for whole in rows:
            yield style(color, f"{sign} {name} {whole['id']}")
            yield from (f"    {key}: {inert(value)}" for key, value in plain_values(whole))
    counts = table.samples
    if hidden := table.touched - len(counts.changed) - len(counts.added) - len(counts.removed):
        yield f"{hidden:,} more rows; --rows N shows more of each kind, --json FILE has the ids of all"


def shift_lines(shifts: Sequence[Shift]) -> Iterator[str]:
    """Per column the values that have moved most."""
    for column, group in groupby(shifts, key=lambda shift: shift.column):
        moved = [shift for shift in group if abs(shift.points) >= 0.05][:SHIFTS_SHOWN]
        if moved:
            words = [
                f"{inert(one.value)} {one.old_share:.1%} → {one.new_share:.1%} ({one.points:+.1f})" for one in moved
            ]
            yield f"  {column}: {'; '.join(words)}"


def number_lines(table: TableDiff) -> Iterator[str]:
    for one in table.distributions:
        if one.old != one.new and one.old.rows and one.new.rows:
            pairs = [("mean", one.old.mean, one.new.mean), ("median", one.old.median, one.new.median)]
            pairs.append(("p95", one.old.p95, one.new.p95))
            words = [f"{name} {was:.4g} → {now:.4g}" for name, was, now in pairs if was != now]
            if words:
                yield f"  {inert(one.column)}{f' ({one.unit})' if one.unit else ''}: {', '.join(words)}"


def changed_lines(row: RowDiff, style: Style) -> Iterator[str]:
    """A changed row: its ids, what it is, and every difference."""
    name = row.id_new if row.id_new == row.id_old else f"{row.id_old} → {row.id_new}"
    context = " · ".join(f"{key} {inert(value)}" for key, value in row.context.items())
    yield style(YELLOW, f"~ changed {name}") + (f"  {context}" if context else "")
    for cell in row.cells:
        place = f"{cell.column} ({inert(cell.place)})" if cell.place else cell.column
        yield f"    {place}: {style.pieces(cell.words)}"


def plain_values(row: dict[str, object]) -> Iterator[tuple[str, str]]:
    """What a row says, long values shortened; ids of others and empty values left out."""
    for key, value in row.items():
        is_told = key in CONTEXT_COLUMNS or isinstance(value, str | list)
        if key in ("id", "parents", "verdicts", "generation", "prompt_id") or value in (None, "", []) or not is_told:
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict) and "content" in value[0]:
            text = " ".join(f"{turn.get('role', '')}: {turn['content']}" for turn in value)
        else:
            text = shown(value)
        yield key, text if len(text) <= MOST_CELL else f"{text[:MOST_CELL]}… ({words_in(text):,.0f} words)"


def stage_lines(diff: Diff) -> Iterator[str]:
    """Stages whose entry in dvc.lock differs, with why."""
    for change in diff.changes:
        if isinstance(change, StageChange):
            yield f"{change.stage}: {', '.join([*change.params, *change.deps]) or 'outputs alone'}"
