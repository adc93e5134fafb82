"""Stand-ins for the solution's objects in the tests of a split run.

A proxy is never equal to plain data, and computing with one and plain data is `Unsupported`, so an object that claims to
equal everything proves nothing. (The solution's proxies of the tests' objects need no such care.) Only objects of a
built-in immutable type's subclass that inherits its `==` (a named tuple, an IntEnum) carry their value, which is compared.
"""

import contextlib
import operator
import sys
from opcode import opmap

OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "gt", "ge", "and", "or", "xor")
OPERATOR_FUNCTIONS = {"and": operator.and_, "or": operator.or_}
BUILTIN_OPS = ("len", "iter", "next", "str", "repr", "bool", "hash", "abs", "int", "float")
READABLE = ("__name__", "__doc__", "__dict__", "__annotations__")
NO_VALUE = object()
# Where an object of the solution comes from: a call returned it (any object, so it is not trusted to decide anything about
# the tests' data), the tests took it by name or created it with a class that they took, or it is such a class. A
# capitalised name is a class's, by the tests' choice.
RETURNED, NAMED, CLASS = "returned", "named", "class"
METHODS = frozenset(
    name
    for kind in (str, bytes, int, float, tuple, list, dict, set, frozenset)
    for name in dir(kind)
    if not name.startswith("_") and callable(getattr(kind, name))
)


class Unsupported(BaseException):
    """The tests use a solution's object in a way that cannot be decided across two processes."""


class OutputLimit(BaseException):
    """A value of the solution is too large, or nested too deeply, to be sent to the tests."""


class PeerLost(BaseException):
    """The other process has ended."""


class Proxy:
    """An object of the other process: its peer, its number there, and its value where that is plain (else NO_VALUE)."""

    def __init__(self, peer, number, value):
        object.__setattr__(self, "_link", (peer, number, value))
        object.__setattr__(self, "_proxy_origin", RETURNED)
        object.__setattr__(self, "_proxy_method", None)  # of a returned object's attribute: its name
        object.__setattr__(self, "_proxy_is_guarded", False)  # a returned object's result for data of the tests

    def __call__(self, *args, **kwargs):
        peer, number, _ = self._link
        result = peer.request("call", number, args, kwargs)
        if self._proxy_method is not None or self._proxy_is_guarded:
            result = guard_result(self, self._proxy_method or "a call", (*args, *kwargs.values()), result)
        if self._proxy_origin is CLASS and isinstance(result, Proxy):
            object.__setattr__(result, "_proxy_origin", NAMED)
        return result

    def __getattr__(self, name):
        if name.startswith("__") and name not in READABLE:
            raise AttributeError(name)
        result = request(self, "get", name)
        peer, _, value = self._link
        if peer.trusted and isinstance(result, Proxy) and self._proxy_origin is RETURNED:
            if value is not NO_VALUE and name in METHODS and hasattr(value, name):
                return getattr(value, name)
            object.__setattr__(result, "_proxy_method", name)
        return guard_value(peer, f"attribute {name}", result) if self._proxy_is_guarded else result

    def __setattr__(self, name, value):
        request(self, "set", name, value)

    def __getitem__(self, key):
        peer, _, value = self._link
        if peer.trusted and self._proxy_origin is RETURNED and hasattr(value, "__getitem__"):
            return value[key]
        result = request(self, "item", key)
        return guard_result(self, "[]", (key,), result) if self._proxy_origin is RETURNED else result

    def __setitem__(self, key, value):
        request(self, "setitem", key, value)

    def __contains__(self, other):
        peer, _, value = self._link
        if peer.trusted and self._proxy_origin is RETURNED and not isinstance(other, Proxy):
            if value is NO_VALUE:
                raise peer.set_fatal(Unsupported("plain data in an object of the solution"))
            return other in value
        return request(self, "contains", other) is True

    def __instancecheck__(self, value):
        return isinstance(value, Proxy) and request(self, "isinstance", value) is True

    def __eq__(self, other):
        peer, number, value = self._link
        if not isinstance(other, Proxy):
            return value == other if value is not NO_VALUE else not peer.trusted and request(self, "eq", other) is True
        return number == other._link[1] or request(self, "eq", other) is True

    def __hash__(self):
        _, number, value = self._link
        return hash(number if value is NO_VALUE else value)

    def __iter__(self):
        peer, number, value = self._link
        is_returned = peer.trusted and self._proxy_origin is RETURNED
        if is_returned and value is not NO_VALUE:
            return iter(value)
        result = request(self, "iter")
        items = result if isinstance(result, Proxy) else iter(result)
        return checked_items(self, items) if is_returned else items

    def __next__(self):
        return request(self, "next")

    def __len__(self):
        value = self._link[2]
        return len(value) if value is not NO_VALUE and self._proxy_origin is RETURNED else request_stable(self, "len")

    def __bool__(self):
        if self._proxy_is_guarded:
            raise self._link[0].set_fatal(Unsupported("an object of the solution decides about plain data"))
        return request_stable(self, "bool") is True

    def __str__(self):
        return request_stable(self, "str")

    def __repr__(self):
        return request_stable(self, "repr")

    def __int__(self):
        return request_stable(self, "int")

    def __float__(self):
        return request_stable(self, "float")

    def __abs__(self):
        return request_stable(self, "abs")

    def __enter__(self):
        return request(self, "enter")

    def __exit__(self, *_):
        request(self, "exit")


def set_origin(name, value):
    """Note that the tests take this value from the solution by name; the value."""
    if isinstance(value, Proxy):
        object.__setattr__(value, "_proxy_origin", CLASS if name.lstrip("_")[:1].isupper() else NAMED)
    return value


class GuardedValue:
    """Plain data that a returned object gave for plain data: `f(3).get("a")`. The tests may compare it by `==` and compute
    with it. Its truth or order would be the object's own verdict, which any object can give, so they are Unsupported.
    Since it is neither an int nor None, a test that fails after creating one is undecided.
    """

    def __init__(self, peer, value):
        self.peer, self.value = peer, value
        self.undecided = peer.undecided = Unsupported("what an object of the solution answered to plain data")

    def __eq__(self, other):
        self.peer.undecided = self.undecided  # in a later test too
        return self.value == (other.value if isinstance(other, GuardedValue) else other)

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return repr(self.value)

    def __getitem__(self, key):
        return GuardedValue(self.peer, self.value[key])

    def __getattr__(self, name):
        raise self.peer.set_fatal(self.undecided)

    def __bool__(self):
        raise self.peer.set_fatal(self.undecided)

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getattr__


class AmbiguousName:
    """In place of an object of the solution with the name of one of the library (`isclose`): any use is Unsupported."""

    def __init__(self, peer, name):
        self.__dict__ |= {"peer": peer, "name": name}

    def __getattr__(self, name):
        raise self.peer.set_fatal(
            Unsupported(f"{self.name} is a name of the standard library and one of the solution's")
        )

    def __call__(self, *args, **kwargs):
        self.__getattr__("")

    __eq__ = __hash__ = __bool__ = __iter__ = __getitem__ = __contains__ = __call__


def is_result_dropped():
    """Whether the tests discard the result of the current call, because it is a statement of its own."""
    frame = sys._getframe(3)  # is_result_dropped, guard_result, __call__
    code, offset = frame.f_code.co_code, frame.f_lasti + 2
    while offset < len(code) and code[offset] == opmap.get("CACHE"):
        offset += 2
    return offset < len(code) and code[offset] == opmap["POP_TOP"]


def guard_result(proxy, name, args, result):
    """The result of a returned object's method for data of the tests, in a form whose truth cannot be used:
    `f(3).startswith("ab")` expects a string, and any object can return True. Methods of plain data are Unsupported.
    """
    peer = proxy._link[0]
    if not peer.trusted:
        return result
    has_data = proxy._proxy_is_guarded or any(not isinstance(arg, Proxy) for arg in args)
    if result is None and is_result_dropped():
        return None
    return guard_value(peer, name, result) if has_data or name in METHODS else result


def guard_value(peer, name, result):
    """A result in a form whose truth cannot be used. Raises Unsupported where there is no such form."""
    if isinstance(result, Proxy):
        object.__setattr__(result, "_proxy_is_guarded", True)
        return result
    if name in METHODS or result is None or type(result) is bool:
        raise peer.set_fatal(Unsupported(f"{name} of an object of the solution decides about plain data"))
    return GuardedValue(peer, result)


def request_stable(proxy, op):
    """An object's own conversion (`int(r)`, `len(r)`). A returned object has to give the same until the next call:
    `int(r) == 1 and int(r) == 2` is Unsupported.
    """
    peer, number, _ = proxy._link
    result = request(proxy, op)
    if peer.trusted and proxy._proxy_origin is RETURNED:
        self_reports = peer.self_reports.setdefault((number, op), result)
        if type(self_reports) is not type(result) or (self_reports != result and self_reports == self_reports):
            raise peer.set_fatal(Unsupported(f"{op} of an object of the solution is not the same every time"))
    return result


def checked_items(proxy, items):
    """The items of a returned object. Their number has to match its `len`: a loop over a `zip` ends with the shorter side."""
    peer, number, _ = proxy._link
    try:
        length = len(proxy)
    except Exception:  # it has no length
        length = None
    count = 0
    with contextlib.suppress(StopIteration):
        while length is None or count <= length:
            item = next(items)
            count += 1
            yield item
    if length is not None and count != length:
        raise peer.set_fatal(Unsupported("an object of the solution does not have as many items as its len says"))


def request(proxy, op, *args):
    peer, number, _ = proxy._link
    return peer.request(op, number, args, {})


def proxy_operator(name, is_swapped):
    """The operator method `name` of a proxy; `is_swapped` where the proxy is the right operand."""

    def apply(self, other):
        peer, _, value = self._link
        if isinstance(other, Proxy) or not (peer.trusted or is_swapped):
            return request(self, name, other)
        if value is NO_VALUE:
            raise peer.set_fatal(Unsupported(f"{name} of the solution's object and plain data"))
        compute = OPERATOR_FUNCTIONS.get(name) or getattr(operator, name)
        return compute(other, value) if is_swapped else compute(value, other)

    return apply


def value_operator(name, is_swapped):
    compute = OPERATOR_FUNCTIONS.get(name) or getattr(operator, name)
    return lambda self, other: compute(other, self.value) if is_swapped else compute(self.value, other)


for _name in OPERATORS:
    setattr(Proxy, f"__{_name}__", proxy_operator(_name, False))
    if _name not in ("lt", "le", "gt", "ge"):
        setattr(Proxy, f"__r{_name}__", proxy_operator(_name, True))
        setattr(GuardedValue, f"__{_name}__", value_operator(_name, False))
        setattr(GuardedValue, f"__r{_name}__", value_operator(_name, True))
