"""Whatever changes, `dvc repro` yields the bytes of a clean build and asks only what was never asked.

One project is changed step by step. After each step it is rebuilt by the real `dvc repro`, and beside it a copy of the
same files is built with an empty store and an empty cache. The server answers equal requests alike and notes who asked
what: the rebuild must ask exactly what the clean build asks less what was asked in any step before, each once.
"""

import json
import random
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from counting_server import EVOLUTION, RATING, TAGS, CountingServer
from reduced import ROWS, commit, contents, git, point, reduced, rows_of, write_rows
from workspace import Workspace


class Matrix:
    """The project that is changed, and what its models were ever asked."""

    def __init__(self, folder: Path, server: CountingServer) -> None:
        self.folder, self.server = folder, server
        self.work = reduced(folder / "work", server.url, "rebuild")
        self.ever: set[str] = set()
        self.steps = 0
        self.output = ""
        self.before: dict[str, bytes] = {}
        self.built_from: dict[str, bytes] = {}
        self.start = self.rebuild()

    def rebuild(self) -> str:
        """Rebuild and build clean side by side, compare, commit; the commit."""
        self.server.forget()
        self.steps += 1
        clean = self.clean_copy(f"clean-{self.steps}")
        with ThreadPoolExecutor(2) as pool:
            rebuilt = pool.submit(self.work.repro)
            if (sources := self.sources(clean)) != self.built_from:  # else its files are those of the last clean build
                pool.submit(clean.repro).result()
                self.ideal, self.expected, self.built_from = self.server.of("clean"), contents(clean), sources
            self.output = rebuilt.result()
        asked, ideal = self.server.of("rebuild"), self.ideal
        assert set(ideal.values()) <= {1}, "the clean build asked something twice"
        assert set(asked.values()) <= {1}, "the rebuild asked something twice"
        assert set(asked) == set(ideal) - self.ever
        self.ever |= set(ideal)
        self.before, self.after = contents(self.work) if self.steps == 1 else self.after, contents(self.work)
        assert self.after == self.expected
        shutil.rmtree(clean.folder)
        return commit(self.work, f"step {self.steps}")

    def clean_copy(self, name: str) -> Workspace:
        """The project's files (and nothing that was built) in a folder of their own."""
        clean = Workspace.__new__(Workspace)
        clean.folder = self.folder / name
        clean.store = clean.folder / ".cache" / "generations"
        listed = git(self.work, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for path in filter(None, listed.split("\0")):
            if (
                path != "dvc.lock"
                and not path.startswith(("metrics/", "fingerprints/"))
                and (self.work.folder / path).is_file()
            ):
                (clean.folder / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.work.folder / path, clean.folder / path)
        subprocess.run(["git", "init", "-q"], cwd=clean.folder, check=True)
        point(clean, self.server.url, "clean")
        return clean

    def sources(self, clean: Workspace) -> dict[str, bytes]:
        """What a clean build starts from."""
        files = [path for path in clean.folder.rglob("*") if path.is_file() and ".git" not in path.parts]
        return {str(path.relative_to(clean.folder)): path.read_bytes() for path in files}

    def asked(self) -> dict[str, int]:
        return self.server.kinds_of("rebuild")

    def churn(self, stage: str) -> tuple[int, int]:
        """Rows changed in what a stage read and wrote, as its last run noted."""
        noted = json.loads((self.work.folder / ".cache/runs" / f"{stage}.json").read_text())["rows_changed"]
        return noted["in"], noted["out"]

    def changed(self) -> set[str]:
        return {path for path, content in self.after.items() if self.before[path] != content}

    def ran(self) -> set[str]:
        return {line.split("'")[1] for line in self.output.splitlines() if line.startswith("Running stage")}


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> Matrix:
    return Matrix(tmp_path_factory.mktemp("matrix"), server)


def replace(matrix: Matrix, path: str, old: str, new: str) -> None:
    file = matrix.work.folder / path
    text = file.read_text()
    assert text.count(old) == 1, f"{path}: {old!r} occurs {text.count(old)} times"
    file.write_text(text.replace(old, new))


def rows(matrix: Matrix, edit: Callable[[list], list]) -> None:
    write_rows(matrix.work, edit(rows_of(matrix.work)))


def test_nothing(matrix):
    assert matrix.asked()[TAGS] >= ROWS  # the first build asked for everything
    matrix.rebuild()
    assert (matrix.asked(), matrix.ran()) == ({}, set())


def test_one_percent_of_rows_edited_in_place(matrix):
    def edit(rows):
        for index in (3, 150):
            rows[index]["instruction"] += " Give a reason for your answer."
        return rows

    rows(matrix, edit)
    matrix.rebuild()
    assert 2 <= matrix.asked()[TAGS] <= 4 and 2 <= matrix.asked()[RATING] <= 4  # each perhaps once more
    assert matrix.asked().get(EVOLUTION, 0) < 20
    assert matrix.churn("tag") == (4, 4)  # two rows gone and two new, in what it reads as in what it writes


def test_rows_appended(matrix):
    new = [{"instruction": f"Write a short poem about the number {n}.", "output": "A poem."} for n in (5, 9)]
    rows(matrix, lambda rows: [*rows, *new])
    matrix.rebuild()
    assert 2 <= matrix.asked()[TAGS] <= 4 and 2 <= matrix.asked()[RATING] <= 4


def test_rows_deleted(matrix):
    rows(matrix, lambda rows: [row for index, row in enumerate(rows) if index not in (0, 77)])
    matrix.rebuild()
    assert TAGS not in matrix.asked() and RATING not in matrix.asked()


def test_rows_shuffled(matrix):
    rows(matrix, lambda rows: random.Random(1).sample(rows, len(rows)))
    matrix.rebuild()
    assert matrix.asked() == {}
    assert matrix.churn("tag")[0] > ROWS // 2 and matrix.churn("tag")[1] == 0  # they say where they stand in their file
    assert "data/instructions.parquet" in matrix.changed()
    assert "data/tag_sets.parquet" not in matrix.changed()  # what is made of a row names its place, its tags do not


def test_rows_duplicated(matrix):
    rows(matrix, lambda rows: [*rows, rows[10], rows[20]])
    matrix.rebuild()
    assert matrix.asked() == {}
    assert matrix.changed() == {"data/dropped/ingest.parquet", "metrics/ingest.json"}


def test_a_system_prompt_edited(matrix):
    replace(matrix, "prompts/tag.jinja", "You are a tagging system.", "You are a careful tagging system.")
    matrix.rebuild()
    assert matrix.asked()[TAGS] >= ROWS and RATING not in matrix.asked()


def test_an_include_of_a_prompt_template_edited(matrix):
    replace(matrix, "prompts/tag_rules.jinja", "Name the main intentions", "Name all main intentions")
    matrix.rebuild()
    assert matrix.asked()[TAGS] >= ROWS and RATING not in matrix.asked()


def test_a_model_revision_changed(matrix):
    matrix.server.weights = "2"  # the server has new weights, and nothing tells the project so
    matrix.work.change(lambda params: params["roles"]["tagger"].update(revision="2"))
    matrix.work.change(lambda params: params["roles"]["judge"].update(revision="2"))
    matrix.work.change(lambda params: params["roles"]["teacher"].update(revision="2"))
    matrix.rebuild()
    assert matrix.asked()[TAGS] >= ROWS and matrix.asked()[RATING] >= ROWS and matrix.asked()[EVOLUTION] > 20


def test_a_sampling_parameter_changed(matrix):
    matrix.work.change(lambda params: params["roles"]["teacher"].update(temperature=0.9))
    matrix.rebuild()
    assert matrix.ran() == {"evolve"} and matrix.asked()[EVOLUTION] > 20
    assert TAGS not in matrix.asked() and RATING not in matrix.asked()


def test_the_judges_prompt_in_the_middle_of_the_chain_changed(matrix):
    replace(matrix, "prompts/score.jinja", "You rate instructions", "You strictly rate instructions")
    matrix.rebuild()
    assert "tag" not in matrix.ran() and matrix.asked()[RATING] >= ROWS and TAGS not in matrix.asked()


def test_a_filter_threshold_changed(matrix):
    matrix.work.change(lambda params: params["select"].update(min_completeness=4.5))
    matrix.rebuild()
    assert matrix.ran() == {"select", "evolve"} and TAGS not in matrix.asked() and RATING not in matrix.asked()


def test_a_helper_function_of_one_stage_edited(matrix):
    replace(matrix, "stages/annotation/richness.py", "pl.lit(1 / rare)", "pl.lit(2 / rare)")
    matrix.rebuild()
    assert matrix.ran() >= {"code", "score"} and "tag" not in matrix.ran()
    assert TAGS not in matrix.asked() and RATING not in matrix.asked()


def test_a_comment_edited(matrix):
    path = matrix.work.folder / "stages/annotation/tag.py"
    path.write_text(path.read_text() + "# nothing to add\n")
    matrix.rebuild()
    assert (matrix.ran(), matrix.asked(), matrix.changed()) == ({"code"}, {}, set())


def test_timeout_and_concurrency_changed(matrix):
    matrix.work.change(lambda params: params["runtime"].update(timeout_s=33.0, concurrency=5, retries=2))
    matrix.rebuild()
    assert (matrix.ran(), matrix.asked()) == (set(), {})


def test_an_older_version_checked_out_and_back(matrix):
    newest, expected = git(matrix.work, "rev-parse", "HEAD").strip(), matrix.after
    matrix.server.forget()
    for version in (matrix.start, newest):
        git(matrix.work, "checkout", "-q", version)
        matrix.work.repro()
        assert git(matrix.work, "status", "--porcelain").strip() == ""  # the lock and the metrics of that commit
    assert matrix.server.of("rebuild") == {} and contents(matrix.work) == expected
