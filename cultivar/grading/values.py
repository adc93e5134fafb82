"""What value the words of an answer are: a number with its unit, a lettered choice, yes or no, algebra, or words.

Words before a value (therefore, x =, 3 + 4 =), a reason after it and its unit are no part of it; %, ° and currencies
are units, so 17% is 17 and never 0.17. Where another number, or a word that denies or offers a choice, stands beside a
number, the words are no value.
"""

import re
import unicodedata
from fractions import Fraction
from typing import Literal, NamedTuple

from cultivar.grading.answer_markup import MAX_CHARS, TERM, strip_markup
from cultivar.grading.arithmetic import evaluate_expression
from cultivar.grading.numerals import NUMERAL, Numeral, in_digits, read_numeral, split_scale
from cultivar.grading.units import is_known

Kind = Literal["number", "choice", "truth", "algebra", "relation"]

CURRENCY = r"(?:(?:US|R|HK|NT|[CAS])?\$|Rs\.?(?=\s*\d)|(?:USD|EUR|GBP|INR|CNY|RMB|JPY|KRW)\b)"
OPEN = rf"(?:[-+(\s]|{CURRENCY})*"
SINGLE = re.compile(rf"(?P<open>{OPEN})(?P<numeral>{NUMERAL})(?P<close>\)*)(?!\s*(?:\*\*|[-+*/^]\s*[({{$\d.]))")
ARITHMETIC = re.compile(rf"{OPEN}{TERM}\)*(?:\s*(?:\*\*|[-+*/]){OPEN}{TERM}\)*)*")
ALGEBRA = re.compile(r"(?=.*(?:[A-Za-z\^!]))[A-Za-z0-9\s+\-*/^().\\{}\[\]|!_]+")
RELATION = re.compile(r"[A-Za-z0-9\s+\-*/^().\\{}\[\]|!_<>=]+")
RELATIONS = re.compile(r"\\(?:leq?|geq?|lt|gt|neq?)(?![A-Za-z])|[<>]=?|!=|(?<![<>!])=")
GREEK = (
    "alpha|beta|gamma|delta|epsilon|varepsilon|zeta|eta|theta|vartheta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|varphi|"
    "chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega"
)
COMMAND = re.compile(
    rf"\\(?:{GREEK}|frac|sqrt|binom|pi|infty|exp|ln|log|lg|(?:arc)?(?:sin|cos|tan|cot|sec|csc)h?|mathrm|abs|lvert|rvert|sum|prod|int)"
    r"(?![A-Za-z])"
)
"""What math-verify reads as it is meant; any other command (an overline) is not understood."""
SEVERAL = re.compile(r"\\|[^\W\d_]{2}|\d\s+(?:[A-Za-z]\s+)?\d")
"""What is more than one value of algebra, or none: words, a row of numbers, any other command."""
UNIT_BEHIND = re.compile(r"(.*[^\sA-Za-z])\s+((?:(?:square|cubic|sq)\.?\s+)?[A-Za-z]{2,12}(?:\^\{?[23]\}?)?)")
VARIABLE = re.compile(r"\s*[A-Za-z](?:_\{?\w+\}?)?(?:\(\w+\))?\s*")
NAME = re.compile(r"\s*[A-Za-z][a-z]+(?:\s+[A-Za-z]+){0,5}\s*")
"""The name before an equals sign: Total cost = 42."""
BESIDE = re.compile(r"(.*\S)\s*\(([^()]+)\)")
"""42 (forty-two), forty-two (42)."""
CHOICE = re.compile(
    r"(?:(?:option|choice|answer|opción|opcion|opção|réponse|antwort|вариант|选项|選項|选|選択肢)\s*)?"
    r"(?:\(\s*(?P<a>[A-Ja-j])\s*\)|(?P<b>[A-J])(?=\s*$|\s*[.:)]))\s*[.:)]?\s*(?P<rest>.*)",
    re.IGNORECASE,
)
FURTHER = re.compile(
    r"\(\s*[A-Ja-j]\s*\)|(?:^|(?<=\s))[A-J]\s*[.):]|^\W*+(?:(?:and|und|et|y|e|и|和|と|與|与)\W*+)?[B-J]\W*$"
)
"""A second letter behind the first."""
TRUTHS = {
    word: truth
    for truth, words in {
        True: "yes true да 是 是的 はい oui sí si sim ja 예 네 हाँ نعم correct",
        False: "no false нет 否 不是 いいえ non não nein 아니요 아니오 नहीं لا incorrect",
    }.items()
    for word in words.split()
}

WORD = r"(?:\d+-)?[^\W\d_]+(?:\^\{?[23]\}?(?!\d)|(?<=[a-z])[23](?!\d))?"
UNIT = re.compile(rf"[\s%°$,.;:(\"'’]*(?:{WORD}(?:[\s%°$,.;:()\"'’!?*]+|[-/](?=[^\W\d_])|$))*")
PRODUCT = re.compile(
    r"^[A-Za-zα-ω](?![^\W\d_])|"
    r"^\s*(?!(?:[ckm]m|[km]g|m[lLi]|l[bs]|oz|ft|in|yd|hr|[ap]m|of|at|to|by|on|is)\b)[a-zA-Z]{2}\b(?!\s+[^\W\d_]{2})|"
    r"(?<![\w'’°])(?!(?:[mglLsh]|[aI](?=\s+[a-z]{2}))\b)[a-zA-Zα-ω]\b(?!['’]\w)"
)
"""What makes a product of the number before it: 17x and 17 ab are not 17 of something, 17 m and 17 km are."""
DENIAL = re.compile(
    r"\b(?:no[tr]?|never|isn|wrong|incorrect|or|either|neither|than|between|but|maybe|perhaps|alternatively|instead|vs|"
    r"versus|if|unless|cannot|\w+n['’]t|pas|non|nicht|niet|geen|inte|ikke|nie|není|nem|"
    r"değil|tidak|bukan|không|δεν|όχι|לא|kein\w*|oder|aber|nein|oppure|ovvero|peut-être|quizás|talvez|или|либо|"
    r"но|нет|أو|ليس|ليست|لا|لم|لن|"
    r"incorrect[ae]|falsch\w*|errad[ao]|sbagliat[ao]|невер\w+|неправильн\w+|خاطئة?)\b|"
    r"(?:n['’](?:est|était))|\bnão\b|\bне\b|नहीं|अथवा|不(?!同)|错误|錯誤|間違|잘못|틀린|गलत|"
    r"没有|沒有|并非|並非|或|または|あるいは|ない|ません|않|없|아니|또는|혹은|หรือ|ไม่|\btoo\s+(?:many|much|few|low|high|little|big|small)\b",
    re.IGNORECASE,
)
"""Words that deny a value or set another one beside it."""
OPERATION = re.compile(
    r"\b(?:squared|cubed|factorial|(?<!\d )half|twice|plus|minus|times(?!\W*$)|mod|root|sin|cos|tan|log|y\s+medi[oa]|"
    r"et\s+demie?|einhalb|с\s+половиной|negative|below\s+zero|hex|hexadecimal|binary|octal|"
    r"(?:raised\s+)?to\s+the\s+(?:power|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|nth|\d+(?:th|nd|rd))|"
    r"al\s+c(?:uadrado|ubo)|au\s+(?:carré|cube)|zum\s+quadrat|hoch|в\s+(?:квадрате|кубе))\b|"
    r"以上|以下|以内|以內|未満|不到|超过|超過|[多余餘]|分之|半|平方$|立方$|[点點][零〇一二三四五六七八九\d]|이상|이하|미만|절반|제곱$",
    re.IGNORECASE,
)
"""Words that make another value of the number before them."""
CHANGED = re.compile(
    r"\b(?:(?:half|halves|thirds?|quarters?|fourths?|fifths?|tenths?)\s+(?:of|the)|times\s+\W*(?=\d)|twice|thrice|"
    r"doubled?|tripled?|triple|quadruple|squared?|cubed?|roots?|powers?|logs?|logarithm|ln|lg|sqrt|exp|sin|sine|cos|cosine|"
    r"tan|tangent|abs|factorial|modulo?|minus|negative|reciprocal|inverse|"
    r"mitad|doble|cuádruple|tercio|raíz|menos|moitié|tiers|racine|moins|hälfte|doppelte|dreifache|drittel|viertel|wurzel|"
    r"zweimal|dreimal|metade|dobro|triplo|terço|raiz|metà|doppio|terzo|radice|meno|helft|dubbele?|wortel|"
    r"половин\w+|треть|четверть|вдвое|втрое|удвоенн\w+|двойн\w+|корень|минус|połow\w+|podwojon\w+|yarısı|katı|"
    r"setengah|separuh|akar|nửa|gấp|căn|ضعف|نصف|ثلث|ربع|جذر|आधा|दोगुना|तिगुना|ei)\b|"
    r"一半|倍|平方|立方|根号|根號|分之|半分|절반|배|제곱|ครึ่ง|เท่า",
    re.IGNORECASE,
)
"""Words of a sentence that may make another value of its one number."""
BOUND = re.compile(
    r"(?:\b(?:most|least|over|under|above|below|beyond|nearly|almost|barely|up\s+to|until|less|fewer|more|plus|"
    r"casi|hasta|máximo|mínimo|más|presque|jusqu['’]à|maximum|minimum|plus|fast|bis(?:\s+zu)?|höchstens|mindestens|mehr|weniger|"
    r"quase|até|mais|quasi|fino\s+a|più|bijna|minder|meer|менее|более|больше|меньше|почти|prawie|hampir)"
    r"(?:\s+(?:de|di|als|que))?|至少|最多|超过|超過|不到)[\s*$€£¥₹]*$",
    re.IGNORECASE,
)
"""What makes a bound of the number that it stands before."""
POWER_OF_TEN = re.compile(
    rf"(?<![\w.])({TERM})(?:[eE]([-+]?\d{{1,2}})(?!\d)|\s*\*\s*10\s*\^\s*(?:\{{\s*)?(-?\d{{1,2}})(?!\d)(?:\s*\}})?)"
)


class Value(NamedTuple):
    """One value. `text` is it without markup; of algebra it is what math-verify reads.

    `numeral`: how a number is written, where it is one numeral; `others`: other numbers that it may be; `unit`: the
    words after it; `sign`: whether a currency, a per cent or a degree stands with it; `rest`: what a choice says.
    """

    kind: Kind
    text: str
    number: Fraction | None = None
    numeral: Numeral | None = None
    others: frozenset[Fraction] = frozenset()
    unit: str = ""
    sign: str = ""
    rest: str = ""

    @property
    def letters(self) -> set[str]:
        """Of its variables, Greek ones by name."""
        bare = RELATIONS.sub("#", self.text)
        return {*re.findall("[A-Za-z]", COMMAND.sub("#", bare)), *re.findall(rf"\\(?:{GREEK})(?![A-Za-z])", bare)}


def parse_value(words: str) -> Value | None:
    """The one value of an answer; None where it is none, not one, or not understood."""
    return parse_plain(strip_markup(words))


def parse_plain(words: str) -> Value | None:
    """The one value of words without markup; None of more than MAX_CHARS characters."""
    if len(words) > MAX_CHARS:
        return None
    return parse_choice(words) or parse_truth(words) or parse_stripped(words)


def parse_choice(words: str) -> Value | None:
    """A lettered choice, with or without what it says."""
    found = CHOICE.fullmatch(words)
    if not found or (found["b"] and not found["b"].isupper()) or is_denied(found["rest"]):
        return None
    if FURTHER.search(found["rest"]):
        return None
    return Value("choice", (found["a"] or found["b"]).upper(), rest=found["rest"].strip())


def parse_truth(words: str) -> Value | None:
    truth = TRUTHS.get(words.casefold())
    return None if truth is None else Value("truth", str(truth))


def parse_stripped(words: str) -> Value | None:
    """The value of words without markup, that may stand behind equals signs."""
    if (both := BESIDE.fullmatch(words)) and not words.startswith("("):
        one, two = parse_stripped(both[1]), parse_stripped(both[2])
        if one and two and one.number is not None and one.number == two.number:
            return one if one.numeral else two
    words = in_digits(POWER_OF_TEN.sub(scientific, words))
    *left, last = re.split(r"(?<![<>!])=", words)
    found = parse_scalar(last.strip())
    number = found and found.number
    if all(
        VARIABLE.fullmatch(side) or NAME.fullmatch(side) or (number is not None and evaluate_expression(side) == number)
        for side in left
    ):
        return found or (None if left else parse_relation(words))
    return parse_relation(words)


def scientific(found: re.Match[str]) -> str:
    return f"({Fraction(found[1].replace(',', '')) * Fraction(10) ** int(found[2] or found[3])})"


def parse_scalar(words: str) -> Value | None:
    return parse_number(words) or parse_arithmetic(words) or parse_algebra(words)


def parse_number(words: str) -> Value | None:
    """One numeral with the signs and the unit around it."""
    found = SINGLE.match(words)
    if not found or found["open"].count("(") != found["close"].count(")") or found["open"].count("-") > 1:
        return None
    if "(" in found["open"] and "," in found["numeral"]:
        return None  # (12,102)
    numeral = read_numeral(found["numeral"])
    scale, rest = split_scale(words[found.end() :])
    signs = sign_of(found["open"] + rest[:4])
    if numeral is None or not is_unit(rest) or (numeral.unsure and not signs and not rest.strip(" .,;")):
        return None
    factor = -scale if "-" in found["open"] else scale
    others = frozenset(factor * other for other in numeral.others)
    if scale != 1:
        others |= {numeral.value * (factor / scale)}
    value = factor * numeral.value
    text = str(value) if scale != 1 else written(value, numeral.places)
    return Value("number", text, value, numeral if scale == 1 else None, others, unit_words(rest), signs)


def written(value: Fraction, places: int) -> str:
    """A decimal with as many digits after its point."""
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    point = f".{digits[-places:]}" if places else ""
    return f"{'-' if value < 0 else ''}{digits[: len(digits) - places]}{point}"


def sign_of(around: str) -> str:
    return next((sign for sign in ("%", "°", "$") if sign in around), "")


def unit_words(rest: str) -> str:
    """The words of a unit, for comparison with another one's."""
    return " ".join(re.sub(r"[\s%°$,.;:()\"'’!?*]+", " ", rest).split()).casefold()


def parse_arithmetic(words: str) -> Value | None:
    """A sum, product or fraction of numbers, and its unit."""
    found = ARITHMETIC.match(words)
    if not found or not re.search(r"\d[\s)]*[-+*/]", found[0]) or is_range(found[0]):
        return None
    exact = evaluate_expression(re.sub(rf"{CURRENCY}|[\s,]", "", found[0]))
    rest = words[found.end() :]
    if exact is None or not is_unit(rest):
        return None
    return Value("number", str(exact), exact, unit=unit_words(rest), sign=sign_of(found[0] + rest[:4]))


def is_range(expression: str) -> bool:
    """Whether it may be from a number to a greater one (17-18), or a mixed one (17-1/2)."""
    ends = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", expression)
    return bool(re.fullmatch(r"\d+-\d+/\d+", expression.strip())) or (ends is not None and int(ends[1]) < int(ends[2]))


def parse_algebra(words: str) -> Value | None:
    """Algebra, and a unit of a known name behind it."""
    beside = UNIT_BEHIND.fullmatch(words)
    if beside and is_known(unit_words(beside[2])) and (found := parse_algebra(beside[1])):
        return found._replace(unit=unit_words(beside[2]))
    if ALGEBRA.fullmatch(words) and not SEVERAL.search(COMMAND.sub("#", words)):
        return Value("algebra", words)
    return None


def parse_relation(words: str) -> Value | None:
    """An equation or inequality, as long as it has no words."""
    if RELATIONS.search(words) and RELATION.fullmatch(words):
        bare = RELATIONS.sub("#", words)
        if not SEVERAL.search(COMMAND.sub("#", bare)):
            return Value("relation", words)
    return None


def is_denied(words: str) -> bool:
    """Whether the words deny a value or set another one beside it."""
    return bool(DENIAL.search(words))


def is_unit(rest: str) -> bool:
    """Whether the text after a number is empty or may be a unit."""
    letters = "".join(character for character in rest if unicodedata.category(character)[0] != "M")
    if not letters.strip():
        return True
    return (
        bool(UNIT.fullmatch(letters))
        and not PRODUCT.search(letters)
        and not DENIAL.search(rest)
        and not OPERATION.search(rest)
    )
