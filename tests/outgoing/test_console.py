"""What people read of a run: tracebacks, log records, warnings, errors and tools' lines hold no key and cannot act."""

import json
import logging
import runpy
import sys
import threading
import warnings
from pathlib import Path

import pytest
from project import GRAPH, ROOT, STAGE, make, run
from ruamel.yaml import YAML

from cultivar import cli
from cultivar.outgoing.secret_values import is_secret
from cultivar.runlog import console
from cultivar.runlog.bookkeeping import bookkeeping
from cultivar.runlog.console import complain
from cultivar.tools import params, recipe
from schemas.rows import Instruction
from schemas.table import Table, explain_rejection

KEY = "Zq8-vT3kLw9xYb7RfN2mJc5HdS0pGt"
HOSTILE = f"\x1b[2J\u202e{KEY}"
SHOWN = r"\x1b[2J\u202e[redacted]"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_secret(KEY)
    monkeypatch.setenv("SOME_TOKEN", KEY)


def test_lines_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    console.say(f"{HOSTILE}\n\tnext")
    console.complain(HOSTILE)
    assert tuple(capsys.readouterr()) == (f"{SHOWN}\n\tnext\n", f"{SHOWN}\n")


def test_what_python_prints_itself_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for owner, name in ((sys, "excepthook"), (threading, "excepthook"), (warnings, "formatwarning")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    handler = logging.StreamHandler(sys.stderr)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    console.guard_output()
    logging.getLogger("x").warning("log %s", HOSTILE)
    sys.stderr.write(warnings.formatwarning(UserWarning(HOSTILE), UserWarning, "f.py", 1))
    try:
        raise ValueError(HOSTILE) from KeyError(KEY)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    said = capsys.readouterr().err
    assert KEY not in said and "\x1b" not in said and said.count(SHOWN) == 3 and "KeyError: '[redacted]'" in said


def test_errors_of_params_hide_the_password_of_a_url(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the message that quotes the value, and in the line of a recipe that names the old and the new one."""
    path = tmp_path / "p.yaml"
    path.write_text(json.dumps({"runtime": {"servers": {"m": ["ftp://me:hunter2@host/v1"]}, "a\x1b[2J": 1}}))
    assert params.main(path) == 1
    said = capsys.readouterr().err
    assert "hunter2" not in said and "ftp://[redacted]@host/v1" in said and r"a\x1b[2J" in said


def test_what_is_shortened_is_redacted_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the place of the cut, no piece of a key is left."""
    for at in range(280, 304):
        with bookkeeping("it cannot be done"):
            raise OSError("x" * (at - 1) + " " + KEY)
    for at in range(60, 84):
        complain(explain_rejection(Instruction, {"id": 5, "prompt": "x" * (at - 1) + " " + KEY, "source": []}))
        complain(explain_rejection(Instruction, {"id": "x" * (at - 1) + " " + KEY}))
        complain(explain_rejection(Instruction, {"id": "1", "simulated": "x" * (at - 1) + " " + KEY}))
    said = capsys.readouterr().err
    assert said.count("\n") > 90 and KEY[:5] not in said


def test_an_error_of_a_finalizer_is_shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "unraisablehook", console.print_unraisable)

    class Failing:
        def __del__(self) -> None:
            raise ValueError(HOSTILE)

    Failing()
    said = capsys.readouterr().err
    assert f"ValueError: {SHOWN}" in said and "Failing.__del__" in said and KEY not in said


def test_a_recipe_is_printed_without_the_password_of_a_url(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(recipe, "RECIPES", tmp_path)
    (tmp_path / "own.yaml").write_text("runtime:\n  servers:\n    m: [http://me:hunter2@host/v1]\n")
    assert recipe.main("own", show=True) == 0
    said = capsys.readouterr().out
    shown, given = (YAML(typ="safe").load(text) for text in (said, Path("params.yaml").read_text()))
    assert shown["runtime"].pop("servers") == {"m": ["http://[redacted]@host/v1"]} and "hunter2" not in said
    given["runtime"].pop("servers", None)
    assert shown == given


@pytest.mark.parametrize("command", [["-m", "cultivar.sandbox"], ["-m", "cultivar", "sandbox"]])
def test_the_sandbox_shows_no_password_of_its_server(command: list[str]) -> None:
    url = "ftp://me:hunter2\x1b[2J@host/"
    done = run(ROOT, *command, "--backend", "remote", CULTIVAR_SANDBOX_URL=url)
    assert done.returncode == 2 and "ftp://[redacted]@host/" in done.stderr, done.stderr
    assert "hunter2" not in done.stderr and "\x1b" not in done.stderr and "Traceback" not in done.stderr


def test_the_command_of_a_checkout_guards_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m cultivar`, which the console script runs in a checkout that holds another cultivar."""
    called: list[list[str]] = []
    monkeypatch.setattr(cli, "call", called.append)
    monkeypatch.setattr(sys, "argv", ["cultivar", "plan"])
    runpy.run_module("cultivar", run_name="__main__")
    assert called == [["plan"]]


RAISING = STAGE.replace(
    "    long = ", "    import os\n    raise KIND(chr(27) + '[2J ' + os.environ['SOME_TOKEN'])\n    long = "
)


@pytest.mark.parametrize("kind", ["RuntimeError", "OSError"])
def test_a_stage_that_fails_shows_no_key(tmp_path: Path, kind: str) -> None:
    """With a traceback, or as an error of the user's."""
    folder = make(tmp_path, stage=RAISING.replace("KIND", kind), graph=GRAPH)
    Table.of(Instruction, []).write(folder / "data/instructions.parquet")
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and r"\x1b[2J [redacted]" in done.stderr, done.stderr
    assert KEY not in done.stderr + done.stdout and "\x1b" not in done.stderr
    assert ("Traceback" in done.stderr) is (kind == "RuntimeError")
