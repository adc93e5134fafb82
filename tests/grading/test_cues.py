"""Where a text states its answer, in many languages; and where it only ends with it."""

import time

import pytest

from cultivar.grading.answers import judge_answers
from cultivar.grading.boxes import find_boxes, unbox
from cultivar.grading.cues import find_answer

STATED = {
    "English": [
        "The answer is 42.",
        "Answer: 42",
        "**Answer:** 42",
        "So the final answer is\n42",
        "#### 42",
        "… \\boxed{42}",
    ],
    "headings": [
        "### Final Answer\n\n**$42**",
        "**Final Answer**\n42",
        "#### Final Answer\n42 apples",
        "## 最终答案\n\n42",
    ],
    "last line": ["So it is.\nA: 42", "**A:** 42", "A: $42.00"],
    "Chinese": [
        "答案是 42。",
        "所以答案是42元。",
        "答案：42",
        "答案是一共42元。",
        "答：42个。",
        "最终答案为 42",
        "因此答案就是四十二。",
    ],
    "Japanese": ["答え：42", "答えは42です。", "答えは４２個です。", "正解は42", "解答：42円"],
    "Korean": ["정답은 42입니다.", "정답: 42", "따라서 답은 42개입니다."],
    "Spanish": [
        "La respuesta es 42.",
        "Respuesta: 42",
        "La respuesta final es $42$.",
        "la respuesta correcta es 42 euros",
    ],
    "French": ["La réponse est 42.", "Réponse : 42", "La réponse finale est 42 €."],
    "German": [
        "Die Antwort ist 42.",
        "Die Antwort lautet 42.",
        "Antwort: 42",
        "Ergebnis: 42",
        "Die richtige Antwort ist 42",
    ],
    "Portuguese": ["A resposta é 42.", "Resposta: 42", "A resposta final é R$ 42."],
    "Italian": ["La risposta è 42.", "Risposta: 42"],
    "Dutch": ["Het antwoord is 42.", "Antwoord: 42"],
    "Russian": ["Ответ: 42", "Ответ — 42 км.", "Правильный ответ: 42"],
    "Ukrainian": ["Відповідь: 42"],
    "Arabic": ["الجواب: ٤٢", "الجواب هو ٤٢", "الإجابة النهائية هي 42"],
    "Persian": ["پاسخ: ۴۲", "جواب: 42"],
    "Hebrew": ["התשובה היא 42"],
    "Hindi": ["उत्तर: ४२", "उत्तर 42 है।", "अंतिम उत्तर है: 42"],
    "Bengali": ["উত্তর: ৪২"],
    "Thai": ["คำตอบคือ 42", "ตอบ 42 บาท"],
    "Vietnamese": ["Đáp án là 42.", "Đáp số: 42"],
    "Indonesian": ["Jawabannya adalah 42.", "Jawaban: 42"],
    "Turkish": ["Cevap: 42"],
    "Polish": ["Odpowiedź: 42"],
    "Swedish": ["Svaret är 42.", "Svar: 42"],
    "Greek": ["Η απάντηση είναι 42.", "Απάντηση: 42"],
    "sentences": ["The answer is that she has 42 left.", "Final Answer: The largest one is 42."],
}
NONE = [
    "La réponse n'est pas 42.",
    "The answer is not 42",
    "答案不是42。",
    "错误答案是42。",
    "The wrong answer is 42.",
    "Is it 42?",
]
NONE += [
    "الجواب ليس 42",
    "La respuesta no es 42.",
    "Die Antwort ist nicht 42.",
    "Ответ не 42.",
    "答案是42或43",
    "It is 42 or 43.",
]
NONE += ["Cevap: 42 değil", "Jawabannya adalah bukan 42", "Svar: inte 42", "Het antwoord is niet 42", "उत्तर: 42 नहीं"]
NONE += ["We get 40 + 2 = 42.", "Between 40 and 42.", "It is 42", "no number.", "", "She does not have 42 apples."]


@pytest.mark.parametrize("text", [text for texts in STATED.values() for text in texts])
def test_a_stated_answer_is_right_or_wrong(text):
    assert judge_answers([(text, "42"), (text, "45")]) == [
        "right",
        "undecided" if text in STATED["sentences"] else "wrong",
    ]


@pytest.mark.parametrize("text", NONE)
def test_a_denied_answer_is_none(text):
    assert judge_answers([(text, "42")]) == ["none"]


@pytest.mark.parametrize(
    "text", ["Janet makes $42 every day.", "First 3.\nThen 42.", "**$42**", "…\n\n42", "$42$", "她有42元。"]
)
def test_what_a_text_ends_with_is_its_answer_where_it_is_the_right_one(text):
    assert judge_answers([(text, "42"), (text, "43")]) == ["right", "none"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The answer is 4. No: the answer is 5.", "5."),
        ("A: 12\nB: 18\nThe answer is B", "B"),
        ("Answer: 3\nA: 4", "4"),
        ("48 points/answer = 3", ""),
        ("Answer: 4\nso \\boxed{5}, or \\boxed{6}\nok", "5, 6"),
        ("\\boxed{\\frac{1}{\\sqrt{\\frac{2}{3}}}}", "\\frac{1}{\\sqrt{\\frac{2}{3}}}"),
        ("\\boxed{1", ""),
        ("It is so. Or the answer is 7", "or 7"),
    ],
)
def test_the_last_statement_counts(text, words):
    assert find_answer(text).words == words


def test_braces_of_any_depth_are_matched():
    deep = "{" * 300 + "1" + "}" * 300
    assert unbox(f"a \\boxed{deep} b \\{{") == f"a  {deep[1:-1]}  b \\{{"
    assert [box.start for box in find_boxes("\\boxed{\\boxed{1}} \\fbox{2} \\boxed{")] == [0, 18]
    assert unbox("\\boxed{\\boxed{1}}").split() == ["1"]


HOSTILE = [
    "answer:",
    "- ",
    "\\boxed{",
    "$",
    "**",
    "answer: ",
    "答案",
    "1 ",
    "{",
    "or the final answer ",
    ". ",
    "#",
    "\\frac",
    "１",
    "the ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_text_is_searched_in_linear_time(piece):
    def cost(repeats):
        started = time.process_time()
        find_answer(piece * repeats)
        return time.process_time() - started

    assert min(cost(10_000) for _ in range(3)) < 40 * min(cost(1_000) for _ in range(3)) + 0.05
