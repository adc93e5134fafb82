"""The final answer of a worked text: whether it is the right one, a wrong one, none, or cannot be compared.

Where it stands is cues.py's to say, what value it is values.py's and groups.py's. Two answers are the same, different,
or neither is shown: an unknown unit, word, scale or form makes no difference that counts.

* Numbers are compared exactly. A decimal of at least three significant digits is a fraction where it is that fraction
  rounded to the digits written (0.333 and 1/3); with fewer, or cut off instead of rounded, that stays undecided.
* A per cent sign is a unit: 50% is 50. Against the hundredth part (0.5, 1/2) it is undecided.
* A word that scales in one way only is applied (5 million, 5 lakh, 5万). Any other word or unit leaves open what it may
  do: a power of ten or a ratio of units between two numbers is undecided (2 hours, 120).
* Sets and lists are the same in any order, tuples, intervals and matrices in theirs, element by element. Different
  kinds, such as a set and a tuple, are undecided.
* Lettered choices are compared by letter, yes and no by meaning, other words only as text.
* Surds and algebra are compared by math-verify in processes of their own (algebra.py).
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal

from cultivar.grading import algebra
from cultivar.grading.answer_markup import MAX_CHARS, strip_markup
from cultivar.grading.cues import Place, find_answer, last_answer, only_number
from cultivar.grading.groups import Group, assignments, parse_group
from cultivar.grading.numerals import read_numeral
from cultivar.grading.units import could_scale, unit_name
from cultivar.grading.values import Value, is_denied, parse_plain, parse_value

__all__ = ["agrees", "agree_all", "final_answer", "judge_answers", "last_answer", "parse_value"]

Judgement = Literal["right", "wrong", "none", "undecided"]
LEAST_DIGITS = 3
"""Significant digits of a decimal that stands for a fraction."""

LOGARITHM = re.compile(r"\\l(?:og|g)(?![A-Za-z])(?!\s*_)")
"""Without a base: of ten, or of e."""

ROUNDED_SHARE = Fraction(1, 1000)
"""Two shares that differ by less may be one, rounded to a tenth of a per cent."""
PAIRS = re.compile(r"pairs?\b|couples?\b|par(?:es)?\b|paires?\b|paar|пар[аы]?\b|双|雙|对|對|켤레|쌍|足", re.IGNORECASE)
PER_CENT = re.compile(
    r"per\s*cent|p[eo]rc|prozent|pour cent|процент|yüzde|퍼센트|百分|パーセント|प्रतिशत", re.IGNORECASE
)

Ask = Callable[[str, str], bool | None]
"""(gold, given) in LaTeX -> whether both are equal, None where that is not known (yet)."""


def final_answer(text: str) -> Value | None:
    """The one value that a text gives as its answer; None where it gives none or not one."""
    return parse_value(last_answer(text))


def agrees(words: str, answer: str) -> bool | None:
    """Whether the words of a text are the answer; None where that cannot be told."""
    return agree_all([(words, answer)])[0]


def agree_all(pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
    """`agrees` of many (words, answer), with one round of questions to math-verify."""
    asked: list[algebra.Question] = []
    verdicts, pending = [], []
    for index, (words, answer) in enumerate(pairs):
        before = len(asked)
        verdicts.append(compare(words, answer, lambda gold, given: asked.append((gold, given))))
        if len(asked) > before:
            pending.append(index)
    if asked:
        known = algebra.POOL.compare(asked)
        for index in pending:
            verdicts[index] = compare(*pairs[index], lambda gold, given: known.get((gold, given)))
    return verdicts


def judge_answers(pairs: Sequence[tuple[str, str]]) -> list[Judgement]:
    """What the final answer of each (text, gold answer) is.

    "none": the text gives no answer, denies it or gives several; "undecided": it cannot be compared. What a text ends
    with, without saying that it is the answer, is right or none.
    """
    places = [find_answer(text) for text, _ in pairs]
    agreed = agree_all([(place.words, gold) for place, (_, gold) in zip(places, pairs, strict=True)])
    return [judge(place, gold, same) for place, (_, gold), same in zip(places, pairs, agreed, strict=True)]


def judge(place: Place, gold: str, same: bool | None) -> Judgement:
    if same:
        return "right"
    if not place.words or not place.is_stated or is_several(place.words, gold):
        return "none"
    if same is not None:
        return "wrong"
    number = only_number(place.words)  # of a sentence: that she has 18 left
    return "right" if number and compare(number, gold, lambda *_: None) else "undecided"


def is_several(words: str, gold: str) -> bool:
    """Whether words deny a value, or list values where the gold answer is one."""
    words = strip_markup(words)
    if len(gold) > MAX_CHARS or parse_plain(words) is not None or parse_group(strip_markup(gold)) is not None:
        return False
    if (numeral := read_numeral(words)) and numeral.unsure:
        return False  # 3,5
    found = parse_group(words)
    return is_denied(words) if found is None else found.kind == "list"


# ---------------------------------------------------------------- two answers


def compare(words: str, answer: str, ask: Ask) -> bool | None:
    """Whether words are the answer, as far as `ask` knows."""
    if max(len(words), len(answer)) > MAX_CHARS:
        return words.split() == answer.split() or None
    given, gold = strip_markup(words), strip_markup(answer)
    if not given or not gold:
        return None
    if given == gold:
        return True
    one, other = parse_plain(gold), parse_plain(given)
    if one is not None and other is not None:
        return compare_values(one, other, ask)
    if one is None and (other is None or other.number is None) and folded(given) == folded(gold):
        return True
    many, others = None if one else parse_group(gold), None if other else parse_group(given)
    return compare_groups(many, others, ask) if many is not None and others is not None else None


def folded(words: str) -> str:
    """Words without spaces and case."""
    return "".join(words.split()).casefold()


def compare_values(gold: Value, given: Value, ask: Ask) -> bool | None:
    kinds = {gold.kind, given.kind}
    if "choice" in kinds:
        return compare_choices(gold, given, ask)
    if kinds == {"truth"}:
        return gold.text == given.text
    if "truth" in kinds:
        return None
    if gold.number is not None and given.number is not None:
        return compare_numbers(gold, given)
    if gold.letters != given.letters or ("relation" in kinds and len(kinds) > 1):
        return None  # other letters may name the same
    if gold.unit and unit_name(gold.unit) != unit_name(given.unit):
        return None
    same = ask(gold.text, given.text)
    unsure = gold.unit != given.unit or gold.sign or given.sign or LOGARITHM.search(f"{gold.text} {given.text}")
    return None if same is False and unsure else same


def compare_choices(gold: Value, given: Value, ask: Ask) -> bool | None:
    """By letter; where both say what the letter stands for, by that as well."""
    if gold.kind != given.kind:
        choice, other = (gold, given) if gold.kind == "choice" else (given, gold)
        meant = parse_value(choice.rest) if choice.rest else None
        return (compare_values(meant, other, ask) or None) if meant is not None else None
    if gold.text != given.text:
        return False
    if not gold.rest or not given.rest or folded(gold.rest) == folded(given.rest):
        return True
    first, second = parse_value(gold.rest), parse_value(given.rest)
    return (compare_values(first, second, ask) or None) if first is not None and second is not None else None


def compare_numbers(gold: Value, given: Value) -> bool | None:
    """Numbers with their units: one of the answer's own has to be given with it."""
    one, other = gold.number, given.number
    assert one is not None and other is not None
    if gold.unit and unit_name(gold.unit) != unit_name(given.unit):
        return None
    if one == other:
        return True if not is_other_unit(gold, given) else None
    if ({one} | gold.others) & ({other} | given.others):
        return None
    if (rounded := is_rounded(gold, given)) is not False:
        return rounded
    if gold.unit or not (gold.sign or given.sign or given.unit) or not one or not other:
        return False
    if "%" in (gold.sign, given.sign) and gold.sign != given.sign:
        share, whole = (one, other) if gold.sign == "%" else (other, one)
        if abs(share / 100 - whole) < ROUNDED_SHARE:
            return None  # 66.7%, 2/3
    if given.unit and (one == -other or (PAIRS.match(given.unit) and max(one / other, other / one) == 2)):
        return None  # 3 below, 21 pairs
    return None if could_scale(one / other, by_word=bool(given.unit)) else False


def is_other_unit(gold: Value, given: Value) -> bool:
    """Whether a percentage is given as a number of something: 25 people for 25%."""
    return gold.sign == "%" and bool(given.unit) and given.sign != "%" and not PER_CENT.search(given.unit)


def is_rounded(gold: Value, given: Value) -> bool | None:
    """Whether one of two different numbers is a decimal that the other is rounded to; None where that is not plain."""
    for short, exact in ((gold, given), (given, gold)):
        if short.numeral is None or not short.numeral.places:
            continue
        places = exact.numeral.places if exact.numeral else None
        if places is not None and places <= short.numeral.places:
            continue
        assert short.number is not None and exact.number is not None
        if places is None and exact.number.denominator == 1:
            continue
        gap, unit = abs(short.number - exact.number), Fraction(1, 10**short.numeral.places)
        if 2 * gap <= unit:
            return True if places is None and short.numeral.digits >= LEAST_DIGITS else None
        if gap < unit and abs(short.number) < abs(exact.number):
            return None
    return False


def compare_groups(gold: Group, given: Group, ask: Ask) -> bool | None:
    """Element by element: in any order where the kind has none."""
    kinds = {gold.kind, given.kind}
    if len(kinds) > 1 and kinds != {"set", "list"}:
        return None
    if len(gold.elements) != len(given.elements):
        return False if readable(gold) and readable(given) else None
    if gold.kind in ("set", "list", "union"):
        return assignments([[compare(two, one, ask) for two in given.elements] for one in gold.elements])
    if gold.columns != given.columns:
        return False if readable(gold) and readable(given) else None
    same = [compare(two, one, ask) for one, two in zip(gold.elements, given.elements, strict=True)]
    if False in same:
        return False
    if None in same:
        return None
    return compare_brackets(gold.enclosed, given.enclosed)


def compare_brackets(gold: str, given: str) -> bool | None:
    """Of equal elements: (1, 2) and [1, 2] may be one vector, [1, 2) is an interval for certain."""
    if gold == given:
        return True
    return False if {gold, given} & {"(]", "[)"} else None


def readable(group: Group) -> bool:
    """Whether every element is a value, so that their number counts."""
    return all(parse_value(element) is not None or parse_group(strip_markup(element)) for element in group.elements)
