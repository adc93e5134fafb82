"""Where an export comes from: the data version, the table's hash in dvc.lock, and this program."""

from contextlib import suppress
from importlib import metadata
from typing import Any

from reports.export.rows import Product
from reports.versions.repository import find_commit
from reports.versions.version import Version, open_version
from schemas.errors import UserError


def provenance_of(version: Version, chosen: Product) -> dict[str, Any]:
    """`cultivar` (its version), `revision`, `date` of the commit, `table`, `md5`, and `recorded`: whether dvc.lock of that
    revision has this very table. A working tree is named by the commit that it stands on; null where there is none.
    """
    base = version
    if version.commit is None:
        with suppress(UserError):
            head = find_commit("HEAD")
            base = open_version(head.name)
    recorded = base.recorded().get(chosen.path) if base.commit is not None else None
    md5 = version.current().get(chosen.path)
    return {
        "cultivar": program_version(),
        "revision": base.commit,
        "date": base.date or None,
        "table": chosen.path,
        "md5": md5,
        "recorded": md5 is not None and recorded is not None and recorded.md5 == md5,
    }


def program_version() -> str:
    try:
        return metadata.version("cultivar")
    except metadata.PackageNotFoundError:
        return "unknown"
