"""Licences of rows: what a list allows, and what the licence of a source asks of what is made from it.

A licence is an SPDX expression, or a name of one's own in params.yaml. Of `A OR B` one may be chosen; of `A AND B` both
hold. What the letters of an id say is taken at their word (ND: no derivatives, NC: not commercial, SA and the copyleft
licences: the same licence for what is made from it); a lawyer reads the licence.
"""

import re
from collections.abc import Iterable
from itertools import product

import polars as pl
from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from reports.gates.declared import LicenseGate
from reports.gates.products import Products
from reports.lineage.lineage import Lineage
from reports.versions.database import connect

Option = frozenset[str]
"""Licences that hold together."""
WORDS = re.compile(r"\(|\)|[^\s()]+")
SHARE_ALIKE = re.compile(
    r"(?i)[-_ ]SA(?![a-z])|share-?alike|^(?:A|L)?GPL(?![a-uw-z])|^ODbL\b|^OSL\b|^EUPL\b|^MPL\b|^CDLA-Sharing\b"
)
NO_DERIVATIVES = re.compile(r"(?i)[-_ ]ND(?![a-z])|no-?deriv")
NON_COMMERCIAL = re.compile(r"(?i)[-_ ]NC(?![a-z])|non-?commercial")
"""Also of names that are no SPDX id as people write them: `CC BY-NC 4.0`, `GPLv3`."""


def canonical(name: str) -> str:
    """An SPDX expression in its canonical form; another name as it is."""
    try:
        return str(canonicalize_license_expression(name))
    except InvalidLicenseExpression:
        return name


def options(name: str) -> list[Option]:
    """The ways to take a licence: each a set of licences that hold together. A name that is no expression is one."""
    expression = canonical(name)
    try:
        canonicalize_license_expression(expression)
    except InvalidLicenseExpression:
        return [frozenset((expression,))]
    words = WORDS.findall(expression)
    found, rest = read_or(words)
    return found if not rest else [frozenset((expression,))]


def read_or(words: list[str]) -> tuple[list[Option], list[str]]:
    """Alternatives at the beginning of an expression's words, and the words after them."""
    found, rest = read_and(words)
    while rest and rest[0] == "OR":
        more, rest = read_and(rest[1:])
        found = [*found, *more]
    return found, rest


def read_and(words: list[str]) -> tuple[list[Option], list[str]]:
    found, rest = read_one(words)
    while rest and rest[0] == "AND":
        more, rest = read_one(rest[1:])
        found = [one | other for one, other in product(found, more)]
    return found, rest


def read_one(words: list[str]) -> tuple[list[Option], list[str]]:
    if words[0] == "(":
        found, rest = read_or(words[1:])
        return found, rest[1:]
    if words[1:2] == ["WITH"]:
        return [frozenset((" ".join(words[:3]),))], words[3:]
    return [frozenset((words[0],))], words[1:]


def refusal(name: str, gate: LicenseGate) -> str:
    """Why the gate refuses a licence; empty where some way to take it is allowed."""
    allow = None if gate.allow is None else {canonical(one) for one in gate.allow}
    deny = {canonical(one) for one in gate.deny}
    reasons = [refusal_of(option, allow, deny, gate.commercial) for option in options(name)]
    return "" if "" in reasons else reasons[0]


def refusal_of(option: Option, allow: set[str] | None, deny: set[str], commercial: bool) -> str:
    """Why licences that hold together are refused."""
    for one in sorted(option):
        if one in deny:
            return f"{one} is denied"
        if allow is not None and one not in allow:
            return f"{one} is not among the allowed licences"
        if commercial and NON_COMMERCIAL.search(one):
            return f"{one} forbids commercial use"
    return ""


def demand(source: str, own: str, gate: LicenseGate) -> str:
    """What the licence of a source forbids of a row made from it, whose own licence is `own`; empty: nothing.

    A source with a choice of licences forbids what every choice does.
    """
    kept = options(own)
    reasons = []
    for option in options(source):
        reason = ""
        for one in sorted(option):
            if gate.derivatives and NO_DERIVATIVES.search(one):
                reason = f"{one} forbids derivatives"
            elif gate.share_alike and SHARE_ALIKE.search(one) and not all(one in taken for taken in kept):
                reason = f"{one} asks for the same licence"
            elif NON_COMMERCIAL.search(one) and not all(any(map(NON_COMMERCIAL.search, taken)) for taken in kept):
                reason = f"{one} forbids commercial use, which the row's licence allows"
        reasons.append(reason)
    return "" if "" in reasons else reasons[0]


def license_conflicts(products: Products, gate: LicenseGate) -> pl.DataFrame:
    """`table`, `id`, `what`, `weight` of the rows whose licence is refused, or whose sources' licences are or forbid it."""
    rows = pl.concat([products.labels(name).select("table", "id", "license", "strategy") for name in gate.tables])
    refused = {name: reason for name in distinct(rows["license"]) if (reason := refusal(name, gate))}
    own = rows.filter(pl.col("license").is_in(list(refused))).with_columns(
        what=pl.format("carries {}: {}", "license", pl.col("license").replace_strict(refused, default="")), weight=3.0
    )
    frames = [own.select("table", "id", "what", "weight")]
    if gate.lineage:
        frames.append(inherited_conflicts(products, rows, gate))
    return pl.concat(frames)


def inherited_conflicts(products: Products, rows: pl.DataFrame, gate: LicenseGate) -> pl.DataFrame:
    """Conflicts with the licences of what rows were made from. Only licences that ask for something are followed."""
    nothing = pl.DataFrame(schema={"table": pl.String, "id": pl.String, "what": pl.String, "weight": pl.Float64})
    sources = restricted_sources(products, rows, gate)
    if not sources.height:
        return nothing
    lineage = Lineage(products.version, connect())
    frames = [nothing]
    for (license_name,), group in sources.group_by("license", maintain_order=True):
        made = lineage.descendants(group["id"]).select("id").unique()
        touched = rows.join(made, on="id", how="semi").filter(pl.col("strategy") != "given")
        asked = {own: conflict(str(license_name), own, gate) for own in distinct(touched["license"])}
        what = pl.format(
            "was made from a row under {}: {}",
            pl.lit(license_name),
            pl.col("license").replace_strict(asked, default="", return_dtype=pl.String),
        )
        found = touched.filter(pl.col("license").is_in([own for own, reason in asked.items() if reason]))
        frames.append(found.select("table", "id", what=what, weight=2.0))
    return pl.concat(frames)


def conflict(source: str, own: str, gate: LicenseGate) -> str:
    return refusal(source, gate) or demand(source, own, gate)


def restricted_sources(products: Products, rows: pl.DataFrame, gate: LicenseGate) -> pl.DataFrame:
    """`id`, `license` of rows of all other tables whose licence is refused or asks something of what is made from them."""
    frames = [pl.DataFrame(schema={"id": pl.String, "license": pl.String})]
    for path in sorted(products.tables - {"data/evaluation.parquet"} - set(rows["table"].unique())):
        files = products.version.files(path)
        if files and "license" in pl.read_parquet_schema(files[0]):
            frames.append(pl.concat([pl.read_parquet(file, columns=["id", "license"]) for file in files]))
    sources = pl.concat(frames).unique()
    asking = [name for name in distinct(sources["license"]) if conflict(name, "LicenseRef-none", gate)]
    return sources.filter(pl.col("license").is_in(asking)).sort("license", "id")


def distinct(names: pl.Series) -> Iterable[str]:
    return names.unique().sort().to_list()
