"""Fingerprints: which stages an edit reaches, and that nothing else does. The real dvc is in tests/rebuild/test_fingerprint_graph.py."""

import ast
import shutil
from pathlib import Path

import pytest
from project import GRAPH, ROOT, copy_code, make, run

from cultivar.runner.fingerprints import closure, fingerprint, libraries, stages
from cultivar.runner.fingerprints.closure import EXEMPT, PACKAGES, SourceTree, is_exempt, modules_below
from schemas.products import message
from schemas.rows import Instruction
from schemas.table import Table

ASKING = {"tag", "score", "evolve", "respond", "rank", "rejection", "execution", "repurpose", "constitution"}
TRAINING = {"base", "sft", "reward", "dpo", "online_dpo", "evaluate", "seeds"}
REACH = {  # module -> the stages that an edit of it reruns
    "cultivar/text/ngrams.py": {"filter", "assemble"},
    "cultivar/grading/pairs.py": {
        "ingest",
        "rank",
        "rejection",
        "execution",
        "repurpose",
        "constitution",
        "online_dpo",
        "seeds",
    },
    "cultivar/grading/answers.py": {"rejection", "evaluate", "seeds"},
    "cultivar/grading/algebra_worker.py": {"rejection", "evaluate", "seeds"},
    "cultivar/grading/intervals.py": {"evaluate", "seeds", "datasheet", "report"},
    "cultivar/llm/http_engine.py": ASKING,
    "cultivar/llm/simulated/safety.py": ASKING,
    "cultivar/sandbox/judge.py": {"execution", "evaluate", "seeds"},
    "cultivar/sandbox/inside/child.py": {"execution", "evaluate", "seeds"},
    "cultivar/runner/verdicts.py": {"execution", "evaluate", "seeds"},
    "stages/annotation/rankings.py": {"rank"},
    "stages/curation/readers/books.py": {"ingest"},
    "stages/synthesis/solutions.py": {"execution"},
    "stages/review/charts.py": {"datasheet", "report"},
    "train/merging/masks.py": {"online_dpo", "seeds"},
    "train/chat.py": TRAINING,
}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, to be edited."""
    folder = tmp_path_factory.mktemp("code")
    copy_code(folder)
    shutil.copy(ROOT / "dvc.yaml", folder)
    return folder


@pytest.fixture(autouse=True)
def here(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(code)
    monkeypatch.setenv("DVC_ROOT", str(code))


def fingerprints() -> dict[str, str]:
    source = SourceTree()
    return {stage: fingerprint(stage, source) for stage in stages()}


def changed_by(path: str, edited: str) -> set[str]:
    """The stages whose fingerprint is another one with a file's other text."""
    before, text = fingerprints(), Path(path).read_text()
    Path(path).write_text(edited)
    try:
        after = fingerprints()
    finally:
        Path(path).write_text(text)
    return {stage for stage in after if after[stage] != before[stage]}


@pytest.mark.parametrize("module", REACH)
def test_an_edit_reaches_exactly_the_stages_that_import_the_module(module):
    assert changed_by(module, Path(module).read_text() + "\nANOTHER_LINE = 1\n") == REACH[module]


def test_facts_that_other_code_has_cached_are_not_used(monkeypatch):
    now = fingerprint("tag")
    with monkeypatch.context() as older:
        older.setattr(closure, "FACTS_CODE", ())
        older.setattr(closure, "syntax_hash", lambda *_: "0" * 16)
        assert "schemas/errors.py 0000000000000000" in fingerprint("tag")
    assert fingerprint("tag") == now


def test_an_edit_of_the_runner_reaches_every_stage():
    states = Path("cultivar/runner/states.py")
    assert changed_by(str(states), states.read_text() + "\nANOTHER_LINE = 1\n") == set(stages())


def test_comments_docstrings_and_layout_of_every_module_change_no_fingerprint():
    before = fingerprints()
    originals = {path: path.read_text() for package in PACKAGES for path in Path(package).rglob("*.py")}
    try:
        for path, text in originals.items():
            tree = ast.parse(text)
            if ast.get_docstring(tree) and "__doc__" not in text:  # one that is read at run time counts
                tree.body[0] = ast.Expr(ast.Constant("Another docstring."))
            path.write_text(f"# a comment\n{ast.unparse(ast.fix_missing_locations(tree))}\n# another\n")
        assert fingerprints() == before
    finally:
        for path, text in originals.items():
            path.write_text(text)


def test_rows_and_sections_count_by_what_a_stage_uses_of_them():
    rows, params = Path("schemas/rows.py").read_text(), Path("train/params.py").read_text()
    assert changed_by("schemas/rows.py", rows + "\n\nclass NewRow(Row):\n    text: Text\n") == set()
    overlap = rows.replace("    lcs: Annotated[int, Field(ge=0)]\n", "    lcs: Annotated[int, Field(ge=1)]\n")
    assert changed_by("schemas/rows.py", overlap) == {"filter"}
    assert changed_by("train/params.py", params.replace("    pairs: Count = 0\n", "    pairs: Count = 1\n")) == {
        "dpo",
        "seeds",
    }


@pytest.mark.parametrize(
    ("library", "reached"),
    [
        ("trl", {"sft", "reward", "dpo", "online_dpo", "seeds"}),
        ("math-verify", {"rejection", "evaluate", "seeds"}),
        ("snowballstemmer", {"ontology"}),
        ("json-repair", ASKING),
        ("polars", set()),
    ],
)
def test_another_version_of_a_library_reaches_the_stages_whose_content_it_makes(library, reached, monkeypatch):
    before = fingerprints()
    installed = libraries.installed
    monkeypatch.setattr(libraries, "installed", lambda name: "99.0" if name == library else installed(name))
    assert {stage for stage, text in fingerprints().items() if text != before[stage]} == reached


def test_what_says_how_a_run_went_is_imported_by_the_runner_and_tools_alone():
    for package in PACKAGES:
        for module in modules_below(package):
            if is_exempt(module) or module.startswith(("cultivar.tools", "cultivar.cli")):
                continue
            imported = {base for base, _ in SourceTree().of(module).lazy if is_exempt(base)}
            assert not imported or module in ("cultivar.runner.run", "cultivar.runner.binding"), module


def test_nothing_in_a_table_depends_on_the_exempt_rooms(tmp_path):
    """The run log is replaced by one that knows nothing and says something else: the outputs keep their bytes."""
    folder = make(tmp_path)
    rows = [
        {"id": f"{n:032x}", "prompt": [message("user", "word " * n)], "source": "s", "license": "l"}
        for n in range(1, 9)
    ]
    Table.of(Instruction, rows).write(folder / "data/instructions.parquet")
    outputs = []
    for _ in range(2):
        done = run(folder, "-m", "cultivar.runner", "select")
        assert done.returncode == 0, done.stderr
        files = [*folder.glob("data/short*"), *folder.glob("data/dropped/*"), *folder.glob("metrics/*")]
        outputs.append({path.name: path.read_bytes() for path in files})
        (folder / "cultivar/runlog/closing.py").write_text("def closing_line(*_):\n    return 'done'\n")
        (folder / "cultivar/runlog/record.py").write_text("def record_run(*_):\n    pass\n")
        (folder / "cultivar/runlog/previous.py").write_text("def rows_changed(*_):\n    return None\n")
        nothing = (
            "def release_checkpoints(*_):\n    pass\n\n\nremove_recorded = release_checkpoints\nFINISHED = 'no file'\n"
        )
        (folder / "cultivar/runlog/checkpoints.py").write_text(nothing)
        guard = folder / "cultivar/runner/guard/origin.py"
        guard.write_text(guard.read_text().replace("HASHED_BYTES = 64 * 2**20", "HASHED_BYTES = 0"))
    assert done.stdout == "done\n" and len(outputs[0]) == 3
    assert outputs[0] == outputs[1]


def test_the_rooms_that_are_left_out_hold_nothing_else():
    assert EXEMPT == (
        "cultivar.runlog",
        "cultivar.runner.guard",
        "cultivar.runner.fingerprints",
        "cultivar.runner.prompts",
        "cultivar.runner.__main__",
    )
    assert "fingerprints/select.txt" in GRAPH
