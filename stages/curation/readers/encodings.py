"""The encoding of a text: its byte order mark, what its source declares, UTF-16 by its zero bytes, else UTF-8.

No other is ever guessed: one that is wrong reads most files without an error, as other words.
"""

import codecs

HEAD = 4096
"""Bytes of a file that tell its encoding."""
LEAST_ZEROS = 0.2
"""Share of the characters of a text in UTF-16 that are ASCII, unless its first two are (as in JSON and most CSV)."""
LOST = "\udcff"
"""Stands for bytes that are nothing in the file's encoding; no strict decoder yields a lone surrogate."""
BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NUL = "a NUL character; a UTF-16 file without a byte order mark may need `encoding: utf-16-le` in params.yaml"


def mark_lost(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return LOST, error.end


codecs.register_error("cultivar-lost", mark_lost)


def encoding_of(head: bytes, declared: str | None) -> str:
    """The encoding that a byte order mark tells, else the declared one, else UTF-16 by its zero bytes, else UTF-8."""
    marked = next((name for mark, name in BOMS.items() if head.startswith(mark)), None)
    return marked or declared or wide(head[:HEAD]) or "utf-8"


def wide(head: bytes) -> str | None:
    """The order of a text in UTF-16 without byte order mark: every other byte of ASCII is zero (RFC 4627, section 3).

    The other bytes are seldom zero (of U+4E00, say), and no character is NUL.
    """
    head = head[: len(head) // 2 * 2]
    for order, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        count = zeros.count(0)
        is_enough = len(zeros) > 1 and (zeros[:2] == b"\0\0" or count >= LEAST_ZEROS * len(zeros))
        if is_enough and count > 3 * others.count(0):
            try:
                text = codecs.getincrementaldecoder(order)().decode(head)  # half of a pair may stand at the end
            except UnicodeDecodeError:
                return None
            return None if "\0" in text else order
    return None


def fault_of(text: str, encoding: str) -> str:
    """Why a text in this encoding is broken; "" where it is not."""
    if text.isascii():
        return NUL if "\0" in text else ""
    if LOST in text:
        name = encoding.removesuffix("-sig").upper()
        tried = (
            "not UTF-8, and without a byte order mark or the zero bytes of UTF-16" if name == "UTF-8" else f"not {name}"
        )
        return f"{tried}: save the file as UTF-8, or name its `encoding` in params.yaml (cp1252, gb18030, shift_jis, …)"
    return NUL if "\0" in text else ""
