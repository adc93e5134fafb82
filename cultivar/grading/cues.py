r"""Where a text gives its final answer: behind "the answer is" in many languages, in a box, or in its last sentence.

The last statement counts, and the boxes behind it. A text without one may still end with its answer: a last line that
is a value alone, or a last sentence with one number. That is an answer where it is the right one, and none where not.
"""

import re
from typing import NamedTuple

from cultivar.grading.boxes import find_boxes
from cultivar.grading.numerals import to_ascii
from cultivar.grading.values import BOUND, CHANGED, is_denied

MAX_CHARS = 300
"""Characters of a final answer."""
SENTENCE_CHARS = 400
"""Characters of a last sentence that may hold the answer."""

COLON = r"[:：=]"
LINE = r"(?:^|(?<=[^\w\s/]))[^\S\n]*"
HEAD, TAIL = r"^[#*\s>_]{0,12}", r"[*_:：\s]{0,8}$"
CUES = {  # a word in lower case -> what states the answer with it: a sentence, a line that begins with it, a heading
    "####": "####",
    "answer": rf"(?:\b(?:so|the|my|our|final|correct|right)\s+){{1,3}}answer(?:\s+is\b|[\s*]*{COLON})|"
    rf"{LINE}answer[\s*]*{COLON}|{HEAD}(?:the\s+)?(?:final\s+)?answer{TAIL}",
    "respuesta": rf"\bla\s+respuesta(?:\s+(?:final|correcta))?(?:\s+(?:es|sería)\b|[\s*]*{COLON})|"
    rf"{LINE}respuesta(?:\s+final)?[\s*]*{COLON}|{HEAD}respuesta(?:\s+final)?{TAIL}",
    "réponse": rf"\bla\s+(?:bonne\s+)?réponse(?:\s+(?:finale|correcte|exacte))?(?:\s+(?:est|serait)\b|[\s*]*{COLON})|"
    rf"{LINE}réponse(?:\s+finale)?[\s*]*{COLON}|{HEAD}réponse(?:\s+finale)?{TAIL}",
    "antwort": rf"\bdie\s+(?:(?:endgültige|richtige|korrekte)\s+)?antwort(?:\s+(?:ist|lautet)\b|[\s*]*{COLON})|"
    rf"{LINE}antwort[\s*]*{COLON}|{HEAD}(?:endgültige\s+)?antwort{TAIL}",
    "ergebnis": rf"{LINE}(?:end)?ergebnis[\s*]*{COLON}|{HEAD}(?:end)?ergebnis{TAIL}",
    "lösung": rf"\bdie\s+lösung\s+(?:ist|lautet)\b|{LINE}lösung[\s*]*{COLON}",
    "resposta": rf"\ba\s+resposta(?:\s+(?:final|correta))?(?:\s+(?:é|e)\b|[\s*]*{COLON})|"
    rf"{LINE}resposta(?:\s+final)?[\s*]*{COLON}|{HEAD}resposta(?:\s+final)?{TAIL}",
    "risposta": rf"\bla\s+risposta(?:\s+(?:finale|corretta|esatta))?(?:\s+è|[\s*]*{COLON})|"
    rf"{LINE}risposta(?:\s+finale)?[\s*]*{COLON}|{HEAD}risposta(?:\s+finale)?{TAIL}",
    "antwoord": rf"\bhet\s+(?:juiste\s+)?antwoord\s+is\b|{LINE}antwoord[\s*]*{COLON}",
    "jawaban": rf"\bjawaban(?:nya|\s+akhir(?:nya)?)?(?:\s+adalah\b|[\s*]*{COLON})|{HEAD}jawaban(?:\s+akhir)?{TAIL}",
    "đáp ": rf"đáp\s+(?:án|số)(?:\s+(?:cuối\s+cùng|đúng))?(?:\s+là\b|[\s*]*{COLON})|{HEAD}đáp\s+(?:án|số){TAIL}",
    "câu trả lời": rf"câu\s+trả\s+lời(?:\s+(?:cuối\s+cùng|đúng))?(?:\s+là\b|[\s*]*{COLON})",
    "cevap": rf"(?:\bdoğru\s+|{LINE})cevap[\s*]*{COLON}|{HEAD}cevap{TAIL}",
    "yanıt": rf"{LINE}yanıt[\s*]*{COLON}",
    "svar": rf"\bsvaret\s+(?:är|er)\b|{LINE}svar[\s*]*{COLON}",
    "odpowiedź": rf"\bodpowiedź(?:\s+to\b|[\s*]*{COLON})",
    "odpověď": rf"\bodpověď(?:\s+je\b|[\s*]*{COLON})",
    "răspuns": rf"\brăspunsul(?:\s+final)?\s+este\b|{LINE}răspuns[\s*]*{COLON}",
    "válasz": rf"\ba\s+válasz[\s*]*{COLON}|{LINE}válasz[\s*]*{COLON}",
    "vastaus": rf"\bvastaus(?:\s+on\b|[\s*]*{COLON})",
    "απάντηση": rf"απάντηση(?:\s+είναι\b|[\s*]*{COLON})|{HEAD}απάντηση{TAIL}",
    "ответ": rf"\bответ(?:[\s*]*{COLON}|\s*[—–-]|\s+равен\b)|{HEAD}(?:окончательный\s+)?ответ{TAIL}",
    "відповідь": rf"\bвідповідь(?:[\s*]*{COLON}|\s*[—–-])",
    "答案": rf"(?<!错误)(?<!错误的)(?<!錯誤)(?<!錯誤的)答案(?:就?是|应?为|應?為|等于|[\s*]*{COLON})|"
    rf"{HEAD}(?:最终|最終)?答案{TAIL}",
    "答": rf"(?<![一-龥])答(?:え|复)?(?:は|[\s*]*{COLON})|最終的な答えは|{HEAD}(?:最終的な)?答え{TAIL}",
    "解答": rf"解答(?:は|[\s*]*{COLON})",
    "正解": rf"正解(?:は|[\s*]*{COLON})",
    "답": rf"(?:정답|답)(?:은|[\s*]*{COLON})|{HEAD}(?:최종\s*)?(?:정답|답){TAIL}",
    "الجواب": rf"الجواب(?:\s+(?:النهائي|الصحيح))?\s*(?:هو\b|{COLON})|{HEAD}الجواب(?:\s+النهائي)?{TAIL}",
    "الإجابة": rf"الإجابة(?:\s+(?:النهائية|الصحيحة))?\s*(?:هي\b|{COLON})|{HEAD}الإجابة(?:\s+النهائية)?{TAIL}",
    "پاسخ": rf"پاسخ(?:\s+نهایی)?(?:[^\S\n]*{COLON}|\s+(?=\d))",
    "جواب": rf"(?<!\w)جواب[^\S\n]*{COLON}",
    "उत्तर": rf"उत्तर(?:\s*है)?\s*{COLON}|उत्तर\s+(?=[\d$₹\\])|{HEAD}(?:अंतिम\s+)?उत्तर{TAIL}",
    "উত্তর": rf"উত্তর\s*(?:হল\b|{COLON}|(?=\d))",
    "ตอบ": rf"คำตอบ\s*(?:คือ|{COLON})|(?<![ก-๛])ตอบ\s*(?:{COLON}\s*)?(?=\d)",
    "התשובה": rf"התשובה\s*(?:היא\b|{COLON})",
}
MARKS = {word: re.compile(cue, re.IGNORECASE | re.MULTILINE) for word, cue in CUES.items()}
BEHIND = re.compile(r"[\s:：*_]*(?=\S)")
OR = re.compile(r"(?:\b(?:or|o|ou|oder|или)\s+(?:the\s+)?|或者?|または)$", re.IGNORECASE)
LAST_LINE_MARK = re.compile(r"[*_#>\s]{0,8}(?:A|Ans|R)[*_]{0,2}[:：][*_]{0,2}\s*(?=\S)")
"""At the begin of a text's last line: A: 18."""

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？।؟])\s*")
ENDED = re.compile(r"[.!。！।]['\"”’»」』)*_\s]{0,8}$")
NUMBER = re.compile(r"(?<![A-Za-z0-9_.,])[$€£¥₹]?\d+(?:[.,]\d+)*")
BARE = re.compile(r"[*_`\s]*\W?-?\W?\d[\d.,/]*\W{0,3}[^\W\d_]{0,12}[.。!*_`\s]*")
AROUND = re.compile(r"[=<>≤≥≈+*/^_×÷\\{}\[\]|]|(?<=\d)\s*[-–—]\s*(?=\d)")


class Place(NamedTuple):
    """The words of an answer, and whether the text says that they are its answer."""

    words: str
    is_stated: bool = True


def find_answer(text: str) -> Place:
    """The answer that a text gives last; no words where it gives none."""
    text = text.rstrip()
    start, end = last_mark(text)
    begin = text.rfind("\n") + 1
    begun = LAST_LINE_MARK.match(text, begin)
    if begun and end < begun.end():
        first, rest, before = text[begun.end() :], "", ""
    elif end >= 0:
        first, _, rest = text[end:].partition("\n")
        before = "or " if OR.search(text[max(0, start - 16) : start]) else ""
    else:
        first, rest, before = "", text, ""
    if words := boxed(rest) or (first and before + first):
        return Place(words.strip() if len(words) <= MAX_CHARS else "")
    return Place(ending(text), is_stated=False)


def last_mark(text: str) -> tuple[int, int]:
    """Where the last statement of an answer begins, and where the answer does; (-1, -1) without one."""
    lower = text.lower()
    last = (-1, -1)
    for word, pattern in MARKS.items():
        if word not in lower:
            continue
        for mark in pattern.finditer(text):
            if mark.end() > last[1] and (behind := BEHIND.match(text, mark.end())):
                last = max(last, (mark.start(), behind.end()), key=lambda place: place[1])
    return last


def boxed(rest: str) -> str:
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
    *_, sentence = ["", *filter(None, SENTENCE_END.split(text[-SENTENCE_CHARS:].rpartition("\n")[2].strip()))]
    return only_number(sentence) if ENDED.search(sentence) else ""


def only_number(sentence: str) -> str:
    """The one number of a sentence with what follows it.

    Empty where there are more, signs around it, a denial, or a word that may make another number of it.
    """
    sentence = to_ascii(sentence)
    numbers = list(NUMBER.finditer(sentence))
    if len(numbers) != 1 or AROUND.search(sentence) or is_denied(sentence) or CHANGED.search(sentence):
        return ""
    before = sentence[: numbers[0].start()][-40:]
    if before.endswith(("-", "#", "№")) or BOUND.search(before):
        return ""
    return sentence[numbers[0].start() :]


def last_answer(text: str) -> str:
    """The words that a text gives last as its answer, to the end of the line or the boxes of a line; empty for none."""
    return find_answer(text).words
