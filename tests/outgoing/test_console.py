"""What people read of a run: tracebacks, log records, warnings, errors and tools' lines hold no key and cannot act."""

import json
import logging
import sys
import threading
import warnings
from pathlib import Path

import pytest
from project import GRAPH, STAGE, make, run

from cultivar.outgoing.secret_values import is_secret
from cultivar.runlog import console
from cultivar.tools import params
from schemas.rows import Instruction
from schemas.table import Table

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
