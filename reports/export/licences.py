"""The licence of a whole export, from the licences of its rows."""

from collections import Counter
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

HUB = frozenset(
    "afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 cc-by-2.0 cc-by-2.5 "
    "cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 "
    "cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0 "
    "cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 gfdl gpl-2.0 gpl-3.0 isc lgpl-2.1 "
    "lgpl-3.0 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1 osl-3.0 pddl postgresql unlicense wtfpl zlib".split()
)
"""Licences that the Hub knows by the SPDX id in lower case, but for RENAMED."""
RENAMED = {"odbl-1.0": "odbl", "odc-by-1.0": "odc-by", "pddl-1.0": "pddl"}


def spdx(name: str) -> str | None:
    """An SPDX expression in its canonical form; None for what is none."""
    try:
        return str(canonicalize_license_expression(name))
    except InvalidLicenseExpression:
        return None


def hub_licence(counts: Counter[str]) -> dict[str, Any]:
    """`license` of a dataset card; where the Hub knows none of that name, or there are several, `other` with their names."""
    names = sorted(counts)
    if len(names) == 1:
        short = (spdx(names[0]) or "").lower().removesuffix("-only").removesuffix("-or-later")
        if (known := RENAMED.get(short, short)) in HUB:
            return {"license": known}
    if not names:
        return {}
    shown = " AND ".join(f"({name})" if " OR " in name else name for name in (spdx(name) or name for name in names))
    return {"license": "other", "license_name": shown[:200]}


def licence_urls(counts: Counter[str]) -> list[str]:
    """Each licence once: as an address of SPDX where it is a single id of it, else by its name."""
    found = []
    for name in sorted(counts):
        canonical = spdx(name)
        is_listed = canonical is not None and " " not in canonical and not canonical.startswith("LicenseRef-")
        found.append(f"https://spdx.org/licenses/{canonical}" if is_listed else name)
    return found
