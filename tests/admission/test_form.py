"""form: in each script, how a text ends that is whole and one that was cut off; which fences and LaTeX stay open."""

import polars as pl
import pytest

from stages.curation.form import breaks_off, has_open_fence, has_open_latex
from stages.curation.params import FilterParams
from stages.curation.quality import quality
from tests.admission.rows import completions_of


def judged(rule, texts):
    return dict(zip(texts, rule(pl.Series(texts, dtype=pl.String)).to_list(), strict=True))


WHOLE = {
    "English": [
        "It is so.",
        "Is it?",
        'He said "no."',
        "It is so (or not)",
        "It is so… ",
        "so it is 5",
        "It is 50 %",
        "It is *so*",
        "It is\n\n- red\n- green",
        "| a | b |\n| 1 | 2 |",
        "See https://sea.org/salt",
        "Ask jo@sea.org",
        "Happy 🎉",
        "Yes 👍🏽",
        "We 👨‍👩‍👧",
        "I ❤️",
        "Go 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
        "Keep it 1️⃣",
        "It is $x^2$",
        r"It is \[x\]",
        "\\begin{a}\nx\n\\end{a}",
        "```\nx\n```",
        "~~~\nx\n~~~",
        "So ends it all :D",
        "Read #salt",
        "Best regards,\nJo Hill",
        "The answer:\n1) salt",
        "It is 5 €",
        "It is so.\u200b",
        "It is so.\ufeff\n ",
        "5 ½",
        "x²",
        "It is so;",
        "so it is ∎",
    ],
    "Chinese": [
        "这是对的。",
        "对吗？",
        "他说：「好。」",
        "他说“好”",
        "（完）",
        "很好！",
        "共４２",
        "《红楼梦》",
        "最好…",
        "第一⑤",
    ],
    "Japanese": ["そうです。", "そうですか？", "「はい」", "（笑）", "いいね〜", "いいね♪"],
    "Korean": ["그렇습니다.", "그렇습니까?", "「네」"],
    "Arabic": ["هذا صحيح.", "هل هذا صحيح؟", "قال «نعم»", "العدد ٤٢"],
    "Urdu": ["یہ درست ہے۔", "کیا یہ درست ہے؟"],
    "Hindi": ["यह सही है।", "यह सही है॥", "क्या यह सही है?", "कुल ४२"],
    "Bengali": ["এটা ঠিক।"],
    "Thai": ["เป็นเช่นนั้น", "ฯลฯ", "กรุงเทพฯ", "ใช้ภาษา Python", "รวม ๔๒"],
    "Lao": ["ຖືກຕ້ອງ"],
    "Khmer": ["នេះត្រឹមត្រូវ។", "នេះត្រឹមត្រូវ៕"],
    "Burmese": ["မှန်ပါသည်။"],
    "Armenian": ["Դա ճիշտ է։"],
    "Amharic": ["ይህ ትክክል ነው።", "ይህ ትክክል ነው፧"],
    "Tibetan": ["འདི་བདེན་པ་ཡིན།"],
    "Greek": ["Είναι σωστό.", "Είναι σωστό;"],
    "Russian": ["Это так.", "Он сказал «да»"],
    "German": ["Er sagte „ja“", "Er sagte »ja«"],
    "Spanish": ["¡Sí!", "¿Sí?"],
    "French": ["C'est vrai !", "Il dit « oui »"],
    "Hebrew": ["זה נכון."],
    "Georgian": ["ეს სწორია."],
    "Tamil": ["இது சரி."],
    "Javanese": ["ꦥꦚ꧀ꦗꦶꦁ"],
}
CUT = {
    "English": [
        "It is so because",
        "It is so,",
        "It is so -",
        "It is (",
        "so that x =",
        "It is\n\nIn conclusion, the",
        "It is 'so' and",
    ],
    "Chinese": ["这是因为", "这是对的，", "他说：「这", "因此我们、"],
    "Japanese": ["それはつまり", "それは、"],
    "Korean": ["그것은 왜냐하면", "그리고,"],
    "Arabic": ["هذا لأن", "هذا صحيح،"],
    "Urdu": ["یہ اس لیے"],
    "Hindi": ["यह इसलिए क्योंकि", "यह सही,"],
    "Bengali": ["এটা কারণ"],
    "Khmer": ["នេះដោយសារ"],
    "Burmese": ["ဒါဟာ"],
    "Armenian": ["Դա որովհետեւ"],
    "Amharic": ["ይህ ምክንያቱም"],
    "Tibetan": ["འདི་ནི"],
    "Greek": ["Είναι επειδή"],
    "Russian": ["Это потому что", "Это так,"],
    "German": ["Das ist so, weil"],
    "Spanish": ["Es así porque", "Y entonces ¿"],
    "French": ["C'est parce que"],
    "Hebrew": ["זה כי"],
    "Georgian": ["ეს იმიტომ"],
    "Tamil": ["இது ஏனெனில்"],
}


def test_a_text_breaks_off_where_its_script_shows_that_it_does():
    expected = {text: False for texts in WHOLE.values() for text in texts}
    expected |= {text: True for texts in CUT.values() for text in texts}
    assert judged(breaks_off, list(expected)) == expected


@pytest.mark.parametrize(
    ("unit", "limit"),
    [("word ", 10), ("слово ", 10), ("शब्द ", 10), ("كلمة ", 10), ("字词文", 20), ("かなので", 10), ("ចាប់ផ្ដើម", 10)],
)
def test_a_cut_text_counts_from_its_length_in_words_of_its_script(unit, limit):
    text = (unit * 10).strip()
    rows = completions_of(text)
    limits = FilterParams(truncated_min_words=limit, repetition_min_words=1000)
    assert quality(rows, limits)["rule"].to_list() == ["truncated"]
    assert not len(quality(rows, limits.model_copy(update={"truncated_min_words": limit + 30})))


CLOSED_FENCES = [
    "```\nx\n```",
    "``x",
    "Write ```x``` in a line.",
    "Use ``` to open a block of code.",
    "````markdown\n```python\nx\n```\n````",
    "````\n```\n````",
    "```markdown\n```python\nx\n```\n```",
    "~~~python\nx\n~~~",
    "~~~\nA line of waves between two scenes.",
    "~~~\n```\n~~~",
    "```\nx\n``````",
    "- a list\n  ```python\n  x\n  ```",
    "> ```\n> x\n> ```",
    "1. ```python\n   x\n   ```",
    "```python\nx = 1```",
    "```python\r\nx\r\n```\r\n",
    "```python\nx\n``` and so on",
    "代码如下：\n```python\nx\n```\n就是这样。",
]
OPEN_FENCES = [
    "```\nx",
    "```\nx\n```\n```",
    "~~~python\nx",
    "````\n```\nx\n```",
    "```python\nprint('```')\n",
    "说明\n```python\nx",
    "Answer: ok\n  ```python\n  x",
    "```\nx\n~~~",
]


def test_a_fence_counts_at_the_start_of_a_line_and_closes_like_it_opened():
    expected = dict.fromkeys(CLOSED_FENCES, False) | dict.fromkeys(OPEN_FENCES, True)
    assert judged(has_open_fence, list(expected)) == expected


CLOSED_LATEX = [
    r"\begin{a} x \end{a}",
    r"\[ x \]",
    "[ x",
    r"\begin{aligned} a &= b \\[4pt] c &= d \end{aligned}",
    r"\\[4pt]",
    r"\[ a \\[2pt] b \]",
    r"Match a bracket with `\[`, and open a theorem with `\begin{theorem}`.",
    "```python\nre.compile(r'\\[')\n```",
    "```latex\n\\begin{document}\n```",
    r"The command \begin{document} starts the body of the text.",
    r"See note \[1] for more.",
    r"方程组 \begin{cases} x \\[2pt] y \end{cases} 有解。",
]
OPEN_LATEX = [
    r"\begin{a} x",
    r"x \end{a}",
    r"\begin{a} \begin{b} x \end{b}",
    r"\[ x",
    r"x \]",
    r"\begin{aligned} a \\[4pt] b",
    r"解：\[ x = 1",
    r"\\\[ x",
]


def test_latex_outside_of_code_closes_what_it_opens():
    expected = dict.fromkeys(CLOSED_LATEX, False) | dict.fromkeys(OPEN_LATEX, True)
    assert judged(has_open_latex, list(expected)) == expected


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("東京は大きな都市です", False),
        ("東京は大きな都市の", True),
        ("내일 보내 드리겠습니다", False),
        ("내일 보내 드리고", True),
        ("It works.\n**Final answer:** 12 apples in 4 boxes", False),
        ("It works.\nThe final answer is then: 12 apples, 4", False),
        ("It works.\nAnswer: apples, pears and", True),
        ("Yours,\nThe team", False),
        ("Yours,\nthe team", True),
    ],
)
def test_a_closing_verb_a_label_with_its_value_and_a_signature_are_ends(text, cut):
    assert breaks_off(pl.Series([text])).to_list() == [cut]
