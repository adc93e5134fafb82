"""math-verify in processes of its own: limits, threads, deaths, and what counts as shown."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cultivar.grading import algebra, algebra_worker
from cultivar.grading.algebra import Pool
from cultivar.grading.algebra_worker import compare
from cultivar.grading.answers import agrees, judge_answers


@pytest.fixture(scope="module")
def pool():
    pool = Pool(size=1, cpu_seconds=2.0)
    yield pool
    pool.close()


def test_an_answer_that_takes_forever_is_undecided_and_costs_no_other(pool):
    questions = [("17", "9^{9^{9^9}}"), ("\\sqrt{12}", "2\\sqrt{3}"), ("x", "x+1")]
    assert list(pool.compare(questions).values()) == [None, True, False]


@pytest.mark.parametrize(
    "words",
    [
        "{" * 5000 + "1" + "}" * 5000,
        "(" * 140 + "x" + ")" * 140,
        "\\frac{" * 40,
        "[" * 290,
        "1," * 140 + "1",
        "x+" * 149 + "x",
    ]
    + ["\\sqrt" * 50 + "2", "x^" * 100 + "x", "\\sum_{n=1}^{99999999999}\\sqrt{n}", "$" * 299, "-" * 299, "9" * 299],
)
def test_odd_answers_are_read_to_an_end(words):
    assert agrees(words, "17") is not True
    assert judge_answers([(f"The answer is {words}", "17")])[0] != "right"


@pytest.mark.parametrize(
    ("gold", "given", "shown"),
    [
        ("\\sqrt{12}", "2\\sqrt{3}", True),
        ("\\sin^2(x)+\\cos^2(x)", "1", True),
        ("\\tan^2(y)+1", "\\sec^2(y)", True),
        ("\\sqrt{x^2}", "x", None),
        ("x+1", "x+1.001", False),
        ("\\sqrt{2}", "1.414", None),
        ("\\sqrt{2}", "1.415", False),
        ("1.414", "\\sqrt{2}", None),
        ("\\frac{1}{2004!}", "\\frac{1}{2006!}", None),
        ("2^{-99}", "2^{-98}", None),
        ("10^{-9}\\pi", "0", False),
        ("x > 5", "5 < x", True),
        ("x > 5", "x < 5", None),
        ("\\frac{1}{0}", "1", None),
        ("\\foo{", "1", None),
        ("1+", "1", None),
    ],
)
def test_only_what_is_shown_to_be_equal_or_different_is(gold, given, shown):
    try:
        found = compare(gold, given)
    except Exception:
        found = None
    assert found is shown


def test_a_question_that_is_too_long_is_not_asked(pool):
    long = "1+" * 400 + "1"
    assert pool.compare([("401", long)]) == {("401", long): None} and pool.compare([]) == {}


def test_any_number_of_questions_and_threads_share_the_workers(monkeypatch):
    monkeypatch.setattr(algebra, "BATCH", 2)
    shared = Pool(size=1)
    found = {}
    questions = [[(f"{n}+\\sqrt{{4}}", str(n + 2 + odd)) for n in range(5)] for odd in range(2)]
    threads = [
        threading.Thread(target=lambda at=at: found.update({at: shared.compare(questions[at])})) for at in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [set(found[at].values()) for at in range(2)] == [{True}, {False}]
    assert len(shared.idle) == 1
    processes = [worker.process for worker in shared.idle]
    assert [process.poll() for process in processes] == [None]
    shared.close()
    assert all(process.poll() is not None for process in processes)


def test_a_worker_that_is_killed_is_replaced(pool):
    pool.compare([("2x", "x+x")])
    os.kill(pool.idle[0].process.pid, 9)
    pool.idle[0].process.wait()
    assert list(pool.compare([("2x", "x+x"), ("3x", "x+2x")]).values()) == [True, True]
    assert list(pool.compare([("2x", "x+x")]).values()) == [True]


def test_a_fork_has_workers_of_its_own(pool):
    pool.compare([("2x", "x+x")])
    if (child := os.fork()) == 0:
        pool.reset()
        same = list(pool.compare([("4x", "2(x+x)")]).values()) == [True]
        pool.close()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(pool.compare([("5x", "4x+x")]).values()) == [True]


def test_memory_is_bounded(pool):
    pool.compare([("2x", "x+x")])
    limits = Path(f"/proc/{pool.idle[0].process.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max address space")]
    assert line.split()[3:5] == [str(algebra.MEMORY_BYTES)] * 2


def test_without_math_verify_the_caller_is_told(monkeypatch):
    monkeypatch.setattr(algebra_worker, "__file__", os.devnull)
    with pytest.raises(RuntimeError, match="math-verify cannot be started"):
        Pool(size=1).compare([("2x", "x+x")])


def test_reading_plain_answers_starts_no_process_and_loads_no_sympy():
    code = "import sys; from cultivar.grading.answers import agrees, algebra; assert agrees('4', '4'); print('sympy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", f"{code}; print(algebra.POOL.idle)"], capture_output=True, text=True)
    assert ended.stdout.split() == ["False", "[]"], ended.stderr
