"""Runs the tests of a job, including what executing them alone would miss: `TestCase` classes, which need a runner, and
failures in threads and in `__del__`, which Python only prints.
"""

import _thread
import sys


class Suite:
    """The tests of one run. Installs the interpreter's hooks for errors in threads and finalizers."""

    def __init__(self, exec_source, space):
        self.exec_source, self.space = exec_source, space
        self.finished = {}  # {id: TestCase class that has been run}
        self.background_errors = []  # errors of other threads and finalizers
        sys.unraisablehook = self.on_unraisable
        _thread._excepthook = self.on_thread_error  # `threading` takes it from there when it is imported
        if (threading := sys.modules.get("threading")) is not None:
            vars(threading)["excepthook"] = self.on_thread_error

    def on_thread_error(self, error_args):
        if not issubclass(error_args.exc_type, SystemExit):
            self.background_errors.append(error_args.exc_value or error_args.exc_type())

    def on_unraisable(self, error_args):
        if isinstance(error_args.exc_value, AssertionError):
            self.background_errors.append(error_args.exc_value)

    def run(self, test, filename):
        """Run one test; what it raised, None where it passed."""
        try:
            self.exec_source(test, self.space, filename)
            self.run_test_cases()
            self.join_threads()
        except BaseException as error:
            return error
        finally:
            error_args, self.background_errors = self.background_errors, []
        return error_args[0] if error_args else None

    def run_test_cases(self):
        """Run the TestCase classes that the tests have defined since the last call."""
        kind = getattr(sys.modules.get("unittest.case"), "TestCase", None)  # without that module there are none
        if kind is None:
            return
        for value in list(self.space.values()):
            is_own = isinstance(value, type) and issubclass(value, kind) and value.__module__ == self.space["__name__"]
            if is_own and id(value) not in self.finished:
                self.finished[id(value)] = value
                run_case(value)

    def join_threads(self):
        """Wait for the threads that the interpreter would wait for at its end."""
        if (threading := sys.modules.get("threading")) is not None:
            for thread in threading.enumerate():
                if thread is not threading.current_thread() and not thread.daemon:
                    thread.join()


def run_case(kind):
    """Run the methods of a TestCase class; raises the error of the first that fails."""
    import unittest

    class FirstError(unittest.TestResult):
        first_error = None

        def addError(self, test, err):
            self.first_error = self.first_error or err[1]

        addFailure = addError

        def addSubTest(self, test, subtest, err):
            if err:
                self.addError(test, err)

        def addUnexpectedSuccess(self, test):
            self.first_error = self.first_error or AssertionError("a success that was not expected")

    result = FirstError()
    unittest.defaultTestLoader.loadTestsFromTestCase(kind).run(result)
    if result.first_error:
        raise result.first_error
