"""What a pattern is fuzzed with: texts that repeat what the pattern itself is made of, and what hostile texts repeat."""

import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

GENERIC = (
    *" \n\ta1A_.,:;-+*/=~<>|#%$^&@!?()[]{}\"'`\\",
    *"中あกبअé１٣०",
    "\u0301",
    "\u200b",
    "12 + ",
    "12",
    "0,",
    "0.",
    "1,111",
    " 111",
    "1/2/",
    "a ",
    "a.",
    "a b ",
    " a",
    "A.",
    "a1",
    "1 a ",
    ", ",
    ". ",
    "- ",
    " \n",
    "\n\n",
    "\n- ",
    "\\frac{",
    "\\boxed{",
    "\\(",
    "\\[",
    "\\begin{",
    "#### ",
    "(A) ",
    "{}",
    "()",
    "(1",
    "<<",
    "<a",
    "<a ",
    "</",
    "```",
    '\\"',
    "**",
    "**a",
    "x = ",
    "=\n",
    "$1",
    "a-",
    "a'",
    "中 ",
    "। ",
)
"""Fragments that are repeated whatever the pattern is."""
SUFFIXES = ("\x01", "\nz", "")
"""Ends at which a match may fail that began well."""
VARIANTS = 3
"""Members of a class, and alternatives, that are tried."""
BRANCHES = 6
"""Alternatives that are looked into."""
MAX_PUMPS = 120
"""Pairs of a beginning and a fragment, of one pattern's own."""

REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT)


def texts_of(pattern: "re.Pattern[str]") -> Iterator[tuple[str, str, str]]:
    """(beginning, repeated fragment, end) of the hostile texts of a pattern."""
    tree = list(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG))
    own = dict.fromkeys(pump for variant in range(VARIANTS) for pump in pumps(tree, "", variant) if pump[1])
    for prefix, fragment in list(own)[:MAX_PUMPS]:
        for suffix in SUFFIXES:
            yield prefix, fragment, suffix
    for fragment in GENERIC:
        yield "", fragment, SUFFIXES[0]


def pumps(tree: list, prefix: str, variant: int) -> Iterator[tuple[str, str]]:
    """(what a pattern matches up to a part of it, what that part matches), for all that is repeated, and for sequences."""
    yield prefix, sample(tree, variant)
    for position, (operator, argument) in enumerate(tree):
        before = prefix + sample(tree[:position], variant)
        for inner in parts_of(operator, argument):
            yield from pumps(inner, before, variant)
        if position and operator is not codes.LITERAL:
            yield prefix, sample(tree[:position], variant)
            yield prefix, sample(tree[: position + 1], variant)
            yield prefix, sample(tree[position:], variant)


def parts_of(operator: object, argument: Any) -> list[list]:
    """The sequences within one part of a pattern."""
    if operator in REPEATS:
        return [list(argument[2])]
    if operator is codes.SUBPATTERN:
        return [list(argument[-1])]
    if operator is codes.ATOMIC_GROUP:
        return [list(argument)]
    if operator in (codes.ASSERT, codes.ASSERT_NOT):
        return [list(argument[1])]
    if operator is codes.BRANCH:
        return [list(branch) for branch in argument[1][:: max(1, len(argument[1]) // BRANCHES)]]
    return []


def sample(tree: list, variant: int) -> str:
    """One text that a sequence matches, apart from its assertions; `variant` says which alternative of each choice."""
    return "".join(sample_of(operator, argument, variant) for operator, argument in tree)


def sample_of(operator: object, argument: object, variant: int) -> str:
    match operator:
        case codes.LITERAL:
            return chr(argument)  # type: ignore[arg-type]
        case codes.NOT_LITERAL:
            return "b" if argument == ord("a") else "a"
        case codes.ANY:
            return "a1 ("[variant % 4]
        case codes.IN:
            return member(argument, variant)  # type: ignore[arg-type]
        case codes.BRANCH:
            branches = argument[1]  # type: ignore[index]
            return sample(list(branches[variant % len(branches)]), variant)
        case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
            least, most, body = argument  # type: ignore[misc]
            times = max(least, 1) if most else 0
            return sample(list(body), variant) * min(times, 16)
        case codes.SUBPATTERN:
            return sample(list(argument[-1]), variant)  # type: ignore[index]
        case codes.ATOMIC_GROUP:
            return sample(list(argument), variant)  # type: ignore[call-overload]
        case codes.GROUPREF:
            return "a"
    return ""


CATEGORIES = {
    codes.CATEGORY_DIGIT: "17٣०",
    codes.CATEGORY_NOT_DIGIT: "a -中",
    codes.CATEGORY_SPACE: " \n\t\u3000",
    codes.CATEGORY_NOT_SPACE: "a1-中",
    codes.CATEGORY_WORD: "a1_中",
    codes.CATEGORY_NOT_WORD: " -\n。",
}


def member(items: list, variant: int) -> str:
    """One character of a class."""
    if items[0][0] is codes.NEGATE:
        options = [character for character in "a1 -\n中(b" if not is_member(items[1:], character)]
        return options[variant % len(options)] if options else "\u4e00"
    options = []
    for kind, argument in items:
        if kind is codes.LITERAL:
            options.append(chr(argument))
        elif kind is codes.RANGE:
            options += [chr(argument[0]), chr(argument[1])]
        elif kind is codes.CATEGORY:
            options += CATEGORIES[argument]
    return options[(variant * 7) % len(options)] if variant else options[0]


def is_member(items: list, character: str) -> bool:
    for kind, argument in items:
        if kind is codes.LITERAL and character == chr(argument):
            return True
        if kind is codes.RANGE and argument[0] <= ord(character) <= argument[1]:
            return True
        if kind is codes.CATEGORY:
            name = str(argument).removeprefix("CATEGORY_")
            letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.removeprefix("NOT_")]
            if re.match(rf"\{letter.upper() if name.startswith('NOT_') else letter}", character):
                return True
    return False


def repeated(prefix: str, fragment: str, suffix: str, chars: int) -> str:
    """A text of about so many characters."""
    return prefix + fragment * max(1, chars // len(fragment)) + suffix
