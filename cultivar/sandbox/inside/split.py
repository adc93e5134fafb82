"""Split runs: the tests in one process, the solution in another (peer.py is how they talk)."""

import contextlib
import importlib
import io
import sys
import types

from .handover import TESTS
from .peer import Peer
from .proxies import Lost, Proxy, Unsupported, Withheld, exported
from .suites import Suite


class Failed(Exception):
    """The solution could not be loaded; `kind` is the outcome."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def serve_solution(job, sock, load, module):
    """The process of the solution: load it, offer the exported names, answer until the tests end."""
    peer = Peer(sock, trusted=False)
    space = module("solution")
    captured = io.StringIO()
    try:
        with contextlib.redirect_stdout(captured):
            load(job["code"], space, "<solution>")
    except BaseException as error:
        try:
            text = str(error)[:250]
        except BaseException:
            text = ""
        kind = (
            "memory" if isinstance(error, MemoryError) else "early_exit" if isinstance(error, SystemExit) else "error"
        )
        peer.send(["failed", kind, f"{type(error).__name__}: {text}"])
        return
    offered = {name: peer.pack(space[name]) for name in job["exports"] if name in space}
    peer.send(["offer", offered, captured.getvalue()])
    with contextlib.suppress(Lost):
        while True:
            message = peer.receive()
            if message[0] == "ask":
                peer.answer(message)


def run_tests(job, sock, load, module, report):
    """The process of the tests: bind what the solution offers, run setup, then each test.

    `report(index, error or None)` is told of every test; one that asks nothing of the solution tests nothing. Raises where there is nothing to test, and Lost or Unsupported
    where the rest cannot be decided: no test can swallow them.
    """
    peer = Peer(sock, trusted=True)
    message = peer.receive()
    if message[0] == "failed":
        raise Failed(message[1] if message[1] in ("error", "memory", "early_exit") else "error", str(message[2])[:250])
    if message[0] != "offer":
        raise Failed("error", "no offer from the solution")
    sys.stdout.write(str(message[2]))
    space = module(TESTS)
    for name, (source, attribute) in job["modules"].items():
        with contextlib.suppress(ImportError, AttributeError):  # by bindings(): the standard library's own objects
            found = importlib.import_module(source)
            space[name] = getattr(found, attribute) if attribute else found
    space |= {name: Withheld(peer, name) for name in job["withheld"]}
    shared = types.ModuleType("solution")
    sys.modules["solution"] = shared
    for name in job["exports"]:
        if name in message[1]:
            space[name] = shared.__dict__[name] = exported(name, peer.unpack(message[1][name]))
    load(job["setup"], space, "<setup>")
    suite = Suite(load, space)
    for index, test in enumerate(job["tests"]):
        asked = peer.asked
        trouble = suite.run(test, f"<test {index}>")
        if isinstance(peer.fate, Lost):
            raise peer.fate
        if trouble is None and peer.asked == asked and not names_data(test, space, job["exports"]):
            trouble = Unsupported("the test asks nothing of the solution")
        report(index, peer.fate or (trouble and (peer.doubt or trouble)))
        peer.fate = peer.doubt = None


def names_data(test, space, exports):
    """Whether a test looks at plain data of the solution (a constant), which takes no request."""
    code = compile(test.replace("\r\n", "\n"), "<test>", "exec", dont_inherit=True)
    return any(name in exports and not isinstance(space.get(name), Proxy) for name in code.co_names)
