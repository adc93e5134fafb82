"""Split tests: the solution in one process, its tests in another, and what passes between them."""

import pytest
from judging import one

from cultivar.sandbox import Job

SOLUTION = """
class Stack:
    def __init__(self): self.items = []
    def push(self, x): self.items.append(x); return self
    def __len__(self): return len(self.items)
class Empty(Exception): pass
def pop(stack):
    if not stack.items: raise Empty("empty")
    return stack.items.pop()
def count(n):
    yield from range(n)
def apply(function, xs):
    xs.append(9); return [function(x) for x in xs]
def bad(x): raise ValueError("no")
def say(): print("said")
"""
TESTS = """
import contextlib, io
s = Stack()
s.push(1)
s.push({"a": (2,)})
assert len(s) == 2 and isinstance(s, Stack)
assert pop(s) == {"a": (2,)}
assert s.items == [1]
assert list(count(3)) == [0, 1, 2]
xs = [1, 2]
assert apply(lambda v: v * 2, xs) == [2, 4, 18] and xs == [1, 2, 9]
try: bad(1)
except ValueError as error: assert str(error) == "no"
else: assert False
pop(s)
try: pop(s)
except Empty: pass
else: assert False
out = io.StringIO()
with contextlib.redirect_stdout(out): say()
assert out.getvalue() == "said\\n"
"""


def test_split_handles_objects_callbacks_iterators_exceptions_and_output(box):
    verdict = one(box, Job("s", "split", SOLUTION, tests=TESTS))
    assert verdict.passed, verdict.message
    assert verdict.integrity == "split"
    assert one(box, Job("t", "split", SOLUTION, tests=TESTS + "\nassert len(s) == 5")).outcome == "fail"


def test_split_gives_each_test_its_result(box):
    code = "import math\nfrom fractions import Fraction\nclass Low(LookupError): pass\nclass Lower(Low): pass\n"
    code += "def f(x):\n    if x < 0: raise Lower(x)\n    return x\ndef half(x): return Fraction(x, 2)\n"
    tests = [
        "assert f(1) == 1",
        "assert f(2) == 3",
        "assert f(math.floor(3.5)) == 3 and Fraction(1, 2) == half(1)",
        "try: f(-1)\nexcept Low as low: assert low.args == (-1,)\nelse: assert False",
        "try: f(-1)\nexcept LookupError: pass",
        "f(-1)",
        "assert nobody(1)",
    ]
    verdict = one(box, Job("p", "split", code, tests=tests))
    assert verdict.results == ["pass", "fail", "pass", "pass", "pass", "error", "error"] and verdict.outcome == "fail"
    assert one(box, Job("q", "assert", code, tests=tests[:3])).results == ["pass", "fail", "pass"]


CASE = "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(f(3), 10)\n"
DEFINED = {
    "function": "def test_f():\n  assert f(3) == 10",
    "function that others call": "def test_f():\n  assert f(3) == 10\ndef main(): test_f()\nif __name__ == '__main__': main()",
    "class": "class TestF:\n  def test_f(self): assert f(3) == 10",
    "check": "def check(candidate):\n  def inner(): check(1)\n  assert candidate(3) == 10",
    "case": CASE,
    "main": CASE + "unittest.main()",
    "main that goes on": CASE + "unittest.main(exit=False, argv=['x'])",
    "main program": CASE + "if __name__ == '__main__': unittest.main()",
    "runner": CASE + "unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(T))",
    "sub-test": CASE.replace("self.assert", "\n    with self.subTest(): self.assert"),
    "thread": "import threading\ndef w(): assert f(3) == 10\nthreading.Thread(target=w).start()",
    "late thread": "import threading, time\ndef w(): time.sleep(.05); assert f(3) == 10\nthreading.Thread(target=w).start()",
    "bare thread": "import _thread, time\ndef w(): assert f(3) == 10\n_thread.start_new_thread(w, ())\ntime.sleep(.05)",
    "finalizer": "class D:\n  def __del__(s): assert f(3) == 10\nD()",
}


@pytest.mark.parametrize("mode", ["split", "assert"])
def test_tests_that_are_only_defined_are_run(box, mode):
    def outcomes(code):
        return {
            v.id: v.outcome
            for v in box.run(Job(n, mode, code, tests=[text], entry_point="f") for n, text in DEFINED.items())
        }

    assert outcomes("def f(x): return 10") == dict.fromkeys(DEFINED, "pass")
    assert outcomes("def f(x): return 0") == dict.fromkeys(DEFINED, "fail")


def test_tests_that_test_nothing_decide_nothing(box):
    job = Job(
        "n", "split", "def f(x): return 0", tests=["def helper(): assert f(3) == 10\nprint(1)", "assert f(3) == 0"]
    )
    assert one(box, job).results == ["unsupported", "pass"]
    constant = Job("c", "split", "N = 5\ndef f(x): return N", tests=["assert N == 5", "assert N == 6"], entry_point="f")
    assert one(box, constant).results == ["pass", "fail"]
    for nothing in (
        "# a comment",
        "def helper(): assert f(3) == 10",
        "def check(candidate): assert candidate(3) == 10",
        "def test_f(tmp_path): assert f(3) == 10",
        "async def test_f(): assert f(3) == 10",
        "class TestF:\n  def setup_method(self): self.x = 3\n  def test(self): assert f(self.x) == 10",
        "import doctest\ndef t():\n  '''\n  >>> f(3)\n  10\n  '''\ndoctest.run_docstring_examples(t, globals())",
    ):
        for mode in ("split", "assert"):
            assert one(box, Job("n", mode, "def f(x): return 0", tests=[nothing])).outcome == "refused", nothing


def test_split_compares_the_value_of_a_named_tuple(box):
    code = "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(): return P(1, 2)"
    verdict = one(
        box, Job("n", "split", code, tests=["assert f() == (1, 2)", "assert f().x == 1", "assert f() == (1, 3)"])
    )
    assert verdict.results == ["pass", "pass", "fail"]


def test_the_tests_objects_are_used_but_modules_are_not(box):
    code = "def f(o): return o.total([1, o.step], len) + 1"
    tests = "class O:\n    step = 4\n    def total(self, xs, measure): return sum(xs) + measure(xs)\nassert f(O()) == 8"
    assert one(box, Job("o", "split", code, tests=tests)).passed
    assert one(box, Job("m", "split", "def f(m): return m.getcwd()", tests="import os\nf(os)")).outcome == "unsupported"


def test_split_is_unsupported_where_it_cannot_decide(box):
    code = "class A:\n  def __lt__(s, o): return True\n  def __sub__(s, o): return 0\ndef f(): return A()"
    assert one(box, Job("u", "split", code, tests="assert f() < 3")).outcome == "unsupported"
    assert one(box, Job("u", "split", code, tests="assert abs(f() - 3) < 1")).outcome == "unsupported"


def test_the_tests_get_the_standard_library_whatever_the_solution_defines(box):
    tests = ["assert math.isclose(f(1), 1.0)", "assert Counter(str(f(1))) == Counter('1')", "assert gcd(4, f(6)) == 2"]
    code = "from collections import Counter\nfrom math import gcd\ndef f(x): return x"
    assert one(box, Job("l", "split", code, tests=tests)).passed
    code = "from statistics import mean as gcd\nclass math:\n  isclose = lambda *a: False\nfrom collections import Counter\ndef f(x): return x"
    assert one(box, Job("l", "split", code, tests=tests)).results == ["pass", "pass", "error"]
    time = "def time(x): return x\ndef string(x): return x\ndef gcd(*a): return 0"  # the only names of these tests
    assert one(box, Job("l", "split", time, tests="assert time(3) == string(3) == 3")).passed
    assert one(box, Job("l", "split", time, tests="assert gcd(4, 2) == 0", entry_point="gcd")).passed
    assert one(box, Job("l", "split", time, tests="assert gcd(4, 2) == 0", entry_point="time")).outcome == "unsupported"


def test_objects_that_the_tests_create_are_trusted(box):
    code = """
from collections import namedtuple
class Bag:
    def __init__(self, *xs): self.xs = list(xs)
    def __contains__(self, x): return x in self.xs
    def count(self, x): return self.xs.count(x)
    def has(self, x): return x in self
    def other(self): return Bag(*self.xs)
Bag.empty = staticmethod(lambda x: x == [])
P = namedtuple("P", "x y")
def f(): return P(1, 2)
def g(): return Bag(1)
"""
    constructed = "b = Bag(1, 2)\nassert 1 in b and 3 not in b and b.count(1) == 1 and b.has(2) and Bag.empty([])"
    plain = "assert 1 in f() and f().count(2) == 1 and f().x == 1 and f()[1] == 2"
    tests = [constructed, plain, "assert 3 in f()", "assert g().xs == [1] and Bag(1).other().xs == [1]"]
    tests += ["assert 1 in g()", "assert g().has(1)", "assert 1 in Bag(1).other()"]
    verdict = one(box, Job("m", "split", code, tests=tests))
    assert verdict.results == ["pass", "pass", "fail", "pass", *["unsupported"] * 3], verdict.message


def test_objects_that_the_solution_returns_can_be_used(box):
    code = """
class Account:
    def __init__(self): self.total = 0
    def put(self, n): self.total += n
    def add(self, n): self.total += n; return self
    def share(self, n): return self.total / n
    def __getitem__(self, n): return [self.total] * n
    def __len__(self): return self.total
    def __iter__(self): return iter([7] * self.total)
def f(): return Account()
"""
    tests = [
        "a = f()\na.put(3)\nassert a.total == 3 and len(a) == 3 and abs(a.share(2) - 1.5) < 1e-6 and a[2] == [3, 3] and a[2][1] == 3",
        "b = f().add(1).add(2)\nassert b.total == 3 and list(b) == [7, 7, 7]\nb.put(1)\nassert len(b) == 4",
        "assert a[2] == [3, 4]",
        "b.put(a.share(1))\nassert b.total == 7\nlater = a.share(1)",
        "assert later",
        "assert a.put(1) is None",
        "assert a.share(2) > 1",
    ]
    verdict = one(box, Job("a", "split", code, tests=tests))
    assert verdict.results == ["pass", "pass", "unsupported", "pass", *["unsupported"] * 3], verdict.message


def test_objects_of_the_tests_may_be_filled_but_not_rewired(box):
    code = "def f(o, m):\n    o.x = [1, o.y]\n    o.z, o.taken = 5, 6\n    o.add(o)\n    m(o.y)\n    m.note = 3\n"
    tests = "from unittest.mock import Mock\nclass O:\n    y = 2\n    def add(self, v): self.seen = v\n"
    tests += "    def __init__(self): self.z = 4\n"
    tests += "    taken = property(lambda s: s.hold, lambda s, v: setattr(s, 'hold', v))\no, m = O(), Mock()\n"
    tests += "f(o, m)\nassert o.z == 5 and o.taken == 6 and o.x == [1, 2] and o.seen is o and m.note == 3\nm.assert_called_once_with(2)"
    assert one(box, Job("o", "split", code, tests=tests)).passed
