"""Units in words: which are one, and what an unknown one may do to a number."""

from fractions import Fraction

UNITS = {
    name: short
    for short, names in {
        "mm": "millimeter millimetre",
        "cm": "centimeter centimetre",
        "m": "meter metre",
        "km": "kilometer kilometre",
        "g": "gram",
        "kg": "kilogram",
        "l": "liter litre",
        "ml": "milliliter millilitre",
        "s": "sec second",
        "min": "minute",
        "h": "hr hour",
        "ft": "foot feet",
        "in": "inch inches",
        "lb": "pound",
        "dollar": "buck usd",
        "euro": "eur",
        "degree": "deg",
    }.items()
    for name in names.split()
}
"""Name of a unit -> its sign."""
SIGNS_OF_UNITS = frozenset({*UNITS.values(), "unit"})
CONVERSIONS = frozenset(
    Fraction(ratio) for ratio in (3, 7, 12, 16, 20, 24, 30, 36, 52, 60, 365, 366, 1440, 1760, 3600, 5280)
)
"""Ratios of units and of counting words: feet, weeks, dozens, ounces, scores, hours, days, yards, minutes, miles."""


def unit_name(unit: str) -> str:
    """A unit in words, without its plural."""
    return UNITS.get(unit, UNITS.get(unit.removesuffix("s"), unit.removesuffix("s")))


def is_known(unit: str) -> bool:
    """Whether words are a unit, with or without a square or a plural."""
    word = unit.removeprefix("square ").removeprefix("cubic ").removeprefix("sq ").split("^")[0]
    return unit_name(word) in SIGNS_OF_UNITS


def could_scale(ratio: Fraction, by_word: bool) -> bool:
    """Whether a word (or else a sign such as $ or %) that is not understood could turn one number into the other.

    `ratio` is of the two numbers: a power of ten, or of a unit to another one.
    """
    ratio = max(ratio, 1 / ratio)
    digits = str(ratio) if ratio > 1 else ""
    return digits.rstrip("0") == "1" or (by_word and ratio in CONVERSIONS)
