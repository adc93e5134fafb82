"""The form of a text in any script: whether it breaks off, and whether what it opens is closed.

Only what is surely broken counts: a text breaks off after a letter of a script whose sentences have an end mark, or
after a comma, dash or opening bracket; a fence is open if it is open in CommonMark's reading and where fences nest.
"""

import re

import polars as pl

from cultivar.text.phrases import CODE
from cultivar.text.tokens import UNSEEN

TAIL = 300
"""Characters of the end that are looked at."""
ENDLESS = (
    r"[\p{Thai}\p{Lao}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Javanese}\p{Balinese}\p{Sundanese}\p{Cham}]"
)
"""Scripts whose sentences need no mark at their end."""
ENDING_IN_WORDS = (
    r"[\p{Latin}\p{Greek}\p{Cyrillic}\p{Armenian}\p{Georgian}\p{Hebrew}\p{Arabic}\p{Devanagari}\p{Bengali}\p{Gurmukhi}"
    r"\p{Gujarati}\p{Oriya}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}"
    r"\p{Khmer}\p{Myanmar}"
    r"\p{Ethiopic}\p{Tibetan}\p{Mongolian}\p{Thaana}\p{Syriac}\p{Inherited}\p{Common}]"
)
LETTER = rf"[{ENDING_IN_WORDS}&&[\p{{L}}\p{{M}}--\p{{Me}}]]"
BREAKS_OFF = rf"(?:{LETTER}|[,،、，﹐､߸՝፣፥᠂᠈]|[\p{{Ps}}¿¡]|[\p{{Pd}}--[〜～〰]]|[+=<&/\\@])\z"
CLOSED_LINE = (
    r"(?m)^(?:[ \t]*(?:[-*+•‣◦·–—―]|\(?[\p{Nd}]{1,3}[.)、．）:-]|\(?\p{L}[.)）])[ \t]+[^\n]*"  # an item of a list
    r"|(?: {4}|\t)[^\n]*"  # a line of code
    r"|[ \t]*\|[^\n]*"  # a row of a table
    r"|[^\n]*(?:https?://|www\.)[^\s,，、]*"  # a link
    r"|[^\n]*[\p{L}\p{N}._+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+"  # an address
    r"|[^\n]*(?:^|\s)#[\p{L}\p{M}\p{N}_]+"  # a hashtag
    r"|[ \t*_#>]*(?:\p{L}[\p{L}\p{M}]* ?){1,3}[*_]*[:：][^\n,;，；\p{Ps}\p{Pi}]{1,50}"  # a label with its value
    r"|[^\n]*[:;]-?[DPpOo]"  # a face
    r"|[^\n]*\\[A-Za-z]+)\z"  # a command of LaTeX
)
SIGNATURE = r"[,،，、][*_ \t]*\n\s*[*_]*(?:[\p{Lu}\p{Lo}][^\s]{0,20})(?:[ \t]+[\p{L}&][^\s]{0,20}){0,3}\z"
"""A name on the line after a greeting that ends with a comma."""
FINAL_FORMS = r"(?:です|ます|でした|ました|ません|ましょう|ください|である|であった|니다|세요|해요|어요|아요|에요|예요|지요|네요|니까)\z"
"""Endings of Japanese and Korean verbs that only close a sentence."""
SHORT_LINES = r"\n(?:[^\n#*][^\n]{0,60})?[\p{L}\p{M}\p{N}]\n[^\n]{1,60}\z"
"""Two short lines without an end: of a list, a poem, a table of values."""

FENCES = (
    r"(?m)^[ \t]*(?:>[ \t]*)*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(?:`{3,}[^`\n]*|~{3,}[^\n]*)$"
    r"|^[^`\n]*[^`\s][^`\n]*`{3,}[ \t]*$"
)
"""Lines that open or close a block of code: a fence at their start, or behind the last line of the code."""
FENCE = re.compile(r"([ \t>]*(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?)(`{3,}|~{3,})(.*)", re.DOTALL)

LATEX = r"\\(?:begin|end)\{|\\\[|\\\]"
MENTION = r"\\(?:begin|end)\{[\p{L}*]+\}[ ,.;:]+\p{L}{2,}[ ,.;:]+\p{L}{2,}"
"""An environment that prose speaks of."""
ESCAPED = r"\\\[[^\[\]\n\\]{0,60}\]|\[[^\[\]\n\\]{0,60}\\\]"
"""A bracket that Markdown escapes."""


def breaks_off(texts: pl.Series) -> pl.Series:
    """Whether each text ends within a sentence, as far as its script shows that."""
    tail = texts.str.strip_chars_end().str.tail(TAIL).str.replace(rf"(?:\s|{UNSEEN})+\z", "")
    found = tail.str.contains(BREAKS_OFF).fill_null(False)
    places = found.arg_true()
    cut = tail.gather(places)
    whole = cut.str.contains("|".join([ENDLESS, CLOSED_LINE, SIGNATURE, FINAL_FORMS, SHORT_LINES]))
    return found.scatter(places, ~whole)


def has_open_fence(texts: pl.Series) -> pl.Series:
    """Whether a block of code is not closed."""
    marked = texts.str.contains_any(["```", "~~~"]).fill_null(False)
    places = marked.arg_true()
    lines = texts.gather(places).str.replace_all("\r", "").str.extract_all(FENCES)
    return marked.scatter(places, pl.Series([is_open(found) for found in lines.to_list()], dtype=pl.Boolean))


def is_open(lines: list[str]) -> bool:
    """Whether the fences stay open, both as CommonMark reads them and where blocks nest."""
    fences = [
        (found[2], found[3].strip(), found[3][:1] in ("", " ", "\t")) for line in lines if (found := FENCE.match(line))
    ]
    if len(fences) < len(lines):
        return len(lines) % 2 == 1
    return opened_flat(fences) and opened_nested(fences)


def opened_flat(fences: list[tuple[str, str, bool]]) -> bool:
    """CommonMark: a block ends at a bare fence of its own sign that is at least as long."""
    fence = info = ""
    for marks, words, _ in fences:
        if not fence:
            fence, info = marks, words
        elif not words and marks.startswith(fence):
            fence = ""
    return bool(fence) and (fence[0] == "`" or bool(info))


def opened_nested(fences: list[tuple[str, str, bool]]) -> bool:
    """A fence with a language opens a block in the block; any other closes the innermost."""
    stack: list[tuple[str, str]] = []
    for marks, words, closes in fences:
        if stack and closes and stack[-1][0][0] == marks[0]:
            stack.pop()
        else:
            stack.append((marks, words))
    return any(marks[0] == "`" or words for marks, words in stack)


def has_open_latex(texts: pl.Series) -> pl.Series:
    r"""Whether an environment or a display `\[` of LaTeX outside of code is not closed, or is closed without one."""
    marked = texts.str.contains_any(["\\begin{", "\\end{", "\\[", "\\]"]).fill_null(False)
    places = marked.arg_true()
    # A row break (\\) before a bracket is no display.
    prose = texts.gather(places).str.replace_all(CODE, " ").str.replace_all("\\\\", " ", literal=True)
    environments = differ(prose, "\\begin{", "\\end{") & differ(
        prose.str.replace_all(MENTION, " "), "\\begin{", "\\end{"
    )
    displays = differ(prose, "\\[", "\\]") & differ(prose.str.replace_all(ESCAPED, " "), "\\[", "\\]")
    return marked.scatter(places, environments | displays)


def differ(texts: pl.Series, left: str, right: str) -> pl.Series:
    return texts.str.count_matches(left, literal=True) != texts.str.count_matches(right, literal=True)
