"""Words beside numbers that change what an equation says: units that convert into one another, and words that multiply.

Any other word beside a number is what is counted, and no part of the arithmetic.
"""

import re
from fractions import Fraction

from cultivar.grading import numerals

MEASURES: dict[str, list[tuple[str, int | str]]] = {
    # time, in seconds
    "time": [
        ("second seconds sec secs segundo segundos seconde secondes sekunde sekunden секунд 秒", 1),
        ("minute minutes min mins minuto minutos minuten минут минуты 分 分钟 分鐘", 60),
        ("hour hours hr hrs hora horas heure heures stunde stunden час часа часов 小时 小時 時間", 3600),
        ("day days día días dia dias jour jours tag tage tagen день дня дней 天 日", 86400),
        ("week weeks semana semanas semaine semaines woche wochen неделя недели недель 周 週間", 604800),
        ("fortnight fortnights", 1209600),
        ("month months mes meses mois monat monate месяц месяца месяцев 月 个月", 2592000),
        ("year years año años ano anos ans jahr jahre год года лет 年", 31536000),
        ("decade decades", 315360000),
        ("century centuries", 3153600000),
    ],
    # length, in millimetres
    "length": [
        ("mm millimeter millimeters", 1),
        ("cm centimeter centimeters centimetres", 10),
        ("meter meters metre metres metro metros mètre mètres метр метров 米", 1000),
        ("km kilometer kilometers kilometre kilometres kilómetros kilomètres", 1000000),
        ("inch inches", "25.4"),
        ("ft foot feet", "304.8"),
        ("yd yard yards", "914.4"),
        ("mile miles mi", "1609344"),
    ],
    # weight, in grams
    "weight": [
        ("mg milligram milligrams", "0.001"),
        ("gram grams gramos grammes gramm грамм 克", 1),
        ("kg kilogram kilograms kilo kilos кг 千克 公斤", 1000),
        ("斤", 500),
        ("oz ounce ounces", "28.349523125"),
        ("lb lbs pound pounds", "453.59237"),
        ("ton tons", "907184.74"),
    ],
    # volume, in millilitres
    "volume": [
        ("ml milliliter milliliters millilitres", 1),
        ("liter liters litre litres litro litros 升", 1000),
        ("teaspoon teaspoons tsp", "4.92892159375"),
        ("tablespoon tablespoons tbsp", "14.78676478125"),
        ("cup cups", "236.5882365"),
        ("pint pints", "473.176473"),
        ("quart quarts", "946.352946"),
        ("gallon gallons", "3785.411784"),
    ],
    # money: a dollar sign stands for 1
    "money": [
        ("cent cents ¢ penny pennies centavos centimes", "0.01"),
        ("nickel nickels", "0.05"),
        ("dime dimes", "0.1"),
        ("dollar dollars euro euros", 1),
    ],
    # numbers in words
    "number": [
        ("half halves halb halbe demi mitad metade половина आधा نصف 半", "0.5"),
        ("third thirds tercio tercios tiers drittel", "1/3"),
        ("quarter quarters fourth fourths cuarto cuartos viertel", "0.25"),
        ("fifth fifths", "0.2"),
        ("eighth eighths", "0.125"),
        ("tenth tenths", "0.1"),
        ("percent hundredth hundredths prozent процент процента процентов", "0.01"),
        ("thousandth thousandths", "0.001"),
        ("pair pairs couple couples par pares paire paires paar пара пары 双 雙 对 對", 2),
        ("dozen dozens docena docenas dúzia dúzias douzaine douzaines dutzend дюжина дюжины दर्जन دزينة 打", 12),
        ("score scores", 20),
        ("ten tens", 10),
        ("hundred hundreds cien cientos hundert сто सौ مئة 百", 100),
        ("trio trios", 3),
        ("quartet quartets", 4),
        ("gross", 144),
        ("ream reams", 500),
        ("k thousand thousands mil mille tausend тысяча тысячи тысяч тыс हज़ार हजार ألف آلاف 千 천", 1000),
        ("万 萬 만", 10**4),
        ("lakh lakhs लाख", 10**5),
        ("crore crores करोड़", 10**7),
        ("亿 億 억", 10**8),
        ("billion billions milliard milliards milliarde milliarden миллиард миллиарда миллиардов млрд", 10**9),
        ("trillion trillions 兆", 10**12),
    ],
}
SCALES = numerals.SCALES | {
    word: Fraction(scale) for rows in MEASURES.values() for words, scale in rows for word in words.split()
}
"""Unit -> its size in the base unit of its kind."""
KINDS = dict.fromkeys(numerals.SCALES, "number") | {
    word: kind for kind, rows in MEASURES.items() for words, _ in rows for word in words.split()
}

MULTIPLIERS = frozenset(
    "half twice thrice double doubled triple tripled third quarter fourth fifth square cube root "
    "remainder negative thirds quarters quadruple quintuple power powers raised sqrt log ln lg exp sin cos tan abs floor ceil "
    "max min gcd lcm hoch elevado élevé mitad doble triple cuádruple tercio tercios raíz cuadrada metade dobro terço raiz "
    "demi moitié double tiers racine carrée hälfte doppelte dreifache drittel viertel wurzel zweimal dreimal metà doppio "
    "terzo radice helft dubbele wortel половина половину треть четверть вдвое втрое удвоенное двойное корень połowa "
    "setengah separuh kali akar nửa đôi căn आधा نصف ضعف ثلث ربع جذر 半 两倍".split()
)
"""Words that make another number of what follows them: half of 20 + 10."""
POWERS = frozenset(
    "squared cubed factorial mod modulo binary hex hexadecimal octal am pm cuadrado cubo carré cube quadrat quadrato "
    "quadrado hoch квадрате кубе quadraat kwadrat kareye yarısı katı का".split()
)
"""Words that make another number of what they follow."""
CHANGES = re.compile("(?:平方|立方)(?![米厘公分千メセキ])|倍|乗|的一半|半分|分之|절반|제곱|배$|두$|половин|ครึ่ง|เท่า")
"""Parts of words that do, where no spaces stand between words."""
UNIT_LETTERS = frozenset("m g l L s h t A V W J N K C F".split())
"""Letters that may be a unit rather than a variable."""
LABELS = frozenset(
    "day week month year step part problem question case option round stage phase game level grade week number no line row".split()
)
"""Words whose number is a name: "Day 1 - 5 + 3 = 8"."""
LEADS = frozenset(
    "of the his her its their my our your this that these those a an all to de del la el le les des du di da do von der "
    "dem van het aus als из от z dari của".split()
)
"""Words between a word that multiplies and its number: half of the 10. Behind "the", "third" is an ordinal."""
HEDGES = frozenset("about approximately around roughly almost nearly over under not less more than least most".split())
"""Words before a result that is not meant exactly."""
AT = frozenset("on in for of by at".split())
"""Words before a label: on day 1."""
NEUTRAL = frozenset(
    "of the a an in on at for from to per each every and or with by that this these those his her its their all total "
    "more less left times de la el le les des du di da von der die das den y e et und и в на з".split()
)
"""Words behind a number that stand for none."""
ARTICLES = frozenset("a A I e o y".split())
"""Letters that are words."""
OPERATIONS = {"times": "*", "plus": "+", "minus": "-", "over": "/"}
SPOKEN = {"multiplied": "*", "divided": "/"}
"""Operators in words, between two numbers; the latter before "by"."""


def scale_of(word: str) -> Fraction:
    """The size of a measure; 1 for any other word. Chinese, Japanese and Korean write a numeral and its unit as one."""
    word = word.lower()
    return SCALES.get(word) or (Fraction(1) if word.isascii() else SCALES.get(word[0], Fraction(1)))
