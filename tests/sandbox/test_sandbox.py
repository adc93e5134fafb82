"""Verdicts of every mode, over the strongest backend that works here."""

import contextlib
import json
import math
import os
import signal
import threading
from dataclasses import replace

import pytest
from judging import FAST, one

from cultivar.sandbox import (
    OUTCOMES,
    Case,
    Job,
    Limits,
    Sandbox,
    SandboxUnavailable,
    Verdict,
    backends,
    gate,
    job_from_asserts,
)
from cultivar.sandbox.cgroups import Group, try_group
from cultivar.sandbox.judge import job_payload, judge_run
from cultivar.sandbox.slot import RunEnd, Slot


def test_call_compares_outside(box):
    verdict = one(box, Job("j", "call", "def f(x): return x + 1", entry_point="f", cases=[Case([1], 2), Case([1], 3)]))
    assert (verdict.outcome, verdict.results, verdict.integrity) == ("fail", ["pass", "fail"], "outside")
    assert verdict.limits == FAST and "python" in verdict.versions and verdict.cpu_s > 0
    assert not {"cpu_s", "wall_s", "max_rss_mb"} & verdict.record().keys()


@pytest.mark.parametrize(
    "returned, expected, outcome",
    [
        ("1.0", 1, "pass"),
        ("True", 1, "pass"),
        ("(1, 2)", [1, 2], "fail"),
        ("{3, 1, 2}", {1, 2, 3}, "pass"),
        ("{'b': 1, 'a': [2]}", {"a": [2], "b": 1}, "pass"),
        ("__import__('collections').Counter('aab')", {"a": 2, "b": 1}, "pass"),
        ("b'x'", "x", "fail"),
        ("10 ** 40", 10**40, "pass"),
        ("'é\\ud800\\n'", "é\ud800\n", "pass"),
        ("object()", None, "fail"),
        ("print('noise')", None, "pass"),
        ("float('nan')", None, "fail"),
        ("__import__('decimal').Decimal('0.50')", 0.5, "pass"),
        ("__import__('fractions').Fraction(1, 10)", 0.1, "fail"),
        ("__import__('collections').namedtuple('P', 'x y')(1, 2)", (1, 2), "pass"),
        ("__import__('enum').IntEnum('E', 'a')['a']", 1, "pass"),
        ("__import__('enum').Enum('E', 'a')['a']", 1, "fail"),
        ("{1: 2}.keys()", {1}, "pass"),
        ("{1: 2}.values()", [2], "fail"),
        ("range(0, 3, 2)", range(0, 4, 2), "pass"),
        ("type('I', (int,), {'__eq__': lambda s, o: True})(2)", 2, "fail"),
        ("[type('I', (int,), {'__hash__': int.__hash__})(2)]", [2], "pass"),
    ],
)
def test_values(box, returned, expected, outcome):
    job = Job("v", "call", f"def f(): return {returned}", entry_point="f", cases=[Case([], expected)])
    assert one(box, job).outcome == outcome


def test_io(box):
    double = "print(int(input()) * 2)"
    assert one(box, Job("a", "io", double, stdin="4", expected_stdout="8")).passed
    assert one(box, Job("b", "io", double, stdin="4", expected_stdout="9")).outcome == "fail"
    assert one(box, Job("c", "io", double, stdin="x", expected_stdout="9")).outcome == "error"
    assert one(box, Job("d", "io", "print(8); import sys; sys.exit(0)", expected_stdout="8")).passed
    assert one(box, Job("e", "io", "print(8); import sys; sys.exit(3)", expected_stdout="8")).outcome == "error"
    prefix = Job("f", "io", "print(1)", expected_stdout="1\n2")
    assert one(box, prefix).outcome == "fail"


def test_verifier_resumes_after_a_timeout_and_a_crash(box):
    code = """
import os
def evaluate(response):
    while response == "loop": pass
    if response == "crash": os.kill(os.getpid(), 11); import ctypes; ctypes.string_at(0)
    if response == "none": return None
    return response.isupper()
"""
    inputs = ["A", "loop", "a", "crash", "B", "none"]
    verdict = one(box, Job("v", "verifier", code, inputs=inputs))
    assert verdict.results == ["true", "timeout_cpu", "false", "crash", "true", "false"]
    assert verdict.outcome == "timeout_cpu"
    clean = one(box, Job("w", "verifier", code, inputs=["A", "a"]))
    assert (clean.outcome, clean.results) == ("pass", ["true", "false"])


def test_verifier_with_its_own_imports_and_helpers(box):
    code = "import re\ndef helper(s): return re.sub('x', '', s)\ndef evaluate(s): return helper(s) == ''"
    assert one(box, Job("h", "verifier", code, inputs=["xx", "xy"])).results == ["true", "false"]


@pytest.mark.parametrize("backend", backends.ORDER)
def test_signals_without_a_name_and_modules_that_exit(backend):
    """Each backend, since the first process of a pid namespace ignores signals that kill others."""
    if not (found := backends.probe(backend)).works:
        pytest.skip(f"{backend} cannot be built here: {found.reason}")
    kill = "import os\ndef f():\n  os.kill(os.getpid(), {})"
    jobs = [Job(f"s{n}", "split", kill.format(n), tests="assert f() == 1") for n in (34, 40, 64)]
    jobs += [Job(f"c{n}", "call", kill.format(n), entry_point="f", cases=[Case([], 1)]) for n in (40, 64)]
    program = "import {}\ndef f(): return 2"
    jobs += [
        Job(name, "call", program.format(name), entry_point="f", cases=[Case([], 1)])
        for name in ("unittest.__main__", "unittest.__main__.x", "test.autotest", "antigravity")
    ]
    jobs.append(Job("after", "io", "print(1)", expected_stdout="1"))
    with Sandbox(backend, slots=1, limits=FAST) as box:
        verdicts = {v.id: v.outcome for v in box.run(jobs)}
    assert verdicts.pop("after") == "pass" and len(verdicts) == len(jobs) - 1
    assert not {"pass", "sandbox_error", "refused"} & set(verdicts.values()), verdicts


def test_a_fault_of_the_supervisor_affects_one_job(box, monkeypatch):
    from cultivar.sandbox import scheduler

    def faulty(job, *rest):
        if job.id == "3":
            raise KeyError("injected")
        return judge_run(job, *rest)

    monkeypatch.setattr(scheduler, "judge_run", faulty)
    verdicts = {v.id: v for v in box.run(Job(str(i), "io", "") for i in range(6))}
    assert verdicts["3"].outcome == "sandbox_error" and "KeyError" in verdicts["3"].message and len(verdicts) == 6
    assert all(v.passed for key, v in verdicts.items() if key != "3")


def test_modules_that_are_programs_do_not_run_before_the_filter():
    """A package's `__main__` is not imported before the filter: it would import the package's `main`."""
    if not (found := backends.probe("seccomp")).works:
        pytest.skip(f"seccomp cannot be used here: {found.reason}")
    code = "if 0: import {}\nimport sys\nprint('lib2to3.main' in sys.modules)"
    names = ("lib2to3.__main__", "lib2to3.__main__.x")
    with Sandbox("seccomp", slots=1, limits=FAST) as box:
        assert all(v.passed for v in box.run(Job(n, "io", code.format(n), expected_stdout="False") for n in names))


@pytest.mark.parametrize(
    "wrong",
    [{"cpu_s": math.inf}, {"wall_s": math.nan}, {"memory_mb": 0}, {"threads": 1 << 40}, {"stdout_kb": 1.5}],
)
def test_invalid_limits_raise(wrong):
    with pytest.raises(ValueError, match="Limits"):
        Limits(**wrong)


def test_sources_that_are_not_text_raise():
    for wrong in ({"code": None}, {"setup": None}, {"tests": [None]}):
        with pytest.raises(ValueError, match="must be text"):
            Job("j", "split", **({"code": "", "tests": ["f()"]} | wrong))


def test_forged_frames_give_known_outcomes_only(box):
    code = "import os\ndef f():\n  for fd in range(3, 40):\n    try: os.write(fd, {!r})\n    except OSError: pass\n  os._exit(0)"
    forged = [b'I opaque "x"\n', b'I lost "x"\n', b'L\nX 0 opaque "x"\nE\n', b'L\nX 0 lost "x"\nE\n']
    jobs = [Job(str(i), "call", code.format(f), entry_point="f", cases=[Case([], 1)]) for i, f in enumerate(forged)]
    verdicts = list(box.run(jobs))
    assert {o for v in verdicts for o in (v.outcome, *v.results)} <= set(OUTCOMES) - {"pass"}


@pytest.mark.parametrize("mode", ["call", "split", "assert", "io"])
def test_messages_can_be_encoded(box, mode):
    code = "def f(): raise ValueError('\\ud800')" + ("\nf()" if mode == "io" else "")
    job = Job("w", mode, code, entry_point="f", cases=[Case([], 1)], tests=["assert f() == 1"])
    verdict = one(box, job)
    assert verdict.outcome == "error" and "\\ud800" in verdict.message.encode().decode()


def test_programs_have_exit_quit_and_argv(box):
    code = "import sys\nprint(__file__.endswith('.py'), __name__, sys.argv)\nif input() == 'q': quit()\nexit({})"
    outs = [
        Job(f"{i}{q}", "io", code.format(i), stdin=q, expected_stdout="True __main__ ['program.py']")
        for i in (0, 1)
        for q in "qe"
    ]
    assert {v.id: v.outcome for v in box.run(outs)} == {"0q": "pass", "0e": "pass", "1q": "pass", "1e": "error"}


def test_in_process_asserts_are_marked_as_forgeable(box):
    verdict = one(box, Job("a", "assert", "def f(): return 1", tests="assert f() == 1"))
    assert (verdict.outcome, verdict.integrity) == ("pass", "in-process")


def test_humaneval_checks_become_cases():
    check = "METADATA = {}\ndef check(candidate):\n    'say'\n    assert candidate(1) == 2, 'm'\n    assert True\n"
    job = job_from_asserts("j", "def f(x): ...", [check], "f")
    assert job.mode == "call" and job.cases == [Case([1], 2)]
    assert job_from_asserts("j", "def f(x): ...", [check + "    x = candidate(3)"], "f").mode == "split"
    assert job_from_asserts("j", "def f(x): ...", ["assert f(1) == float('nan')"]).mode == "split"
    assert job_from_asserts("j", "def f(x): ...", ["assert f(1) is None"]).cases == [Case([1], None)]


def test_literal_asserts_become_cases():
    job = job_from_asserts("j", "def f(x): ...", ["assert f([1, -2]) == (3,)", "assert 2**3 == f(x=1)"])
    assert job.mode == "call" and job.entry_point == "f"
    assert job.cases == [Case([[1, -2]], (3,)), Case([], 8, {"x": 1})]
    for test in (
        "assert f(g(1)) == 2",
        "assert f(1)",
        "assert f(1) < 2",
        "x = f(1)",
        "assert g(1) == 1\nassert f(1) == 1",
    ):
        assert job_from_asserts("j", "def f(x): ...\ndef g(x): ...", [test]).mode == "split"
    for huge in ("[[0] * 4000] * 4000", "[['x' * 1000] * 1000] * 1000", "[(10 ** 17) ** 64] * 100000"):
        assert job_from_asserts("j", "def f(x): ...", [f"assert f({huge}) == 1"]).mode == "split"
    assert job_from_asserts("j", "def f(x): ...", ["assert f([[0] * 300] * 300) == 1"]).mode == "call"
    assert job_from_asserts("j", "def sum(a): ...", ["assert sum(1) == 1"]).mode == "call"
    assert job_from_asserts("j", "", ["assert sum([1]) == 1"]).mode == "split"


def test_an_out_of_memory_kill_is_not_a_crash():
    job = Job("j", "io", "")
    end = RunEnd(signal.SIGKILL, 0, 0, True, 0.1, 0.1, 1.0, b"", b"", b"", out_of_memory=True)
    assert judge_run(job, FAST, end).outcome == "memory"
    assert judge_run(job, FAST, replace(end, out_of_memory=False)).outcome == "crash"
    assert judge_run(job, FAST, replace(end, has_started=False)).outcome == "sandbox_error"


def test_no_expected_value_enters_the_jail():
    job = Job("j", "call", "", entry_point="f", cases=[Case([1], "the expected value")])
    io = Job("k", "io", "", expected_stdout="the expected value")
    assert "the expected value" not in repr(job_payload(job)) + repr(job_payload(io))


def test_every_job_gets_one_verdict_and_few_are_read_ahead(box):
    read = 0

    def jobs():
        nonlocal read
        for i in range(100):
            read += 1
            yield Job(str(i), "call", "def f(x): return x", entry_point="f", cases=[Case([i], i)])

    seen = []
    for verdict in box.run(jobs()):
        seen.append(verdict.id)
        assert verdict.passed and read <= len(seen) + 2 * box.slots
    assert sorted(seen, key=int) == [str(i) for i in range(100)]


def test_leaving_early_and_other_threads(box):
    jobs = [Job(str(i), "io", "pass") for i in range(10)]
    for _ in box.run(jobs):
        break
    found = []
    threads = [threading.Thread(target=lambda: found.extend(v.outcome for v in box.run(jobs))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["pass"] * 20


def test_a_dead_zygote_is_replaced(box):
    list(box.run([Job("warm", "io", "pass")]))
    before = {slot.pid for slot in box.idle}
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    jobs = [Job(str(i), "io", "pass") for i in range(4)]
    assert sorted((v.id, v.outcome) for v in box.run(jobs)) == [(str(i), "pass") for i in range(4)]
    assert before.isdisjoint(slot.pid for slot in box.idle)


def test_a_zygote_that_dies_is_a_sandbox_error_and_never_a_fail(box):
    def killer():
        while not done.is_set():
            for slot in list(box.idle) + list(started):
                if slot.pid:  # 0 until it is ready, which would signal this process group
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(slot.pid, signal.SIGKILL)
            done.wait(0.02)

    started: list = []
    start = box.new_slot

    def new_slot():
        slot = start()
        started.append(slot)
        return slot

    box.new_slot = new_slot
    done = threading.Event()
    thread = threading.Thread(target=killer)
    thread.start()
    try:
        (verdict,) = box.run([Job("z", "io", "import time; time.sleep(1)")])
    finally:
        done.set()
        thread.join()
        del box.new_slot
    assert verdict.outcome == "sandbox_error" and "zygote" in verdict.message
    assert one(box, Job("after", "io", "pass")).passed


def test_a_zygote_killed_for_memory_is_the_jobs_memory_outcome(box):
    """Where its control group reports it. The kill is simulated: the kernel would need gigabytes."""
    if not isinstance(try_group(), Group):
        pytest.skip("no control group can be made here")
    list(box.run([Job("warm", "io", "pass")]))
    (slot,) = list(box.idle)[:1]
    for other in list(box.idle)[1:]:
        box.idle.remove(other)
        other.close()
    slot.group.had_oom_kill = lambda: True
    timer, send = threading.Timer(0.3, os.kill, (slot.pid, signal.SIGKILL)), slot.send
    slot.send = lambda *words: (send(*words), timer.start())
    verdict = one(box, Job("m", "io", "import time; time.sleep(2)"))
    timer.join()
    assert verdict.outcome == "memory" and one(box, Job("after", "io", "pass")).passed


def test_a_job_that_cannot_be_sent_is_refused(box):
    job = Job("r", "call", "def f(x): return x", entry_point="f", cases=[Case([object()], 1)])
    assert one(box, job).outcome == "refused"
    assert one(box, Job("r", "split", "", tests="assert (")).outcome == "refused"


@pytest.mark.parametrize("load, runs", [(0.0, 1), (99.0, 2)])
def test_a_sleeping_run_is_retried_only_on_a_crowded_machine(box, monkeypatch, load, runs):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    sent, send = [], Slot.send
    monkeypatch.setattr(Slot, "send", lambda self, *args: (sent.append(self), send(self, *args)))
    limits = Limits(cpu_s=2, wall_s=0.5, memory_mb=256)
    verdict = one(box, Job("z", "io", "import time; time.sleep(9)", limits=limits))
    assert verdict.outcome == "timeout_wall" and len(sent) == runs


def test_a_run_short_of_cpu_is_retried_alone(box, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    code = "import time\nwhile time.process_time() < .2: pass\ntime.sleep(9)"
    verifier = "def evaluate(x):\n  if x:\n    " + code.replace("\n", "\n    ") + "\n  return True"
    limits = Limits(cpu_s=2, wall_s=0.5, memory_mb=256)
    jobs = [Job("short", "io", code, limits=limits), *(Job(str(i), "io", "") for i in range(5))]
    again = one(box, Job("v", "verifier", verifier, inputs=[1, 1, 0], limits=limits))
    assert again.results == ["timeout_wall", "timeout_wall", "true"] and again.wall_s >= 2
    verdicts = list(box.run(jobs))
    assert verdicts[-1].id == "short" and verdicts[-1].outcome == "timeout_wall" and verdicts[-1].wall_s >= 1
    assert all(v.passed for v in verdicts[:-1])


def test_programs_end_as_the_interpreter_ends_them(box):
    code = "import atexit, threading\natexit.register(lambda: print('last'))\n"
    code += "threading.Thread(target=lambda: (threading.Event().wait(.05), print('late'))).start()\nprint('first')"
    assert one(box, Job("e", "io", code, expected_stdout="first\nlate\nlast")).passed


def test_a_thread_that_never_ends_does_not_hold_a_call(box):
    code = "import threading\ndef f():\n    threading.Thread(target=threading.Event().wait).start()\n    return 1"
    assert one(box, Job("t", "call", code, entry_point="f", cases=[Case([], 1)])).passed


def test_a_job_without_tests_raises():
    for mode in ("call", "split", "assert"):
        with pytest.raises(ValueError, match="without a single test"):
            Job("j", mode, "", entry_point="f")


def test_keys_identify_content_and_records_are_restored(box):
    job = Job("a", "call", "def f(x): return x", entry_point="f", cases=[Case([1], 1)])
    assert job.key() == replace(job, id="b").key() and len(job.key()) == 16
    others = [
        replace(job, code="def f(x): return 1"),
        replace(job, cases=[Case([1], True)]),
        replace(job, cases=[Case([1.0], 1)]),
        replace(job, mode="split", tests=["assert f(1) == 1"]),
        replace(job, limits=FAST),
        replace(job, turn=1),
    ]
    keys = {job.key(), *(other.key() for other in others), box.key(job), box.key(replace(job, limits=FAST))}
    assert len(keys) == 9
    verdict = one(box, job)
    assert Verdict.from_record(json.loads(json.dumps(verdict.record(timing=True)))) == verdict
    again = Verdict.from_record(verdict.record(), id="b")
    assert (again.id, again.outcome, again.cpu_s, again.limits) == ("b", "pass", 0.0, FAST) and again.is_cacheable
    assert not replace(verdict, outcome="timeout_wall").is_cacheable


def test_gate_drops_failing_and_unstable_tests(box):
    code = "import random\ndef f(x): return x if x < 2 else round(random.Random(random.random()).random())"
    cases = [Case([0], 0), Case([1], 5), *(Case([3], 1) for _ in range(9))]
    held = gate(box, [Job("g", "call", code, entry_point="f", cases=cases)])["g"]
    assert held.job is not None and held.job.cases[0] == Case([0], 0) and held.dropped[1] == "fail"
    assert "not the same in every run: fail, pass" in held.dropped.values()
    once = gate(box, [Job("g", "call", code, entry_point="f", cases=cases)], runs=1)["g"]
    assert not any("not the same" in why for why in once.dropped.values()) and len(once.dropped) < len(held.dropped)
    lucky = "import random\ndef f(): return random.random() > 0.5"  # true after random.seed(0), false after seed(1)
    assert gate(box, [Job("l", "split", lucky, tests=["assert f()"])])["l"].job is None


def test_unavailable_where_nothing_works(monkeypatch):
    monkeypatch.setenv("CULTIVAR_SANDBOX_DISABLE", "all")
    with pytest.raises(SandboxUnavailable, match="(?s)userns: disabled.*Remedies"):
        Sandbox()
    with pytest.raises(SandboxUnavailable, match="allow_unsandboxed"):
        Sandbox("none")


def test_unsandboxed_is_recorded_in_every_verdict():
    with pytest.warns(RuntimeWarning, match="UNSANDBOXED"), Sandbox("none", 1, FAST, allow_unsandboxed=True) as box:
        verdict = one(box, Job("n", "io", "pass"))
    assert (verdict.outcome, verdict.backend, verdict.integrity) == ("pass", "none", "none")


def test_a_probe_gives_its_reason():
    for name in backends.ORDER:
        found = backends.probe(name)
        assert found.works or found.reason
