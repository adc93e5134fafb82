"""What a cell of CSV stands for: text without the apostrophe that keeps it from being a formula, or a conversation."""

from typing import Any

from cultivar.outgoing.cells import text_of_cell
from stages.curation.readers.json_text import NotJSON, parse_json

TURNS = ('[{"role":', '[{"from":')
"""How JSON text of a conversation begins, as `cultivar export` and others write it."""


def value_of_cell(cell: str) -> Any:
    """A list of turns where a cell is JSON text of one, else its text."""
    text = text_of_cell(cell)
    if not text.startswith(TURNS):
        return text
    try:
        turns = parse_json(text)
    except NotJSON:
        return text
    return turns if isinstance(turns, list) and all(isinstance(turn, dict) for turn in turns) else text
