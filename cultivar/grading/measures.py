"""Words beside numbers that change what an equation says: units that convert into one another, and words that multiply.

Any other word beside a number is what is counted, and no part of the arithmetic.
"""

from fractions import Fraction

SCALES: dict[str, Fraction] = {
    word: Fraction(scale)
    for words, scale in (
        # time, in seconds
        ("second seconds sec secs segundo segundos seconde secondes sekunde sekunden секунд 秒", 1),
        ("minute minutes min mins minuto minutos minuten минут минуты 分 分钟 分鐘", 60),
        ("hour hours hr hrs hora horas heure heures stunde stunden час часа часов 小时 小時 時間", 3600),
        ("day days día días dia dias jour jours tag tage tagen день дня дней 天 日", 86400),
        ("week weeks semana semanas semaine semaines woche wochen неделя недели недель 周 週間", 604800),
        ("month months mes meses mois monat monate месяц месяца месяцев 月 个月", 2592000),
        ("year years año años ano anos ans jahr jahre год года лет 年", 31536000),
        # length, in millimetres
        ("mm millimeter millimeters", 1),
        ("cm centimeter centimeters centimetres", 10),
        ("meter meters metre metres metro metros mètre mètres метр метров 米", 1000),
        ("km kilometer kilometers kilometre kilometres kilómetros kilomètres", 1000000),
        ("in inch inches", "25.4"),
        ("ft foot feet", "304.8"),
        ("yd yard yards", "914.4"),
        ("mile miles mi", "1609344"),
        # weight, in grams
        ("mg milligram milligrams", "0.001"),
        ("gram grams gramos grammes gramm грамм 克", 1),
        ("kg kilogram kilograms kilo kilos кг 千克 公斤", 1000),
        ("oz ounce ounces", "28.349523125"),
        ("lb lbs pound pounds", "453.59237"),
        ("ton tons", "907184.74"),
        # volume, in millilitres; cups as sixteenths of a gallon
        ("ml milliliter milliliters millilitres", 1),
        ("liter liters litre litres litro litros 升", 1000),
        ("teaspoon teaspoons tsp", "4.92892159375"),
        ("tablespoon tablespoons tbsp", "14.78676478125"),
        ("cup cups", "236.5882365"),
        ("pint pints", "473.176473"),
        ("quart quarts", "946.352946"),
        ("gallon gallons", "3785.411784"),
        # money: a dollar sign stands for 1
        ("cent cents ¢ penny pennies centavos centimes", "0.01"),
        ("nickel nickels", "0.05"),
        ("dime dimes", "0.1"),
        ("dollar dollars euro euros", 1),
    )
    for word in words.split()
}
"""Unit -> its size in the base unit of its kind."""

MULTIPLIERS = frozenset(
    # English
    "half halves twice thrice double doubled triple tripled third thirds quarter fourth fourths fifth fifths sixth "
    "sixths eighth eighths tenth tenths hundredth hundredths thousandth thousandths dozen dozens score gross pair pairs "
    "couple hundred hundreds thousand thousands million millions billion billions trillion k m bn lakh lakhs crore crores "
    "squared cubed square cube root percent average mean remainder negative ratio modulo mod factorial squares cubes "
    # Spanish, Portuguese, French, German, Russian
    "mitad medio media doble triple docena docenas cien cientos mil millón millones par pares "
    "metade meia dobro dúzia dúzias milhão milhões "
    "demi moitié double douzaine douzaines cent mille million millions milliard milliards paire paires "
    "halb halbe hälfte doppelt dutzend hundert tausend million millionen milliarde milliarden paar "
    "половина пол вдвое дюжина дюжины сто тысяча тысячи тысяч тыс миллион миллиона миллионов млн пара пары "
    # Hindi, Arabic
    "आधा दर्जन सौ हज़ार हजार लाख करोड़ نصف دزينة مئة ألف آلاف مليون ملايين ضعف".split()
)
"""Words that make another number of the one beside them."""
MULTIPLYING_CHARACTERS = frozenset("百千万萬亿億兆半倍双雙对對打折백천만억배")
"""Characters that do so within a word of Chinese, Japanese or Korean."""
LABELS = frozenset(
    "day week month year step part problem question case option round stage phase game level grade week number no line row".split()
)
"""Words whose number is a name: "Day 1 - 5 + 3 = 8"."""
OPERATIONS = {"times": "*", "plus": "+", "minus": "-"}
"""Operators in words, between two numbers."""


def multiplies(word: str) -> bool:
    """Whether a word may make another number of the one beside it."""
    return word.lower() in MULTIPLIERS or not MULTIPLYING_CHARACTERS.isdisjoint(word)
