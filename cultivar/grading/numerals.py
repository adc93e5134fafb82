"""Numbers as people write them, in any script: digits, separators, numbers in words, and words that scale.

Digits of every script, full width, superscripts, vulgar fractions and currency signs are first brought to ASCII. Of a
separator that can be read in two ways ("1.234", "3,5") the other reading is kept beside the first: a number is another
one only where no reading of it is the same. A list of words that scale has those that mean one thing in every language
that has them; any other word after a number might be one, which `could_scale` tells by the ratio of the two numbers.
"""

import re
import unicodedata
from fractions import Fraction
from typing import NamedTuple


class Signs(dict[int, str]):
    """Character -> how it is written in ASCII where it is a digit, an operator, a separator or a form of a letter."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        form = unicodedata.normalize("NFKC", character)
        if category == "Nd":
            form = str(unicodedata.decimal(character))
        elif category == "Cf":
            form = ""
        elif category == "Sc":
            form = "$"
        elif category == "So" and code >= 0x2300 and form == character:
            form = ""  # ✓ and emoji
        elif "⁄" in form:
            form = f" {form.replace('⁄', '/')}"
        self[code] = form
        return form


SIGNS = Signs(
    (ord(character), form)
    for characters, form in {
        "−﹣－": "-",
        "×∙⋅✕✖": "*",
        "÷⁄∕": "/",
        "，،、٬": ",",
        "٫": ".",
        "。｡।": ".",
        "٪": "%",
        "：": ":",
        "∞": "\\infty ",
        "±": "\\pm ",
        "∪": "\\cup ",
        "∈": "\\in ",
        "∅": "\\emptyset ",
        "≤": "\\le ",
        "≥": "\\ge ",
        "≠": "\\ne ",
        "·": "*",
        "№": "№",
    }.items()
    for character in characters
)
SUPERSCRIPTS = re.compile("[⁰¹²³⁴-⁹⁻]+")
ROOT = re.compile(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])?")
MINUS = re.compile(r"(?<![\w)\]])[–—](?=[\d$.])")


def to_ascii(text: str) -> str:
    """Text with digits, operators and separators of any script in ASCII, without characters that do not print."""
    if text.isascii():
        return text
    text = MINUS.sub("-", unicodedata.normalize("NFC", text))
    text = SUPERSCRIPTS.sub(lambda run: f"^{{{unicodedata.normalize('NFKC', run[0]).replace('−', '-')}}}", text)
    text = text.translate(SIGNS)
    return ROOT.sub(lambda root: f"\\sqrt{{{root[1]}}}" if root[1] else "\\sqrt ", text)


# ---------------------------------------------------------------- digits and separators

NUMERAL = r"(?:\d{1,3}(?:[ ']\d{3})+(?:[.,]\d+)?(?![\d/])|\d+(?:[.,]\d+)*|\.\d+)"
"""Digits with the separators between them. A space separates groups of three; before a fraction it does not."""
GROUPS_OF_THREE = re.compile(r"\d{1,3}(?:([ ',.])\d{3})(?:\1\d{3})*")
INDIAN_GROUPS = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}")


class Numeral(NamedTuple):
    """One written number. `others`: other readings; `places`: digits after its point; `digits`: significant ones.

    `unsure`: that it could as well be several numbers ("3,5").
    """

    value: Fraction
    others: frozenset[Fraction] = frozenset()
    places: int = 0
    digits: int = 0
    unsure: bool = False


def read_numeral(text: str) -> Numeral | None:
    """The number that digits and separators write; None where they write none, or several ("1,2,17")."""
    separators = {character for character in text if not character.isdigit()}
    if not separators <= set(".,' ") or not re.search(r"\d", text):
        return None
    if len(separators) == 2:
        point = max(separators, key=text.rindex)
        whole, _, rest = text.rpartition(point)
        if not GROUPS_OF_THREE.fullmatch(whole) and not (point == "." and INDIAN_GROUPS.fullmatch(whole)):
            return None
        return decimal(whole, rest) if point in ".," and rest.isdigit() else None
    if not separators:
        return decimal(text, "")
    (separator,) = separators
    whole, _, rest = text.partition(separator)
    grouped = bool(GROUPS_OF_THREE.fullmatch(text)) and not whole.startswith("0")
    if text.count(separator) > 1:
        return decimal(text, "") if grouped or INDIAN_GROUPS.fullmatch(text) else None
    if separator in " '":
        return decimal(text, "") if grouped else None
    if separator == ".":
        return decimal(whole, rest)._replace(others=frozenset({decimal(text, "").value} if grouped else ()))
    if grouped:
        return decimal(text, "")._replace(others=frozenset({decimal(whole, rest).value}))
    return decimal(whole, rest)._replace(unsure=len(whole) < 4)


def decimal(whole: str, rest: str) -> Numeral:
    whole = re.sub(r"\D", "", whole)
    value = Fraction(int(whole or 0) * 10 ** len(rest) + int(rest or 0), 10 ** len(rest))
    return Numeral(value, places=len(rest), digits=len((whole + rest).lstrip("0")))


# ---------------------------------------------------------------- numbers in words

ONES = "zero one two three four five six seven eight nine".split()
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
SMALL = {word: number for number, word in enumerate(ONES + TEENS)} | {
    word: 10 * number for number, word in enumerate(TENS, 2)
}
LARGE = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SPELLED = re.compile(
    rf"\b(?:{'|'.join(SMALL)})(?:(?:\s*-\s*|\s+(?:and\s+)?)(?:{'|'.join([*SMALL, *LARGE])}))*\b", re.IGNORECASE
)
HAN_DIGITS = {character: number for number, character in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "兩": 2,
}
HAN_SCALES = {"十": 10, "百": 100, "千": 1000}
HAN_LARGE = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
COUNTERS = frozenset("个個元人天岁歳円只本名枚次年分つ")
HAN = re.compile(f"[{''.join([*HAN_DIGITS, *HAN_SCALES, *HAN_LARGE])}]+")


def in_digits(text: str) -> str:
    """Text with English numbers in words as digits, and a text that begins with a Chinese number likewise."""
    text = SPELLED.sub(lambda found: spelled(found[0]), text)
    run = HAN.match(text)
    whole = run and (run.end() == len(text) or set(run[0]) & HAN_SCALES.keys() or text[run.end() :] in COUNTERS)
    if run and whole and (value := han(run[0])) is not None:
        return f"{value}{text[run.end() :]}"
    return text


def spelled(words: str) -> str:
    """The digits of an English number; the words where they are no number ("one two")."""
    total, current, last = 0, 0, 10**15
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "and":
            continue
        if word in LARGE:
            size = LARGE[word]
            if size == 100:
                current, last = current * 100, 100
            else:
                total, current, last = total + current * size, 0, size
            continue
        value = SMALL[word]
        if not (last >= 100 or (20 <= last < 100 and 0 < value < 10)) or (current and value == 0):
            return words
        current, last = current + value, max(value, 1)
    return str(total + current)


def han(run: str) -> int | None:
    """The value of a Chinese or Japanese numeral; None where its signs stand in no order of one."""
    total, section, digit = 0, 0, None
    for character in run:
        if character in HAN_DIGITS:
            if digit:
                return None
            digit = HAN_DIGITS[character]
        elif character in HAN_SCALES:
            section, digit = section + (1 if digit is None else digit) * HAN_SCALES[character], None
        else:
            total, section, digit = (total + section + (digit or 0)) * HAN_LARGE[character], 0, None
    return total + section + (digit or 0)


# ---------------------------------------------------------------- words that scale

SCALES = {
    word: scale
    for scale, words in {
        Fraction(1, 1000): "thousandth thousandths milésima milésimas millième millièmes tausendstel тысячных",
        Fraction(1, 100): "hundredth hundredths centésima centésimas centième centièmes hundertstel сотых",
        Fraction(1, 10): "tenth tenths décima décimas décimo décimos dixième dixièmes zehntel десятых",
        Fraction(1, 9): "ninth ninths",
        Fraction(1, 8): "eighth eighths",
        Fraction(1, 7): "seventh sevenths",
        Fraction(1, 6): "sixth sixths",
        Fraction(1, 5): "fifth fifths",
        Fraction(1, 4): "quarter quarters fourth fourths",
        Fraction(1, 3): "third thirds",
        Fraction(1, 2): "half halves",
        Fraction(12): "dozen dozens docena docenas dúzia dúzias duzia duzias douzaine douzaines dutzend dozzina dozzine"
        " dozijn dozijnen dussin tuzin tuziny tuzinów tucet tucty tuctů tucat düzine deste lusin tusina tusinaa дюжина"
        " дюжины дюжин δωδεκάδα δωδεκάδες दर्जन درزن دزينة ダース 다스 타 โหล",
        Fraction(100): "hundred hundreds सौ cientos centenas centaines hundert honderd hundra сотен сотни",
        Fraction(
            10**3
        ): "thousand thousands mil mille mila tausend тысяча тысячи тысяч тыс tysiąc tysiące tysięcy ألف آلاف"
        " हजार हज़ार ribu nghìn ngàn duizend tusen tuhat tuhatta tisíc tisíce tisoč mii ezer bin elfu χιλιάδες هزار ہزار হাজার"
        " พัน",
        Fraction(10**4): "หมื่น",
        Fraction(10**5): "lakh lakhs लाख লাখ لاکھ",
        Fraction(
            10**6
        ): "million millions millón millon millones milhão milhões milione milioni millionen миллион миллиона"
        " миллионов млн مليون ملايين juta triệu milyon miljoen miljoner miljoonaa milion miliony milionów milionů"
        " εκατομμύρια εκατομμύριο मिलियन ล้าน میلیون mio mln мільйон мільйони мільйонів",
        Fraction(10**7): "crore crores करोड़ কোটি",
        Fraction(10**9): "billion billions миллиард миллиарда миллиардов млрд milliard milliards milliarde milliarden"
        " miliardi miliardo miliardy miliardów tỷ milyar miljard miljarder bilhão bilhões مليار अरब",
        Fraction(10**12): "trillion trillions billón billones billionen триллион триллионов trilhão trilhões",
    }.items()
    for word in unicodedata.normalize("NFKC", words).split()
}
"""Word -> what it multiplies by. Long and short billions differ in form (billón, Billionen) wherever they are listed."""
SIGN_SCALES = {
    sign: Fraction(scale)
    for scale, signs in {  # the longer ones first
        10**12: "万亿 조",
        10**9: "十亿 十億 십억",
        10**7: "千万 千萬 천만",
        10**6: "百万 百萬 백만",
        10**8: "亿 億 억",
        10**4: "万 萬 만",
        10**3: "千 천",
        100: "百",
    }.items()
    for sign in signs.split()
}


def split_scale(rest: str) -> tuple[Fraction, str]:
    """What the text after a number multiplies it by (1: nothing that is known), and what is left of that text."""
    bare = rest.lstrip()
    for sign, scale in SIGN_SCALES.items():
        if bare.startswith(sign):
            return scale, bare[len(sign) :]
    end = len(rest) - len(rest.lstrip(" -"))
    stop = end
    while stop < len(rest) and (rest[stop].isalpha() or unicodedata.category(rest[stop])[0] == "M"):
        stop += 1
    word = unicodedata.normalize("NFKC", rest[end:stop]).casefold()
    if word == "mil" and (more := re.match(r"\s+mill(?:ones|ón)\b", rest[stop:])):
        return Fraction(10**9), rest[stop + more.end() :]
    return (SCALES[word], rest[stop:]) if word in SCALES else (Fraction(1), rest)
