"""Equations as people write them: what is read whole is judged, everything else is left alone, whatever the notation."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.grading.equations import find_equations, is_consistent, select_distinct

TRUE = {
    "signs": [
        "12 × 5 + 3 = 63",
        "12 · 5 = 60, 12 ⋅ 5 = 60, 12 ∗ 5 = 60",
        "60 ÷ 5 = 12, 60 ∕ 5 = 12",
        "10 − 12 = −2",
        "24 – 3 = 21",
        "３×４＝１２, ６＋１＝７",
        "٣ × ٤ = ١٢",
        "३ + ४ = ७",
        "12x5 = 60, 12 x 5 = 60, 12 X $5 = $60, 5 х 3 = 15",
        "20 x 1/4 = 5",
        "12 : 4 = 3",
        "2 · 3 + 12 : 4 = 9",
        "5² = 25, 5^2 = 25, 5**2 = 25, 2^{3} = 8, 2⁻¹ = 0.5",
        "½ × 8 = 4",
        "17 // 5 = 3",
        "35(2/5) = 14, (2)(3) = 6, 2(3+4) = 14",
        "28 / 1/5 = 140",
    ],
    "latex": [
        r"\(3 \times 4 = 12\)",
        r"\[ 60 \div 5 = 12 \]",
        r"$3 \cdot 4 = 12$",
        r"\frac{1}{2} \times 8 = 4, \dfrac12 + \tfrac{1}{2} = 1, \frac{\frac{8}{2}}{2} = 2",
        r"\left(3 + 4\right) \times 2 = 14",
        r"5 \text{ apples} \times 3 = 15 \text{ apples}",
        r"10\,000 + 1 = 10{,}001, 32,\!349 + 1 = 32{,}350",
        "3 \\times 4 + 2 &= 12 + 2 \\\\\n&= 14",
        r"\$12 \times 3 = \$36",
        r"20\% \times 50 = 10",
    ],
    "numbers": [
        "1,200 + 300 = 1,500",
        "650 000/2 = 325 000",
        "1.200 + 300 = 1.500",
        "3,5 + 2,5 = 6",
        "1'200 + 300 = 1'500",
        "10,00,000 / 2 = 5,00,000",
        "2 1/2 * 2 = 5, 2½ × 2 = 5, 2+1 1/2 = 3 1/2",
        ".5 + .5 = 1.0",
    ],
    "money and percent": [
        "$12 x 3 = $36, €5 + €3 = €8, £5*2 = £10, ¥500 + ¥300 = ¥800, ₹500 × 2 = ₹1,000, Rs. 500 + Rs. 300 = Rs. 800",
        "20% * 50 = 10, 20% of 50 = 10, 20% of the 50 apples = 10",
        "1/5 = 20%, 15/60*100 = 25%, 30% + 20% = 50%, 26,000/80% = 32,500",
        "100 - 20% = 80, 50 + 10% = 55",
        "$0.50 * 3 = 150 cents",
    ],
    "units and words": [
        "5 apples * 3 = 15 apples",
        "3 hours * 20 = 60",
        "50 hours of driving x 60 minutes/hour = 3,000 minutes",
        "3 feet * 12 = 36 inches",
        "2 hours * 3 = 360 minutes, 2 hours + 30 minutes = 150 minutes",
        "3 dozen + 2 = 38, 3 docenas + 2 = 38, 5 lakh + 1 = 500,001, 5万 + 1 = 50001",
        "21 in the first row + 15 in the second row = 36 people",
        "In 20 minutes, she tweets 20*18=360 times",
        "2 times 21 = 42, 3 plus 4 equals 7, 12 divided by 3 = 4",
        "2/3 of his other 9 = 6, 1/4 of 80 = 20",
        "每天3个，3×7=21个",
        "(500+200)cm³ = 700cm³",
        "12 (from 3 miles) + 1 (from 1/4 mile) = 13",
        "the rest - 5 apples each cost 3*2 = 6",
    ],
    "rounding": [
        "10/3 = 3.33, 10/3 = 3.3, 10/3 = 3, 2/3 = .67, 2/3 = .66, 2/3 = 66.7%",
        "10/3 ≈ 3, 10/3 ≈ 3.4, 2 + 2 ≈ 5",
        "12.5 * 0.333 = 4.16",
        "17/5 = 3 R 2, 17/5 = 3 remainder 2",
        "33.33 * 3 = 100",
        "0.1 + 0.2 = 0.30000000000000004",
    ],
    "chains": [
        "12+5=17-3=14",
        "3 * 4 = 12 = 10 + 2",
        "3 + 4\n= 7",
        "(2 + 3 = 5) and so on",
        "x = 3 + 4 = 7",
    ],
    "layout": [
        "**3 + 4 = 7**, `3+4=7`, 3 + 4 = **7**, 3 + 4 = *7*",
        "- 5 + 3 = 8",
        "* 5 + 3 = 8",
        "1) 5 + 3 = 8",
        "2. 5 + 3 = 8",
        "Day 1 - 5 + 3 = 8",
        "Day 3:100+20=120",
        "Total 5\n=====\n3 + 4 = 7",
    ],
}
FALSE = [
    "12 × 5 = 61",
    "12 · 5 = 61",
    "12x5 = 61",
    "60 ÷ 5 = 13",
    "24 – 3 = 22",
    "３×４＝１３",
    "٣ × ٤ = ١٣",
    "३ + ४ = ८",
    "5² = 26",
    "½ × 8 = 5",
    "35(2/5) = 15",
    "20 x 1/4 = 6",
    "12 : 4 + 1 = 6",
    "200 calories * 200 = 39999 calories",
    "3 boxes * 4 = 13 pens",
    r"\(3 \times 4 = 13\)",
    r"\frac{1}{2} \times 8 = 5",
    r"\dfrac12 + \tfrac{1}{2} = 2",
    r"10\,000 + 1 = 10{,}002",
    "3 \\times 4 + 2 &= 12 + 2 \\\\\n&= 15",
    r"\$12 \times 3 = \$37",
    "1,200 + 300 = 1,501",
    "18,000 - 6,000 = 11,999",
    "650 000/2 = 326 000",
    "1.200 + 300 = 1.501",
    "3,5 + 2,5 = 7",
    "2 1/2 * 2 = 6",
    "$12 x 3 = $37",
    "₹500 × 2 = ₹1,100",
    "20% * 50 = 11",
    "20% of 50 = 11",
    "1/5 = 21%",
    "30% + 20% = 51%",
    "5 apples * 3 = 16 apples",
    "3 hours * 20 = 61",
    "200g + 100g = 301g",
    "2 hours * 3 = 361 minutes",
    "60 minutes/hour * 2 hours = 121 minutes",
    "3 dozen + 2 = 39",
    "21 in the first row + 15 in the second row = 37 people",
    "In 20 minutes, she tweets 20*18=361 times",
    "2 times 21 = 43",
    "12 divided by 3 equals 5",
    "每天3个，3×7=22个",
    "7/2 = 5",
    "10/3 = 3.5",
    "1/3 = 0",
    "12+5=18-3=14",
    "12+5=17-3=15",
    "3 * 4 = 12 = 13",
    "3 + 4\n= 8",
    "(2 + 3 = 6) and so on",
    "x = 3 + 4 = 8",
    "3 + 4 = **8**",
    "- 5 + 3 = 9",
    "1) 5 + 3 = 9",
    "Day 3:100+20=121",
    "1/0 = 0",
]
UNREAD = [
    "6:00+48=6:48",
    "3:4 = 6:9",
    "0900-0130 = 0730",
    "2x + 3 = 7",
    "3 x = 12",
    "5A + 1 = 7",
    "t(1+3/4) = 70",
    "X*5 + 1 = 31",
    "N + 5 + 3 = 9",
    "2g + 4s = 70",
    "2m + 5 = 9",
    "y = 5",
    "2 hours = 120 minutes",
    "2 hours = 121 minutes",
    "1/2 a cup = 4 ounces",
    "100 - 20% = 81",
    "half of 20 + 10 = 16",
    "the average of 3 + 5 = 4",
    "Week 1 + Week 2 = 35 + 35",
    "Weeks 3-4 from weeks 1-2 = 96 - 70",
    "D3 = 2 * 322",
    "3 squared + 1 = 10",
    "√9 + 3 = 7",
    "1 + 2 + ... + 10 = 55",
    "5! + 1 = 121",
    r"\sqrt{9} + 3 = 6",
    r"\sum 3 + 4 = 9",
    "5 feet 3 inches + 2 inches = 5 feet 5 inches",
    "17 % 5 = 2",
    "five + 3 = 9",
    "? + 3 = 8",
    "3 + 4 = x",
    "3 + 4 = 5 + x",
    "3 + 4 => 9, 3 + 4 != 8, 3 + 4 <= 9",
    "she read 14, 400 / 80 = 180",
    "2 tucty + 1 = 25, 2 tá + 1 = 25, 2 dozijn + 1 = 25, 2 düzine + 1 = 25, 3 ダース + 4 本 = 40 本",
    "2 ore + 30 minuti = 150 minuti, 2 giờ + 30 phút = 150 phút, 2시간 + 30분 = 150분, 2 ساعة + 30 دقيقة = 150 دقيقة",
    "3 settimane + 2 giorni = 23 giorni, 3 tygodnie + 2 dni = 23 dni, 2 км + 500 м = 2500 м, 2 公里 + 500 米 = 2500 米",
    "5 ribu + 500 = 5500, 5 tysięcy + 500 = 5500, 5 พัน + 500 = 5500, 5 elfu + 500 = 5500, 5 millones + 1 = 5000001",
    "el triple de 5 + 1 = 16, o dobro de 5 + 1 = 11, 5の2倍 + 1 = 11, 5 的两倍 + 1 = 11, dua kali 5 + 1 = 11",
    "la mitad de 10 + 2 = 7, die Hälfte von 10 + 2 = 7, 10の半分 + 2 = 7, 10'un yarısı + 2 = 7, un tiers de 9 + 2 = 5",
    "3 al cuadrado + 1 = 10, 3 au carré + 1 = 10, 3 hoch 2 + 1 = 10, 3 в квадрате + 1 = 10, 3 的平方 + 1 = 10",
    "2 to the power of 3 + 1 = 9, two thirds of 9 + 2 = 8",
    "sqrt(9) + 1 = 4, log(100) + 1 = 3, abs(-3) + 1 = 4, f(2) + 1 = 9",
    "1 kg 200 g + 800 g = 2 kg",
    "5e3 + 1 = 5001, 0xFF + 1 = 256, 0b11 + 1 = 4",
    "11 + 3 = 2 (mod 12), 1010 (binary) + 1 = 11, 10 am + 5 hours = 3 pm",
    "<<2+2=x>>",
    "<<y=2>>",
]


@pytest.mark.parametrize("text", [text for texts in TRUE.values() for text in texts])
def test_a_true_equation_holds_in_every_notation_and_is_read(text):
    assert is_consistent(text) and (find_equations(text) or "≈" in text)


@pytest.mark.parametrize("text", FALSE)
def test_a_false_equation_is_seen_in_every_notation(text):
    assert not is_consistent(text)


@pytest.mark.parametrize("text", UNREAD)
def test_what_is_not_wholly_read_is_not_judged(text):
    assert is_consistent(text)


def test_the_key_of_a_path_is_the_same_in_every_notation():
    alike = ["12×5=60", "12 * 5 = 60", r"\(12 \times 5 = 60\)", "$12 x 5 = $60.00", "12 boxes x 5 pens = 60 pens"]
    assert {tuple(find_equations(text)) for text in alike} == {(("12*5", "60"),)}
    assert select_distinct([*alike, "5*12=60", "1,200+1=1,201", "1200 + 1 = 1201"]).__len__() == 3


def test_annotations_count_instead_of_the_text():
    assert is_consistent("2+2=5 <<2+2=4>>4") and not is_consistent("2+2=4 <<2+2=5>>5")


@given(st.integers(0, 10**7), st.integers(1, 10**4), st.sampled_from(sorted("+-*/")), st.data())
def test_a_result_is_right_or_wrong_in_every_notation(left, right, sign, data):
    if sign == "/":
        left *= right
    value = {"+": left + right, "-": left - right, "*": left * right, "/": left // right}[sign]
    operator = data.draw(st.sampled_from({"*": ["*", "×", "·", " x ", r" \times "], "/": ["/", "÷"]}.get(sign, [sign])))
    number = data.draw(st.sampled_from(["{}", "{:,}", "${:,}", "{:,} kg"]))
    off = data.draw(st.integers(1, 10**4))
    text = f"So it is {number.format(left)}{operator}{number.format(right)} = "
    assert is_consistent(text + number.format(value)) and find_equations(text + number.format(value))
    assert not is_consistent(text + number.format(value + off))


@given(st.text(alphabet="0123456789+-*/^()=.,%$xX \n\\{}≈×'ab:"))
def test_no_text_is_too_odd(text):
    is_consistent(text)
    find_equations(text)


@pytest.mark.parametrize(
    "piece",
    [
        "1+",
        "(",
        ")",
        "(((1)))",
        "7",
        "1 ",
        " ",
        "\n",
        "-",
        "=",
        "*",
        ".",
        "a",
        "1=",
        "1+1=2 ",
        "1,",
        "{",
        "\\frac{",
        "<<1=",
    ]
    + [
        "\\frac{1}",
        "^{",
        "111 ",
        "1 a ",
        "5 - a ",
        "5 (b) ",
        "9^9*",
        "%",
        "5 plus ",
        "1/2 of a ",
        "Rs ",
        "× ",
        "²",
        "½",
    ],
)
def test_time_grows_with_the_text(piece):
    def seconds(length):
        text = f"3 + 4 = {piece * (length // len(piece))} = 7"
        start = time.process_time()
        is_consistent(text)
        return time.process_time() - start

    short = max(min(seconds(1_000) for _ in range(3)), 0.001)
    assert min(seconds(10_000) for _ in range(2)) < 40 * short, (
        "ten times the text, a quadratic pattern takes a hundred times as long"
    )
