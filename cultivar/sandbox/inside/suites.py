"""Runs one text of tests, with what its execution alone would not show: `TestCase` classes, which a runner has to run,
and failures in threads and in `__del__`, which Python only prints.
"""

import _thread
import sys


class Suite:
    """The tests of one run; as long as it lives, the hooks of the interpreter are its own."""

    def __init__(self, load, space):
        self.load, self.space = load, space
        self.seen = {}  # id: TestCase class that has been run
        self.elsewhere = []  # what was raised outside the main thread's course
        sys.unraisablehook = self.unraisable
        _thread._excepthook = self.in_thread  # where `threading` takes it from when it is imported
        if (threading := sys.modules.get("threading")) is not None:
            vars(threading)["excepthook"] = self.in_thread

    def in_thread(self, raised):
        if not issubclass(raised.exc_type, SystemExit):
            self.elsewhere.append(raised.exc_value or raised.exc_type())

    def unraisable(self, raised):
        if isinstance(raised.exc_value, AssertionError):
            self.elsewhere.append(raised.exc_value)

    def run(self, test, filename):
        """What the test raised, None where it passed."""
        try:
            self.load(test, self.space, filename)
            self.cases()
            self.threads()
        except BaseException as error:
            return error
        finally:
            raised, self.elsewhere = self.elsewhere, []
        return raised[0] if raised else None

    def cases(self):
        kind = getattr(sys.modules.get("unittest.case"), "TestCase", None)  # where nobody loaded it, there are none
        if kind is None:
            return
        for value in list(self.space.values()):
            ours = isinstance(value, type) and issubclass(value, kind) and value.__module__ == self.space["__name__"]
            if ours and id(value) not in self.seen:
                self.seen[id(value)] = value
                run_case(value)

    def threads(self):
        """Wait for those that the interpreter would wait for at its end."""
        if (threading := sys.modules.get("threading")) is not None:
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join()


def run_case(kind):
    """Run the methods of a TestCase class; raises what the first of them that fails has raised."""
    import unittest

    class First(unittest.TestResult):
        trouble = None

        def addError(self, test, err):
            self.trouble = self.trouble or err[1]

        addFailure = addError

        def addSubTest(self, test, subtest, err):
            if err:
                self.addError(test, err)

        def addUnexpectedSuccess(self, test):
            self.trouble = self.trouble or AssertionError("a success that was not expected")

    result = First()
    unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
    if result.trouble:
        raise result.trouble
