"""What is shown of the rows of a gate: the worst, each with a part of its text in which nothing personal stands."""

import polars as pl

from reports.gates.model import ROWS, Finding
from reports.gates.products import TEXTS, Products
from reports.gates.scan import KINDS, excerpt, find_personal

SHOWN_CHARS = 100
"""Of a text without anything personal."""


def findings_of(rows: pl.DataFrame, products: Products) -> tuple[Finding, ...]:
    """The first rows of `rows` (`table`, `id`, `what`, perhaps `text`, `values` and `waiver`) as a reader may see them."""
    found = []
    first = rows.head(ROWS).to_dicts()
    texts = openings(first, products)
    personal = find_personal(pl.Series([text for text in texts if text], dtype=pl.String), KINDS)
    values = {
        text: [*known] for text, known in personal.group_by("text").agg(pl.col("values").list.explode()).iter_rows()
    }
    for row, text in zip(first, texts, strict=True):
        found.append(
            Finding(
                table=row["table"],
                id=row["id"],
                what=row["what"],
                text=excerpt(text, [*(row.get("values") or []), *values.get(text, [])], SHOWN_CHARS),
                waiver=row.get("waiver") or "",
            )
        )
    return tuple(found)


def openings(rows: list[dict[str, str]], products: Products) -> list[str]:
    """The text that stands for each row: what a rule has read, else the last turn of its prompt."""
    wanting = [row for row in rows if row.get("text") is None]
    known: dict[tuple[str, str], str] = {}
    for path in sorted({row["table"] for row in wanting}):
        name = path.removeprefix("data/").removesuffix(".parquet")
        if name in TEXTS:
            ids = [row["id"] for row in wanting if row["table"] == path]
            known |= {(path, one): text for one, text in products.opening(name, ids).items()}
    return [row.get("text") or known.get((row["table"], row["id"]), "") for row in rows]
