"""Checks over a diff: what is worth a look, each with its severity and its size."""

from collections.abc import Callable, Iterator

from reports.diff.model import (
    PRODUCTS,
    Alert,
    CodeChange,
    Diff,
    FileChange,
    ParamChange,
    Severity,
    Shift,
    TableDiff,
)

FIRST = 1_000.0
"""Rank of what changed and of causes: before what they brought about."""
FEW = 5
"""Changes up to which each is worth a line at the top."""
MADE_OF = {
    "domain",
    "strategy",
    "source",
    "tags",
    "language",
    "license",
    "label_source",
    "engine",
    "split",
    "simulated",
}
"""Columns whose shares say what D and P are made of."""
TRUST = {"label_source", "simulated", "license"}
"""Of these a smaller shift matters."""
DROPPED, QUARANTINE = "data/dropped/", "data/quarantine/"


def letter(table: TableDiff) -> str:
    return PRODUCTS.get(table.table, table.table)


def products(diff: Diff) -> list[TableDiff]:
    return [table for table in diff.tables if table.table in PRODUCTS]


def graded(value: float, high: float, medium: float) -> Severity:
    return "high" if value >= high else "medium" if value >= medium else "low"


def percent(share: float) -> str:
    """A share as per cent: 4.0%, 0.02%."""
    return f"{share:.2%}" if 0 < abs(share) < 0.001 else f"{share:.1%}"


# ---------------------------------------------------------------- checks


def removed_rows(diff: Diff) -> Iterator[Alert]:
    for table in products(diff):
        if table.removed and not table.is_gone:
            share = table.removed / table.rows_old
            text = f"{rows(table.removed)} removed from {letter(table)} ({percent(share)} of the old version)"
            yield Alert(graded(share, 0.05, 0.005), text, "removed", share * 100, table=table.table)


def changed_rows(diff: Diff) -> Iterator[Alert]:
    for table in products(diff):
        if table.changed:
            share = table.changed / table.rows_old
            columns = ", ".join(sorted(table.columns, key=lambda name: (-table.columns[name], name))[:4])
            text = f"{rows(table.changed)} of {letter(table)} rewritten ({percent(share)}): {columns}"
            yield Alert(graded(share, 0.2, 0.005), text, "changed", share * 100, table=table.table)


def added_rows(diff: Diff) -> Iterator[Alert]:
    for table in products(diff):
        if table.added and not table.is_new:
            share = table.added / max(table.rows_old, 1)
            text = f"{rows(table.added)} added to {letter(table)} ({percent(share)} of the old version)"
            yield Alert(graded(share, 0.2, 0.01), text, "added", share * 100, table=table.table)


def schema(diff: Diff) -> Iterator[Alert]:
    for table in diff.tables:
        if table.is_new or table.is_gone:
            text = f"{table.table} is {'new' if table.is_new else 'gone'} ({rows(table.rows_new or table.rows_old)})"
            severity: Severity = "high" if table.is_gone and table.table in PRODUCTS else "medium"
            yield Alert(severity, text, "table", 100, table=table.table)
        elif table.schema:
            parts = [
                f"{change.column} added" if change.old is None else
                f"{change.column} removed" if change.new is None else
                f"{change.column} is now {change.new}, was {change.old}"
                for change in table.schema.changes
            ]  # fmt: off
            text = f"columns of {letter(table)} differ: {', '.join(parts)}"
            yield Alert("high" if table.table in PRODUCTS else "medium", text, "schema", 200, table=table.table)


def duplicates(diff: Diff) -> Iterator[Alert]:
    for table in diff.tables:
        old, new = table.duplicates
        if new > old:
            text = f"{letter(table)} holds {rows(new)} whose id another row has, {old:,} before"
            yield Alert("high", text, "duplicate", 300, table=table.table)


def licenses(diff: Diff) -> Iterator[Alert]:
    """A licence that D or P did not hold before, or rows whose licence differs."""
    for table in products(diff):
        for shift in of_column(table, "license"):
            if not shift.old_rows and table.rows_old:
                text = f"licence {shift.value} is new in {letter(table)}: {rows(shift.new_rows)}"
                yield Alert("high", text, "license", 400 + 100 * shift.new_share, table=table.table)
        if count := table.columns.get("license", 0):
            share = count / max(table.rows_old, 1)
            text = f"the licence of {rows(count)} of {letter(table)} differs"
            yield Alert("high", text, "license", 400 + 100 * share, table=table.table)


def shares(diff: Diff) -> Iterator[Alert]:
    """Values whose share of D or P has shifted, and those that vanished."""
    for table in products(diff):
        if table.is_new or table.is_gone:
            continue
        for shift in table.shifts:
            if shift.column not in MADE_OF or (shift.column == "simulated" and shift.value == "no"):
                continue
            size = abs(shift.points)
            scale = 2.0 if shift.column in TRUST else 1.0
            if shift.old_rows and not shift.new_rows and (size >= 1 or shift.column in ("domain", "strategy")):
                text = f"{named(shift)} is gone from {letter(table)} ({rows(shift.old_rows)} before)"
                yield Alert("high", text, "vanished", 150 + size, table=table.table)
            elif size * scale >= 1:
                text = f"{named(shift)}: {percent(shift.old_share)} → {percent(shift.new_share)} of {letter(table)} ({shift.points:+.1f} points)"
                yield Alert(graded(size * scale, 5, 2), text, "share", size * scale, table=table.table)


def ended_rows(diff: Diff) -> Iterator[Alert]:
    """Rules that dropped, and stages that quarantined, far more rows than before."""
    for table in diff.tables:
        if table.table.startswith(DROPPED):
            stage = table.table.removeprefix(DROPPED).removesuffix(".parquet")
            for shift in of_column(table, "rule"):
                yield from jump(table, f"{stage} dropped as “{shift.value}”", shift.old_rows, shift.new_rows)
        elif table.table.startswith(QUARANTINE):
            stage = table.table.removeprefix(QUARANTINE).removesuffix(".parquet")
            yield from jump(table, f"{stage} put in quarantine", table.rows_old, table.rows_new)


def jump(table: TableDiff, what: str, old: int, new: int) -> Iterator[Alert]:
    if new > old and (new >= 1.2 * old + 3 or not old):
        factor = new / max(old, 1)
        severity: Severity = "high" if factor >= 2 and new >= old + 10 else "medium" if new >= old + 3 else "low"
        yield Alert(severity, f"{what}: {old:,} → {rows(new)}", "ended", min(factor, 90.0), table=table.table)


def leaks(diff: Diff) -> Iterator[Alert]:
    """Overlaps with evaluation items that are new."""
    table = diff.table("data/overlaps.parquet")
    for shift in of_column(table, "removed") if table else []:
        if shift.value == "yes" and shift.new_rows > shift.old_rows:
            text = f"more rows are removed for what they share with evaluation items: overlaps {shift.old_rows:,} → {shift.new_rows:,}"
            yield Alert("medium", text, "leak", 120, table="data/overlaps.parquet")
        if shift.value == "no" and shift.new_rows > shift.old_rows:
            text = f"rows that stay share more with evaluation items: overlaps {shift.old_rows:,} → {shift.new_rows:,}"
            more = (shift.new_rows - shift.old_rows) / max(shift.old_rows, 1)
            yield Alert("medium" if more >= 0.1 else "low", text, "leak", 110, table="data/overlaps.parquet")


def numbers(diff: Diff) -> Iterator[Alert]:
    """Lengths, scores, quality, margins of D and P whose middle has shifted."""
    for table in products(diff):
        for one in table.distributions:
            old, new = (one.old.median, one.new.median) if one.unit else (one.old.mean, one.new.mean)
            if not one.old.rows or not one.new.rows or not old:
                continue
            change = (new - old) / abs(old)
            if abs(change) >= 0.05:
                what = f"median length of {one.column}" if one.unit else f"mean {one.column}"
                text = f"{what} in {letter(table)}: {old:.4g} → {new:.4g} ({change:+.0%})"
                yield Alert(graded(abs(change), 0.3, 0.15), text, "number", abs(change) * 100, table=table.table)


def changes(diff: Diff) -> Iterator[Alert]:
    """What was edited: few edits come first, since everything else follows from them."""
    lines = [*change_lines(diff)]
    is_felt = any(table.touched for table in products(diff))
    few: Severity = "high" if is_felt else "medium"
    for place, text in enumerate(lines):
        severity: Severity = few if len(lines) <= FEW else "medium"
        yield Alert(severity, text, "change", FIRST - place if len(lines) <= FEW else 50 - min(place, 49))


def change_lines(diff: Diff) -> Iterator[str]:
    for change in diff.changes:
        if isinstance(change, ParamChange):
            yield f"parameter {change.key}: {brief(change.old)} → {brief(change.new)}"
        elif isinstance(change, FileChange):
            yield f"{change.path} {change.kind}"
        elif isinstance(change, CodeChange) and change.kind == "library":
            yield f"library {change.name}: {change.old or 'none'} → {change.new or 'none'}"
    modules = [one for one in diff.changes if isinstance(one, CodeChange) and one.kind == "module"]
    if len(modules) <= FEW:
        yield from (f"module {one.name} differs ({', '.join(one.stages[:3])})" for one in modules)
    else:
        yield f"{len(modules)} modules differ, {modules[0].name} and others"


def brief(value: object) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"


def rows(count: int) -> str:
    return f"{count:,} row" + "s" * (count != 1)


def named(shift: Shift) -> str:
    names = {"tags": "tag", "license": "licence", "label_source": "label source"}
    if shift.column == "simulated":
        return "rows of the simulated teacher"
    return f"{names.get(shift.column, shift.column)} {shift.value}"


def of_column(table: TableDiff, column: str) -> list[Shift]:
    return [shift for shift in table.shifts if shift.column == column]


CHECKS: tuple[Callable[[Diff], Iterator[Alert]], ...] = (
    changes,
    removed_rows,
    changed_rows,
    added_rows,
    schema,
    duplicates,
    licenses,
    shares,
    ended_rows,
    leaks,
    numbers,
)
