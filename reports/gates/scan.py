"""The texts of a column that hold something personal or secret, and what of them may be shown.

The patterns of reports/gates/personal.py run over the column in Polars; Python sees what they found alone. Secrets are
those of cultivar/outgoing: keys of known services, private keys, passwords in addresses, and what this environment holds.
"""

import re
from collections.abc import Collection, Iterator
from typing import Literal, get_args

import polars as pl

from cultivar.outgoing.redaction import KEY, PRIVATE_KEY, USERINFO, redacted
from cultivar.outgoing.secret_values import is_secret, secret_values
from reports.gates.personal import DIGITS, PATTERNS, RESERVED, Pattern

Kind = Literal["email", "phone", "iban", "card", "national_id", "ip", "secret"]
KINDS: tuple[Kind, ...] = get_args(Kind)
FOUND = {"number": pl.UInt32(), "name": pl.String(), "value": pl.String()}
VALUES = 5
"""Values of one kind that are listed of a text."""
SHOWN = 40
"""Characters shown on either side of what was found."""
MAY_HOLD_KEY = re.sub(r"\(\?(?:<!|<=|=)[^()]*\)", "", KEY.pattern)
"""KEY without what Rust's engine has not, lookarounds: it matches wherever KEY does."""
MAY_HOLD_PRIVATE_KEY = "-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
MAY_HOLD_PASSWORD = r"://[^\s/?#\"'<>\\@]+:[^\s/?#\"'<>\\]+@"


def find_personal(texts: pl.Series, kinds: Collection[Kind], allow: Collection[str] = ()) -> pl.DataFrame:
    """What stands in the texts: `text`, `name` (what it is), `value`; a line for each name of a text, its first values.

    `allow`: values that are nobody's secret, such as a public address; one that begins with @ is a domain. A text has at
    most VALUES values of one name.
    """
    distinct = pl.DataFrame({"text": texts.drop_nulls().unique().sort()}).with_row_index("number")
    with_digits = distinct.filter(pl.col("text").str.contains(DIGITS))
    frames = [pl.DataFrame(schema=FOUND)]
    for pattern in PATTERNS:
        if pattern.kind in kinds:
            frames.append(matches(with_digits if pattern.has_digits else distinct, pattern))
    if "secret" in kinds:
        frames.append(find_secrets(distinct))
    found = pl.concat(frames).unique(["number", "value"], keep="first", maintain_order=True)
    allowed = pl.col("value").is_in(list(allow))
    for domain in sorted(entry for entry in allow if entry.startswith("@")):
        allowed |= pl.col("value").str.ends_with(domain)
    grouped = found.filter(~allowed).group_by("number", "name").agg(values=pl.col("value").sort().head(VALUES))
    return (
        grouped.sort("number", "name")
        .join(distinct, on="number", maintain_order="left")
        .select("text", "name", "values")
    )


def matches(texts: pl.DataFrame, pattern: Pattern) -> pl.DataFrame:
    """The real matches of a pattern in texts (`number`, `text`); the texts themselves are not repeated."""
    frame = (
        texts.filter(pl.col("text").str.contains(pattern.pattern))
        .select("number", value=pl.col("text").str.extract_all(pattern.pattern))
        .explode("value")
        .with_columns(value=pl.col("value").str.extract(pattern.pattern, 1))
        .drop_nulls("value")
        .unique(maintain_order=True)
    )
    real = [value for value in frame["value"].unique() if pattern.is_real(value)]
    return frame.filter(pl.col("value").is_in(real)).select("number", name=pl.lit(pattern.name), value="value")


def find_secrets(texts: pl.DataFrame) -> pl.DataFrame:
    """Keys, private keys and passwords, and the secrets of this environment, in full or by half."""
    rows: list[tuple[int, str, str]] = []

    def holding(condition: pl.Expr) -> Iterator[tuple[int, str]]:
        return texts.filter(condition).select("number", "text").iter_rows()

    column = pl.col("text").str
    for number, text in holding(column.contains(MAY_HOLD_KEY)):
        rows += [(number, "a key of a service", found[0]) for found in KEY.finditer(text)]
    for number, text in holding(column.contains(MAY_HOLD_PRIVATE_KEY)):
        rows += [(number, "a private key", found[0]) for found in PRIVATE_KEY.finditer(text) if len(found[0]) > 100]
    for number, text in holding(column.contains(MAY_HOLD_PASSWORD)):
        rows += [(number, "a password in an address", password) for password in passwords(text)]
    secrets = secret_values()
    if secrets.halves:
        for number, text in holding(column.contains_any(sorted(secrets.halves))):
            if secrets.may_occur(text):
                spans = secrets.spans(text, len(text) + 1)
                rows += [(number, "a secret of this environment", text[begin:end]) for begin, end in spans]
    return pl.DataFrame(rows, schema=FOUND, orient="row")


def passwords(text: str) -> Iterator[str]:
    """Passwords of addresses whose host somebody may have."""
    for found in USERINFO.finditer(text):
        _, _, password = found[2].partition(":")
        host = re.match(r"[\w.-]{1,253}", text[found.end() : found.end() + 253])
        if is_secret(password) and host is not None and RESERVED.search(host[0]) is None:
            yield password


def masked(value: str) -> str:
    """The first letter or digit, and dots for the others: tells the form of a value, not the value."""
    return value[:1] + re.sub(r"[^\W_]", "•", value[1:])


def excerpt(text: str, values: Collection[str], chars: int = SHOWN) -> str:
    """The text around the first of the values, all of them masked, secrets taken out, on one line.

    Without a value its first `chars` characters.
    """
    places = sorted((place, value) for value in set(values) if (place := text.find(value)) >= 0)
    place, value = places[0] if places else (0, "")
    begin = max(0, place - SHOWN)
    end = begin + (min(place - begin + len(value) + SHOWN, 6 * SHOWN) if places else chars)
    shown = text[begin:end]
    for one in sorted(values, key=len, reverse=True):
        shown = shown.replace(one, masked(one)) if one in shown else cut_masked(shown, one)
    shown = " ".join(redacted(shown).split())
    return f"{'…' if begin else ''}{shown}{'…' if end < len(text) else ''}"


def cut_masked(shown: str, value: str) -> str:
    """A text that ends within a value, or begins there, without the part of it."""
    for length in range(min(len(shown), len(value)), 3, -1):
        if shown.endswith(value[:length]):
            return shown[:-length] + masked(value[:length])
        if shown.startswith(value[-length:]):
            return masked(value[-length:]) + shown[length:]
    return shown
