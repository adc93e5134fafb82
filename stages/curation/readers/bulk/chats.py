"""Plain conversations in columns: a system prompt or none, then the user's and the assistant's turns in alternation.

This is no second way to read conversations: whatever is not exactly this (another role, a turn without text, two turns of
one speaker, a question without an answer, marks of reasoning or of a call) is left to `readers/conversations.py`, which gives the same rows for what is.
"""

from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from stages.curation.readers.marked_calls import CALL
from stages.curation.readers.turns import ROLES, THINK

SPEAKERS = ("system", "user", "assistant")
NAMES = {name: SPEAKERS.index(role) for name, role in ROLES.items() if role in SPEAKERS}
"""What data sets call a speaker -> its place in SPEAKERS."""
SPACE = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Python's `str.strip` takes off; Polars' own idea of space lacks U+001C to U+001F."""


class Turns(NamedTuple):
    """The turns of many conversations, behind one another."""

    roles: pl.Series
    """Who speaks, as the file has it (String, null where it has nothing)."""
    contents: pl.Series
    """What is said, as the file has it (String, null where it has nothing)."""
    lengths: np.ndarray
    """Turns of each conversation (int64)."""


def plain_conversations(turns: Turns) -> tuple[np.ndarray, pl.DataFrame]:
    """Which conversations are plain, and `prompt` and `reference` of those.

    The reference is the last turn, the prompt what stands before it; a message has `content` and `role`.
    """
    lengths = turns.lengths
    contents = clean(turns.contents)
    codes = turns.roles.replace_strict(NAMES, default=-1, return_dtype=pl.Int8).fill_null(-1).to_numpy()
    is_marked = contents.str.starts_with(THINK) | contents.str.contains(f"<{CALL}>", literal=True)
    is_said = ((contents.str.len_bytes() > 0) & ~is_marked).fill_null(False).to_numpy()
    starts = np.cumsum(lengths) - lengths
    has_system = np.zeros(len(lengths), bool)
    has_system[lengths > 0] = codes[starts[lengths > 0]] == SPEAKERS.index("system")
    place = np.arange(len(codes)) - np.repeat(starts + has_system, lengths)  # -1 for a system prompt
    is_sound = is_said & (codes == np.where(place < 0, 0, 1 + place % 2))
    exchanges = lengths - has_system
    is_plain = (exchanges >= 2) & (exchanges % 2 == 0)
    is_plain[np.repeat(np.arange(len(lengths)), lengths)[~is_sound]] = False
    if not is_plain.all():
        within = np.repeat(is_plain, lengths)
        contents, codes, lengths = contents.filter(pl.Series(within)), codes[within], lengths[is_plain]
    last = np.cumsum(lengths) - 1
    is_prompt = np.ones(len(codes), bool)
    is_prompt[last] = False
    messages = pl.DataFrame({"content": contents, "role": pl.Series(SPEAKERS, dtype=pl.String).gather(codes)})
    columns = {
        "prompt": lists_of(messages.filter(pl.Series(is_prompt)), lengths - 1),
        "reference": lists_of(messages[last], np.ones(len(lengths), np.int64)),
    }
    return is_plain, pl.DataFrame(columns)


def clean(texts: pl.Series) -> pl.Series:
    """`fields.clean` of every text."""
    if texts.str.contains("\r", literal=True).any():
        texts = texts.str.replace_all("\r\n", "\n", literal=True).str.replace_all("\r", "\n", literal=True)
    is_padded = texts.str.strip_chars(SPACE).str.len_bytes() != texts.str.len_bytes()
    padded = is_padded.fill_null(False).arg_true().to_numpy()
    if not len(padded):
        return texts
    places = np.zeros(len(texts), np.int64)
    places[padded] = np.arange(len(padded))
    # of the others nothing is copied, as `texts.str.strip_chars` would
    return texts.gather(padded).str.strip_chars(SPACE).gather(places).zip_with(is_padded, texts)


def lists_of(frame: pl.DataFrame, lengths: np.ndarray) -> pl.Series:
    """The rows of a frame as structs in lists of these lengths; nothing is copied."""
    structs = frame.rechunk().to_struct().to_arrow(compat_level=pl.CompatLevel.newest())
    offsets = pl.Series(np.concatenate([[0], np.cumsum(lengths)]), dtype=pl.Int64).to_arrow()
    return pl.Series(pl.from_arrow(pa.LargeListArray.from_arrays(offsets, structs)))
