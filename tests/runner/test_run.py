"""The runner: dvc.yaml is the only place that says what a stage reads and writes."""

import json
import time

import pytest
from project import GRAPH, MODULE, STAGE, fingerprints, make, run

from schemas.products import message
from schemas.rows import Dropped, Instruction
from schemas.table import Table

PROMPTS = ["one two", "a b c d e f g", "three"]


@pytest.fixture
def project(tmp_path):
    def build(**parts):
        folder = make(tmp_path, **parts)
        rows = [
            {"id": f"{n:032x}", "prompt": [message("user", p)], "source": "s", "license": "l"}
            for n, p in enumerate(PROMPTS)
        ]
        Table.of(Instruction, rows).write(folder / "data" / "instructions.parquet")
        return folder

    return build


def test_a_stage_runs_writes_its_tables_and_closes_its_sums(project):
    folder = project()
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 0, done.stderr
    assert "3 rows in: 2 kept, 1 dropped, 0 quarantined" in done.stdout
    assert [row.prompt[0].content for row in Table.read(Instruction, folder / "data/short.parquet")] == [
        "one two",
        "three",
    ]
    assert [row.rule for row in Table.read(Dropped, folder / "data/dropped/select.parquet")] == ["too long"]
    metrics = json.loads((folder / "metrics/select.json").read_text())
    assert metrics["rows"] == {"in": 3, "kept": 2, "dropped": 1, "quarantined": 0}
    assert metrics["dropped_by_rule"] == {"too_long": 1}


@pytest.mark.parametrize(
    ("stage", "graph", "complaint"),
    [
        (STAGE, GRAPH.replace("data/instructions.parquet", "params.yaml"), "- data/instructions.parquet"),
        (STAGE, GRAPH.replace("    params:\n      - select\n", ""), "  select:\n    params:\n      - select"),
        (STAGE, GRAPH.replace("      - data/short.parquet\n", ""), "add their paths to outs"),
        (STAGE, GRAPH.replace("data/short", "data/extra.parquet\n      - data/short"), "extra"),
        (STAGE.replace("Dropped, gone)", "Dropped, [])"), GRAPH, "ended nowhere"),
        (
            STAGE.replace("params: SelectParams", "params: SelectParams, clock: int"),
            GRAPH,
            "nothing a stage can ask for",
        ),
    ],
)
def test_what_is_not_declared_is_refused_with_the_line_to_add(project, stage, graph, complaint):
    folder = project(stage=stage, graph=graph)
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and complaint in done.stderr, done.stderr
    assert not (folder / "data/short.parquet").exists()


def test_a_helper_imported_by_a_name_put_together_is_refused(project):
    stage = STAGE + "\nimport importlib\nhelper = importlib.import_module('stages.' + 'helper')\n"
    folder = project(stage=stage)
    (folder / "stages/helper.py").write_text("X = 1\n")
    done = run(folder, "-m", "cultivar.runner", "select")
    assert (
        done.returncode == 1 and "imported stages/helper.py, which fingerprints/select.txt does not name" in done.stderr
    )


@pytest.mark.parametrize("victim", [MODULE, "data/instructions.parquet", "params.yaml"])
def test_an_origin_edited_during_the_run_fails_the_stage(project, victim):
    text = "  more: 1\\n" if victim.endswith("yaml") else "\\nX = 1\\n"
    folder = project(stage=STAGE.replace("    long = ", f"    open({victim!r}, 'a').write('{text}')\n    long = "))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and "changed while it ran" in done.stderr and victim in done.stderr
    assert not (folder / "data/short.parquet").exists()


def test_a_comment_written_during_the_run_does_not_matter(project):
    folder = project(stage=STAGE.replace("    long = ", "    open(__file__, 'a').write('# note')\n    long = "))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 0, done.stderr


def test_a_module_that_goes_during_the_run_is_named(project):
    folder = project(stage=STAGE.replace("    long = ", "    import os\n    os.unlink(__file__)\n    long = "))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and "no module stages/*/select.py" in done.stderr and "changed while" in done.stderr


def test_code_that_was_written_after_the_process_began_may_not_be_what_was_imported(project):
    folder = project(stage=STAGE + "\nimport os\nos.utime(__file__)\n")
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and f"{MODULE} changed while it ran" in done.stderr
    tomorrow = time.time() + 86400  # of a clock that is ahead: no edit
    (folder / MODULE).write_text(STAGE + f"\nimport os\nos.utime(__file__, ({tomorrow}, {tomorrow}))\n")
    fingerprints(folder)
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 0, done.stderr


def test_a_stale_fingerprint_is_refused_with_the_command_that_writes_it(project):
    """As `dvc repro -s select` would run the stage after an edit."""
    folder = project()
    (folder / MODULE).write_text(STAGE.replace("> params.words", ">= params.words"))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and f"{MODULE}: not as in fingerprints/select.txt; run `dvc repro`" in done.stderr
    (folder / MODULE).write_text("# another layout\n" + STAGE)
    assert run(folder, "-m", "cultivar.runner", "select").returncode == 0


def test_a_stage_without_its_fingerprint_among_its_deps_is_refused(project):
    folder = project(graph=GRAPH.replace("      - fingerprints/select.txt\n", ""))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and "    deps:\n      - fingerprints/select.txt" in done.stderr


def test_code_from_an_installed_copy_is_refused(project, tmp_path_factory):
    """A module that is missing here but installed elsewhere would escape every fingerprint."""
    copy = tmp_path_factory.mktemp("installed") / "reports"
    folder = project(
        stage=STAGE + f"\nimport sys\nsys.path.append({str(copy)!r})\nimport stages.annotation as a\n"
        f"a.__path__.append({str(copy)!r})\nfrom stages.annotation import extra\n"
    )
    copy.mkdir()
    (copy / "extra.py").write_text("X = 1\n")
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and "never from an installed copy" in done.stderr


def test_a_section_of_another_stage_may_change_meanwhile(project):
    edit = "open('params.yaml', 'a').write('tag: {}\\n')"
    folder = project(stage=STAGE.replace("    long = ", f"    {edit}\n    long = "))
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ("select:\n  wrods: 5\n", "select.wrods: unknown key (did you mean words?)"),
        ("select:\n  words: many\n", "select.words: 'many' is not allowed"),
        ("select:\n  words: 0\n", "select.words: 0 is not allowed: should be greater than or equal to 1"),
        ("selct:\n  words: 5\n", "selct: unknown section (did you mean select?)"),
        ("select: [\n", "params.yaml is not valid YAML"),
    ],
)
def test_malformed_params_fail_with_path_value_and_what_is_allowed(project, params, complaint):
    folder = project(params=params)
    done = run(folder, "-m", "cultivar.runner", "select")
    assert done.returncode == 1 and complaint in done.stderr, done.stderr
