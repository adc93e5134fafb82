"""Which handler answers a request: topic modules register handlers by the fields of the answer that its schema asks for,
by the sections of its prompt, or for free chat.

The teacher sees no more than a model would: neither the name of an answer model nor the stage. A handler is a pure
function of the call: the same call gets the same answer, on any machine.
"""

import importlib
import pkgutil
import random
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar, overload

from cultivar.llm.request import MessageDict
from cultivar.syntax import code_hash

OPENING = re.compile(r"<([A-Za-z_][\w-]*)(?:\s[^<>]*)?>")
CLOSING = re.compile(r"</([A-Za-z_][\w-]*)>")


@dataclass
class Call:
    """One request as a handler sees it.

    `wrong` is drawn at the role's fault rate: the handler must then give a plausible wrong answer. `rng` is seeded
    from the identity of the request.
    """

    messages: list[MessageDict]
    schema: dict[str, Any] | None
    seed: int
    temperature: float
    model: str
    wrong: bool
    key: bytes

    @cached_property
    def user(self) -> str:
        """The last user message."""
        return next((turn["content"] for turn in reversed(self.messages) if turn["role"] == "user"), "")

    @cached_property
    def system(self) -> str:
        """The system message, or nothing."""
        return next((turn["content"] for turn in self.messages if turn["role"] == "system"), "")

    @cached_property
    def sections_all(self) -> dict[str, list[str]]:
        """Texts between the tags of the last user message that has any, stripped, in order.

        When an answer is asked for again, the last user message is a complaint without tags: the question is before it.
        """
        for turn in reversed(self.messages):
            if turn["role"] == "user" and "</" in turn["content"]:
                sections: dict[str, list[str]] = {}
                for name, text in tagged(turn["content"]):
                    sections.setdefault(name, []).append(text.strip())
                if sections:
                    return sections
        return {}

    @cached_property
    def sections(self) -> dict[str, str]:
        """The first text of each tag."""
        return {name: texts[0] for name, texts in self.sections_all.items()}

    @cached_property
    def rng(self) -> random.Random:
        return random.Random(self.key)


def tagged(text: str) -> Iterator[tuple[str, str]]:
    """(name, text) of every tag up to the next that closes it, in order; linear in the text."""
    closings: dict[str, list[int]] = {}
    for closing in CLOSING.finditer(text):
        closings.setdefault(closing[1], []).append(closing.start())
    end = 0
    for opening in OPENING.finditer(text):
        places = closings.get(opening[1], [])
        place = bisect_left(places, opening.end())
        if opening.start() >= end and place < len(places):
            yield opening[1], text[opening.end() : places[place]]
            end = places[place] + len(opening[1]) + len("</>")


Handler = Callable[[Call], dict[str, Any] | str]
Reply = Callable[[str, Call], str | None]
H = TypeVar("H", bound=Handler)
R = TypeVar("R", bound=Reply)

_by_fields: dict[frozenset[str], Handler] = {}
_by_sections: dict[frozenset[str], Handler] = {}
_replies: list[tuple[int, str, Reply]] = []


def answers(*, fields: set[str] | None = None, sections: set[str] | None = None) -> Callable[[H], H]:
    """Register a handler: of JSON answers with exactly these fields, of prompts with these sections, or (neither) of chat.

    Raises ValueError where another handler is registered for the same.
    """

    def register(handler: H) -> H:
        if fields is not None:
            register_once(_by_fields, frozenset(fields), handler)
        else:
            register_once(_by_sections, frozenset(sections or ()), handler)
        return handler

    return register


def register_once(registry: dict[frozenset[str], Handler], names: frozenset[str], handler: Handler) -> None:
    """Register a handler. Raises ValueError where two modules answer the same question."""
    other = registry.setdefault(names, handler)
    if other is not handler:
        raise ValueError(f"{other.__module__} and {handler.__module__} both answer {sorted(names)}")


@overload
def replies(reply: R) -> R: ...
@overload
def replies(*, order: int = 100) -> Callable[[R], R]: ...
def replies(reply: Reply | None = None, *, order: int = 100) -> Any:
    """Register a handler of free chat, tried in rising order: None where the instruction is not its own."""

    def register(function: R) -> R:
        _replies.append((order, f"{function.__module__}.{function.__name__}", function))
        _replies.sort(key=lambda entry: entry[:2])
        return function

    return register if reply is None else register(reply)


@lru_cache(maxsize=1)
def load() -> None:
    """Import every topic module of this package, once."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"cultivar.llm.simulated.{module.name}")


def handler_of(call: Call) -> Handler:
    """The handler of a call. Raises LookupError where none is registered."""
    load()
    if call.schema is not None:
        fields = frozenset(call.schema.get("properties", ()))
        if fields not in _by_fields:
            names = ", ".join(f'"{name}"' for name in sorted(fields))
            raise LookupError(
                f"the simulated teacher has no JSON answers with the fields {sorted(fields)}: register a handler with "
                f"@answers(fields={{{names}}}) in a module of cultivar/llm/simulated/"
            )
        return _by_fields[fields]
    present = call.sections.keys()
    fitting = [names for names in _by_sections if names <= present]
    if not fitting:
        raise LookupError("the simulated teacher has no fallback for free chat: register one with @answers()")
    return _by_sections[max(fitting, key=lambda names: (len(names), sorted(names)))]


def first_reply(instruction: str, call: Call) -> str | None:
    """The reply of the first handler of free chat that has one."""
    load()
    for _, _, reply in _replies:
        if (text := reply(instruction, call)) is not None:
            return text
    return None


@lru_cache(maxsize=1)
def weights() -> str:
    """What stands for the weights of the simulated teacher: a hash of its code, comments, docstrings and layout left out.

    It is part of every simulated request's identity, so that answers of older code are never served for newer.
    """
    return code_hash(sorted(Path(__file__).parent.glob("*.py")))
