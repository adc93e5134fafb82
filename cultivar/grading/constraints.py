"""Checks of constraints on a completion, under IFEval's names (Zhou et al. 2023, table 1), as far as text decides them.

English completions are checked by IFEval's rules; other scripts by what the same constraint says there. A constraint with
an argument that is missing, unknown or of another kind has no check: what was asked is not guessed. A verdict is None
where the completion's script does not decide it.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cultivar.grading import constraint_form as form
from cultivar.grading import constraint_lengths as lengths
from cultivar.grading import constraint_words as words
from cultivar.text.languages import is_in_language, is_known_language
from schemas.parsing import Unreadable, parse_json

RELATIONS = ("less than", "at least")


class Kind(NamedTuple):
    """A kind of constraint: its check, called with the text and the arguments, and a reader for each argument."""

    check: Callable[..., bool | None]
    arguments: dict[str, Callable[[Any], Any]] = {}


def read_count(value: Any) -> int:
    """A whole number from 0, as a number or its digits."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str) or int(value) < 0:
        raise ValueError(f"{value!r} is no count")
    return int(value)


def read_relation(value: Any) -> str:
    if value not in RELATIONS:
        raise ValueError(f"{value!r} is none of the relations {RELATIONS}")
    return str(value)


def read_word(value: Any) -> str:
    """A text that has something to be seen."""
    if not isinstance(value, str) or not words.fold(value).strip():
        raise ValueError(f"{value!r} is no word")
    return value


def read_words(value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"{value!r} is no list of words")
    return [read_word(item) for item in value]


def read_letter(value: Any) -> str:
    """One character."""
    letter = read_word(value).strip()
    if len(words.fold_letter(letter)) != 1 and letter != "İ":
        raise ValueError(f"{value!r} is no letter")
    return letter


def read_language(value: Any) -> str:
    if not isinstance(value, str) or not is_known_language(value):
        raise ValueError(f"{value!r} is no language that can be told from others")
    return value


KINDS: dict[str, Kind] = {
    "change_case:capital_word_frequency": Kind(
        lambda text, capital_frequency, capital_relation: lengths.compare(
            (words.count_capital_words(text),) * 2, capital_frequency, capital_relation
        ),
        {"capital_frequency": read_count, "capital_relation": read_relation},
    ),
    "change_case:english_capital": Kind(words.is_english_capital),
    "change_case:english_lowercase": Kind(words.is_english_lowercase),
    "combination:repeat_prompt": Kind(words.repeats_prompt, {"prompt_to_repeat": read_word}),
    "combination:two_responses": Kind(form.has_two_responses),
    "detectable_content:number_placeholders": Kind(form.has_placeholders, {"num_placeholders": read_count}),
    "detectable_content:postscript": Kind(words.has_postscript, {"postscript_marker": read_word}),
    "detectable_format:constrained_response": Kind(form.has_option),
    "detectable_format:json_format": Kind(form.is_json),
    "detectable_format:multiple_sections": Kind(
        form.has_sections, {"section_spliter": read_word, "num_sections": read_count}
    ),
    "detectable_format:number_bullet_lists": Kind(form.has_bullets, {"num_bullets": read_count}),
    "detectable_format:number_highlighted_sections": Kind(form.has_highlights, {"num_highlights": read_count}),
    "detectable_format:title": Kind(form.has_title),
    "keywords:existence": Kind(words.has_words, {"keywords": read_words}),
    "keywords:forbidden_words": Kind(words.lacks_words, {"forbidden_words": read_words}),
    "keywords:frequency": Kind(
        lambda text, keyword, frequency, relation: lengths.compare(
            (words.count_word(text, keyword),) * 2, frequency, relation
        ),
        {"keyword": read_word, "frequency": read_count, "relation": read_relation},
    ),
    "keywords:letter_frequency": Kind(
        lambda text, letter, let_frequency, let_relation: lengths.compare(
            words.count_letter(text, letter), let_frequency, let_relation
        ),
        {"letter": read_letter, "let_frequency": read_count, "let_relation": read_relation},
    ),
    "language:response_language": Kind(is_in_language, {"language": read_language}),
    "length_constraints:nth_paragraph_first_word": Kind(
        form.begins_paragraph, {"num_paragraphs": read_count, "nth_paragraph": read_count, "first_word": read_word}
    ),
    "length_constraints:number_paragraphs": Kind(form.has_paragraphs, {"num_paragraphs": read_count}),
    "length_constraints:number_sentences": Kind(
        lengths.has_number_of_sentences, {"num_sentences": read_count, "relation": read_relation}
    ),
    "length_constraints:number_words": Kind(
        lengths.has_number_of_words, {"num_words": read_count, "relation": read_relation}
    ),
    "punctuation:no_comma": Kind(words.lacks_commas),
    "startend:end_checker": Kind(words.ends_with, {"end_phrase": read_word}),
    "startend:quotation": Kind(words.is_quoted),
}
"""IFEval's 25 kinds."""


def read_constraints(names: list[str], arguments: list[str]) -> list[tuple[Kind, dict[str, Any]]]:
    """Each constraint's kind and arguments; `arguments` are JSON objects, one per name, or none at all.

    Raises ValueError where a kind is unknown, or its arguments are not exactly those that it takes (null is none).
    """
    if not names:
        raise ValueError("no constraint")
    if len(arguments) not in (0, len(names)):
        raise ValueError(f"{len(arguments)} arguments for {len(names)} constraints")
    return [read_constraint(name, item) for name, item in zip(names, arguments or ["{}"] * len(names), strict=True)]


def read_constraint(name: str, argument: str) -> tuple[Kind, dict[str, Any]]:
    if (kind := KINDS.get(name)) is None:
        raise ValueError(f"there is no check for {name}")
    try:
        given = parse_json(argument or "{}")
    except Unreadable as error:
        raise ValueError(f"{name}: its arguments cannot be read: {error}") from error
    if not isinstance(given, dict):
        raise ValueError(f"{name}: its arguments are no JSON object")
    given = {key: value for key, value in given.items() if value is not None}
    if given.keys() != kind.arguments.keys():
        raise ValueError(f"{name} takes {sorted(kind.arguments)}, not {sorted(given)}")
    read = {key: kind.arguments[key](value) for key, value in given.items()}
    if "nth_paragraph" in read and not 1 <= read["nth_paragraph"] <= read["num_paragraphs"]:
        raise ValueError(f"{name}: paragraph {read['nth_paragraph']} of {read['num_paragraphs']}")
    return kind, read


def has_checks(names: list[str], arguments: list[str]) -> bool:
    """Whether every one of these constraints can be checked."""
    try:
        read_constraints(names, arguments)
    except ValueError:
        return False
    return True


def satisfies_constraints(text: str, names: list[str], arguments: list[str]) -> bool | None:
    """Whether a completion keeps all constraints; an empty one keeps none; None where it breaks none but one is undecided.

    Raises ValueError where `has_checks` is false.
    """
    constraints = read_constraints(names, arguments)
    text = clean(text)
    if not text.strip():
        return False
    return all_hold(kind.check(text, **given) for kind, given in constraints)


def clean(text: str) -> str:
    """Lines end in one character, no byte order mark or zero-width space at the ends, no half of a surrogate pair."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\r\n", "\n").strip("\ufeff\u200b")


def all_hold(verdicts: Iterable[bool | None]) -> bool | None:
    """False if one is False, else None if one is None."""
    found = list(verdicts)
    return False if False in found else None if None in found else True
