"""The `cultivar` command: every tool is a subcommand with help, and its exit status is the command's."""

import subprocess
import sys
from pathlib import Path

import pytest
from project import ROOT, run
from typer.testing import CliRunner

from cultivar.cli import TOOLS, app


def test_the_help_groups_every_tool_without_importing_any():
    code = "import sys; sys.argv = ['cultivar', '--help']\nfrom cultivar.cli import app\ntry: app()\nfinally: print('polars' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout
    assert shown.endswith("False\n")
    sections = [line[:-1] for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert sections == ["Options", "Your data", "Before a run", "Run", "Review", "Check", "Share"]
    assert all(f"  {name} " in shown for name in TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_has_help(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0 and "usage" in shown.output.lower()


def test_the_module_form_and_the_command_are_one(tmp_path: Path):
    for form in (("-m", "cultivar.tools.params"), ("-m", "cultivar", "params")):
        there, missing = run(ROOT, *form, "params.yaml"), run(ROOT, *form, "nothing.yaml")
        assert (there.returncode, missing.returncode) == (0, 1)
        assert "all valid" in there.stdout and "nothing.yaml is not here" in missing.stderr


def test_the_command_runs_the_code_of_the_checkout_that_it_is_called_in(tmp_path: Path):
    """As in an experiment's own folder: the installed copy gives way."""
    (tmp_path / "cultivar").mkdir()
    (tmp_path / "cultivar/__init__.py").touch()
    (tmp_path / "cultivar/cli.py").touch()
    (tmp_path / "cultivar/__main__.py").write_text("import sys\nprint('of this folder', sys.argv[1:])\n")
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv = ['cultivar', 'plan', 'tag']\n"
    done = run(tmp_path, "-P", "-c", code + "from cultivar.cli import main; main()")
    assert done.stdout == "of this folder ['plan', 'tag']\n", done.stderr


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [("> /dev/full", 1, "No space left on device"), ("| true; exit ${PIPESTATUS[0]}", 0, ""), (">&-", 0, "")],
)
def test_an_answer_that_could_not_be_written_is_no_success(end: str, status: int, said: str):
    """But a reader who had enough has it, and whoever closes the output wants none."""
    for form in ("cultivar.tools.params", "cultivar params"):
        command = ["bash", "-c", f"{sys.executable} -m {form} params.yaml {end}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == status and said in done.stderr and "Traceback" not in done.stderr, done.stderr


def test_the_module_form_has_an_output_even_where_it_is_closed():
    command = ["bash", "-c", f"{sys.executable} -m cultivar doctor >&-"]
    assert "Traceback" not in subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stderr


def test_a_dvc_that_refuses_to_work_is_one_line_with_its_remedy(tmp_path: Path):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    (tmp_path / "params.yaml").write_text("{}")
    for tool in ("plan", "verify"):
        done = run(tmp_path, "-m", "cultivar", tool, PYTHONPATH=str(ROOT))
        assert done.returncode == 1
        [line] = done.stderr.splitlines()
        assert line.startswith("error: ") and "is not a git repository; `git init`" in line and "ERROR" not in line


def test_a_full_disk_is_one_line_in_every_tool(tmp_path: Path):
    code = "import sys; import cultivar.tools.compact as tool\nfrom cultivar import cli\n"
    fault = "def compact(*_): raise OSError(28, 'No space left on device')\ntool.compact = compact\n"
    kinds = "tool.Store.kinds = lambda self: ['kind']\nsys.argv = ['cultivar', 'compact', 'store']\ncli.run_module('compact')"
    done = run(ROOT, "-c", code + fault + kinds.replace("'compact', 'store'", repr(str(tmp_path))))
    assert done.returncode == 1, done.stderr
    [line] = done.stderr.splitlines()
    assert "cannot be written: no space left on the device" in line and line.startswith("error: ")
