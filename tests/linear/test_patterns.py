"""No pattern of the project is ambiguous: on texts that repeat what it is made of, each takes linear time.

Patterns are found, not listed: all that modules compile, and all that stand in a call of `re`. Where one reads bounded
text only, BOUNDED says so, and it may take quadratic time up to that length; an exponential one is caught there too.
"""

import re
from dataclasses import replace
from functools import cache

import pytest
from fragments import repeated, texts_of
from growth import CHARS, MAX_RATIO, Call, fault
from patterns import SCANS, Use, compiled, sources, written

from cultivar.grading.answer_markup import MAX_CHARS
from cultivar.llm.markup import tag_pattern, token_pattern
from cultivar.llm.simulated import annotation, constraints
from cultivar.tools import surroundings
from reports.browse.patterns import pattern_of

BOUNDED = {"cultivar.grading.answer_markup.": MAX_CHARS, "cultivar.grading.values.POWER_OF_TEN": MAX_CHARS}
"""Beginning of a name -> characters of the longest text that the pattern is tried on."""
BOUNDED_RATIO = 24.0
"""Between 16 (quadratic) and 64 (cubic)."""


def from_arguments() -> dict[str, list[re.Pattern[str]]]:
    """The patterns that functions put together from their arguments, by the call that takes them."""
    tags = tag_pattern(["response", "a", "reference_answer"])
    tokens = token_pattern(("<|im_start|>", "<|im_end|>", "<<SYS>>", "[INST]"))
    assert tags is not None and tokens is not None
    splitters = ("SECTION", "1", "1 1", "a a", "\\", "")
    return {
        "cultivar.grading.constraint_form: re.findall": [re.compile(rf"{re.escape(s)}\s?\d+") for s in splitters],
        "cultivar.llm.markup: re.compile": [tags, tokens],
        "cultivar.llm.simulated.annotation: re.search": [re.compile(p, re.I) for _, p in annotation.INTENTS],
        "cultivar.llm.simulated.constraints: re.search": [re.compile(p, re.I) for _, p in constraints.KINDS],
        "cultivar.llm.simulated.constraints: re.sub": [re.compile(rf"\b{name}\b") for name in ("a", "some_text")],
        "reports.browse.patterns: re.compile": [
            re.compile("|".join(map(pattern_of, words)), re.I)
            for words in (["a b", "1"], ["\u0633\u0644\u0627\u0645", "\u00e9", "(x)*"])
        ],
        "cultivar.tools.surroundings: re.search": [re.compile(words) for words in surroundings.REMEDIES],
    }


@cache
def patterns() -> list[Use]:
    found = sources()
    inline, unknown = written(found)
    built = from_arguments()
    assert {name.partition("(")[0] for name in unknown} == built.keys(), "patterns that depend on arguments"
    made = [Use(f"{name} {p.pattern!r}", p, frozenset({"search"})) for name, each in built.items() for p in each]
    return [as_text(use) for use in (*compiled(found), *inline, *made)]


def as_text(use: Use) -> Use:
    """A pattern over bytes as the same one over characters, which are what the texts here are made of."""
    if isinstance(use.pattern.pattern, str):
        return use
    return replace(use, pattern=re.compile(use.pattern.pattern.decode("latin-1"), use.pattern.flags & ~re.LOCALE))


def calls(pattern: "re.Pattern[str]", uses: frozenset[str]) -> dict[str, Call]:
    """The ways to run a pattern; one that searches is run to the end of the text, as `sub` and `findall` do."""
    found: dict[str, Call] = {name: getattr(pattern, name) for name in ("match", "fullmatch") if name in uses}
    return found | ({"search": lambda text: [None for _ in pattern.finditer(text)]} if uses & SCANS else {})


def fault_of(use: Use) -> str:
    """The first text on which a pattern takes more than linear time."""
    limit = next((chars for name, chars in BOUNDED.items() if use.name.startswith(name)), None)
    chars, ratio = (CHARS, MAX_RATIO) if limit is None else (limit // 4, BOUNDED_RATIO)
    for name, call in calls(use.pattern, use.uses).items():
        for prefix, fragment, suffix in texts_of(use.pattern):
            slow = fault(call, lambda chars, parts=(prefix, fragment, suffix): repeated(*parts, chars), chars, ratio)
            if slow:
                return f"{use.name} ({name}): {prefix!r} + {fragment!r} * n + {suffix!r}: {slow}"
    return ""


def test_every_pattern_is_linear() -> None:
    assert [slow for use in patterns() if (slow := fault_of(use))] == []


def test_patterns_are_found_wherever_they_stand() -> None:
    names = [use.name for use in patterns()]
    assert len(names) > 250
    assert "cultivar.grading.equation_tokens.TOKEN" in names  # a global
    assert any(name.startswith("cultivar.grading.answer_markup.REWRITES[") for name in names)  # in a list of tuples
    assert "cultivar.grading.cues.MARKS[answer]" in names  # in a mapping
    assert any(name.startswith("train.harness: re.sub(") for name in names)  # in a call
    uses = {use.name: use.uses for use in patterns()}
    assert uses["cultivar.grading.arithmetic.TOKEN"] == {"findall"}
    assert uses["stages.curation.readers.chapters.CLAUSE"] == {"match"}  # another module's CLAUSE is searched for


@pytest.mark.parametrize(
    "pattern, use",
    [
        (r"(\d+(?:\s*[-+]\s*)?)+=", "search"),  # exponential
        (r"\s*=", "search"),  # quadratic: tried from every space
        (r"\s+\s*=", "match"),
        (r"\(.*?\)", "search"),  # quadratic: from every parenthesis to the end
        ("<([a-z]+)>.*?</\\1>", "search"),
    ],
)
def test_an_ambiguous_pattern_is_named_with_its_text(pattern: str, use: str) -> None:
    assert fault_of(Use("ambiguous", re.compile(pattern), frozenset({use}))).startswith(f"ambiguous ({use}): ")


@pytest.mark.parametrize(
    "pattern, use",
    [
        (r"(?:(?<!\s)\s+)?=", "search"),
        (r"\s++=", "match"),
        (r"\s*=", "match"),
        (r"(?>\d+(?:\s*[-+]\s*)?)++=", "match"),
        (r"\([^()]*\)", "search"),
    ],
)
def test_an_unambiguous_pattern_is_none(pattern: str, use: str) -> None:
    assert fault_of(Use("unambiguous", re.compile(pattern), frozenset({use}))) == ""
