"""Heads of chapters in the languages that books are written in, and which of them begin one.

A head is a line of its own: a word for a part of a book with a number ("Kapitel 3", "Глава первая", "第十二回", "제1장",
"3. fejezet"), or a word such as Prologue. Where a book has none, lines that hold nothing but the next number (I, II, III)
are its heads.
"""

import re
from collections.abc import Sequence

WORDS = {
    "en": "chapter book part canto act scene letter section volume",
    "de": "kapitel teil buch akt aufzug szene auftritt brief abschnitt gesang band",
    "fr": "chapitre livre partie acte scène chant lettre tome",
    "es": "capítulo capitulo libro parte acto escena canto carta tomo jornada",
    "pt": "livro ato cena parte",
    "it": "capitolo libro parte atto scena lettera",
    "nl": "hoofdstuk deel boek bedrijf toneel tooneel",
    "sv da no": "kapitlet del bok bog akt scen scene",
    "pl cs": "rozdział część księga kapitola část kniha díl",
    "fi hu": "luku osa fejezet rész könyv",
    "ro": "capitolul partea cartea",
    "tr": "bölüm kısım kitap",
    "id tl": "bab bagian kabanata",
    "vi": "chương phần hồi quyển",
    "ru uk bg sr": "глава часть книга том действие акт явление сцена письмо розділ частина част поглавље део",
    "el": "κεφάλαιο κεφάλαιον κεφαλαιο μέρος βιβλίο",
    "ar fa ur": "الفصل الباب الجزء الكتاب فصل بخش باب",
    "he": "פרק חלק",
    "hi mr bn ta": "अध्याय भाग परिच्छेद প্রকরণ অধ্যায় অধ্যায় পরিচ্ছেদ அத்தியாயம்",
}
CARDINALS = {
    "en": "one two three four five six seven eight nine ten eleven twelve",
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "un une deux trois quatre cinq sept huit neuf dix onze douze",
    "es pt it": "uno dos tres cuatro cinco seis siete ocho nueve diez once doce um uma dois três quatro sete oito nove dez "
    "due tre cinque sei sette otto dieci",
    "nl tr vi id": "een twee drie bir iki üç một hai ba bốn năm sáu bảy tám chín mười nhất satu dua tiga",
    "ru hi": "один два три एक दो तीन",
}
ORDINALS = {
    "en": "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth last",
    "de": "erste zweite dritte vierte fünfte sechste siebte siebente achte neunte zehnte erster zweiter dritter vierter "
    "fünfter erstes zweites drittes viertes fünftes sechstes siebtes siebentes achtes neuntes zehntes elftes zwölftes "
    "letztes",
    "fr": "premier première second seconde deuxième troisième quatrième cinquième sixième septième huitième neuvième "
    "dixième dernier dernière",
    "es pt it": "primero primera segundo segunda tercero tercera cuarto cuarta quinto quinta sexto séptimo octavo noveno "
    "décimo primeiro primeira terceiro terceira quarto quarta primo prima secondo seconda terzo terza último",
    "nl sv": "eerste tweede derde vierde vijfde första andra tredje fjärde femte",
    "pl cs": "pierwszy drugi trzeci czwarty piąty pierwsza druga trzecia první druhá třetí",
    "fi hu": "ensimmäinen toinen kolmas első második harmadik negyedik ötödik",
    "tr id": "birinci ikinci üçüncü dördüncü beşinci pertama kedua ketiga",
    "ru uk": "первая вторая третья четвертая четвёртая пятая шестая седьмая восьмая девятая десятая первый второй третий "
    "четвертый четвёртый пятый первое второе третье перша друга третя",
    "el": "πρώτο δεύτερο τρίτο τέταρτο πέμπτο πρώτον δεύτερον τρίτον α΄ β΄ γ΄ δ΄",
    "ar fa": "الأول الثاني الثالث الرابع الخامس السادس السابع الثامن التاسع العاشر الأولى الثانية الثالثة اول دوم سوم "
    "چهارم پنجم یکم نخست",
    "he hi": "ראשון שני שלישי רביעי חמישי पहला दूसरा तीसरा चौथा पाँचवाँ प्रथम द्वितीय तृतीय",
}
STANDING = {
    "prologue prolog epilogue epilog preface foreword introduction afterword conclusion postscript interlude",
    "vorwort einleitung nachwort vorrede zwischenspiel préface avant-propos prologue épilogue introduction conclusion",
    "prólogo epílogo prefacio introducción prefácio introdução prologo epilogo prefazione introduzione",
    "voorwoord inleiding förord wstęp prolog przedmowa пролог эпилог предисловие введение послесловие вступ епілог",
    "πρόλογος επίλογος önsöz sonsöz lời nói đầu مقدمة خاتمة مقدمه הקדמה प्रस्तावना उपसंहार",
    "序章 楔子 引子 序 序言 序幕 前言 自序 尾声 尾聲 终章 終章 后记 後記 跋 プロローグ エピローグ まえがき あとがき はじめに おわりに",
    "프롤로그 에필로그 머리말 서문 서장 종장 맺음말",
}
CONTENTS = {
    *(
        "contents",
        "table of contents",
        "inhalt",
        "inhaltsverzeichnis",
        "table des matières",
        "table",
        "índice",
        "indice",
    ),
    *("sommario", "sumário", "inhoud", "innehåll", "spis treści", "obsah", "содержание", "оглавление", "зміст"),
    *("περιεχόμενα", "içindekiler", "daftar isi", "mục lục", "المحتويات", "الفهرس", "فهرست", "תוכן העניינים"),
    *("विषय सूची", "สารบัญ", "目录", "目錄", "目次", "차례", "목차"),
}
"""Titles of lists of contents."""
HAN_DIGITS = "〇零一二三四五六七八九十百千两兩廿卅"


def alternatives(words: Sequence[str]) -> str:
    return "|".join(map(re.escape, sorted({one for line in words for one in line.split()}, key=len, reverse=True)))


WORD, ORDINAL = alternatives([*WORDS.values()]), alternatives([*ORDINALS.values()])
NUMBER = alternatives([*CARDINALS.values(), *ORDINALS.values()])
TITLE = r"(?P<title>(?:[\s.:：、)\]—–-].{0,80})?)$"
MARKED_TITLE = r"(?P<title>(?:\s*[.:：—–-].{0,80})?)$"
ROMAN = "[ivxlc]{1,8}"
HEADS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^\s*(?P<label>(?:{WORD})(?:\s+the|\s+thứ)?\s+(?:{ROMAN}|\d{{1,3}}|{NUMBER}|[א-ת]{{1,2}}[׳']?)){TITLE}",
        rf"^\s*(?P<label>(?:(?:the\s+)?(?:{ORDINAL})|{ROMAN}\.|\d{{1,3}}(?:\.|st|nd|rd|th|er|re|ère|e|ème|º|ª|°))\s+(?:{WORD})){MARKED_TITLE}",
        rf"^\s*(?P<label>第\s*[\d{HAN_DIGITS}]{{1,8}}\s*[章回节節卷部篇折幕集话話場场])(?P<title>.{{0,60}})$",
        r"^\s*(?P<label>제\s*[\d일이삼사오육칠팔구십백]{1,6}\s*[장화회편부권막절])(?P<title>(?:[\s.:].{0,60})?)$",
        r"^\s*(?P<label>(?:บทที่|ตอนที่|ภาคที่|ภาค|บท)\s*\d{1,3})(?P<title>.{0,80})$",
        rf"^\s*(?P<label>{alternatives(sorted(STANDING))})(?P<title>[.:]?)\s*$",
    )
]
COUNT = re.compile(rf"\b(?:{ROMAN}|\d+|{NUMBER})\b|[\d{HAN_DIGITS}일이삼사오육칠팔구십백]+")
BARE = re.compile(
    rf"^\s*(?:(?P<roman>{ROMAN})|(?P<digits>\d{{1,3}})|(?P<han>[{HAN_DIGITS}]{{1,5}}))\s*(?:[.、]\s*)?$", re.I
)
CLAUSE = re.compile(r"\s+[a-zà-ÿа-я]")
"""A title in small letters right behind the number: a sentence ("Part two was harder")."""
NO_HEAD_END = (",", ";", "，", "；", "。", "、", "،", "؛")
LONGEST_HEAD = 120
"""Characters of a line that can be a head."""
MOST_LINES = 3
"""Lines of text directly below a head (its title), else it is the beginning of a paragraph."""
LEAST_WORDS = 50
"""Words below a head that make it the head of a chapter and no line of a list of contents."""
ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


def label_of(line: str) -> str | None:
    """ "chapter 3" of "CHAPTER 3. The Ferry"; None where the line is no head."""
    line = line.strip()
    if len(line) > LONGEST_HEAD or line.endswith(NO_HEAD_END):
        return None
    found = next((match for head in HEADS if (match := head.match(line))), None)
    if found is None or CLAUSE.match(found["title"]):
        return None
    return " ".join(found["label"].casefold().split())


def heads_of(lines: list[str], first: int, last: int) -> dict[int, str]:
    """Line -> label of the heads between two lines. Where lines are paragraphs, any line may be one; else a block begins with it."""
    labels = {n: label for n in range(first, last) if (label := label_of(lines[n]))}
    blank = {n for n in range(first, last) if not lines[n].strip()}
    if len(blank) * 20 < last - first:
        return labels
    return {n: label for n, label in labels.items() if begins_block(n, first, last, labels, blank)}


def begins_block(n: int, first: int, last: int, labels: dict[int, str], blank: set[int]) -> bool:
    """Whether a blank line or another head stands above the line, and no paragraph follows below it without one."""
    if n > first and n - 1 not in blank and n - 1 not in labels:
        return False
    window = range(n + 1, min(n + MOST_LINES + 2, last))
    return len(window) <= MOST_LINES or any(after in blank or after in labels for after in window)


def bare_heads(lines: list[str], first: int, last: int) -> dict[int, str]:
    """Heads that are a number alone between blank lines, where they count 1, 2, … (again from 1 in a new part)."""
    found: dict[int, str] = {}
    due = 1
    for n in range(first, last):
        alone = (n == first or not lines[n - 1].strip()) and (n + 1 >= last or not lines[n + 1].strip())
        if alone and (match := BARE.match(lines[n])) and (value := value_of(match)) in (due, 1):
            found[n] = str(value)
            due = value + 1
    return found if len(found) > 1 else {}


def value_of(match: re.Match[str]) -> int:
    if match["digits"]:
        return int(match["digits"])
    if match["roman"]:
        values = [ROMAN_VALUES[letter] for letter in match["roman"].lower()]
        return sum(-v if v < max(values[n:]) else v for n, v in enumerate(values))
    value = 0
    for part in re.split("([十百])", match["han"]):
        if part in ("十", "百"):
            tens = 10 if part == "十" else 100
            value += (tens - 1) * (value % 10) if value % 10 else tens
        else:
            value += max((HAN_DIGITS.index(digit) - 1 for digit in part if digit in HAN_DIGITS[:11]), default=0)
    return value


def chapter_starts(heads: dict[int, str], words: list[float]) -> list[int]:
    """The heads that begin a chapter. `words`: of the text below each head, up to the next.

    A line of a list of contents has few. The last of the list is followed by what stands before the first chapter: it is
    known by its label, which comes again.
    """
    last_of = {label: place for place, label in heads.items()}
    found: list[int] = []
    short: list[
        tuple[bool, str]
    ] = []  # of the heads right before this one: whether the label comes again, and its word
    for (place, label), count in zip(heads.items(), words, strict=True):
        comes_again, word = last_of[label] > place, COUNT.sub("#", label)
        if count < LEAST_WORDS:
            short.append((comes_again, word))
            continue
        ends_list = comes_again and bool(short) and all(again for again, _ in short) and short[-1][1] == word
        if not ends_list:
            found.append(place)
        short = []
    return found
