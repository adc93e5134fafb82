"""The sections of a comment, each as Markdown; "" where there is nothing to say."""

from collections.abc import Collection, Iterable

from markupsafe import Markup

from reports.diff.model import PRODUCTS, Diff, TableDiff
from reports.page.detail import Detail
from reports.page.inert import as_code, for_comment
from reports.page.markdown import blocks, fold, row_id, squares, table
from reports.page.numbers import arrow, change, count, figure, plural, points, share
from reports.page.review import (
    LEAST_POINTS,
    band_words,
    composition_of,
    in_unit,
    lines_of,
    metric_change,
    parts_of,
    products,
    revision,
    sentences,
    short_name,
    stages_of,
)
from reports.page.traits import Trait
from reports.page.values import shortened
from reports.page.why import CauseView, cause_views, stage_words

SEVERITIES = {"high": "🔴", "medium": "🟠", "low": "⚪"}
STATUSES = {"fail": "❌", "unknown": "❔", "warn": "🟠", "waived": "☑️", "pass": "✅"}
LOUD = {"better", "worse", "changed", "new", "gone"}
"""What a metric's change means where it is shown at once."""
NONE = Markup("–")


def head(diff: Diff) -> str:
    """Title, sentences, and D and P in numbers."""
    old, new = (as_code(shortened(version.label, 80)) for version in (diff.old, diff.new))
    title = f" · {for_comment(shortened(diff.new.title, 120))}" if diff.new.title else ""
    lines = "  \n".join(str(for_comment(shortened(line, 600))) for line in sentences(diff))
    rows = []
    for letter, path, found in products(diff):
        name = Markup(f"**{letter}** {for_comment(path.removeprefix('data/').removesuffix('.parquet'))}")
        if found is None:
            rows.append([name, Markup("as it was"), NONE, NONE, NONE, NONE, Markup("")])
            continue
        was = arrow(count(found.rows_old), count(found.rows_new))
        unchanged = Markup(count(found.unchanged + found.moved))
        rows.append([name, Markup(was), *signed_counts(found), unchanged, squares(parts_of(found))])
    heads = ("", "Rows", "Added", "Removed", "Changed", "Unchanged", "⬜ unchanged 🟨 changed 🟩 added 🟥 removed")
    return f"## Data review: {diff.level}{title}\n\n{old} → {new}\n\n{lines}\n\n{table(heads, rows, range(1, 6))}"


def signed_counts(found: TableDiff) -> list[Markup]:
    """Rows added, removed and changed; empty for none."""
    numbers = (("+", found.added), ("−", found.removed), ("", found.changed))
    return [Markup(f"{sign}{count(number)}" if number else "") for sign, number in numbers]


def foot(report: str) -> str:
    """Where to read on."""
    where = f"The full report is an artifact of [this run]({report}). " if report else ""
    return f"<sub>{where}Ids open in `cultivar browse` while it runs on your machine; `cultivar trace ID` tells a row's story.</sub>"


def alerts(diff: Diff, detail: Detail) -> str:
    """Ranked alerts."""
    shown = diff.alerts[: min(10, detail.lines)]
    lines = [
        f"{place}. {SEVERITIES[one.severity]} {one.severity}: {for_comment(shortened(one.text, 400))}"
        + (f" (because of {as_code(shortened(one.cause, 200))})" if one.cause else "")
        for place, one in enumerate(shown, 1)
    ]
    if not lines:
        return "Nothing stands out."
    return "\n".join(lines) + more(len(diff.alerts) - len(shown), "alerts")


def more(number: int, what: str) -> str:
    return f"\n\nand {count(number)} more {what}" if number > 0 else ""


def why(diff: Diff, detail: Detail) -> str:
    """Causes with their rows."""
    if diff.why is None:
        return ""
    views = cause_views(diff, ())
    if not views:
        return "No row of D and P changed, so there is nothing to explain."
    shown = views[: detail.lines]
    lines = table(
        ("Cause", "", "Rows", "D and P", "How sure", "Began in"),
        (
            [
                Markup(f"**{for_comment(view.cause.change.kind)}**"),
                shortened(view.cause.change.text, 300),
                Markup(count(view.cause.rows)),
                Markup("; ".join(f"**{letter}** {words}" for letter, words in view.products)),
                ", ".join(text for text, _ in view.marks) or shortened(view.cause.replay, 200) or "by lineage",
                stage_words(view.cause.stages),
            ]
            for view in shown
        ),
        (2,),
    )
    parts = [lines + more(len(views) - len(shown), "causes")]
    parts.append(fold("The rows of each cause", "\n\n".join(ids_of(view, detail) for view in shown)))
    if diff.why.idle:
        idle = "\n".join(f"- {for_comment(shortened(one.text, 200))}" for one in diff.why.idle[: detail.lines])
        number = len(diff.why.idle)
        parts.append(fold(f"{plural(number, 'edit')} changed no row of D and P", idle))
    parts += [str(for_comment(shortened(note, 400))) for note in diff.why.notes[:5]]
    return "\n\n".join(parts)


def ids_of(view: CauseView, detail: Detail) -> str:
    """The rows of a cause by kind."""
    text = for_comment(shortened(view.cause.change.text, 200))
    lines = [f"**{for_comment(view.cause.change.kind)}** {text}\n"]
    for letter, kind in dict.fromkeys((row[1], row[0]) for row in view.rows[: detail.ids]):
        ids = [row_id(row, at) for one, to, row, at, _ in view.rows[: detail.ids] if (one, to) == (kind, letter)]
        lines.append(f"- {letter} {kind}: {' '.join(ids)}")
    return "\n".join(lines) + more(view.cause.rows - min(len(view.rows), detail.ids), "rows")


def common(traits: Iterable[Trait], detail: Detail) -> str:
    """What the touched rows have in common."""
    found = [trait for trait in traits if trait.group in ("added", "removed", "changed")][: detail.lines]
    if not found:
        return ""
    return table(
        ("Rows", "Have", "Rows", "Share of them", "Share in the whole", "Lift"),
        (
            [
                f"{trait.group} of {PRODUCTS[trait.table]}",
                as_code(shortened(f"{trait.column} = {trait.value}", 100)),
                *map(Markup, (count(trait.rows), share(trait.share), share(trait.base), f"×{trait.lift:.1f}")),
            ]
            for trait in found
        ),
        range(2, 6),
    )


def edits(diff: Diff, detail: Detail) -> str:
    """Parameters, files, modules, libraries and stages that changed."""
    lines = lines_of(diff.changes)
    parts = []
    if lines:
        rows = (
            [line.what, as_code(shortened(line.name, 120)), shortened(line.old, 160), shortened(line.new, 160)]
            for line in lines[: detail.lines]
        )
        parts.append(table(("What", "Name", "Old", "New"), rows) + more(len(lines) - detail.lines, "edits"))
    if stages := stages_of(diff.changes):
        names = " ".join(as_code(one.stage) for one in stages[: 2 * detail.lines])
        parts.append(f"Stages that ran differently: {names}" + more(len(stages) - 2 * detail.lines, "stages"))
    return "\n\n".join(parts)


def gates(diff: Diff, detail: Detail) -> str:
    """Gates that do not pass with their worst rows, and all gates folded."""
    if not diff.gates:
        return ""
    ordered = sorted(diff.gates, key=lambda gate: list(STATUSES).index(gate.status))
    heads = ("Gate", "Status", "Old", "New", "Must be", "Why it is here")

    def rows(statuses: Iterable[str]) -> list[list[str]]:
        return [
            [
                *(shortened(gate.title, 100), f"{STATUSES[gate.status]} {gate.status}"),
                *(gate.shown_base or in_unit(gate.base, gate.unit), gate.shown or in_unit(gate.value, gate.unit)),
                *(shortened(gate.threshold, 100), shortened(f"{gate.why} {gate.note}".strip(), 200)),
            ]
            for gate in ordered
            if gate.status in statuses
        ]

    bad = rows([status for status in STATUSES if status != "pass"])[: detail.lines]
    parts = [table(heads, bad, (2, 3))] if bad else []
    for gate in ordered:
        if gate.rows and gate.status in ("fail", "unknown", "warn"):
            listed = [
                "- "
                + (f"{row_id(row.id, revision(diff.new))} " if row.id else "")
                + f"{for_comment(shortened(row.what, 120))}"
                + (f": {as_code(shortened(row.text, detail.text))}" if row.text else "")
                for row in gate.rows[: detail.ids]
            ]
            parts.append(fold(f"{gate.title}: {plural(gate.found, 'row')}", "\n".join(listed)))
    if good := rows(["pass"])[: detail.lines]:
        parts.append(fold(f"Passed: {plural(len(rows(['pass'])), 'gate')}", table(heads, good, (2, 3))))
    return "\n\n".join(parts)


def metrics(diff: Diff, detail: Detail) -> str:
    """Metrics with the band of their noise: those that moved, and the others folded."""
    lines = list(diff.metrics or ())
    heads = ("Metric", "Old", "New", "Change", "Noise band", "Reading")

    def rows(words: Collection[str]) -> list[list[str]]:
        return [
            [
                shortened(f"{line.group}: {line.title}" if line.group else line.title, 100),
                *(in_unit(line.old, line.unit), in_unit(line.new, line.unit), metric_change(line)),
                *(band_words(line), line.word),
            ]
            for line in lines
            if line.word in words
        ]

    parts = [table(heads, found[: detail.lines], (1, 2, 3))] if (found := rows(LOUD)) else []
    if noise := rows({"within noise"}):
        parts.append(
            fold(f"Within noise: {plural(len(noise), 'metric')}", table(heads, noise[: detail.lines], (1, 2, 3)))
        )
    unchanged = sum(line.word == "unchanged" for line in lines)
    parts += [f"{plural(unchanged, 'metric')} unchanged."] if unchanged else []
    earlier = sum(line.word == "not measured" for line in lines)
    parts += [f"{plural(earlier, 'metric')} not measured on this data: `dvc repro` measures anew."] if earlier else []
    return "\n\n".join(parts)


def composition(diff: Diff, detail: Detail) -> str:
    """Values whose share moved most, and lengths and scores as histograms."""
    parts = []
    for letter, _, found in products(diff):
        if found is None:
            continue
        shown = composition_of(found)
        moved = [one for _, lines in shown.shifts for one in lines if abs(one.points) >= LEAST_POINTS]
        moved = sorted(moved, key=lambda one: (-round(abs(one.points), 6), one.column, one.value))[: detail.lines]
        text = ""
        if moved:
            text = table(
                (letter, "Value", "Old", "New", "Points", "Rows"),
                (
                    [
                        *(one.column, as_code(shortened(one.value, 80))),
                        *map(Markup, (share(one.old_share), share(one.new_share), f"**{points(one.points)}**")),
                        Markup(arrow(count(one.old_rows), count(one.new_rows))),
                    ]
                    for one in moved
                ),
                range(2, 6),
            )
        if shown.distributions:
            rows = (
                [
                    shortened(f"{one.column}, {one.unit}" if one.unit else one.column, 80),
                    Markup(f"{figure(one.edges[0])} … {figure(one.edges[-1])}"),
                    blocks(one.old_bins),
                    blocks(one.new_bins),
                    Markup(arrow(figure(one.old.median), figure(one.new.median))),
                    Markup(change(one.old.mean, one.new.mean)),
                ]
                for one in shown.distributions[: detail.lines]
            )
            heads = (letter, "Range", "Old", "New", "Median", "Change of the mean")
            text += ("\n\n" if text else "") + table(heads, rows, (4, 5))
        parts += [text] if text else []
    return fold("Shares, lengths and scores", "\n\n".join(parts)) if parts else ""


def schema(diff: Diff, detail: Detail) -> str:
    """Columns that came, went or have another type."""
    rows = [
        [short_name(found), as_code(one.column), one.old or "–", one.new or "–"]
        for found in diff.tables
        for one in found.schema.changes
    ]
    if not rows:
        return ""
    shown = table(("Table", "Column", "Old type", "New type"), rows[: detail.lines])
    return shown + more(len(rows) - detail.lines, "columns")


def tables(diff: Diff, detail: Detail) -> str:
    """Every table that differs, in the graph's order."""
    if not diff.tables:
        return ""
    rows = (
        [
            as_code(short_name(found)),
            Markup(arrow(count(found.rows_old), count(found.rows_new))),
            *signed_counts(found),
            ", ".join(list(found.columns)[:6]),
        ]
        for found in diff.tables[: 2 * detail.lines]
    )
    shown = table(("Table", "Rows", "Added", "Removed", "Changed", "Columns touched"), rows, range(1, 5))
    shown += more(len(diff.tables) - 2 * detail.lines, "tables")
    return fold(f"Tables: {count(len(diff.tables))} differ, {count(len(diff.same))} are the same byte for byte", shown)
