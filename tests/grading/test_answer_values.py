"""Two answers are the same, different, or cannot be compared: in any script, scale, unit and form."""

import pytest

from cultivar.grading.answers import agrees, judge_answers

SAME = {
    "18": [
        [
            "{18}",
            "18\\\\",
            "<b>18</b>",
            "18<|im_end|>",
            "18 </answer>",
            "\\textcolor{red}{18}",
            "\\underline{18}",
            "`18`",
        ],
        [
            "18 ✓",
            "18 🎉",
            "≈18",
            "\\approx 18",
            "18\\text{ m/s}",
            "18 km/h",
            "18 \\mathrm{cm^3}",
            "18 square meters",
            "+18",
        ],
    ],
    "-18": [["minus 18", "negative 18", "−18", "–18", "- 18", "-$18", "負18"]],
    "17": [["十七", "17 1-dollar bills", "17;", "17 is the answer", "1.7 \\times10^1"]],
    "7": [["七", "七个", "seven apples", "2**3-1"]],
    "8": [["2**3", "2^3", "\\sqrt{64}", "\\log_2 256"]],
    "2\\alpha": [["\\alpha+\\alpha"]],
    "2\\sqrt{3} + 1": [["1 + 2\\sqrt{3} \\text{ cm}", "1+\\sqrt{12} units"]],
    "42": [
        "42元 42个 42個 42円 42개 42명입니다 ₹42 42₽ $42 US$42 R$42 42 42. ４２ ٤٢ ४२ ৪২ ๔๒ ۴۲ 42°C +42 四十二 42.0 042".split(),
        ["42 км", "42 рубля", "42 रुपये", "42 บาท", "42 ديناراً", "42 שקלים", "42個です。", "42 pommes", "42 manzanas"],
        ["42 Äpfel", "42 elma", "42 quả táo", "42 μήλα", "42 euros", "42 złotych", "42 rupii", "Rs. 42", "EUR 42"],
        [
            "\\boxed{42元}",
            "$\\boxed{42 \\text{ km}}$",
            "**42**",
            "$$42$$",
            "\\(42\\)",
            "「42」",
            "«42»",
            "forty-two (42)",
        ],
        ["Total cost = 42", "x = 6 × 7 = 42", "６×７", "84÷2", "50−8", "6 x 7", "\\frac{84}{2}", "約42", "примерно 42"],
        ["42\u200b", "\ufeff42", "<<6*7=42>>42", "42, porque 6*7 = 42", "42%", "42 %", "٤٢٪", "42\\%", "42^\\circ"],
    ],
    "5000000": [
        [
            "5 million",
            "5 millones",
            "5 milhões",
            "5 milioni",
            "5 Millionen",
            "5 миллионов",
            "5 млн",
            "5 ملايين",
            "500万",
        ],
        [
            "५० लाख",
            "50 lakh",
            "0.5 crore",
            "5 juta",
            "5 triệu",
            "5 milyon",
            "5 miljoen",
            "5 milionów",
            "500만",
            "5百万",
        ],
        ["five million", "5,000,000", "5.000.000", "5 000 000", "5\u00a0000\u00a0000", "5'000'000", "50,00,000", "5e6"],
        ["5 \\times 10^6", "5·10^{6}", "5×10⁶", "5\\,000\\,000", "5{,}000{,}000", "5,\\!000,\\!000", "500萬元"],
    ],
    "300000000": [["3億", "3亿", "3억", "30 crore", "300 million", "300 millones de euros", "三亿"]],
    "36": [["3 docenas", "3 dúzias", "3 Dutzend", "3 dozijn", "3 дюжины", "3 ダース", "3 다스", "3 โหล"]],
    "5000": [
        ["5 elfu", "5 ezer", "5 bin", "5 mii", "5 พัน"],
        ["5 mil", "5 тысяч", "5 हज़ार", "5 ribu", "5 nghìn", "5千", "5 آلاف", "5 thousand dollars"],
    ],
    "2000000000": [["2 billion", "2 mil millones", "2 Milliarden", "2 миллиарда", "20亿", "2 milliards d'euros"]],
    "1234.56": [["1,234.56", "1.234,56", "1 234,56", "1'234.56", "1234,56", "$1,234.56"]],
    "3.5": [["3,5 km", "3,5 €", "3,5 %", "3½", "7/2", "3 1/2", "3\\frac12", "3 \\frac{1}{2}", "3٫5", "3.50"]],
    "1/3": [
        ["0.3333", "0.333", ".333", "\\frac13", "\\left(\\frac13\\right)", "\\dfrac{1}{3}", "⅓", "2/6", "one third"]
    ],
    "0.333": [["1/3"]],
    "2/3": [["0.667", "0.6667", "two thirds"]],
    "0.18": [["18 hundredths", "0.18", "9/50"]],
    "125": [["one hundred twenty-five", "one hundred and twenty five", "一百二十五", "百二十五"]],
    "92": [["ninety-two (92)", "92 (ninety-two)", "ninety two"]],
    "\\sqrt{12}": [
        ["2\\sqrt3", "2\\sqrt{3}", "2√3", "√12", "\\sqrt{12}", "\\sqrt12", "\\frac{6}{\\sqrt{3}}", "$2 \\sqrt{3}$"]
    ],
    "x^2+2x+1": [["(x+1)^2", "$(1+x)^{2}$", "x(x+2)+1", "(x+1)(x+1)"]],
    "2^{10}": [["1024", "4^5", "1,024"]],
    "120": [["5!", "60*2"]],
    "\\frac{\\pi}{2}": [["π/2", "\\pi/2", "\\frac12 \\pi", "0.5\\pi"]],
    "{1,2}": [
        [
            "{2,1}",
            "\\{1,2\\}",
            "\\{2, 1\\}",
            "1, 2",
            "2 and 1",
            "$\\left\\{1,2\\right\\}$",
            "x=1 or x=2",
            "1 y 2",
            "1和2",
        ]
    ],
    "(1, 9/2)": [["(1, 4.5)", "(1,\\frac92)", "\\left(1, \\tfrac{9}{2}\\right)"]],
    "(2,3)": [["(2,3)", "$(2, 3)$", "(2, 3).", "\\langle 2,3 \\rangle", "（４/２，３）"]],
    "3,5": [["3,5", "$3,5$"]],
    "[1,2)": [["[1, 2)", "$[1,2)$", "\\left[1,2\\right)", "x \\in [1,2)", "[1,2["]],
    "(-\\infty, 3]": [["(-\\infty,3]", "(−∞, 3]", "]-\\infty, 3]"]],
    "(-\\infty, 1) \\cup (2, \\infty)": [["(2,\\infty) \\cup (-\\infty,1)", "(−∞,1)∪(2,∞)"]],
    "1+\\sqrt{19}, 1-\\sqrt{19}": [["1 \\pm \\sqrt{19}", "1 ± √19", "\\{1-\\sqrt{19}, 1+\\sqrt{19}\\}"]],
    "\\pm 3": [["3, -3", "\\{-3, 3\\}", "±3", "x = 3 or x = -3"]],
    "\\begin{pmatrix}1 & \\frac12 \\\\ 0 & 1\\end{pmatrix}": [
        [
            "\\begin{bmatrix}1&0.5\\\\0&1\\end{bmatrix}",
            "\\left[\\begin{array}{cc}1 & 1/2 \\\\ 0 & 1\\end{array}\\right]",
        ]
    ],
    "B": [
        [
            "B",
            "(B)",
            "B.",
            "\\text{(B)}",
            "**B**",
            "B. 42",
            "(b)",
            "B) Paris",
            "Option B",
            "选项B",
            "\\textbf{(B)}\\ 42",
        ]
    ],
    "(B) 42": [["B", "(B) 42", "(B)", "B. 42.0", "42"]],
    "x > 5": [["5 < x", "x>5", "-x < -5"]],
    "x = 5": [["5", "x=5", "$x = 5$"]],
    "Tuesday": [["Tuesday", "tuesday.", "**Tuesday**"]],
    "yes": [["Yes", "**Yes**.", "yes", "true"]],
    "5 km": [["5 km", "5 kilometers", "5\\text{ km}"]],
}
DIFFERENT = {
    "42": [
        "43",
        "41.9",
        "٤٣",
        "43 apples",
        "43元",
        "\\boxed{43 \\text{ km}}",
        "2^{10}",
        "3\\sqrt{2}",
        "-42",
        "43%",
        "1,042",
        "9\\pi",
    ],
    "18": ["19", "17.5", "$19", "36/3"],
    "1/3": ["0.34", "1/4", "0.5", "3"],
    "5000000": ["6 millones", "50,000", "5 hundred"],
    "0.5": ["0.6", "0.4", "1/3"],
    "x^2": ["x^3", "2x"],
    "2\\sqrt{3}": ["3\\sqrt{2}", "1.5", "\\sqrt{13}", "12"],
    "{1,2}": ["{1,3}", "{1,2,3}", "1, 4"],
    "(1,2)": ["(2,1)", "(1,3)", "(1,2,3)", "[1,2)"],
    "[1,2)": ["[1,2]", "(1,2)", "[1,3)"],
    "\\begin{pmatrix}1 & 0\\end{pmatrix}": [
        "\\begin{pmatrix}1 & 1\\end{pmatrix}",
        "\\begin{pmatrix}1 \\\\ 0\\end{pmatrix}",
    ],
    "B": ["C", "(A)", "C. 42", "\\text{(D)}"],
    "yes": ["No", "false"],
    "5 km": ["6 km", "7 kilometers"],
}
UNDECIDED = {
    "1/6": ["0.1\\overline{6}"],
    "\\log 2": ["\\ln 2", "0.6931"],
    "\\frac{\\pi}{4}": ["45^\\circ"],
    "\\alpha": ["\\beta", "a"],
    "18.5": ["18-1/2"],
    "17": ["17-18", "17 - 18", "17–18", "≥17", "at least 17", "17+", "IV"],
    "1200": ["(1,200)"],
    "x" * 1001: ["y" * 1001, "x"],
    "42": [
        "",
        "Monday",
        "42x",
        "42 K",
        "42 or 43",
        "B",
        "(42, 43)",
        "\\{42\\}",
        "42 and a half",
        "42!x",
        "42以上",
        "не 42",
        "40-42",
    ]
    + [
        "42 oder 43",
        "42或43",
        "42, 43",
        "42 thousand",
        "42:00",
        "42²m²k",
        "...",
        "\\pm 42",
        "x+42",
        "42 por ciento más o menos",
        "42 docenas",
        "42 Hundert",
        "42 mii",
        "42 Zehntel",
        "42 (hex)",
        "42 is too many",
        "四十二点五",
        "10 to the third",
        "21 pairs",
        "21 pares",
        "21 双",
    ],
    "-3": ["3 below zero", "3 less", "3 fewer", "loss of 3"],
    "25%": ["25 people"],
    "5000": ["5K", "5 yüz", "5 hazāru"],
    "500000": ["5 foo", "5 zillion"],
    "120": ["2 hours", "10 dozens of them, or not", "2 часа", "1.2 m"],
    "150": ["$1.50", "1.5 m"],
    "0.5": ["50%", "50 %", "50\\%", "٥٠٪"],
    "1/2": ["50%"],
    "20%": ["0.2", "1/5"],
    "18": ["18 hundredths", "1.8 tens"],
    "3.5": ["3,5"],
    "3,5": ["3.5", "(3,5)"],
    "1234": ["1.234"],
    "1.234": ["1,234", "1234"],
    "1/3": ["0.33", "0.3"],
    "2/3": ["0.66", "0.666", "66.7%", "66.67 %"],
    "0.125": ["0.13"],
    "\\sqrt{2}": ["1.414", "1.41", "1.4"],
    "9\\pi": ["28.27"],
    "x+1": ["y+1", "n+1"],
    "x^2+C": ["x^2+c"],
    "x > 5": ["x < 5", "5", "x \\ge 5"],
    "(1,2)": ["[1,2]", "{1,2}", "1, 2", "1"],
    "5 ml": ["5", "5 l", "6", "0.005 l"],
    "Tuesday": ["Monday", "2", "Dienstag"],
    "red": ["blue", "crimson"],
    "B": ["42", "Paris", "(B)(C)", "B) or C)", "(B) and (D)", "B und C", "B, C", "A. B. C."],
    "10!": ["10!!x"],
    "12": ["1 2", "11 6/6"],
}


def rows(table):
    """(words, gold) of a table by gold; its cells are words, or lists of them."""
    lists = [(gold, [cell] if isinstance(cell, str) else cell) for gold, cells in table.items() for cell in cells]
    return [(words, gold) for gold, cell in lists for words in cell]


@pytest.mark.parametrize(("words", "gold"), rows(SAME))
def test_the_same_value_in_another_form_is_the_answer(words, gold):
    assert agrees(words, gold) is True


@pytest.mark.parametrize(("words", "gold"), rows(DIFFERENT))
def test_another_value_that_is_wholly_read_is_wrong(words, gold):
    assert agrees(words, gold) is False


@pytest.mark.parametrize(("words", "gold"), rows(UNDECIDED))
def test_what_is_not_understood_is_neither(words, gold):
    assert agrees(words, gold) is None


def test_what_is_said_of_a_pair_does_not_depend_on_its_neighbours():
    pairs = [
        (f"The answer is {words}", gold) for words, gold in rows(SAME)[::7] + rows(DIFFERENT) + rows(UNDECIDED)[::5]
    ]
    assert judge_answers(pairs) == [judge_answers([pair])[0] for pair in pairs]
