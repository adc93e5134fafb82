"""Files that people write by hand: YAML 1.2, as strict about characters as the tables that it ends in."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from schemas.characters import NO_CHARACTER, escape, strings_of
from schemas.errors import UserError
from schemas.parsing import TooDeep, Unreadable, check_levels, parsed


def read_yaml(path: Path) -> Any:
    """The content of a file of human/.

    Raises YAMLError where it is no YAML, UserError where it is nested too deeply, or a text holds half a surrogate pair or a
    NUL.
    """
    try:
        loaded = parsed(YAML(typ="safe", pure=True).load, path)
        check_levels(loaded)
    except TooDeep as error:
        raise UserError(f"{path}: {error}; write it with fewer levels") from error
    except Unreadable as error:
        raise error.__cause__ or error from None
    for text in strings_of(loaded):
        if (found := NO_CHARACTER.search(text)) is not None:
            raise UserError(
                f"{path}: a text holds {escape(found[0])}; write the character itself, as 😀 or \\U0001f600"
            )
    return loaded
