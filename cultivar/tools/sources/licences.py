"""Licences of sources: SPDX expressions, checked by `license-expression`."""

import difflib
from functools import lru_cache
from typing import Any

from license_expression import get_spdx_licensing

from schemas.errors import UserError

REFERENCE = "LicenseRef-"
"""How SPDX names a licence that is not on its list."""


class LicenceError(UserError, ValueError):
    """The text is no SPDX expression; the message names what is unknown, and what comes near."""


@lru_cache
def licensing() -> Any:
    """SPDX's list."""
    return get_spdx_licensing()


def checked(text: str) -> str:
    """The licence in SPDX's own spelling ("cc-by-4.0" is "CC-BY-4.0"). Raises LicenceError."""
    try:
        parsed = licensing().parse(text, validate=False, strict=False, simple=False)
    except Exception as error:  # several kinds, of the expression's grammar
        raise LicenceError(f"{text!r} is no SPDX expression: {error}") from error
    if parsed is None:
        raise LicenceError("the licence is empty; unknown is written LicenseRef-unknown")
    unknown = [key for key in licensing().unknown_license_keys(parsed) if not key.startswith(REFERENCE)]
    if unknown:
        raise LicenceError("; ".join(map(advice, unknown)))
    return str(parsed)


def advice(key: str) -> str:
    """What to write in place of an unknown licence."""
    known = {str(name).lower(): str(name) for name in licensing().known_symbols}
    near = [known[name] for name in difflib.get_close_matches(key.lower(), known, n=2, cutoff=0.7)]
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{key!r} is not on SPDX's list of licences{hint} (one of your own is {REFERENCE}{key.replace(' ', '-')})"
