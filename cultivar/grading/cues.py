r"""Where a text gives its final answer: behind "the answer is" in many languages, in a box, or in its last sentence.

The last statement counts, and the boxes behind it. A text without one may still end with its answer: a last line that
is a value alone, or a last sentence with one number. That is an answer where it is the right one, and none where not.
"""

import re
from typing import NamedTuple

from cultivar.grading.boxes import find_boxes
from cultivar.grading.numerals import to_ascii
from cultivar.grading.values import is_denied

MAX_CHARS = 300
"""Characters of a final answer."""
SENTENCE_CHARS = 400
"""Characters of a last sentence that may hold the answer."""

ADJECTIVES = (
    r"(?:final|correct|right|respuesta|correcta|finale?|exacte|bonne|correta|corretta|endgültige|richtige|"
    r"правильный|окончательный|итоговый)"
)
STATED = [  # each language: what stands before the answer, with its verb or colon
    r"(?:\b(?:so|the|my|our|final|correct|right)\s+){1,3}answer(?:\s+is\b|[\s*]*[:=])",
    r"\bla\s+respuesta(?:\s+(?:final|correcta))?(?:\s+(?:es|sería)\b|[\s*]*:)",
    r"\bla\s+(?:bonne\s+)?réponse(?:\s+(?:finale|correcte|exacte))?(?:\s+(?:est|serait)\b|[\s*]*:)",
    r"\bdie\s+(?:(?:endgültige|richtige|korrekte)\s+)?(?:antwort|lösung)(?:\s+(?:ist|lautet)\b|[\s*]*:)",
    r"\ba\s+resposta(?:\s+(?:final|correta))?(?:\s+(?:é|e)\b|[\s*]*:)",
    r"\bla\s+risposta(?:\s+(?:finale|corretta|esatta))?(?:\s+è|[\s*]*:)",
    r"\bhet\s+(?:juiste\s+)?antwoord(?:\s+is\b|[\s*]*:)",
    r"\bjawaban(?:nya|\s+akhir(?:nya)?)?(?:\s+adalah\b|[\s*]*:)",
    r"(?:đáp\s+(?:án|số)|câu\s+trả\s+lời)(?:\s+(?:cuối\s+cùng|đúng))?(?:\s+là\b|[\s*]*:)",
    r"\bsvaret\s+(?:är|er)\b",
    r"\bodpowiedź(?:\s+to\b|[\s*]*:)",
    r"\bodpověď(?:\s+je\b|[\s*]*:)",
    r"(?:\b(?:правильный|окончательный|итоговый)\s+)?\bответ(?:\s*[:=—–-]|\s+равен\b)",
    r"\bвідповідь(?:\s*[:=—–-])",
    r"(?:η\s+)?απάντηση(?:\s+είναι\b|[\s*]*:)",
    r"(?<!错误)(?<!错误的)(?<!錯誤)(?<!錯誤的)(?:答案|答复)(?:就?是|应?为|應?為|等于|[\s*]*[:：=])",
    r"(?<![一-龥])答[\s*]*[:：]",
    r"(?:答え|解答|正解|回答)(?:は|[\s*]*[:：=])",
    r"(?:정답|답)(?:은|는|[\s*]*[:：=])",
    r"(?:الجواب|الإجابة|الناتج)(?:\s+(?:النهائي|النهائية|الصحيح|الصحيحة))?\s*(?:هو|هي|[:：=])",
    r"(?:پاسخ|جواب)(?:\s+نهایی)?\s*[:：=]",
    r"(?:सही\s+|अंतिम\s+)?उत्तर(?:\s*(?:है\s*)?[:：=]|\s+(?=[\d०-९$₹\\]))",
    r"(?:সঠিক\s+)?উত্তর\s*(?:হল|[:：=])",
    r"คำตอบ\s*(?:คือ|[:：=])|(?<![฀-๿])ตอบ\s*[:：]?\s*(?=\d)",
    r"התשובה\s*(?:היא|[:：])",
]
AT_LINE_START = (
    r"answer|respuesta|réponse|antwort|lösung|ergebnis|endergebnis|resposta|risposta|antwoord|jawaban|cevap|yanıt|svar|"
    r"odpowiedź|răspuns|válasz|vastaus|solución\s+final|resultado"
)
HEADINGS = (
    r"(?:the\s+)?(?:final\s+)?answer|respuesta(?:\s+final)?|réponse(?:\s+finale)?|(?:end)?ergebnis|(?:endgültige\s+)?antwort|"
    r"resposta(?:\s+final)?|risposta(?:\s+finale)?|ответ|(?:最终|最終)?答案|(?:最終的な)?答え|(?:최종\s*)?(?:정답|답)|"
    r"(?:الإجابة|الجواب)(?:\s+النهائي(?:ة)?)?|(?:अंतिम\s+)?उत्तर|đáp\s+(?:án|số)|jawaban(?:\s+akhir)?|cevap"
)
ANSWER_MARK = re.compile(
    rf"(?:^[#*\s>_]{{0,12}}(?:{HEADINGS})[*_:：\s]{{0,8}}$"
    rf"|(\bor\s+|\bo\s+|\bou\s+|\boder\s+|\bили\s+|或者?|または)?(?:####|{'|'.join(STATED)}"
    rf"|(?:^|(?<=[^\w\s]))[^\S\n]*(?:{AT_LINE_START})[\s*]{{0,4}}[:：=]))[\s:：*_]*(?=\S)",
    re.IGNORECASE | re.MULTILINE,
)
LAST_LINE_MARK = re.compile(r"[*_#>\s]{0,8}(?:A|Ans|R|答|答案)[*_]{0,2}[:：][*_]{0,2}\s*(?=\S)")
"""At the begin of a text's last line: A: 18."""
SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।؟])\s*")
ENDED = re.compile(r"[.!。！।]['\"”’»」』)*_\s]{0,8}$")
NUMBER = re.compile(r"(?<![\w.,])[$€£¥₹]?\d+(?:[.,]\d+)*")
BARE = re.compile(r"[*_`\s]*\W?-?\W?\d[\d.,/]*\W{0,3}[^\W\d_]{0,12}[.。!*_`\s]*")
AROUND = re.compile(r"[=<>≤≥≈+*/^_×÷\\{}\[\]|]|(?<=\d)\s*[-–—]\s*(?=\d)")


class Place(NamedTuple):
    """The words of an answer, and whether the text says that they are its answer."""

    words: str
    is_stated: bool = True


def find_answer(text: str) -> Place:
    """The answer that a text gives last; no words where it gives none."""
    *_, mark = [None, *ANSWER_MARK.finditer(text)]
    text = text.rstrip()
    last = text[text.rfind("\n") + 1 :]
    begun = LAST_LINE_MARK.match(last)
    if begun and (mark is None or mark.end() < len(text) - len(last) + begun.end()):
        first, rest, before = last[begun.end() :], "", ""
    elif mark:
        first, _, rest = text[mark.end() :].partition("\n")
        before = mark[1] or ""
    else:
        first, rest, before = "", text, ""
    if words := boxed(first, rest) or (first and before + first):
        return Place(words.strip() if len(words) <= MAX_CHARS else "")
    return Place(ending(text), is_stated=False)


def boxed(first: str, rest: str) -> str:
    """The boxes of the last line that has some, behind the line that states the answer; empty for none."""
    boxes = find_boxes(rest)
    if not boxes:
        return ""
    line = rest.rfind("\n", 0, boxes[-1].start) + 1
    return ", ".join(dict.fromkeys(rest[box.inside : box.stop] for box in boxes if box.start >= line))


def ending(text: str) -> str:
    """A last line that is a value alone, or the number of a last sentence that has one, with what follows it."""
    line = text[text.rfind("\n") + 1 :].strip()
    if len(line) <= 40 and BARE.fullmatch(line):
        return line
    sentence = to_ascii(SENTENCE_END.split(text[-SENTENCE_CHARS:].rpartition("\n")[2].strip())[-1])
    numbers = list(NUMBER.finditer(sentence))
    if len(numbers) != 1 or not ENDED.search(sentence) or AROUND.search(sentence) or is_denied(sentence):
        return ""
    return sentence[numbers[0].start() :]


def last_answer(text: str) -> str:
    """The words that a text gives last as its answer, to the end of the line or the boxes of a line; empty for none."""
    return find_answer(text).words
