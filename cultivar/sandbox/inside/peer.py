"""One end of the conversation between the tests and the solution: plain data by value, everything else by handle.

Messages are length-prefixed JSON: ["ask", op, number, args, kwargs], ["ok", value, printed, arguments afterwards],
["raise", [class names, args, words], printed, arguments afterwards], ["cannot", words, ...]. Requests nest: an answer may need a callback first.
Lists, dicts and sets that were arguments are copied back after a call.
"""

import builtins
import contextlib
import io
import json
import operator
import struct
import sys

from . import handover
from .plain import BASES, PlainError, inherited, pack, unpack
from .proxies import LOOKUP, NAMED, NOTHING, OPERATORS, Answer, Lost, Proxy, Unsupported

LENGTH = struct.Struct("=I")
MAX_MESSAGE = 16 << 20
MAX_CLASSES = 12  # of one exception
# What the tests take of built-in classes from the solution, besides exceptions: nothing that makes classes or answers [].
CLASSES = (bool, int, float, complex, str, bytes, bytearray, range)
IMMUTABLE = tuple(b for b in BASES if b not in (list, dict, set))


class Peer:
    """`trusted` is the end of the tests. `fate` is the first thing that makes every later result worthless."""

    def __init__(self, sock, trusted):
        self.sock, self.trusted = sock, trusted
        self.objects, self.numbers = {}, {}
        self.exceptions = {}
        self.asked = 0
        self.fate = None
        self.doubt = None  # why a test that fails may yet be right (proxies.Answer)
        self.told = {}  # (number, request): what strangers said of themselves since the last call, which may change them

    def fail(self, error):
        """Note an error that a test must not swallow, and give it back to be raised."""
        self.fate = self.fate or error
        return error

    # -- wire ------------------------------------------------------------------------------------------------------
    def send(self, message):
        data = json.dumps(message).encode()
        if len(data) > MAX_MESSAGE:
            raise self.fail(Unsupported("a value of more than 16 MiB"))
        try:
            self.sock.sendall(LENGTH.pack(len(data)) + data)
        except OSError:
            raise self.fail(Lost("the other process has ended")) from None

    def take(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                part = self.sock.recv(min(size - len(data), 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise self.fail(Lost("the solution's process has ended" if self.trusted else "the tests have ended"))
            data += part
        return bytes(data)

    def receive(self):
        (size,) = LENGTH.unpack(self.take(LENGTH.size))
        if size > MAX_MESSAGE:
            raise self.fail(Lost("a message of more than 16 MiB"))
        try:
            message = json.loads(self.take(size))
        except (ValueError, RecursionError):
            message = None
        if (
            type(message) is not list
            or not message
            or message[0] not in ("ask", "ok", "raise", "cannot", "failed", "offer")
        ):
            raise self.fail(Lost("not a message"))
        return message

    # -- values ----------------------------------------------------------------------------------------------------
    def pack(self, value):
        return pack(value, self.handle)

    def handle(self, value):
        if isinstance(value, Proxy) and value._link[0] is self:
            return {"mine": value._link[1]}
        if isinstance(value, Answer):
            return self.pack(value.value)
        name = handover.named(value)
        if name and (self.trusted or isinstance(value, type)):  # the tests take no function of that name from elsewhere
            return {"builtin": name}
        if self.trusted and not handover.may_go(value):
            raise self.fail(Unsupported(f"{type(value).__name__} of the tests cannot be handed to the solution"))
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects)
            self.objects[number] = value
        words = {}
        if isinstance(value, type) and issubclass(value, BaseException):
            words["error"] = lineage(value)
        elif not self.trusted and (base := inherited(value)) is not None and type(base) in IMMUTABLE:
            with contextlib.suppress(PlainError, RecursionError):
                words["value"] = pack(base)
        return {"theirs": [number, words]}

    def unpack(self, data):
        return unpack(data, self.restore)

    def restore(self, tag, body):
        if tag == "mine":
            return self.objects[body]
        if tag == "builtin":
            found = getattr(builtins, body)
            if self.trusted and not (
                found in CLASSES or (isinstance(found, type) and issubclass(found, BaseException))
            ):
                raise self.fail(Unsupported(f"{body} as a class of the solution"))
            return self.harmless(found)
        number, words = body
        if "error" in words and self.trusted:
            return self.harmless(self.exception_class(words["error"]))
        return Proxy(self, number, unpack(words["value"]) if "value" in words else NOTHING)

    def harmless(self, found):
        """A class from the other side. `except` and `suppress` with one of these would swallow the failure of an `assert`."""
        if self.trusted and issubclass(AssertionError, found):
            raise self.fail(Unsupported(f"{found.__name__} as a class of the solution"))
        return found

    def exception_class(self, names):
        """The class that stands for one of the other side: its own names down to the first built-in one."""
        found: type = Exception
        for name in reversed(names[:MAX_CLASSES]):
            known = getattr(builtins, name, None)
            if isinstance(known, type) and issubclass(known, BaseException):
                found = known
            elif name not in self.exceptions:
                found = self.exceptions[name] = type(name, (found,), {})
            else:
                found = self.exceptions[name]
        return found

    # -- asking ----------------------------------------------------------------------------------------------------
    def ask(self, op, number, args, kwargs):
        if self.fate:
            raise self.fate
        self.asked += 1
        if op in ("call", "set", "setitem"):
            self.told.clear()
        self.send(["ask", op, number, self.pack(args), self.pack(kwargs)])
        while True:
            message = self.receive()
            if message[0] == "ask":
                self.answer(message)
                continue
            kind, value, text, back = message
            if isinstance(text, str) and text and self.trusted:
                sys.stdout.write(text)
            changed = back if op == "call" and back else ()  # no other request may change what it was given
            for original, new in zip((*args, *kwargs.values()), changed, strict=False):
                if new is not None:
                    copy_back(original, self.unpack(new))
            if kind == "ok":
                return self.unpack(value)
            if kind == "cannot":
                raise self.fail(Unsupported(str(value)[:250]))
            error = self.exception(*value)
            if self.trusted and op != "next" and isinstance(error, StopIteration):  # would end a `map` over the answers
                raise self.fail(Unsupported(f"StopIteration from {op} of the solution"))
            raise error

    def exception(self, names, args, words):
        found = self.exception_class([str(name) for name in names])
        with contextlib.suppress(Exception):
            if args is not None:
                return found(*self.unpack(args))
        with contextlib.suppress(Exception):
            return found(words)
        return RuntimeError(f"{names[0]}: {words}"[:250])

    def answer(self, message):
        _, op, number, args, kwargs = message
        captured = io.StringIO() if not self.trusted else None
        back = None
        try:
            args, kwargs = self.unpack(args), self.unpack(kwargs)
            target = self.objects[number]
            if self.trusted:
                handover.check(op, target, args)
            values = [*args, *kwargs.values()] if op == "call" else []
            before = [self.pack(v) if type(v) in (list, dict, set) else None for v in values]
            with contextlib.redirect_stdout(captured) if captured else contextlib.nullcontext():
                value = operate(op, target, args, kwargs)
            if value is NotImplemented:
                raise TypeError(f"{op} is not supported by the object")
            after = [self.pack(v) if b is not None else None for v, b in zip(values, before, strict=True)]
            back = [a if a != b else None for a, b in zip(after, before, strict=True)]
            reply = ["ok", self.pack(value)]
        except Unsupported as error:
            if self.trusted:
                raise self.fail(error) from None
            self.fate, reply = None, ["cannot", str(error)[:250]]
        except Lost:
            raise
        except SystemExit:
            if not self.trusted:
                raise  # a solution that exits has exited
            reply = ["raise", [["RuntimeError"], None, "the tests' callback exited"]]
        except BaseException as error:
            try:
                packed, text = pack(tuple(error.args)), str(error)[:250]
            except BaseException:
                packed, text = None, ""
            reply = ["raise", [lineage(type(error)), packed, text]]
        self.send([*reply, captured.getvalue() if captured else "", back])


def lineage(kind):
    """Names of an exception's classes, the most derived first, down to the first built-in one."""
    names = []
    for base in kind.__mro__:
        names.append(base.__name__)
        if getattr(builtins, base.__name__, None) is base:
            return names
    return names


def operate(op, target, args, kwargs):
    if op == "call":
        return target(*args, **kwargs)
    if op == "get":
        return getattr(target, *args)
    if op == "set":
        return setattr(target, *args)
    if op == "item":
        return target[args[0]]
    if op == "setitem":
        target[args[0]] = args[1]
        return None
    if op == "contains":
        return args[0] in target
    if op == "isinstance":
        return isinstance(args[0], target)
    if op == "enter":
        return target.__enter__()
    if op == "exit":
        return target.__exit__(None, None, None)
    if op == "eq":
        return target == args[0]
    if op in OPERATORS:
        return (LOOKUP.get(op) or getattr(operator, op))(target, args[0])
    if op in NAMED:
        return getattr(builtins, op)(target)
    raise TypeError(f"unknown request {op!r}")


def copy_back(original, new):
    if type(original) is list and type(new) is list:
        original[:] = new
    elif type(original) in (dict, set) and type(new) is type(original):
        original.clear()
        original.update(new)
