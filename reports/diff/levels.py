"""What a change set is to those who train on D and P: neutral, additive or breaking."""

from collections.abc import Iterable, Sequence

from reports.diff.model import PRODUCTS, ClassShare, Level, TableDiff


def classed(tables: Iterable[TableDiff], products: Sequence[str]) -> list[TableDiff]:
    """The tables by which a change set is classed: D and P where there are any, else all."""
    listed = list(tables)
    return [table for table in listed if table.table in PRODUCTS] if products else listed


def level_of(tables: Iterable[TableDiff]) -> Level:
    """Breaking where a row was rewritten or removed, or the schema or a licence differs; additive where rows were added."""
    listed = list(tables)
    if any(is_breaking(table) for table in listed):
        return "breaking"
    return "additive" if any(table.added for table in listed) else "neutral"


def is_breaking(table: TableDiff) -> bool:
    return bool(table.removed or table.changed or table.is_gone or (table.schema and not table.is_new))


def class_shares(tables: Iterable[TableDiff]) -> tuple[ClassShare, ...]:
    """Of each table, the rows of both versions by class."""
    found = []
    for table in tables:
        rows: dict[Level, int] = {
            "neutral": table.unchanged + table.moved,
            "additive": table.added,
            "breaking": table.changed + table.removed,
        }
        total = sum(rows.values())
        found += [
            ClassShare(level, table.table, count, count / total if total else 0.0) for level, count in rows.items()
        ]
    return tuple(found)
