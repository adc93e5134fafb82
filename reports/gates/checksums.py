"""Check digits of numbers that name a person, an account or a card: what tells them from other digits.

Each function takes the characters without spaces and punctuation and says whether they can be such a number.
"""

from datetime import date
from string import ascii_uppercase

IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FK FO GL NL SD",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
        "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}
"""Country -> characters of its IBANs (the SWIFT registry)."""
TEST_CARDS = frozenset(
    "4111111111111111 4012888888881881 4242424242424242 4000056655665556 5555555555554444 5105105105105100 "
    "2223003122003222 378282246310005 371449635398431 6011111111111117 6011000990139424 30569309025904 38520000023237 "
    "3530111333300000 3566002020360505".split()
)
"""Card numbers that payment services publish for tests."""
SAMPLE_SSNS = frozenset(("078051120", "219099999", "123456789"))
"""Social security numbers printed in advertisements and examples."""
VERHOEFF_TABLE = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
"""Products of the dihedral group of the pentagon (Verhoeff 1969)."""
VERHOEFF_SHIFTS = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
]


def passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: the sum over the digits, every second from the right doubled, is a multiple of ten."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def is_card(digits: str) -> bool:
    """A number of a card network's range and length with its check digit, that is not published for tests."""
    if digits in TEST_CARDS or len(set(digits)) == 1 or not passes_luhn(digits):
        return False
    two, four, length = int(digits[:2]), int(digits[:4]), len(digits)
    return (
        (digits[0] == "4" and length == 16)  # Visa
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)  # Mastercard
        or (two in (34, 37) and length == 15)  # American Express
        or ((four == 6011 or two == 65 or 6440 <= four <= 6499) and length in (16, 19))  # Discover
        or (3528 <= four <= 3589 and length in (16, 19))  # JCB
        or (two in (36, 38) and length == 14)  # Diners Club
        or (two == 62 and length in (16, 17, 18, 19))  # UnionPay
    )


def is_iban(text: str) -> bool:
    """ISO 13616: the country's length, and the remainder 1 by 97 with letters as 10 to 35."""
    if IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(character, 36)) for character in text[4:] + text[:4])) % 97 == 1


def is_ssn(digits: str) -> bool:
    """United States: no number has area 000, 666 or 900 to 999, group 00 or serial 0000. There is no check digit."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return not (area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000" or digits in SAMPLE_SSNS)


def is_chinese_id(text: str) -> bool:
    """GB 11643: eighteen characters, the date of birth in the seventh to fourteenth, ISO 7064 MOD 11-2 at the end."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(text[:17]))
    return 1900 <= born.year < 2100 and "10X98765432"[total % 11] == text[17].upper()


def is_cpf(digits: str) -> bool:
    """Brazil: two check digits modulo 11; eleven equal digits are none."""
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(digit) * (length + 1 - place) for place, digit in enumerate(digits[:length]))
        if 10 * total % 11 % 10 != int(digits[length]):
            return False
    return True


def is_aadhaar(digits: str) -> bool:
    """India: twelve digits, the first at least 2, Verhoeff's check digit at the end."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = VERHOEFF_TABLE[check][VERHOEFF_SHIFTS[place % 8][int(digit)]]
    return len(digits) == 12 and digits[0] >= "2" and check == 0 and digits != digits[::-1]


def is_dni(text: str) -> bool:
    """Spain: eight digits and the letter of their remainder by 23; 12345678Z is the one of examples."""
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(text[:8]) % 23] == text[8].upper() and text[:8] not in ("12345678", "00000000")


def is_codice_fiscale(text: str) -> bool:
    """Italy: sixteen characters, the last of which checks the others by their places."""
    odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
    total = 0
    for place, character in enumerate(text[:15].upper()):
        value = int(character) if character.isdigit() else ascii_uppercase.index(character)
        total += value if place % 2 else odd[value]
    return ascii_uppercase[total % 26] == text[15].upper()


def is_nir(text: str) -> bool:
    """France: thirteen characters and 97 less their remainder by 97; Corsica's 2A and 2B count as 19 and 18."""
    number = text[:13].upper().replace("2A", "19").replace("2B", "18")
    return number.isdigit() and 97 - int(number) % 97 == int(text[13:])
