"""dvc.yaml says everything that a stage depends on: each kind of undeclared dependency is planted, and caught.

An import changes the stage's fingerprint. Reading the code catches what stands in it (cultivar.tools.reads), the runner
what it is asked for, and a run with nothing but what is declared (cultivar.tools.hermetic) all that makes a difference.
"""

import re
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "runner"))

from project import GRAPH, MODULE, ROOT, STAGE, fingerprints, make, run  # noqa: E402

from cultivar.runner.graph import load_yaml  # noqa: E402
from cultivar.tools.reads import differences  # noqa: E402
from schemas.products import message  # noqa: E402
from schemas.rows import Instruction  # noqa: E402
from schemas.table import Table  # noqa: E402

LAST = "    gone = "


def stage(imports: str = "", expression: str = "False", arguments: str = "") -> str:
    """The stage with something planted that decides which rows stay."""
    planted = STAGE.replace(LAST, f"    long = long | pl.lit({expression})\n{LAST}", 1)
    assert planted != STAGE
    return imports + planted.replace("params: SelectParams", f"params: SelectParams{arguments}", 1)


PLANTED = {
    "a helper module": (
        stage("from stages.helper import FLAG\n", "FLAG"),
        ("fingerprint",),
    ),
    "a module imported at run time": (
        stage("import importlib\n", "importlib.import_module('stages.' + 'helper').FLAG"),
        ("run", "hermetic"),
    ),
    "a prompt file": (
        stage("from cultivar.llm.prompt import Prompt\n", "len(Prompt('select').messages()) == 9"),
        ("reads", "run", "hermetic"),
    ),
    "an environment variable": (
        stage("import os\n", "os.environ.get('SELECT_ALL') == 'yes'"),
        ("reads", "hermetic"),
    ),
    "a params key": (
        stage(
            "from cultivar.runner.graph import load_yaml\nfrom pathlib import Path\n",
            "load_yaml(Path('params.yaml'))['tag']['words'] > 3",
        ),
        ("hermetic",),
    ),
    "a data file": (
        stage(expression="len(pl.read_parquet('data/extra.parquet')) > 1"),
        ("hermetic",),
    ),
    "a random number without a seed": (
        stage("import random\n", "pl.Series([random.random() < 0.5 for _ in range(len(instructions))])"),
        ("reads", "hermetic"),
    ),
    "the wall clock": (
        stage("import time\n", "pl.Series([time.time_ns() // 100 % 2 == 1 for _ in range(len(instructions))])"),
        ("reads", "hermetic"),
    ),
    "the order of a set": (
        stage(expression="list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})[:3] == %r"),
        ("hermetic",),
    ),
}


def project(folder: Path, code: str = STAGE) -> Path:
    """A small project with everything that a stage could read beside what it declares."""
    make(folder, stage=code, params="select:\n  words: 5\ntag:\n  words: 4\n")
    annotation = folder / "stages/annotation/params.py"
    annotation.write_text(annotation.read_text() + "\nclass TagParams(Section):\n    words: Positive = 5\n")
    (folder / "stages/helper.py").write_text("FLAG = False\n")
    (folder / "prompts").mkdir()
    (folder / "prompts/select.jinja").write_text("{% block user %}hello{% endblock %}")
    rows = [
        {"id": f"{n:032x}", "prompt": [message("user", f"row {n}")], "source": "s", "license": "l"} for n in range(64)
    ]
    Table.of(Instruction, rows).write(folder / "data/instructions.parquet")
    Table.of(Instruction, rows[:1]).write(folder / "data/extra.parquet")
    return folder


def caught(folder: Path, how: str) -> str:
    """What a check says against the project; nothing where it is content."""
    if how == "fingerprint":
        recorded = (folder / "fingerprints/select.txt").read_text()
        fingerprints(folder)
        return "changed" if (folder / "fingerprints/select.txt").read_text() != recorded else ""
    fingerprints(folder)
    module = {"reads": ["cultivar.tools.reads"], "run": ["cultivar.runner", "select"]}
    arguments = module.get(how, ["cultivar.tools.hermetic", "select"])
    done = run(folder, "-m", *arguments, SELECT_ALL="no", PYTHONHASHSEED="1")
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip() or "failed"


def test_a_stage_that_declares_everything_passes_every_check(tmp_path):
    folder = project(tmp_path)
    checks = ("fingerprint", "reads", "run", "hermetic")
    assert {how: caught(folder, how) for how in checks} == dict.fromkeys(checks, "")


@pytest.mark.parametrize("what", list(PLANTED))
def test_an_undeclared_dependency_is_caught(tmp_path, what):
    code, checks = PLANTED[what]
    if "%r" in code:
        ordered = run(
            ROOT, "-c", "print(list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})[:3])", PYTHONHASHSEED="1"
        ).stdout.strip()
        code = code.replace("%r", ordered)
    folder = project(tmp_path)
    (folder / MODULE).write_text(code)
    if "fingerprint" in checks:
        assert caught(folder, "fingerprint")
    if "hermetic" in checks:  # the outputs to compare with: made where nobody looks
        runner = folder / "cultivar/runner/run.py"
        original = runner.read_text()
        runner.write_text(re.sub(r"\n +(?:code.check_imports|allow_prompts)\(.*?\)(?=\n)", "", original))
        fingerprints(folder)
        written = run(folder, "-m", "cultivar.runner", "select", SELECT_ALL="yes", PYTHONHASHSEED="1")
        assert written.returncode == 0, written.stderr
        runner.write_text(original)
    for how in [check for check in checks if check != "fingerprint"]:
        assert caught(folder, how), f"{what} is not caught by {how}"


def test_what_a_stage_runs_with_is_there_in_a_hermetic_run_too(tmp_path):
    """The variable that holds the servers' key, and the budget."""
    folder = project(tmp_path)
    there = "os.environ.get('KEY_OF_MINE') == 'key' and load_yaml(Path('params.yaml'))['budget'] == {'requests': 5}"
    imports = "import os\nfrom pathlib import Path\nfrom cultivar.runner.graph import load_yaml\n"
    (folder / MODULE).write_text(stage(imports, there))
    with (folder / "params.yaml").open("a") as file:
        file.write("runtime: {api_key_env: KEY_OF_MINE}\nbudget: {requests: 5}\n")
    fingerprints(folder)
    for module in ("cultivar.runner", "cultivar.tools.hermetic"):
        done = run(folder, "-m", module, "select", KEY_OF_MINE="key")
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", [name for name in load_yaml(ROOT / "dvc.yaml")["stages"] if name != "code"])
def test_the_graph_lists_exactly_the_prompts_files_tables_and_params_that_its_code_reads(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert list(differences(name)) == []


def test_an_include_counts_as_read(tmp_path, monkeypatch):
    folder = project(tmp_path)
    (folder / MODULE).write_text(stage("from cultivar.llm.prompt import Prompt\n", "not Prompt('select').messages()"))
    (folder / "prompts/select.jinja").write_text("{% block user %}{% include 'rules.jinja' %}{% endblock %}")
    (folder / "prompts/rules.jinja").write_text("be good")
    graph = GRAPH.replace(
        "      - data/instructions.parquet\n", "      - data/instructions.parquet\n      - prompts/select.jinja\n"
    )
    (folder / "dvc.yaml").write_text(graph)
    monkeypatch.chdir(folder)
    assert list(differences("select")) == ["reads prompts/rules.jinja, which its deps do not list"]
