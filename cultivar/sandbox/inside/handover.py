"""What the solution of a split run may do with objects of the tests.

A callback's `__globals__`, a generator's frame or a module would give the solution control of the tests' process and so
of the verdict. Only objects of the kinds below are handed over, and only attributes without an underscore are accessible.
"""

import builtins
import types

from .proxies import BUILTIN_OPS, OPERATORS, Proxy, Unsupported

ABSENT = object()

TESTS = "tests"  # name of the module that the tests run in
MOCK = "unittest.mock"
# modules whose functions do not expose a namespace, whatever their arguments
FUNCTION_MODULES = {
    *(TESTS, "math", "cmath", "operator", "_operator", "statistics", "random", "time", "json", "re", "copy", "string"),
    *("heapq", "_heapq", "bisect", "_bisect"),
}
# modules whose instances may be used through their public attributes
INSTANCE_MODULES = {
    *(TESTS, "_io", "io", "types", "re", "random", "_random", "decimal", "fractions", "datetime", "collections"),
    *("enum", "operator", "functools", "itertools", MOCK, "uuid"),
}
# attributes that would rewrite a mock's records or give it an `==`; and prefixes of its assertions, misspelt ones too
MOCK_FORBIDDEN = (
    *("configure_mock", "attach_mock", "mock_add_spec", "reset_mock"),
    *("call_args", "call_args_list", "method_calls", "mock_calls"),
)
MOCK_ASSERTS = ("assert", "assret", "asert", "aseert", "assrt")
FORBIDDEN_TYPES = (
    *(types.ModuleType, types.FrameType, types.CodeType, types.TracebackType, types.MappingProxyType, types.CellType),
    *(types.GetSetDescriptorType, types.MemberDescriptorType),
)
CALLABLE_TYPES = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
GENERATOR_TYPES = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)


def may_hand_over(value):
    """Whether this object of the tests may be handed to the solution."""
    if isinstance(value, FORBIDDEN_TYPES):
        return False
    if isinstance(value, type):  # but no metaclass, which would make classes from the solution's dicts
        return issubclass(value, BaseException) or (value.__module__ == TESTS and not issubclass(value, type))
    if isinstance(value, types.FunctionType):
        return value.__module__ in FUNCTION_MODULES
    if isinstance(value, types.MethodType):
        return may_hand_over(value.__self__)
    if isinstance(value, types.BuiltinFunctionType):
        owner = value.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return value.__module__ in FUNCTION_MODULES
        return isinstance(owner, (list, dict, set, str, bytes, tuple, bytearray)) or may_hand_over(owner)
    module = type(value).__module__
    return module in INSTANCE_MODULES or module == "builtins"


def changes_behaviour(target, name, value, has_proxy):
    """Whether setting this attribute would change the behaviour of an object of the tests rather than its data: attributes
    that its class defines or computes, unless the class has a setter for them (a property, a slot).
    """
    if has_proxy or callable(value):
        return True
    kind = type(target)
    class_attribute = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), ABSENT)
    if is_mock(target):
        return class_attribute is not ABSENT or name in MOCK_FORBIDDEN or name.startswith(MOCK_ASSERTS)
    if class_attribute is not ABSENT and (hasattr(type(class_attribute), "__get__") or callable(class_attribute)):
        return not hasattr(type(class_attribute), "__set__")
    is_stored = name in getattr(target, "__dict__", ())
    return not is_stored and (class_attribute is not ABSENT or hasattr(kind, "__getattr__"))


def contains_proxy(value):
    """Whether plain data contain an object of the solution."""
    if isinstance(value, dict):
        return any(contains_proxy(v) for item in value.items() for v in item)
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(contains_proxy, value))
    return isinstance(value, Proxy)


def is_mock(target):
    return any(base.__module__ == MOCK for base in type(target).__mro__)


def check_request(op, target, args):
    """Raises Unsupported where the solution requests an operation on an object of the tests that is not allowed."""
    is_allowed = op in ("call", "isinstance", "eq", "contains") or op in BUILTIN_OPS or op in OPERATORS
    if op in ("get", "set"):
        name = args[0]
        owner = target if isinstance(target, type) else type(target)
        is_forbidden = isinstance(target, (*FORBIDDEN_TYPES, *CALLABLE_TYPES, *GENERATOR_TYPES)) or (
            op == "set" and owner is target
        )
        is_allowed = (
            type(name) is str and not name.startswith("_") and not is_forbidden and owner.__module__ in INSTANCE_MODULES
        )
        if is_allowed and op == "set":
            is_allowed = not changes_behaviour(target, name, args[1], contains_proxy(args[1]))
        elif is_allowed and is_mock(target):
            is_allowed = name not in MOCK_FORBIDDEN
    elif op in ("item", "setitem", "enter", "exit"):
        is_allowed = type(target).__module__ in INSTANCE_MODULES
    if not is_allowed:
        raise Unsupported(f"the solution asks for {op} {str(args[:1])[1:60]} of an object of the tests")


def builtin_name(value):
    """The name of a built-in type or function, which each side resolves in its own `builtins`; None for other objects."""
    if isinstance(value, (type, types.BuiltinFunctionType)):
        name = value.__name__
        if getattr(builtins, name, None) is value:
            return name
    return None
