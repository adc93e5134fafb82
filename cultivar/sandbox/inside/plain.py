"""Plain data as canonical text: two values have the same text exactly where `==` holds between them.

Plain data are of built-in types, or of subclasses that inherit their `==` unchanged (named tuples, IntEnum). An instance
of any other class, above all one with its own `__eq__`, is opaque and equals nothing; neither does NaN. The supervisor
compares texts and so never decodes, hashes or compares an untrusted value.
"""

import sys
from collections import Counter, OrderedDict, defaultdict, deque

MAX_DEPTH = 200
MAPPINGS = (dict, OrderedDict, Counter, defaultdict)
SETS: tuple[type, ...] = (set, frozenset, type({}.keys()), type({}.items()))
NUMBERS = (bool, int, float, complex)
BASE_TYPES: tuple[type, ...] = (int, float, str, tuple, list, dict, set, frozenset, bytes)


class PlainError(ValueError):
    """The value is not plain data."""


def canonical_number(value):
    """Canonical text of an int, float or complex. Raises PlainError for NaN."""
    kind = type(value)
    if kind is complex:
        return (
            canonical_number(value.real)
            if value.imag == 0
            else f"c({canonical_number(value.real)},{canonical_number(value.imag)})"
        )
    if kind is float:
        if value != value:
            raise PlainError("NaN equals nothing")
        if value in (float("inf"), float("-inf")):
            return "inf" if value > 0 else "-inf"
        if value != int(value):
            return float.hex(value)
        value = int(value)
    return hex(value)


def loaded_class(module, name):
    """A class of a module, None where the module has not been imported."""
    return getattr(sys.modules.get(module), name, None)


def canonical_rational(value):
    """Canonical text of a Decimal or Fraction, the same as that of an equal int or float; None for any other type."""
    if type(value) is loaded_class("decimal", "Decimal"):
        if not value.is_finite():
            return canonical_number(float(value))
        if abs(value.adjusted()) > 400:
            raise PlainError("a Decimal beyond 1e400")
        top, bottom = value.as_integer_ratio()
    elif type(value) is loaded_class("fractions", "Fraction"):
        top, bottom = value.numerator, value.denominator
    else:
        return None
    if bottom == 1:
        return hex(top)
    try:
        near = top / bottom
    except OverflowError:
        near = 0.0
    return float.hex(near) if near.as_integer_ratio() == (top, bottom) else f"F({hex(top)},{hex(bottom)})"


def is_numpy_scalar(value):
    return any(c.__module__ == "numpy" and c.__name__ == "generic" for c in type.mro(type(value)))


def base_value(value):
    """The value as its built-in base type where its class inherits `==` from there (NumPy scalars too), else None."""
    mro = type.mro(type(value))
    if is_numpy_scalar(value):
        return value.item() if type(value.item()) in (*NUMBERS, str, bytes) else None
    eq_owner: type = next(c for c in mro if "__eq__" in c.__dict__)
    if eq_owner not in BASE_TYPES:
        return None
    if eq_owner is int or eq_owner is float:
        return int.__add__(value, 0) if eq_owner is int else float.__add__(value, 0.0)
    if eq_owner is str:
        return str.__str__(value)
    if eq_owner is bytes:
        return bytes.__getitem__(value, slice(None))
    contents = dict.items if eq_owner is dict else eq_owner.__dict__["__iter__"]
    return eq_owner(contents(value))


def canonical(value, depth=0):
    """Canonical text of plain data (one line, ASCII). Raises PlainError for opaque values, NaN and depth > 200."""
    kind = type(value)
    if value is None:
        return "N"
    if kind is str:
        return ascii(value)  # in JSON two surrogates and the character that they encode have the same text
    if kind in NUMBERS:
        return canonical_number(int(value) if kind is bool else value)
    if depth > MAX_DEPTH:
        raise PlainError("nested deeper than 200")
    if kind is list:
        return "[" + ",".join([canonical(v, depth + 1) for v in value]) + "]"
    if kind is tuple:
        return "(" + ",".join([canonical(v, depth + 1) for v in value]) + ")"
    if kind in SETS:
        return "{" + ",".join(sorted([canonical(v, depth + 1) for v in value])) + "}"
    if kind in MAPPINGS:
        items = [canonical(k, depth + 1) + ":" + canonical(v, depth + 1) for k, v in dict.items(value)]
        return "d{" + ",".join(sorted(items)) + "}"
    if kind is bytes or kind is bytearray:
        return "b" + bytes(value).hex()
    if kind is range:
        shape = (len(value), *value[:1], *([value.step] if len(value) > 1 else []))  # what `==` of ranges compares
        return "r(" + ",".join([hex(v) for v in shape]) + ")"
    if kind is deque:
        return "q[" + ",".join([canonical(v, depth + 1) for v in value]) + "]"
    text = canonical_rational(value)
    if text is not None:
        return text
    base = base_value(value)
    if base is None:
        raise PlainError(f"{kind.__module__}.{kind.__qualname__} is not plain data")
    return canonical(base, depth)


SCALARS = (type(None), bool, str)
SEQUENCES: dict[type, str] = {list: "l", tuple: "t", set: "s", frozenset: "z", deque: "q"}
BUILDERS = {tag: kind for kind, tag in SEQUENCES.items()}
DATETIME_FIELDS = {
    "date": ("year", "month", "day"),
    "time": ("hour", "minute", "second", "microsecond"),
    "datetime": ("year", "month", "day", "hour", "minute", "second", "microsecond"),
    "timedelta": ("days", "seconds", "microseconds"),
}


def has_surrogates(text):
    """Whether a string holds lone surrogates, which JSON may join."""
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def pack(value, fallback=None):
    """Plain data as JSON data that `unpack` restores. `fallback(value)` packs other objects; without it they raise PlainError."""
    kind = type(value)
    if kind in SCALARS:
        return (
            {"u": value.encode("utf-32-be", "surrogatepass").hex()} if kind is str and has_surrogates(value) else value
        )
    if kind is int:
        return value if -(1 << 53) < value < (1 << 53) else {"i": hex(value)}
    if kind is float:
        return {"f": float.hex(value)}
    if kind in SEQUENCES:
        items = sorted(value, key=repr) if kind in (set, frozenset) else value
        return {SEQUENCES[kind]: [pack(v, fallback) for v in items]}
    if kind in MAPPINGS:
        return {"d": [[pack(k, fallback), pack(v, fallback)] for k, v in dict.items(value)]}
    if kind is bytes or kind is bytearray:
        return {"b" if kind is bytes else "B": bytes(value).hex()}
    if kind is complex:
        return {"c": [float.hex(value.real), float.hex(value.imag)]}
    if kind is range:
        return {"r": [pack(v) for v in (value.start, value.stop, value.step)]}
    if kind is loaded_class("decimal", "Decimal"):
        return {"D": str(value)}
    if kind is loaded_class("fractions", "Fraction"):
        return {"F": [hex(value.numerator), hex(value.denominator)]}
    is_datetime = kind.__name__ in DATETIME_FIELDS and kind is loaded_class("datetime", kind.__name__)
    if is_datetime and getattr(value, "tzinfo", None) is None:
        return {"T": [kind.__name__, *[getattr(value, name) for name in DATETIME_FIELDS[kind.__name__]]]}
    if fallback is None:
        raise PlainError(f"{kind.__module__}.{kind.__qualname__} is not plain data")
    return fallback(value)


def unpack(data, fallback=None):
    """The inverse of `pack`; `fallback(tag, body)` restores other objects. Malformed data raise some exception."""
    if not isinstance(data, dict):
        if isinstance(data, list):
            raise PlainError("untagged list")
        return data
    ((tag, body),) = data.items()
    if tag in BUILDERS:
        return BUILDERS[tag]([unpack(v, fallback) for v in body])
    if tag == "d":
        return {unpack(k, fallback): unpack(v, fallback) for k, v in body}
    if tag == "i":
        return int(body, 16)
    if tag == "u":
        return bytes.fromhex(body).decode("utf-32-be", "surrogatepass")
    if tag == "f":
        return float.fromhex(body)
    if tag == "b":
        return bytes.fromhex(body)
    if tag == "B":
        return bytearray.fromhex(body)
    if tag == "c":
        return complex(float.fromhex(body[0]), float.fromhex(body[1]))
    if tag == "r":
        return range(*[unpack(v) for v in body])
    if tag in ("D", "F", "T"):
        return unpack_library_value(tag, body)
    if fallback is None:
        raise PlainError(f"tag {tag!r}")
    return fallback(tag, body)


def unpack_library_value(tag, body):
    """Restore values of modules that are imported only when needed."""
    if tag == "D":
        from decimal import Decimal

        return Decimal(body)
    if tag == "F":
        from fractions import Fraction

        return Fraction(int(body[0], 16), int(body[1], 16))
    import datetime

    if body[0] not in DATETIME_FIELDS:
        raise PlainError(f"datetime.{body[0]}")
    return getattr(datetime, body[0])(*body[1:])
