"""Checks of instruction following (IFEval, Zhou et al. 2023, section 2.1): pure functions of the completion."""

from collections.abc import Callable, Mapping
from typing import Any

Arguments = Mapping[str, Any]


def english_capital(arguments: Arguments, completion: str) -> bool:
    """Every letter is a capital, and there is a letter."""
    return completion.isupper()


def english_lowercase(arguments: Arguments, completion: str) -> bool:
    """No letter is a capital, and there is a letter."""
    return completion.islower()


def end_checker(arguments: Arguments, completion: str) -> bool:
    """The completion ends with `end_phrase`; case, outer spaces and closing quotation marks do not count."""
    return completion.strip().strip('"').lower().endswith(arguments["end_phrase"].strip().lower())


def no_comma(arguments: Arguments, completion: str) -> bool:
    """There is no comma, and there is a completion."""
    return bool(completion.strip()) and "," not in completion


def number_words(arguments: Arguments, completion: str) -> bool:
    """`relation` ("at least" or "less than") of the number of words to `num_words`; an empty completion fails."""
    count = len(completion.split())
    match arguments["relation"]:
        case "at least":
            return count >= arguments["num_words"]
        case "less than":
            return 0 < count < arguments["num_words"]
        case relation:
            raise ValueError(f"length_constraints:number_words: relation {relation!r} is not 'at least' or 'less than'")


CHECKS: dict[str, Callable[[Arguments, str], bool]] = {
    "change_case:english_capital": english_capital,
    "change_case:english_lowercase": english_lowercase,
    "startend:end_checker": end_checker,
    "punctuation:no_comma": no_comma,
    "length_constraints:number_words": number_words,
}


def check(name: str, arguments: Arguments, completion: str) -> bool:
    """Whether `completion` satisfies the IFEval instruction `name`. Raises KeyError naming the known checks."""
    if name not in CHECKS:
        raise KeyError(f"no check named {name}; known are {', '.join(CHECKS)}")
    return CHECKS[name](arguments, completion)
