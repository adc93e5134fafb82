r"""What names a person in a text: addresses and numbers, each with what proves it.

Patterns are of Rust's regex engine, which Polars runs over a column: its time is linear in the text, whatever it holds. A
match counts when its check digit, range or name does; what no rule can prove is not looked for:

* telephone numbers: with a + and an assigned country code (E.164), of North America in its own form, or digits after a
  word such as "phone"; bare digits are none;
* national ids with a check digit (China, Brazil, India, Spain, Italy, France), of the United States by its ranges, and of
  the United Kingdom by its letters; bare digits of other countries are none;
* IPv4 and IPv6 addresses that are routed publicly; private ones, those of documentation, public resolvers, and four numbers
  below 32, which count sections, are none.

Names and street addresses need a model and are not looked for.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import NamedTuple

from reports.gates import checksums

RESERVED = re.compile(r"(?i)(?:^|[.@])(?:example(?:\.[a-z]{2,3}(?:\.[a-z]{2})?)?|test|invalid|localhost|local)$")
"""Ends of an address that nobody has (RFC 2606, RFC 6761), and example.xx of other registries."""
RESOLVERS = frozenset("8.8.8.8 8.8.4.4 1.1.1.1 1.0.0.1 9.9.9.9 149.112.112.112 208.67.222.222 208.67.220.220".split())
CALLING_CODES = (
    "1|7|2[07]|2[1-69][0-9]|3[0-469]|3[578][0-9]|4[013-9]|42[0-9]|5[1-8]|5[09][0-9]|6[0-6]|6[7-9][0-9]|8[1246]|85[0-9]|"
    "88[0-9]|9[0-58]|96[0-8]|97[0-79]|99[2-68]"
)
"""Country calling codes that are assigned (ITU-T E.164)."""
CUE = (
    "phone|telephone|mobile|cell|fax|whatsapp|call|tel|telefon|téléphone|teléfono|telefone|handy|телефон|电话|手机|電話"
)


YEAR = "(?:19|20)[0-9]{2}"
NO_NUMBER = re.compile(
    rf"{YEAR}([-. ]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])(?![0-9])|[0-9]{{1,2}}([-. ])[0-9]{{1,2}}\2{YEAR}(?![0-9])|"
    rf"{YEAR}(?:[- ]{{1,3}}{YEAR})+$|[0-9]\.[0-9]+$"
)
"""Days, years and decimals, which follow "call" and "cell" as well as numbers do."""
YEARS = re.compile(rf"{YEAR}(?:[ -]{YEAR})+")
ATTRIBUTES = frozenset("shape conj transpose reshape dtype numpy flatten astype values mean".split())
"""What stands behind a product of matrices (`a@b.shape`) and is no domain."""


class Pattern(NamedTuple):
    """What to look for: group 1 of `pattern` is a candidate, which `is_real` judges; `name` says what it is.

    `has_digits`: a match holds seven digits with at most two other characters between any two.
    """

    kind: str
    name: str
    pattern: str
    is_real: Callable[[str], bool]
    has_digits: bool = False


def plain(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[^0-9A-Za-z]", "", text)


def of_plain(rule: Callable[[str], bool]) -> Callable[[str], bool]:
    """The rule, of what `plain` leaves."""
    return lambda text: rule(plain(text))


def is_email(address: str) -> bool:
    """An address that somebody may have, not one of a machine."""
    user, _, domain = address.rpartition("@")
    labels = domain.split(".")
    return (
        len(user) <= 64
        and len(domain) <= 253
        and all(len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in labels)
        and ".." not in user
        and user[0] != "."
        and user[-1] != "."
        and RESERVED.search(domain) is None
        and user.lower() not in ("noreply", "no-reply", "git")
        and labels[-1].lower() not in ATTRIBUTES
        and re.search(r"(?:^|\.)[0-9]+\.[0-9]+\.", domain) is None  # a version
    )


def is_international(text: str) -> bool:
    """E.164: a country code and 8 to 15 digits in all."""
    digits = plain(text)
    return 8 <= len(digits) <= 15 and (digits[0] != "1" or is_north_american(digits[1:]))


def is_north_american(text: str) -> bool:
    """Ten digits; area and exchange begin with 2 to 9 and do not end in 11; exchange 555 is for fiction."""
    digits = plain(text)
    area, exchange = digits[:3], digits[3:6]
    return (
        len(digits) == 10
        and all(part[0] >= "2" and part[1:] != "11" for part in (area, exchange))
        and exchange != "555"
    )


def is_after_cue(text: str) -> bool:
    """Seven to fifteen digits, no date, years or decimal, not all alike nor counted up or down, nor of exchange 555."""
    digits = plain(text)
    if NO_NUMBER.match(text):
        return False
    is_fiction = "555" in (digits[:3], digits[-7:-4])
    is_counted = digits in "01234567890123456789" or digits in "98765432109876543210"
    return 7 <= len(digits) <= 15 and len(set(digits)) > 2 and not (is_counted or is_fiction)


def is_public_address(text: str) -> bool:
    """An address that is routed publicly and belongs to somebody in particular."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    is_count = address.version == 4 and max(address.packed) < 32
    return address.is_global and not address.is_multicast and not is_count and text not in RESOLVERS


BEGINS = r"(?:^|[^\w.,+\-])"
"""A number begins here: no digit, letter, sign or point stands before it."""
PATTERNS = (
    Pattern(
        "email",
        "an e-mail address",
        r"([\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)*\.\p{L}{2,})",
        is_email,
    ),
    Pattern(
        "phone",
        "a telephone number",
        rf"(?:^|[^\w+.])(\+(?:{CALLING_CODES})[ .\-]?(?:\([0-9]{{1,4}}\)[ .\-]?)?[0-9](?:[ .\-]?[0-9]){{4,13}})\b",
        is_international,
        True,
    ),
    Pattern(
        "phone",
        "a telephone number",
        BEGINS + r"(\([2-9][0-9]{2}\) ?[2-9][0-9]{2}-[0-9]{4}|[2-9][0-9]{2}-[2-9][0-9]{2}-[0-9]{4})\b",
        is_north_american,
        True,
    ),
    Pattern(
        "phone",
        "a telephone number",
        rf"(?i)(?:^|[^\p{{L}}])(?:{CUE})(?: number| no| nr)?[.:：]{{0,2}}(?: is| at| me at)? ?"
        r"(\(?[0-9](?:[ ().\-]{0,2}[0-9]){6,14})\b",
        is_after_cue,
        True,
    ),
    Pattern(
        "iban",
        "an IBAN",
        r"\b([A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?)\b",
        of_plain(checksums.is_iban),
    ),
    Pattern(
        "card", "a card number", BEGINS + r"([2-6][0-9]{3}(?:[ \-]?[0-9]){9,15})\b", of_plain(checksums.is_card), True
    ),
    Pattern(
        "national_id",
        "a social security number (US)",
        BEGINS + r"([0-9]{3}-[0-9]{2}-[0-9]{4})\b",
        of_plain(checksums.is_ssn),
        True,
    ),
    Pattern(
        "national_id",
        "a resident id (China)",
        BEGINS + r"([1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx])\b",
        checksums.is_chinese_id,
        True,
    ),
    Pattern(
        "national_id",
        "a CPF (Brazil)",
        BEGINS + r"([0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2})\b",
        of_plain(checksums.is_cpf),
        True,
    ),
    Pattern(
        "national_id",
        "an Aadhaar (India)",
        BEGINS + r"([2-9][0-9]{3}(?:[ \-][0-9]{4}){2,5})\b",
        lambda text: not YEARS.fullmatch(text) and checksums.is_aadhaar(plain(text)),
        True,
    ),
    Pattern("national_id", "a DNI (Spain)", BEGINS + r"([0-9]{8}-?[A-Z])\b", of_plain(checksums.is_dni), True),
    Pattern(
        "national_id",
        "a codice fiscale (Italy)",
        r"\b([A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z])\b",
        checksums.is_codice_fiscale,
    ),
    Pattern(
        "national_id",
        "a NIR (France)",
        BEGINS + r"([12] [0-9]{2} (?:0[1-9]|1[0-2]) (?:[0-9]{2}|2[AB]) [0-9]{3} [0-9]{3} [0-9]{2})\b",
        of_plain(checksums.is_nir),
        True,
    ),
    Pattern(
        "national_id",
        "a national insurance number (UK)",
        r"\b([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] [0-9]{2} [0-9]{2} [0-9]{2} [A-D])\b",
        lambda text: text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ"),
    ),
    Pattern(
        "ip",
        "an IP address",
        r"(?:^|[^\w.:\-])((?:(?i:version|release|build|v)[ :=]{0,3})?[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:\.[0-9]+)*)\b",
        is_public_address,
    ),
    Pattern(
        "ip",
        "an IP address",
        r"(?:^|[^\w.:])([23][0-9A-Fa-f]{3}:(?:[0-9A-Fa-f]{0,4}:){1,6}[0-9A-Fa-f]{1,4})\b",
        is_public_address,
    ),
)
DIGITS = r"[0-9](?:[ .()\-]{0,2}[0-9]){6}"
"""What every match of a pattern with `has_digits` holds."""
