"""The remote backend against a server on loopback that speaks SandboxFusion's /run_code, correctly and with faults."""

import base64
import json

import pytest
from fusion import FAULTS, serving

from cultivar.sandbox import Case, Job, Limits, Sandbox, SandboxUnavailable, remote

FAST = Limits(cpu_s=1.0, wall_s=10, memory_mb=256)
GOOD = "def f(x): return x + 1"


@pytest.fixture(scope="module")
def server():
    with serving() as server:
        yield server


@pytest.fixture
def box(server, monkeypatch):
    """The probe tries to reach this server instead of the internet, so that it always succeeds."""
    monkeypatch.setattr(remote, "BACKOFF_S", 0.01)
    address = repr(server.server_address)
    monkeypatch.setattr(remote, "PROBE", remote.PROBE.replace('("1.1.1.1", 53)', address))
    with pytest.warns(RuntimeWarning, match="lets programs through"), Sandbox("remote", 2, FAST, url=server.url) as box:
        yield box
    server.faults.clear()


def call(id: str = "j", code: str = GOOD) -> Job:
    return Job(id, "call", code, entry_point="f", cases=[Case([1], 2), Case([41], 42)])


def outcome(box: Sandbox, job: Job) -> str:
    (verdict,) = box.run([job])
    return verdict.outcome


def test_modes_and_verdicts(box):
    verifier = "def evaluate(s):\n    while s == 'loop': pass\n    return s.isupper()"
    jobs = [
        call("pass"),
        call("fail", "def f(x): return x"),
        call("equal", "class A(int):\n  def __eq__(s, o): return True\ndef f(x): return A(2)"),
        call("error", "def f(x): raise ValueError"),
        call("early_exit", "import os\ndef f(x): os._exit(0)"),
        call("timeout_cpu", "def f(x):\n  while True: pass"),
        call("memory", "def f(x): return bytearray(1 << 32)"),
        call("crash", "import os, signal\ndef f(x): os.kill(os.getpid(), signal.SIGSEGV)"),
        call("output_limit", "def f(x): return 'x' * 50_000"),
        Job("io", "io", "print(int(input()) * 2)", stdin="4", expected_stdout="8"),
        Job("verifier", "verifier", verifier, inputs=["A", "loop", "a"]),
        Job("split", "split", GOOD, tests="assert f(1) == 2"),
        Job("refused", "call", GOOD, entry_point="f", cases=[Case([object()], 1)]),
    ]
    verdicts = {v.id: v for v in box.run(jobs)}
    expected = {job.id: job.id for job in jobs} | {
        "io": "pass",
        "split": "refused",
        "equal": "fail",
        "verifier": "timeout_cpu",
    }
    assert {v.id: v.outcome for v in verdicts.values()} == expected
    assert verdicts["verifier"].results == ["true", "timeout_cpu", "false"]
    assert (
        verdicts["pass"].backend == "remote" and verdicts["pass"].cpu_s > 0 and "python 3" in verdicts["pass"].versions
    )


def test_expected_values_stay_here(box, server):
    server.seen.clear()
    assert outcome(box, Job("j", "call", GOOD, entry_point="f", cases=[Case([1], "the expected value")])) == "fail"
    assert outcome(box, Job("k", "io", "print(1)", expected_stdout="the expected value")) == "fail"
    sent = json.dumps(server.seen) + "".join(base64.b64decode(s["files"][remote.CONFIG]).decode() for s in server.seen)
    assert len(server.seen) == 2 and "the expected value" not in sent


@pytest.mark.parametrize("fault", FAULTS)
def test_two_faults_are_retried_and_three_are_a_sandbox_error(box, server, fault):
    server.faults[:] = [fault] * 2
    assert outcome(box, call()) == "pass"
    server.faults[:] = [fault] * 3
    assert outcome(box, call()) == "sandbox_error"
    assert outcome(box, call()) == "pass"


def test_the_servers_own_limits(box, server):
    server.faults[:] = ["TimeLimitExceeded", "killed"]
    assert outcome(box, call()) == "timeout_wall" and outcome(box, call()) == "memory"


def test_a_server_that_is_down_gets_few_requests(box, server):
    server.faults[:] = ["500"] * 1000
    server.seen.clear()
    verdicts = list(box.run(call(str(i)) for i in range(60)))
    assert {v.outcome for v in verdicts} == {"sandbox_error"} and len(verdicts) == 60
    assert len(server.seen) <= (remote.BREAKER_JOBS + box.slots) * remote.TRIES


def test_without_a_working_server_the_sandbox_is_unavailable(monkeypatch, server):
    monkeypatch.delenv("CULTIVAR_SANDBOX_URL", raising=False)
    for url, message in (
        (None, "needs url"),
        ("ftp://x", "not an http"),
        ("http://127.0.0.1:9", "does not run a probe"),
    ):
        with pytest.raises(SandboxUnavailable, match=message):
            Sandbox("remote", url=url)
    server.faults[:] = ["500"]
    with pytest.raises(SandboxUnavailable, match="HTTP 500"):
        Sandbox("remote", url=server.url)
