"""Sentences of a text in any script.

A sentence ends at a mark of its script (Unicode's Sentence_Terminal) with the closing quotes and brackets behind it. The
full stop is also the point of decimals, addresses, abbreviations, initials, ordinals and list numbers, so it ends a
sentence only before white space and by `is_full_stop`. Line breaks end nothing, as in Punkt (Kiss and Strunk 2006), which
counts IFEval's sentences: on ordinary English both agree, apart from list numbers, which Punkt takes for sentences.

Thai and Lao put spaces where sentences end, and elsewhere too: such text has a least and a greatest number of sentences.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

ALWAYS = "։؟܀܁܂߹।॥။።፧፨។៕᠃᠉᱾᱿꫰꫱꯫꓿꘎꘏꛳꛷‼‽⁇⁈⁉。｡！？﹖﹗︒︕︖\u037e"
"""Marks that end a sentence whatever follows. A Burmese ၊ is a comma."""
CLOSING = "\"'”’“‘»«›‹)\\]}）］｝」』】》〉〕〗〙*_~"
"""What may stand between the mark and the space behind it; an opening quote of one language closes in another."""
OPENING = "([{<¿¡（「"
END = re.compile(rf"(?:[.．!?…۔{ALWAYS}]+|(?<=[α-ωά-ώ]);)(?:[{CLOSING}]|\s[»›](?=[\s.,;:!?]|\Z))*")
QUOTING = re.compile("と|って")
"""Japanese goes on with the sentence that quotes."""
WINDOW = 32
"""Characters before a full stop that are looked at."""

INTRODUCING = frozenset(
    "mr mrs dr mme mlle mgr vs cf viz e.g i.e eg ie z.b d.h bzw ca vgl ggf evtl inkl sog p.ej p.ex т.е напр "
    "sra srta dra dña sig dott dhr mevr bijv bv t.ex np tj tzn např ths pgs tp डॉ प्रो श्री ডা ড د أ.د".split()
)
"""Abbreviations that something always follows."""
ABBREVIATIONS = frozenset(
    "ms prof st sr jr inc ltd co corp llc etc al a.m p.m u.s u.k u.n ph.d b.a m.a no dept univ assn bros ave blvd rd approx "
    "gen col capt lt sgt rev hon gov sen rep pres supt messrs "
    "usw u.a o.ä u.ä s.o s.u str nr hr fr bd jh abb hrsg geb gest ud uds vd vds ee.uu av avda pág págs núm art "
    "env éd exmo exma ecc pag mln mld enz o.a blz osv bl.a m.fl itd itp ul godz atd v.v dll dsb bpk vb sn "
    "т.д т.п т.к др г гг ул проф руб коп млн млрд тыс стр рис гл см к.λπ κ.λπ π.χ রু रु कु".split()
)
"""Abbreviations that may also be the last word of a sentence."""
HALVED = frozenset(f"{word}." for word in INTRODUCING | ABBREVIATIONS if "." in word)
"""Abbreviations of two words with the full stop behind the second."""
BEFORE_NUMBERS = frozenset(
    "no nr nos fig figs vol p pp ch sec eq art pág págs núm pag str s c рис стр гл "
    "jan feb mar apr jun jul aug sept sep oct nov dec".split()
)
ORDINAL_NOUNS = frozenset(
    "januar jänner februar märz april mai juni juli august september oktober november dezember desember december "
    "marts januari februari mars maj augusti ocak şubat jahrhundert jahrhunderts klasse stock kapitel januára "
    "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
    "marraskuuta joulukuuta ledna února března dubna května června července srpna září října listopadu prosince".split()
)
"""Words before which a number with a full stop is an ordinal (German, Scandinavian, Finnish, Czech)."""
STARTERS = frozenset(
    "the a an it he she they we you i this that these those there his her its their our my and but or so if when while "
    "after before in on at as for from with by however then what who why how where not yes "
    "der die das ein eine er sie es wir ihr ich dies diese dieser und aber oder wenn als nach im am auf mit von zu für "
    "dann doch auch le les un une il elle ils elles nous vous je ce cette ces et mais ou si quand dans sur avec pour "
    "el los las él ella ellos ellas yo esto esta este estos y pero o cuando en con por para no "
    "os um uma ele ela eles nós eu isto e mas quando em com lo gli noi io questo questa ma se nel "
    "он она они мы вы я это этот эта эти и но а если когда в на с по для от het een hij zij wij ik dit deze maar".split()
)
"""Words that begin a sentence behind an abbreviation when they have a capital: names seldom do."""
ONLY_A_NUMBER = re.compile(r"[\s*_(#>-]*(?:\d{1,3}|[A-Za-z]|[IVXivx]{1,5})[.．][\s*_]*\Z")
ACRONYM = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
LIST_LETTER = re.compile("[ivx]{1,5}|[a-z]")
THAI = re.compile("[\u0e00-\u0e7f]")
INITIAL = re.compile(r"[^\W\d_]\.")
NEXT_WORD = re.compile(r"[\w'’-]+\.?")
SPACELESS_LETTER = re.compile(
    "[\u2e80-\u2fdf\u3005-\u30ff\u3105-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff]"
)
UNMARKED_LETTER = re.compile("[\u0e01-\u0e2e\u0e81-\u0eae]")
"""Consonants of Thai and Lao."""


def split_sentences(text: str) -> list[str]:
    """The sentences of a text without the space around them; what holds no letter or digit belongs to the one before.

    Linear in the length of the text.
    """
    starts: list[int] = []
    follows_number = False
    for start, end in spans_between_ends(text):
        part = text[start:end]
        if not starts or (any(map(str.isalnum, part)) and not follows_number):
            starts.append(start)
        follows_number = not follows_number and ONLY_A_NUMBER.match(part) is not None
    pieces = (text[start:end].strip() for start, end in pairwise([*starts, len(text)]))
    return [piece for piece in pieces if piece]


def count_sentences(text: str) -> tuple[int, int]:
    """The least and the greatest number of sentences in a text: apart only where a script does not mark their ends."""
    least = most = 0
    for sentence in split_sentences(text):
        least += 1
        if UNMARKED_LETTER.search(sentence):
            most += sum(UNMARKED_LETTER.search(chunk) is not None for chunk in sentence.split())
        else:
            most += 1
    return least, most


def spans_between_ends(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in END.finditer(text):
        if is_end(text, match):
            yield start, match.end()
            start = match.end()
    if start < len(text):
        yield start, len(text)


def is_end(text: str, match: re.Match[str]) -> bool:
    """Whether a run of marks ends a sentence."""
    marks = match.group()
    if marks[-1] in "」』" and QUOTING.match(text, match.end()):
        return False
    if any(mark in ALWAYS for mark in marks):
        return True
    following = text[match.end() : match.end() + WINDOW]
    before = text[max(0, match.start() - WINDOW) : match.start()]
    if following and not following[0].isspace():
        glued = SPACELESS_LETTER.match(following) is not None
        return glued and "…" not in marks and (marks[0] not in ".．" or bool(SPACELESS_LETTER.match(before[-1:])))
    rest = following.lstrip()
    if "!" in marks or "?" in marks or not rest:
        return True
    if "…" in marks or marks.startswith(".."):
        return "\n" in following.partition(rest[0])[0] or begins_with_capital(rest)
    return "۔" in marks or is_full_stop(before, rest, starts_text=match.start() <= WINDOW)


def begins_with_capital(text: str) -> bool:
    """Whether the first letter is a capital, other than English I."""
    word = NEXT_WORD.search(text)
    return word is not None and word.group()[0].isupper() and re.match(r"I\b", word.group()) is None


def is_full_stop(before: str, rest: str, *, starts_text: bool) -> bool:
    """Whether a full stop between `before` and white space and `rest` ends a sentence.

    Not behind an abbreviation or an initial, unless a word that begins sentences follows with a capital; nor behind a
    list number, an ordinal, or a Thai letter (Thai uses it to abbreviate).
    """
    line_start = before.rfind("\n") + 1
    words = before[line_start:].split()
    if not words or before[-1:].isspace():
        return True
    last = words[-1].strip(CLOSING + OPENING)
    word = last.casefold()
    pair = words[-2].casefold() + word if len(words) > 1 and words[-2].endswith(".") else ""
    following = NEXT_WORD.search(rest)
    next_word = following.group() if following else ""
    begins_line = len(words) == 1 and (line_start > 0 or starts_text)
    if word.isdigit() or (begins_line and LIST_LETTER.fullmatch(word)):
        in_list = words[-1][0] == "(" or (len(words) > 1 and words[-2][-1] in ";:,")
        is_item = begins_line or (in_list and len(word) < 3)
        return not is_item and next_word.casefold().strip(".") not in ORDINAL_NOUNS
    if word in INTRODUCING or pair in INTRODUCING or f"{word}.{next_word.casefold()}" in HALVED:
        return False
    is_initial = len(word) == 1 and (last.isupper() or INITIAL.fullmatch(next_word))
    if word in BEFORE_NUMBERS and not is_initial:
        return not next_word[:1].isdigit()
    if is_initial or word in ABBREVIATIONS or pair in ABBREVIATIONS or ACRONYM.fullmatch(word):
        return next_word[:1].isupper() and next_word.casefold() in STARTERS
    return not THAI.match(before[-1])
