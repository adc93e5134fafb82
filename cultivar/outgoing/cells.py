"""Text in cells of a spreadsheet: what a spreadsheet would take for a formula gets an apostrophe, and reading takes it away.

A cell that begins with one of FORMULA (OWASP, "CSV Injection"), behind any number of apostrophes, gets one more. So every
text comes back as it was, also one that had an apostrophe of its own.
"""

import re

import polars as pl

FORMULA = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What begins a formula, as a class of characters: also the full-width forms."""
BEGINS = rf"\A'*[{FORMULA}]"
SAFE = re.compile(rf"'+[{FORMULA}]")


def safe_cells(texts: pl.Expr) -> pl.Expr:
    """A column of text as cells."""
    return pl.when(texts.str.contains(BEGINS)).then(pl.concat_str(pl.lit("'"), texts)).otherwise(texts)


def text_of_cell(cell: str) -> str:
    """The text of a cell that `safe_cells` wrote; another one as it is."""
    return cell[1:] if cell.startswith("'") and SAFE.match(cell) else cell
