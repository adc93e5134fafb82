"""Keys of the store: 16 bytes of sha256 over the canonical form of plain values (orjson, sorted keys)."""

import hashlib
from typing import Any

import orjson


def content_key(value: Any) -> bytes:
    """16 bytes over the canonical form of a value. Raises TypeError for what JSON cannot hold."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).digest()[:16]


def normalize_numbers(value: Any) -> Any:
    """Numbers that are equal are written alike (1.0 as 1), at any depth; tuples as lists."""
    match value:
        case bool() | None | str():
            return value
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: normalize_numbers(item) for key, item in value.items()}
        case list() | tuple():
            return [normalize_numbers(item) for item in value]
    return value
