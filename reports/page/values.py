"""Values of rows as a page shows them."""

from collections.abc import Iterable
from typing import Any, Protocol

from reports.page.numbers import MINUS

MESSAGE = {"role", "content"}


class OldNew(Protocol):
    """Shares of a value in two versions."""

    @property
    def old_share(self) -> float: ...

    @property
    def new_share(self) -> float: ...


def scale_of(lines: Iterable[OldNew]) -> float:
    """The largest share among the values of a column, which fills the width of a bar."""
    return max((max(line.old_share, line.new_share) for line in lines), default=1.0)


def is_conversation(value: Any) -> bool:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and set(v) >= MESSAGE for v in value)


def plain(value: Any) -> str:
    """A value of a row as one text without structure; "" for what is empty."""
    match value:
        case None | "" | []:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}".replace("-", MINUS)
        case {"name": name, "value": number}:
            return f"{name} {plain(number)}"
        case dict():
            return ", ".join(f"{name} {text}" for name, item in value.items() if (text := plain(item)))
        case list():
            return ", ".join(filter(None, map(plain, value)))
    return str(value)


def shortened(text: str, most: int) -> str:
    """The text, at most so many characters long."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
