"""Row identity and the seeds derived from it.

An id is 16 bytes of sha256 over the canonical JSON (sorted keys) of what makes a row what it is: its content and the
ids of its parents. Seeds come from ids, never from positions, so that a new row changes no other row.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import orjson


def content_id(kind: str, content: Any, parents: Iterable[str] = ()) -> str:
    """32 hex characters that identify a row of `kind` with this `content`, derived from `parents` (order matters)."""
    canonical = orjson.dumps([kind, content, list(parents)], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()[:32]


def seed_of(row_id: str, *purpose: object) -> int:
    """A 31-bit seed for one use (`purpose`) of one row; a margin is left so that seed + sample stays in range."""
    digest = hashlib.sha256("/".join([row_id, *map(str, purpose)]).encode()).digest()
    return int.from_bytes(digest[:4], "big") % (2**31 - 2**16)


def unit_of(row_id: str, *purpose: object) -> float:
    """A number in [0, 1) drawn from a row id: the row's own coin for splits and shares."""
    digest = hashlib.sha256("/".join([row_id, *map(str, purpose)]).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
