"""Files that people write by hand: YAML 1.2, as strict about characters as the tables that it ends in."""

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode

from schemas.characters import NO_CHARACTER, escape, strings_of
from schemas.errors import UserError
from schemas.parsing import TooDeep, Unreadable, check_levels, parsed


class Constructor(SafeConstructor):
    """Merge keys are refused: each level of them may repeat the one below, so a dozen lines would never end."""

    def flatten_mapping(self, node: MappingNode) -> None:
        for key, _ in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                raise ConstructorError(None, None, "a merge key (<<); write its entries out", key.start_mark)


def read_yaml(path: Path) -> Any:
    """The content of a file of human/.

    Raises YAMLError where it is no YAML, UserError where it is nested too deeply, holds a value that YAML's types do not (a
    date without such a day), or a text holds half a surrogate pair or a NUL.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = Constructor
    try:
        loaded = parsed(yaml.load, path)
        check_levels(loaded)
    except TooDeep as error:
        raise UserError(f"{path}: {error}; write it with fewer levels") from error
    except Unreadable as error:
        if isinstance(error.__cause__, YAMLError):
            raise error.__cause__ from None
        raise UserError(f"{path}: {error}; put the value in quotation marks or correct it") from error
    for text in strings_of(loaded):
        if (found := NO_CHARACTER.search(text)) is not None:
            raise UserError(
                f"{path}: a text holds {escape(found[0])}; write the character itself, as 😀 or \\U0001f600"
            )
    return loaded
