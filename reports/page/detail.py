"""How much a comment says of everything, from much to little."""

from typing import NamedTuple


class Detail(NamedTuple):
    """Rows shown of a table and kind, characters of a text, ids of a cause, lines of a table, tables with samples."""

    samples: int
    text: int
    ids: int
    lines: int
    tables: int


DETAILS = (
    Detail(6, 600, 40, 40, 6),
    Detail(4, 400, 25, 25, 4),
    Detail(3, 300, 15, 15, 2),
    Detail(2, 200, 10, 10, 2),
    Detail(1, 120, 6, 8, 2),
    Detail(1, 80, 4, 5, 1),
)
