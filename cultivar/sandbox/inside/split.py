"""Split runs: the tests in one process, the solution in another, connected by peer.py."""

import contextlib
import importlib
import io
import sys
import types

from .handover import TESTS
from .peer import Peer
from .proxies import AmbiguousName, PeerLost, Proxy, Unsupported, set_origin
from .suites import Suite


class LoadFailed(Exception):
    """The solution could not be loaded; `kind` is the outcome."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


def serve_solution(job, sock, exec_source, new_module):
    """In the solution's process: load it, offer the exported names, serve requests until the tests end."""
    peer = Peer(sock, trusted=False)
    space = new_module("solution")
    captured = io.StringIO()
    try:
        with contextlib.redirect_stdout(captured):
            exec_source(job["code"], space, "<solution>")
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
    peer.send_reply(["offer", offered, captured.getvalue()])
    with contextlib.suppress(PeerLost):
        while True:
            message = peer.receive()
            if message[0] == "ask":
                peer.serve_request(message)


def run_tests(job, sock, exec_source, new_module, report):
    """In the tests' process: bind the names that the solution offers, run setup, then each test.

    `report(index, error or None)` is called for every test; one that requests nothing from the solution is Unsupported.
    Raises LoadFailed where the solution could not be loaded, PeerLost where its process has ended: no test can swallow
    them.
    """
    peer = Peer(sock, trusted=True)
    message = peer.receive()
    if message[0] == "failed":
        raise LoadFailed(
            message[1] if message[1] in ("error", "memory", "early_exit") else "error", str(message[2])[:250]
        )
    if message[0] != "offer":
        raise LoadFailed("error", "no offer from the solution")
    sys.stdout.write(str(message[2]))
    space = new_module(TESTS)
    for name, (source, attribute) in job["modules"].items():
        with contextlib.suppress(
            ImportError, AttributeError
        ):  # chosen by find_bindings(): objects of the standard library
            library = importlib.import_module(source)
            space[name] = getattr(library, attribute) if attribute else library
    space |= {name: AmbiguousName(peer, name) for name in job["ambiguous"]}
    shared = types.ModuleType("solution")
    sys.modules["solution"] = shared
    for name in job["exports"]:
        if name in message[1]:
            space[name] = shared.__dict__[name] = set_origin(name, peer.unpack(message[1][name]))
    exec_source(job["setup"], space, "<setup>")
    suite = Suite(exec_source, space)
    for index, test in enumerate(job["tests"]):
        before = peer.request_count
        error = suite.run(test, f"<test {index}>")
        if isinstance(peer.fatal_error, PeerLost):
            raise peer.fatal_error
        if error is None and peer.request_count == before and not reads_data(test, space, job["exports"]):
            error = Unsupported("the test asks nothing of the solution")
        report(index, peer.fatal_error or (error and (peer.undecided or error)))
        peer.fatal_error = peer.undecided = None


def reads_data(test, space, exports):
    """Whether a test uses plain data of the solution (a constant), which needs no request."""
    code = compile(test.replace("\r\n", "\n"), "<test>", "exec", dont_inherit=True)
    return any(name in exports and not isinstance(space.get(name), Proxy) for name in code.co_names)
