"""What the tests of a split run let the solution do with an object of theirs.

A callback's `__globals__`, a generator's frame or a module would give the solution the tests' process and with it the
verdict. So only objects of the kinds below are handed over, and of them only what has no underscore is reached.
"""

import builtins
import types

from .proxies import NAMED, OPERATORS, Proxy, Unsupported

ABSENT = object()

TESTS = "tests"  # name of the module that the tests run in
MOCK = "unittest.mock"
# modules whose functions, called with anything, give no way to a namespace
FUNCTIONS = {
    *(TESTS, "math", "cmath", "operator", "_operator", "statistics", "random", "time", "json", "re", "copy", "string"),
    *("heapq", "_heapq", "bisect", "_bisect"),
}
# modules whose instances may be used through their public attributes
INSTANCES = {
    *(TESTS, "_io", "io", "types", "re", "random", "_random", "decimal", "fractions", "datetime", "collections"),
    *("enum", "operator", "functools", "itertools", MOCK, "uuid"),
}
# what would rewrite a mock's records or give it an `==`; and its assertions, misspelt too
MOCK_CLOSED = (
    *("configure_mock", "attach_mock", "mock_add_spec", "reset_mock"),
    *("call_args", "call_args_list", "method_calls", "mock_calls"),
)
MOCK_ASSERTS = ("assert", "assret", "asert", "aseert", "assrt")
CLOSED = (
    types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.MappingProxyType, types.CellType,
    types.GetSetDescriptorType, types.MemberDescriptorType,
)  # fmt: skip
CALLS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
ITERATES = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def may_go(value):
    """Whether this object of the tests may be handed to the solution at all."""
    if isinstance(value, CLOSED):
        return False
    if isinstance(value, type):  # but none that makes classes, of what the solution puts in a dict
        return issubclass(value, BaseException) or (value.__module__ == TESTS and not issubclass(value, type))
    if isinstance(value, types.FunctionType):
        return value.__module__ in FUNCTIONS
    if isinstance(value, types.MethodType):
        return may_go(value.__self__)
    if isinstance(value, types.BuiltinFunctionType):
        owner = value.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return value.__module__ in FUNCTIONS
        return isinstance(owner, (list, dict, set, str, bytes, tuple, bytearray)) or may_go(owner)
    module = type(value).__module__
    return module in INSTANCES or module == "builtins"


def overwrites(target, name, value, foreign):
    """Whether setting this attribute would change what an object of the tests does, rather than what it holds: what its
    class gives or computes, unless the class itself takes the value (a property's setter, a slot).
    """
    if foreign or callable(value):
        return True
    kind = type(target)
    given = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), ABSENT)
    if is_mock(target):
        return given is not ABSENT or name in MOCK_CLOSED or name.startswith(MOCK_ASSERTS)
    if given is not ABSENT and (hasattr(type(given), "__get__") or callable(given)):
        return not hasattr(type(given), "__set__")
    held = name in getattr(target, "__dict__", ())
    return not held and (given is not ABSENT or hasattr(kind, "__getattr__"))


def holds_foreign(value):
    """Whether an object of the solution is anywhere in plain data."""
    if isinstance(value, dict):
        return any(holds_foreign(v) for item in value.items() for v in item)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(holds_foreign, value))
    return isinstance(value, Proxy)


def is_mock(target):
    return any(base.__module__ == MOCK for base in type(target).__mro__)


def check(op, target, args):
    """Raises Unsupported where the solution asks an object of the tests for more than it may have."""
    allowed = op in ("call", "isinstance", "eq", "contains") or op in NAMED or op in OPERATORS
    if op in ("get", "set"):
        name = args[0]
        owner = target if isinstance(target, type) else type(target)
        closed = isinstance(target, (*CLOSED, *CALLS, *ITERATES)) or (op == "set" and owner is target)
        allowed = type(name) is str and not name.startswith("_") and not closed and owner.__module__ in INSTANCES
        if allowed and op == "set":
            allowed = not overwrites(target, name, args[1], holds_foreign(args[1]))
        elif allowed and is_mock(target):
            allowed = name not in MOCK_CLOSED
    elif op in ("item", "setitem", "enter", "exit"):
        allowed = type(target).__module__ in INSTANCES
    if not allowed:
        raise Unsupported(f"the solution asks for {op} {str(args[:1])[1:60]} of an object of the tests")


def named(value):
    """The name of a built-in type or function, which each side then takes from its own `builtins`; None otherwise."""
    if isinstance(value, (type, types.BuiltinFunctionType)):
        name = value.__name__
        if getattr(builtins, name, None) is value:
            return name
    return None
