"""Checks of constraints on a completion, under IFEval's names (Zhou et al. 2023, table 1), as far as text decides them."""

import json
import re
from collections.abc import Callable
from typing import Any

Check = Callable[[str, dict[str, Any]], bool]


def meets(number: int, bound: int | str, relation: str | None) -> bool:
    """IFEval's relations: "less than" the bound; anything else is "at least" the bound."""
    return number < int(bound) if relation == "less than" else number >= int(bound)


def count_matches(pattern: str, text: str) -> int:
    return len(re.findall(pattern, text, re.IGNORECASE))


def sentences(text: str) -> int:
    return len([part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part])


def is_json(text: str) -> bool:
    try:
        json.loads(re.sub(r"^```(json)?\s*|\s*```$", "", text.strip(), flags=re.IGNORECASE))
    except ValueError:
        return False
    return True


CHECKS: dict[str, Check] = {
    "change_case:english_capital": lambda text, _: text.isupper(),
    "change_case:english_lowercase": lambda text, _: text.islower(),
    "change_case:capital_word_frequency": lambda text, given: meets(
        sum(word.isupper() for word in re.findall(r"[\w'-]+", text)),
        given["capital_frequency"],
        given.get("capital_relation"),
    ),
    "combination:repeat_prompt": lambda text, given: (
        text.strip().lower().startswith(given["prompt_to_repeat"].strip().lower())
    ),
    "combination:two_responses": lambda text, _: (
        len({part.strip() for part in text.split("******") if part.strip()}) == 2
    ),
    "detectable_content:number_placeholders": lambda text, given: (
        count_matches(r"\[.*?\]", text) >= int(given["num_placeholders"])
    ),
    "detectable_content:postscript": lambda text, given: (
        re.search(rf"\s*{re.escape(given['postscript_marker'])}", text, re.IGNORECASE) is not None
    ),
    "detectable_format:json_format": lambda text, _: is_json(text),
    "detectable_format:number_bullet_lists": lambda text, given: (
        len(re.findall(r"^\s*[*-][^*-].*$", text, re.MULTILINE)) == int(given["num_bullets"])
    ),
    "detectable_format:number_highlighted_sections": lambda text, given: (
        count_matches(r"\*[^\n*]+\*", text) >= int(given["num_highlights"])
    ),
    "detectable_format:title": lambda text, _: re.search(r"<<[^\n<>]+>>", text) is not None,
    "keywords:existence": lambda text, given: all(count_matches(re.escape(word), text) for word in given["keywords"]),
    "keywords:forbidden_words": lambda text, given: (
        not any(count_matches(rf"\b{re.escape(word)}\b", text) for word in given["forbidden_words"])
    ),
    "keywords:frequency": lambda text, given: meets(
        count_matches(re.escape(given["keyword"]), text), given["frequency"], given.get("relation")
    ),
    "keywords:letter_frequency": lambda text, given: meets(
        text.lower().count(given["letter"].lower()), given["let_frequency"], given["let_relation"]
    ),
    "length_constraints:number_paragraphs": lambda text, given: (
        len([part for part in re.split(r"\s?\*\*\*\s?", text) if part.strip()]) == int(given["num_paragraphs"])
    ),
    "length_constraints:number_sentences": lambda text, given: meets(
        sentences(text), given["num_sentences"], given.get("relation")
    ),
    "length_constraints:number_words": lambda text, given: meets(
        count_matches(r"\w+", text), given["num_words"], given.get("relation")
    ),
    "punctuation:no_comma": lambda text, _: "," not in text,
    "startend:end_checker": lambda text, given: (
        text.strip().strip('"').lower().endswith(given["end_phrase"].strip().lower())
    ),
    "startend:quotation": lambda text, _: len(text.strip()) > 1 and text.strip()[0] == text.strip()[-1] == '"',
}


def has_checks(names: list[str]) -> bool:
    """Whether there is a check for every one of these constraints."""
    return bool(names) and all(name in CHECKS for name in names)


def satisfies_constraints(text: str, names: list[str], arguments: list[str]) -> bool:
    """Whether a completion keeps all constraints; an empty one keeps none. Raises KeyError for unknown names.

    `arguments` are JSON objects, one per name, or none at all.
    """
    if not text.strip():
        return False
    given = [json.loads(item or "{}") for item in arguments] or [{}] * len(names)
    return all(CHECKS[name](text, item) for name, item in zip(names, given, strict=True))
