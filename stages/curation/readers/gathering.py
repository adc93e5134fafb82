"""What several records of a file say together: ratings of one prompt, messages of a tree.

Shapes read one record each; what only a group of them makes up waits here until the file's end. So a file of such a format is
in memory as a whole, whatever the order of its records: the rows of a prompt, or of a tree, may stand anywhere in it.
"""

from collections.abc import Iterable, Iterator

import orjson

from stages.curation.readers.fields import Item, Left, Misfit, Refused, count
from stages.curation.readers.ratings import Rated, rated_item
from stages.curation.readers.trees import Fault, flat_items, nested_items

Part = tuple[int, Item]
"""An item that is a part of others, and the line of its record."""
Made = tuple[int, Item | Refused | Fault]
WAITING = frozenset({"rating", "tree message"})


class Gathering:
    """The items of a file: those that stand alone go on, those that are parts wait."""

    def __init__(self) -> None:
        self.waiting: list[Part] = []

    def add(self, line: int, item: Item) -> Iterator[Made]:
        """What a record's item becomes at once. Raises Misfit."""
        if item.kind in WAITING:
            self.waiting.append((line, item))
        elif item.kind == "tree":
            yield from nested_items(line, item)
        else:
            yield line, item

    def rest(self) -> Iterator[Made]:
        """What the waiting items become together, in the order of the file."""
        yield from rated_prompts(part for part in self.waiting if part[1].kind == "rating")
        yield from flat_items([part for part in self.waiting if part[1].kind == "tree message"])
        self.waiting = []


def rated_prompts(parts: Iterable[Part]) -> Iterator[Made]:
    """An item for each prompt, at the line of its first response."""
    groups: dict[bytes, list[Part]] = {}
    for line, item in parts:
        groups.setdefault(orjson.dumps(item.fields["prompt"]), []).append((line, item))
    for group in groups.values():
        left: Left = {}
        for _, item in group:
            for name, times in item.left.items():
                count(left, name, times)
        fields = [item.fields for _, item in group]
        rated = [Rated(one["response"], one["score"]) for one in fields]
        line = group[0][0]
        try:
            yield line, rated_item({}, fields[0]["prompt"], rated, fields[0]["best"], left)
        except Misfit as error:
            yield line, Fault(str(error), {"fields": fields})
        except Refused as error:
            yield line, error
