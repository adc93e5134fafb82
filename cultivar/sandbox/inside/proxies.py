"""What the tests of a split run hold in place of the solution's objects.

A proxy is never equal to plain data, and computing with one and plain data is `Unsupported`, so an object that claims to
equal everything proves nothing. (The solution's own proxies, of the tests' objects, need no such care.) Only an object of a built-in immutable type's subclass that inherited its `==` (a named
tuple, an IntEnum) shows its value too, which is then what is compared.
"""

import contextlib
import operator
import sys
from opcode import opmap

OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "gt", "ge", "and", "or", "xor")
LOOKUP = {"and": operator.and_, "or": operator.or_}
NAMED = ("len", "iter", "next", "str", "repr", "bool", "hash", "abs", "int", "float")
READABLE = ("__name__", "__doc__", "__dict__", "__annotations__")
NOTHING = object()
# What the tests know of an object: nothing (it is whatever the solution returned), that they took it from the solution
# by name or made it with such a class, or that it is such a class. A name in capitals is a class's, by the tests' choice.
STRANGER, KNOWN, CLASS = "stranger", "known", "class"
METHODS = frozenset(
    name
    for kind in (str, bytes, int, float, tuple, list, dict, set, frozenset)
    for name in dir(kind)
    if not name.startswith("_") and callable(getattr(kind, name))
)


class Unsupported(BaseException):
    """The tests do with a solution's object what cannot be decided across two processes."""


class Lost(BaseException):
    """The other process has ended."""


class Proxy:
    """An object of the other process: its peer, its number there, and its value where that is plain (else NOTHING)."""

    def __init__(self, peer, number, value):
        object.__setattr__(self, "_link", (peer, number, value))
        object.__setattr__(self, "_standing", STRANGER)
        object.__setattr__(self, "_method", None)  # the name under which a stranger was asked for this
        object.__setattr__(self, "_answer", False)  # whether it is what a stranger made of data of the tests

    def __call__(self, *args, **kwargs):
        peer, number, _ = self._link
        found = peer.ask("call", number, args, kwargs)
        if self._method is not None or self._answer:
            found = answered(self, self._method or "a call", (*args, *kwargs.values()), found)
        if self._standing is CLASS and isinstance(found, Proxy):
            object.__setattr__(found, "_standing", KNOWN)
        return found

    def __getattr__(self, name):
        if name.startswith("__") and name not in READABLE:
            raise AttributeError(name)
        found = ask(self, "get", name)
        peer, _, value = self._link
        if peer.trusted and isinstance(found, Proxy) and self._standing is STRANGER:
            if value is not NOTHING and name in METHODS and hasattr(value, name):
                return getattr(value, name)
            object.__setattr__(found, "_method", name)
        return stand_in(peer, f"attribute {name}", found) if self._answer else found

    def __setattr__(self, name, value):
        ask(self, "set", name, value)

    def __getitem__(self, key):
        peer, _, value = self._link
        if peer.trusted and self._standing is STRANGER and hasattr(value, "__getitem__"):
            return value[key]
        found = ask(self, "item", key)
        return answered(self, "[]", (key,), found) if self._standing is STRANGER else found

    def __setitem__(self, key, value):
        ask(self, "setitem", key, value)

    def __contains__(self, other):
        peer, _, value = self._link
        if peer.trusted and self._standing is STRANGER and not isinstance(other, Proxy):
            if value is NOTHING:
                raise peer.fail(Unsupported("plain data in an object of the solution"))
            return other in value
        return ask(self, "contains", other) is True

    def __instancecheck__(self, value):
        return isinstance(value, Proxy) and ask(self, "isinstance", value) is True

    def __eq__(self, other):
        peer, number, value = self._link
        if not isinstance(other, Proxy):
            return value == other if value is not NOTHING else not peer.trusted and ask(self, "eq", other) is True
        return number == other._link[1] or ask(self, "eq", other) is True

    def __hash__(self):
        _, number, value = self._link
        return hash(number if value is NOTHING else value)

    def __iter__(self):
        peer, number, value = self._link
        stranger = peer.trusted and self._standing is STRANGER
        if stranger and value is not NOTHING:
            return iter(value)
        found = ask(self, "iter")
        items = found if isinstance(found, Proxy) else iter(found)
        return counted(self, items) if stranger else items

    def __next__(self):
        return ask(self, "next")

    def __len__(self):
        value = self._link[2]
        return len(value) if value is not NOTHING and self._standing is STRANGER else tell(self, "len")

    def __bool__(self):
        if self._answer:
            raise self._link[0].fail(Unsupported("an object of the solution decides about plain data"))
        return tell(self, "bool") is True

    def __str__(self):
        return tell(self, "str")

    def __repr__(self):
        return tell(self, "repr")

    def __int__(self):
        return tell(self, "int")

    def __float__(self):
        return tell(self, "float")

    def __abs__(self):
        return tell(self, "abs")

    def __enter__(self):
        return ask(self, "enter")

    def __exit__(self, *_):
        ask(self, "exit")


def exported(name, value):
    """A value that the tests take from the solution by this name."""
    if isinstance(value, Proxy):
        object.__setattr__(value, "_standing", CLASS if name.lstrip("_")[:1].isupper() else KNOWN)
    return value


class Answer:
    """Plain data that a stranger answered to plain data: `f(3).get("a")`. The tests may compare it by `==` and compute with
    it. Its truth or its place in an order is the stranger's own verdict, which any object can give; and since it is no
    int and never None, a test that fails beside one is undecided.
    """

    def __init__(self, peer, value):
        self.peer, self.value = peer, value
        self.doubt = peer.doubt = Unsupported("what an object of the solution answered to plain data")

    def __eq__(self, other):
        self.peer.doubt = self.doubt  # in a later test too
        return self.value == (other.value if isinstance(other, Answer) else other)

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return repr(self.value)

    def __getitem__(self, key):
        return Answer(self.peer, self.value[key])

    def __getattr__(self, name):
        raise self.peer.fail(self.doubt)

    def __bool__(self):
        raise self.peer.fail(self.doubt)

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __getattr__


class Withheld:
    """In place of an object of the solution that calls itself like one of the library (`isclose`)."""

    def __init__(self, peer, name):
        self.__dict__ |= {"peer": peer, "name": name}

    def __getattr__(self, name):
        raise self.peer.fail(Unsupported(f"{self.name} is a name of the standard library and one of the solution's"))

    def __call__(self, *args, **kwargs):
        self.__getattr__("")

    __eq__ = __hash__ = __bool__ = __iter__ = __getitem__ = __contains__ = __call__


def discarded():
    """Whether the tests drop what the call at hand returns: it is a statement of its own."""
    frame = sys._getframe(3)  # discarded, answered, __call__
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] == opmap.get("CACHE"):
        at += 2
    return at < len(code) and code[at] == opmap["POP_TOP"]


def answered(proxy, name, args, found):
    """What the tests get where a stranger decided itself about data of theirs: `f(3).startswith("ab")` asks for a string,
    and any object can say True. Methods of plain data are Unsupported.
    """
    peer = proxy._link[0]
    if not peer.trusted:
        return found
    data = proxy._answer or any(not isinstance(arg, Proxy) for arg in args)
    if found is None and discarded():
        return None
    return stand_in(peer, name, found) if data or name in METHODS else found


def stand_in(peer, name, found):
    """An answer in a form whose truth cannot be used."""
    if isinstance(found, Proxy):
        object.__setattr__(found, "_answer", True)
        return found
    if name in METHODS or found is None or type(found) is bool:
        raise peer.fail(Unsupported(f"{name} of an object of the solution decides about plain data"))
    return Answer(peer, found)


def tell(proxy, op):
    """What an object says of itself. A stranger has to say the same until the next call: `int(r) == 1 and int(r) == 2` is
    no answer.
    """
    peer, number, _ = proxy._link
    found = ask(proxy, op)
    if peer.trusted and proxy._standing is STRANGER:
        told = peer.told.setdefault((number, op), found)
        if type(told) is not type(found) or (told != found and told == told):
            raise peer.fail(Unsupported(f"{op} of an object of the solution is not the same every time"))
    return found


def counted(proxy, items):
    """The items of a stranger, which have to be as many as its `len` says: loops over a `zip` end with the shorter side."""
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
        raise peer.fail(Unsupported("an object of the solution does not have as many items as its len says"))


def ask(proxy, op, *args):
    peer, number, _ = proxy._link
    return peer.ask(op, number, args, {})


def binary(name, swapped):
    """The operator method `name` of a proxy; `swapped` where the proxy stands on the right."""

    def apply(self, other):
        peer, _, value = self._link
        if isinstance(other, Proxy) or not (peer.trusted or swapped):
            return ask(self, name, other)
        if value is NOTHING:
            raise peer.fail(Unsupported(f"{name} of the solution's object and plain data"))
        compute = LOOKUP.get(name) or getattr(operator, name)
        return compute(other, value) if swapped else compute(value, other)

    return apply


def computed(name, swapped):
    compute = LOOKUP.get(name) or getattr(operator, name)
    return lambda self, other: compute(other, self.value) if swapped else compute(self.value, other)


for _name in OPERATORS:
    setattr(Proxy, f"__{_name}__", binary(_name, False))
    if _name not in ("lt", "le", "gt", "ge"):
        setattr(Proxy, f"__r{_name}__", binary(_name, True))
        setattr(Answer, f"__{_name}__", computed(_name, False))
        setattr(Answer, f"__r{_name}__", computed(_name, True))
