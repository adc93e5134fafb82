r"""Text that leaves for a terminal, Markdown or HTML: what would act or hide there is shown as an escape (`\x1b`, `\u202e`).

The text may be a row, a model's answer, a server's error or the name of a file. Escapes are written for

* control characters (ESC, C1, CR, DEL …), which steer a terminal; tab and line feed stay;
* bidirectional embeddings, overrides and isolates, which show a text in another order than it is read in;
* what has no width or no ink: zero-width space, joiners, tags, variation selectors, fillers, soft hyphens; line and
  paragraph separators; halves of surrogate pairs.

Where a script needs such a character it stays: a joiner between letters of a script that joins and in an emoji sequence,
ZWSP between letters of scripts without spaces, one variation selector after its base, a flag's tags, marks of direction
beside right-to-left letters, old Korean, Mongolian. Letters are right-to-left by themselves and need no embedding.
"""

import html
import re
import unicodedata
from typing import Any

SUSPECTS = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f"  # a flag of a region: stays
    "|[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
JOINING = re.compile(
    "[\u0590-\u074f\u0750-\u07ff\u0840-\u08ff\u0900-\u0dff\u0e00-\u109f\u1700-\u18af\u1900-\u1cff\ua800-\ua8ff\ua900-\uaadf"
    "\uabc0-\uabff\ufb1d-\ufdff\ufe70-\ufefc\U00010a00-\U00010aff\U00010d00-\U00010d3f\U00010f30-\U00010fdf"
    "\U00011000-\U00011fff\U0001e900-\U0001e95f]"
)
"""Letters and marks of scripts in which a joiner makes a difference: Arabic and its like, Indic, South-East Asian."""
SPACELESS = re.compile("[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua980-\ua9ff\uaa60-\uaadf\u1b00-\u1b7f]")
"""Letters between which ZWSP is a place to break a line."""
EMOJI = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
"""What a joiner joins."""
EMOJI_END = re.compile("[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff\U000e007f]")
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
NEAR = 32
"""Characters in which a mark of direction has its letters."""
HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
HANGUL_JAMO = re.compile("[\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb]")
MONGOLIAN = re.compile("[\u1800-\u180a\u1810-\u18af]")
HIEROGLYPH = re.compile("[\U00013000-\U0001342f]")

MARKDOWN = str.maketrans({mark: f"\\{mark}" for mark in "\\`*|[]~$"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})
EMPHASIS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""An underscore that is not within a word."""
BLOCK = re.compile(r"(?:[-+#=]+|\d{1,9}[.)])(?=\s|$)")
"""What at the beginning of a line makes it a heading, a rule or an item of a list."""


def for_terminal(text: Any) -> str:
    """The text with escapes in the place of what would act or hide; tabs and line ends stay."""
    return SUSPECTS.sub(lambda found: found[0] if is_needed(found) else escaped(found[0]), str(text))


def for_markdown(text: Any) -> str:
    """The text on one line of Markdown, as itself: it cannot end its table cell, begin a block, link, emphasise or be HTML.

    Addresses written out (https://…) stay as they are; some readers make links of them.
    """
    line = re.sub("[ \t\n]+", " ", for_terminal(text)).strip(" ")
    line = EMPHASIS.sub(r"\\_", line.translate(MARKDOWN))
    if found := BLOCK.match(line):
        last = found.end() - 1 if line[0].isdigit() else 0
        line = f"{line[:last]}\\{line[last:]}"
    return line


def for_html(text: Any) -> str:
    """The text as itself in HTML or SVG, between tags and in a quoted attribute."""
    return html.escape(for_terminal(text))


def escaped(character: str) -> str:
    r"""A character as Python writes it: `\r`, `\x1b`, `\u202e`, `\U000e0041`."""
    if character == "\r":
        return r"\r"
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def is_needed(found: re.Match[str]) -> bool:
    """Whether a suspect character, where it stands, is part of how its script or an emoji is written."""
    text, at = found.string, found.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    match found[0]:
        case "\u200c" | "\u200d":
            is_emoji = found[0] == "\u200d" and EMOJI_END.match(before) and EMOJI.match(after)
            return bool(is_emoji) or is_in_joining_script(before, after)
        case "\u200b":
            return bool(SPACELESS.match(before) and SPACELESS.match(after))
        case "\u200e" | "\u200f" | "\u061c":
            return RIGHT_TO_LEFT.search(text, max(0, at - NEAR), at + NEAR) is not None
        case "\u034f":
            return is_mark(before) and is_mark(after)
        case "\u115f" | "\u1160":
            return bool(HANGUL_JAMO.match(before if found[0] == "\u1160" else after))
    code = ord(found[0][0])
    if len(found[0]) > 1:
        return True
    if 0xFE00 <= code <= 0xFE0F:
        is_keycap = before.isascii() and before in "0123456789#*" and after == "\u20e3"
        return bool(before) and (is_keycap or not (before.isascii() or before.isspace() or SUSPECTS.match(before)))
    if 0xE0100 <= code <= 0xE01EF:
        return HAN.match(before) is not None
    if 0x180B <= code <= 0x180F:
        return MONGOLIAN.match(before) is not None
    return 0x13430 <= code <= 0x1343F and HIEROGLYPH.match(before) is not None


def is_in_joining_script(before: str, after: str) -> bool:
    """Whether a joiner stands between letters that join, or makes the form of a word's last letter: half after a virama, and of
    heh (the year 1445 ه‍, Kurdish ه‌)."""
    if not JOINING.match(before) or SUSPECTS.match(before):
        return False
    is_between = JOINING.match(after) is not None and not SUSPECTS.match(after)
    return is_between or unicodedata.combining(before) == VIRAMA or (before in HEHS and not SUSPECTS.match(after))


VIRAMA = 9
"""Unicode's canonical combining class of viramas."""


HEHS = "\u0647\u06be"


def is_mark(character: str) -> bool:
    return bool(character) and unicodedata.combining(character) > 0
