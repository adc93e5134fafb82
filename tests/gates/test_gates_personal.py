"""What counts as personal data, each with a neighbour that does not; and texts that are made to take long."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.gates import checksums
from reports.gates.scan import KINDS, excerpt, find_personal, masked


def names(text: str, **more: object) -> list[str]:
    return find_personal(pl.Series([text]), KINDS, **more)["name"].to_list()  # type: ignore[arg-type]


def values(text: str) -> list[str]:
    return [value for of_name in find_personal(pl.Series([text]), KINDS)["values"] for value in of_name]


REAL = {
    "mail jane.doe+x@mail.firm.co.uk today": "an e-mail address",
    "Schreib an jürgen@müller.de!": "an e-mail address",
    "call +49 30 1234567.": "a telephone number",
    "call +44 (20) 7946-0958": "a telephone number",
    "(212) 736-5000 is the hotel": "a telephone number",
    "Dial 212-736-5000 now": "a telephone number",
    "Phone number is 030 1234 567": "a telephone number",
    "电话：13912345678": "a telephone number",
    "to GB82 WEST 1234 5698 7654 32": "an IBAN",
    "to DE89370400440532013000.": "an IBAN",
    "card 4539 1488 0343 6467": "a card number",
    "card 371449635398456": "a card number",
    "ssn 536-90-4399": "a social security number (US)",
    "身份证 11010519491231002X": "a resident id (China)",
    "CPF 529.982.247-25": "a CPF (Brazil)",
    "Aadhaar 2341 2341 2346": "an Aadhaar (India)",
    "DNI 11223344B": "a DNI (Spain)",
    "cf RSSMRA85M01H501Q": "a codice fiscale (Italy)",
    "NIR 1 85 05 78 006 084 91": "a NIR (France)",
    "NI AB 12 34 56 C": "a national insurance number (UK)",
    "from 93.184.216.34 at noon": "an IP address",
    "from 2606:2800:220:1:248:1893:25c8:1946": "an IP address",
    "token ghp_abcdefghijklmnopqrst12": "a key of a service",
    "postgres://bob:hunter2secret@db.firm.org/x": "a password in an address",
    "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA" * 8: "a private key",
}
NOT_REAL = (
    "mail jane@example.com or a@b.test or x@localhost.localdomain.invalid",
    "a@b and @home and 3@5.7",
    "noreply@firm.org",
    "12 + 4915112345678 = ?",
    "+999 1234 5678 and +1 212 555 0123 and +1 112 736 5000",
    "(212) 555-0123 and 112-736-5000",
    "call 1234567 or phone 1111111",
    "Call on 2024-01-15, mobile 2019-2020, fax 20240115, call 15.01.2024 and cell: 3.14159265",
    "The cell 2023 2024 2025 holds years",
    "np.dot(a@b.T.conj) and A@B.shape or model@1.0.en",
    "the number 030 1234 567 alone",
    "to GB82 WEST 1234 5698 7654 33",
    "to DE8937040044053201300",
    "card 4539 1488 0343 6468 and 4111 1111 1111 1111",
    "card 9539148803436467",
    "ssn 666-90-4399, 536-00-4399, 536-90-0000, 900-12-3456, 078-05-1120",
    "11010519491231002Y 110105194913310021 110105194912310021",
    "CPF 529.982.247-26 and 111.111.111-11",
    "Aadhaar 2341 2341 2347 and 1341 2341 2346",
    "DNI 11223344C and 12345678Z",
    "cf RSSMRA85M01H501Z",
    "NIR 1 85 05 78 006 084 92",
    "NI GB 12 34 56 C and AB 12 34 56 E and QQ 12 34 56 C",
    "192.168.0.1, 127.0.0.1, 8.8.8.8, 203.0.113.7, 300.1.1.1, section 1.2.3.4, version 93.184.216.34, 93.184.216.34.5",
    "at 12:30:45, std::chrono, ::1, fe80::1, 2001:db8::1",
    "sk-learn and task-abcdefghijklmnopqrstuv",
    "https://user:password@example.com and https://docs.firm.org:8080/a@b",
    "-----BEGIN PRIVATE KEY----- is how it begins",
)


@pytest.mark.parametrize(("text", "name"), REAL.items())
def test_personal_data_is_named(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize("text", NOT_REAL)
def test_what_no_rule_proves_is_not_taken_for_personal(text: str) -> None:
    assert names(text) == []


def test_a_secret_of_the_environment_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "q8w7e6r5t4y3u2i1")
    assert names("it is q8w7e6r5t4y3u2i1, they say") == ["a secret of this environment"]


def test_what_is_allowed_is_nobodys() -> None:
    text = "help@firm.org, jo@firm.org, +49 30 1234567"
    assert names(text, allow=["help@firm.org"]) == ["a telephone number", "an e-mail address"]
    assert names(text, allow=["@firm.org", "+49 30 1234567"]) == []


def test_neighbours_are_all_found() -> None:
    assert values("93.184.216.34 93.184.216.35 93.184.216.36") == ["93.184.216.34", "93.184.216.35", "93.184.216.36"]
    assert values("529.982.247-25 529.982.247-25;529.982.247-25") == ["529.982.247-25"]


@given(st.text("0123456789", min_size=8, max_size=18), st.integers(1, 9))
def test_luhn_sees_every_single_error(digits: str, step: int) -> None:
    check = next(digit for digit in "0123456789" if checksums.passes_luhn(digits + digit))
    place = len(digits) // 2
    wrong = digits[:place] + str((int(digits[place]) + step) % 10) + digits[place + 1 :]
    assert not checksums.passes_luhn(wrong + check)


@given(st.text("0123456789", min_size=10, max_size=10), st.integers(0, 9))
def test_verhoeff_sees_every_exchange_of_neighbours(digits: str, place: int) -> None:
    number = next(full for digit in "0123456789" if checksums.is_aadhaar(full := "2" + digits + digit) or digit == "9")
    turned = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assert turned == number or not checksums.is_aadhaar(number) or not checksums.is_aadhaar(turned)


HOSTILE = {
    "a@": "a@" * 500_000,
    "a.b-": "a.b-" * 250_000,
    "x@a.bb.c-": "x@a.bb." + "c-" * 500_000,
    "+1 2": "+1 2" * 250_000,
    "digits": "4" * 1_000_000,
    "4111-": "4111-" * 200_000,
    "1.2.": "1.2." * 250_000,
    "2001:": "2001:" * 200_000,
    "tel: ": "tel: " * 200_000,
    "://a:": "://a:" * 200_000,
    "AB12": "AB12" * 250_000,
    "sk-": "sk-a1" + "a" * 1_000_000,
    "BEGIN": "-----BEGIN PRIVATE KEY" * 45_000,
    "addresses": "a.b@c.de " * 110_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_megabyte_ends(text: str) -> None:
    """Quadratic work on a megabyte would take hours."""
    found = find_personal(pl.Series([text]), KINDS)
    assert all(len(excerpt(text, values)) < 400 for values in found["values"])


@settings(max_examples=20)
@given(st.text(max_size=60), st.sampled_from(sorted(REAL)), st.text(max_size=60))
def test_an_excerpt_holds_no_value(before: str, text: str, after: str) -> None:
    whole = f"{before} {text} {after}"
    for known in find_personal(pl.Series([whole]), KINDS)["values"]:
        shown = excerpt(whole, known)
        assert not any(value in shown for value in known if masked(value) != value)


def test_an_excerpt_that_ends_within_another_value_cuts_it() -> None:
    text = "Write to jo@firm.org " + "x" * 30 + " or al.very.long.name@other-firm.org"
    shown = excerpt(text, ["jo@firm.org", "al.very.long.name@other-firm.org"])
    assert "jo@" not in shown and "al.v" not in shown
