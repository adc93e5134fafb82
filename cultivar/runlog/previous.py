"""The previous version of a stage's tables, and how many rows differ from it.

dvc.lock still names the last recorded version while a stage runs, and DVC's cache holds its bytes. How much of a table
changed depends on what was there before, so it may stand in no output: a metrics file with it would differ between a
rebuild and a clean build, and everything that reads metrics with it. The runner notes it in .cache/runs/<stage>.json
and says it in its closing line; `cultivar summary --all` lists it.
"""

import configparser
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl

from cultivar.outgoing.redaction import redacted
from schemas.errors import UserError

LOCK = Path("dvc.lock")


def rows_changed(
    stage: str, consumed: Mapping[Path, pl.DataFrame], written: Mapping[Path, pl.DataFrame]
) -> dict | None:
    """Rows of the tables read (`in`) and written (`out`) that are new, gone or not as before; None without a before.

    `stage` is its name in dvc.lock. Tables whose earlier bytes are no longer in the cache count as None.
    """
    before = recorded(stage)
    if not before:
        return None
    tables = {
        str(path): difference(before.get(str(path)), path, frame) for path, frame in {**consumed, **written}.items()
    }
    return {
        "in": sum_known(tables[str(path)] for path in consumed),
        "out": sum_known(tables[str(path)] for path in written),
        "tables": tables,
    }


def sum_known(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def difference(md5: str | None, path: Path, frame: pl.DataFrame) -> int | None:
    """Rows of `frame` (the table at `path`) that differ from the version `md5`; 0 at once where the bytes are equal.

    None where the earlier bytes are not to be had: gone from the cache, or damaged there (`cultivar doctor`).
    """
    if md5 is None:
        return None
    try:
        if path.is_file() and md5_of(path) == md5:
            return 0
        earlier = objects_folder() / md5[:2] / md5[2:]
        if not earlier.is_file() or md5_of(earlier) != md5:
            return None
        old, new = (row_hashes(one) for one in (pl.read_parquet(earlier), frame))
    except (OSError, pl.exceptions.PolarsError):  # what this only counts must not fail a stage that has ended
        return None
    both = old.join(new, on="id", how="full", coalesce=True)
    return both.filter(pl.col("row").ne_missing(pl.col("row_right"))).height


def md5_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def row_hashes(frame: pl.DataFrame) -> pl.DataFrame:
    """Ids with a hash of their row, comparable within this process."""
    frame = frame.rechunk()
    return frame.select("id", row=frame.hash_rows())


def recorded(stage: str) -> dict[str, str]:
    """Path -> md5 of the deps and outs of a stage in dvc.lock.

    The file is written by DVC alone and read line by line: a YAML parser takes a second for a graph of thirty stages.
    """
    found: dict[str, str] = {}
    here, path = False, ""
    for line in LOCK.read_text(encoding="utf-8").splitlines() if LOCK.exists() else ():
        if line.startswith("  ") and not line.startswith("   "):
            here = line.strip().rstrip(":").strip("'\"") == stage
        elif here and line.startswith("    - path: "):
            path = line[12:].strip().strip("'\"")
        elif here and path and line.startswith("      md5: "):
            found[path], path = line[11:].strip(), ""
    return found


def objects_folder() -> Path:
    """The folder of DVC's content-addressed objects (cache.dir of its configuration)."""
    return Path(".dvc", dvc_config().get("cache", "dir", fallback="cache")) / "files" / "md5"


def dvc_config() -> configparser.ConfigParser:
    """DVC's configuration: .dvc/config.local over .dvc/config. Raises UserError where one cannot be read."""
    config = configparser.ConfigParser(interpolation=None)
    for path in (".dvc/config", ".dvc/config.local"):
        try:
            config.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read: {' '.join(redacted(str(error)).split())[:200]}") from error
    return config
