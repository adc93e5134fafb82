"""One end of the connection between the tests and the solution: plain data by value, other objects by handle.

Messages are length-prefixed JSON: ["ask", op, number, args, kwargs], ["ok", value, printed, changed arguments],
["raise", [class names, args, message], printed, changed arguments], ["cannot", message, ...]. Requests nest: a reply may
need a callback first. Lists, dicts and sets that were arguments are copied back after a call.
"""

import builtins
import contextlib
import io
import json
import operator
import struct
import sys

from . import handover
from .plain import BASE_TYPES, PlainError, base_value, is_numpy_scalar, pack, unpack
from .proxies import (
    BUILTIN_OPS,
    NO_VALUE,
    OPERATOR_FUNCTIONS,
    OPERATORS,
    GuardedValue,
    OutputLimit,
    PeerLost,
    Proxy,
    Unsupported,
)

LENGTH = struct.Struct("=I")
MAX_MESSAGE = 16 << 20
TOO_LARGE = "a value of more than 16 MiB, or nested too deeply"
MAX_CLASSES = 12  # of one exception
# Built-in classes that the tests accept from the solution, besides exceptions: none that makes classes or can be
# subscripted (`list[1]`).
ALLOWED_CLASSES = (bool, int, float, complex, str, bytes, bytearray, range)
IMMUTABLE = tuple(b for b in BASE_TYPES if b not in (list, dict, set))


class Peer:
    """`trusted` is true at the tests' end. `fatal_error` is the first error that makes every later result meaningless."""

    def __init__(self, sock, trusted):
        self.sock, self.trusted = sock, trusted
        self.objects, self.numbers = {}, {}
        self.exceptions = {}
        self.request_count = 0
        self.fatal_error = None
        self.undecided = None  # set where a failing test may not be the solution's fault (proxies.GuardedValue)
        self.self_reports = {}  # {(number, op): value} of returned objects since the last call, which may change it

    def set_fatal(self, error):
        """Record an error that a test must not swallow, and return it to be raised."""
        self.fatal_error = self.fatal_error or error
        return error

    # -- wire ------------------------------------------------------------------------------------------------------
    def send(self, message):
        """Send a message. Raises Unsupported (the tests' end) or OutputLimit for one that cannot be sent, PeerLost."""
        try:
            data = json.dumps(message).encode()
        except (RecursionError, MemoryError):
            data = b""
        if not data or len(data) > MAX_MESSAGE:
            raise self.set_fatal(Unsupported(TOO_LARGE)) if self.trusted else OutputLimit(TOO_LARGE)
        self.send_bytes(LENGTH.pack(len(data)) + data)

    def send_reply(self, message):
        """Send a reply of the solution; in the place of one that cannot be sent a length that no message has."""
        try:
            self.send(message)
        except OutputLimit:
            self.send_bytes(LENGTH.pack(MAX_MESSAGE + 1))

    def send_bytes(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            raise self.set_fatal(PeerLost("the other process has ended")) from None

    def read_exactly(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                chunk = self.sock.recv(min(size - len(data), 1 << 20))
            except OSError:
                chunk = b""
            if not chunk:
                raise self.set_fatal(
                    PeerLost("the solution's process has ended" if self.trusted else "the tests have ended")
                )
            data += chunk
        return bytes(data)

    def receive(self):
        (size,) = LENGTH.unpack(self.read_exactly(LENGTH.size))
        if size > MAX_MESSAGE:
            raise self.set_fatal(OutputLimit(TOO_LARGE))
        try:
            message = json.loads(self.read_exactly(size))
        except RecursionError:
            raise self.set_fatal(OutputLimit(TOO_LARGE)) from None
        except ValueError:
            message = None
        if (
            type(message) is not list
            or not message
            or message[0] not in ("ask", "ok", "raise", "cannot", "failed", "offer")
        ):
            raise self.set_fatal(PeerLost("not a message"))
        return message

    # -- values ----------------------------------------------------------------------------------------------------
    def pack(self, value):
        return pack(value, self.pack_object)

    def pack_object(self, value):
        if isinstance(value, Proxy) and value._link[0] is self:
            return {"mine": value._link[1]}
        if isinstance(value, GuardedValue):
            return self.pack(value.value)
        if is_numpy_scalar(value) and (number := base_value(value)) is not None:
            return self.pack(number)
        name = handover.builtin_name(value)
        if name and (self.trusted or isinstance(value, type)):  # the tests accept no built-in functions
            return {"builtin": name}
        if self.trusted and not handover.may_hand_over(value):
            raise self.set_fatal(Unsupported(f"{type(value).__name__} of the tests cannot be handed to the solution"))
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.objects)
            self.objects[number] = value
        details = {}
        if isinstance(value, type) and issubclass(value, BaseException):
            details["error"] = class_names(value)
        elif not self.trusted and (base := base_value(value)) is not None and type(base) in IMMUTABLE:
            with contextlib.suppress(PlainError, RecursionError):
                details["value"] = pack(base)
        return {"theirs": [number, details]}

    def unpack(self, data):
        return unpack(data, self.unpack_object)

    def unpack_object(self, tag, body):
        if tag == "mine":
            return self.objects[body]
        if tag == "builtin":
            cls = getattr(builtins, body)
            if self.trusted and not (
                cls in ALLOWED_CLASSES or (isinstance(cls, type) and issubclass(cls, BaseException))
            ):
                raise self.set_fatal(Unsupported(f"{body} as a class of the solution"))
            return self.check_class(cls)
        number, details = body
        if "error" in details and self.trusted:
            return self.check_class(self.exception_class(details["error"]))
        return Proxy(self, number, unpack(details["value"]) if "value" in details else NO_VALUE)

    def check_class(self, cls):
        """The class, unless `except` or `suppress` with it would swallow the failure of an `assert`: raises Unsupported."""
        if self.trusted and issubclass(AssertionError, cls):
            raise self.set_fatal(Unsupported(f"{cls.__name__} as a class of the solution"))
        return cls

    def exception_class(self, names):
        """The local class for an exception class of the other side, with the same names down to the first built-in one."""
        cls: type = Exception
        for name in reversed(names[:MAX_CLASSES]):
            builtin = getattr(builtins, name, None)
            if isinstance(builtin, type) and issubclass(builtin, BaseException):
                cls = builtin
            elif name not in self.exceptions:
                cls = self.exceptions[name] = type(name, (cls,), {})
            else:
                cls = self.exceptions[name]
        return cls

    # -- asking ----------------------------------------------------------------------------------------------------
    def request(self, op, number, args, kwargs):
        if self.fatal_error:
            raise self.fatal_error
        self.request_count += 1
        if op in ("call", "set", "setitem"):
            self.self_reports.clear()
        self.send(["ask", op, number, self.pack(args), self.pack(kwargs)])
        while True:
            message = self.receive()
            if message[0] == "ask":
                self.serve_request(message)
                continue
            kind, value, text, changes = message
            if isinstance(text, str) and text and self.trusted:
                sys.stdout.write(text)
            applied = changes if op == "call" and changes else ()  # no other request may change its arguments
            for original, new in zip((*args, *kwargs.values()), applied, strict=False):
                if new is not None:
                    copy_back(original, self.unpack(new))
            if kind == "ok":
                return self.unpack(value)
            if kind == "cannot":
                raise self.set_fatal(Unsupported(str(value)[:250]))
            error = self.exception(*value)
            if self.trusted and op != "next" and isinstance(error, StopIteration):  # would end a `map` over the results
                raise self.set_fatal(Unsupported(f"StopIteration from {op} of the solution"))
            raise error

    def exception(self, names, args, details):
        cls = self.exception_class([str(name) for name in names])
        with contextlib.suppress(Exception):
            if args is not None:
                return cls(*self.unpack(args))
        with contextlib.suppress(Exception):
            return cls(details)
        return RuntimeError(f"{names[0]}: {details}"[:250])

    def serve_request(self, message):
        _, op, number, args, kwargs = message
        captured = io.StringIO() if not self.trusted else None
        changes = None
        try:
            args, kwargs = self.unpack(args), self.unpack(kwargs)
            target = self.objects[number]
            if self.trusted:
                handover.check_request(op, target, args)
            values = [*args, *kwargs.values()] if op == "call" else []
            before = [self.pack(v) if type(v) in (list, dict, set) else None for v in values]
            with contextlib.redirect_stdout(captured) if captured else contextlib.nullcontext():
                value = apply_op(op, target, args, kwargs)
            if value is NotImplemented:
                raise TypeError(f"{op} is not supported by the object")
            after = [self.pack(v) if b is not None else None for v, b in zip(values, before, strict=True)]
            changes = [a if a != b else None for a, b in zip(after, before, strict=True)]
            reply = ["ok", self.pack(value)]
        except Unsupported as error:
            if self.trusted:
                raise self.set_fatal(error) from None
            self.fatal_error, reply = None, ["cannot", str(error)[:250]]
        except (PeerLost, OutputLimit) as error:
            if self.trusted or isinstance(error, PeerLost):
                raise
            self.send_bytes(LENGTH.pack(MAX_MESSAGE + 1))  # a callback's arguments
            return
        except SystemExit:
            if not self.trusted:
                raise  # the solution's process exits
            reply = ["raise", [["RuntimeError"], None, "the tests' callback exited"]]
        except BaseException as error:
            try:
                packed, text = pack(tuple(error.args)), str(error)[:250]
            except BaseException:
                packed, text = None, ""
            reply = ["raise", [class_names(type(error)), packed, text]]
        self.send_reply([*reply, captured.getvalue() if captured else "", changes])


def class_names(kind):
    """Names in an exception class's MRO, the most derived first, down to the first built-in one."""
    names = []
    for base in kind.__mro__:
        names.append(base.__name__)
        if getattr(builtins, base.__name__, None) is base:
            return names
    return names


def apply_op(op, target, args, kwargs):
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
        return (OPERATOR_FUNCTIONS.get(op) or getattr(operator, op))(target, args[0])
    if op in BUILTIN_OPS:
        return getattr(builtins, op)(target)
    raise TypeError(f"unknown request {op!r}")


def copy_back(original, new):
    if type(original) is list and type(new) is list:
        original[:] = new
    elif type(original) in (dict, set) and type(new) is type(original):
        original.clear()
        original.update(new)
