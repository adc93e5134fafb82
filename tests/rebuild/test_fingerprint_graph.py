"""What `dvc repro` reruns after an edit of code or another version of a library: the real dvc on the reduced graph."""

import ast
from pathlib import Path

import pytest
from counting_server import CountingServer
from reduced import commit, contents, reduced
from workspace import Workspace

from cultivar.runner.fingerprints.closure import PACKAGES


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> Workspace:
    project = reduced(tmp_path_factory.mktemp("code"), server.url, "code", rows=40)
    project.repro()
    commit(project, "built")
    return project


def ran(work: Workspace, **environment: str) -> set[str]:
    output = work.repro(**environment)
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def append(work: Workspace, path: str, text: str) -> None:
    file = work.folder / path
    file.write_text(file.read_text() + text)


def test_comments_docstrings_and_layout_of_every_module_rerun_the_code_stage_alone(work):
    tables = contents(work)
    for path in (path for package in PACKAGES for path in (work.folder / package).rglob("*.py")):
        tree = ast.parse(path.read_text())
        if ast.get_docstring(tree) and "__doc__" not in path.read_text():
            tree.body[0] = ast.Expr(ast.Constant("Another docstring."))
        path.write_text(f"# a comment\n{ast.unparse(ast.fix_missing_locations(tree))}\n")
    assert ran(work) == {"code"}
    assert contents(work) == tables and ran(work) == set()


def test_the_closing_line_reruns_the_code_stage_alone(work):
    append(work, "cultivar/runlog/closing.py", "\nENDING = 1\n")
    assert ran(work) == {"code"}


@pytest.mark.parametrize(
    ("module", "stages"),
    [
        ("stages/curation/readers/books.py", {"ingest"}),
        ("cultivar/llm/embedding.py", {"ontology"}),
        ("cultivar/llm/structured.py", {"tag", "score", "evolve"}),
        ("stages/annotation/select.py", {"select"}),
        ("stages/synthesis/ledger.py", set()),
    ],
)
def test_an_edit_reruns_the_stages_that_import_the_module_and_asks_nothing(work, server, module, stages):
    server.forget()
    append(work, module, "\nANOTHER_LINE = 1\n")
    assert ran(work) == {"code", *stages}
    assert server.of("code") == {}


def test_another_version_of_a_library_reruns_its_stages(work, tmp_path):
    """As `pip install` leaves it: other metadata on the path, and the pin in requirements.txt."""
    metadata = tmp_path / "snowballstemmer-99.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: snowballstemmer\nVersion: 99.0\n")
    pins = work.folder / "requirements.txt"
    pins.write_text(pins.read_text().replace("snowballstemmer==", "snowballstemmer==99.0 # was "))
    assert ran(work, PYTHONPATH=str(tmp_path)) == {"code", "ontology"}


def test_a_stage_run_alone_after_an_edit_is_refused_until_code_has_run(work):
    append(work, "stages/annotation/tag.py", "\nANOTHER_LINE = 1\n")
    (work.folder / "data/tag_sets.parquet").unlink()
    refused = work.python("-m", "dvc", "repro", "-f", "-s", "tag")
    assert refused.returncode != 0 and "not as in fingerprints/tag.txt" in refused.stderr
    assert not Path(work.folder / "data/tag_sets.parquet").exists()
    assert ran(work) >= {"code", "tag"}
