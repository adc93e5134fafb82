"""Changes planted in a real project and rebuilt by the real `dvc repro`: each row that differs is charged to the right one.

The graph is cut to two strategies. What is right is known from what was planted (texts of a source row, the strategy that a
prompt, a model or a principle works in) and from builds with one of the changes alone; bench/causes.py plants forty.
"""

import contextlib
import os
from pathlib import Path

import polars as pl
import pytest

from bench.planted import Project
from bench.plants import ARITHMETIC, model, parameter, principle, rows_edited, rows_removed, text
from reports.causes.change import Why
from reports.causes.charge import charge
from reports.causes.replay import Replays
from reports.causes.stages import data_stages
from reports.diff.build import build_diff
from reports.versions.version import open_version
from schemas.rows import Demonstration, Preference
from schemas.table import Table

STAGES = ("code", "ingest", "rejection", "constitution", "filter", "assemble")
ABSENT = ("annotation", "execution", "repurpose")
"""Strategies that are left out: their tables are empty files in git."""
D, P = "data/demonstrations.parquet", "data/preferences.parquet"


class Cut(Project):
    """The project with the stages of STAGES over some rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.versions = ["start"]

    def prepare(self) -> None:
        graph = self.yaml("dvc.yaml")
        self.write_yaml("dvc.yaml", {"stages": {name: graph["stages"][name] for name in STAGES}})
        for strategy in ABSENT:
            for name, row in (("demonstrations", Demonstration), ("preferences", Preference)):
                Table.of(row, []).write(self.folder / f"data/{strategy}_{name}.parquet")
                self.git("add", "-f", f"data/{strategy}_{name}.parquet")
        records = self.lines(ARITHMETIC)
        self.write_lines(ARITHMETIC, records[:30])
        self.params(lambda params: params["assemble"].update(heldout_share=0.1, max_per_domain={}))
        self.build("start")

    def build(self, name: str) -> None:
        """Rebuild, commit, and give the version a name."""
        self.repro()
        self.commit(name)
        self.git("tag", name)

    def why(self, old: str, new: str, replay: bool) -> Why:
        with contextlib.chdir(self.folder):
            return charge(build_diff(open_version(old), open_version(new), details=False), replay)

    def rows(self, version: str) -> dict[tuple[str, str], dict]:
        """(table, id) -> row of D and P."""
        with contextlib.chdir(self.folder):
            frames = {table: pl.read_parquet(open_version(version).files(table)) for table in (D, P)}
        return {(table, row["id"]): row for table, frame in frames.items() for row in frame.iter_rows(named=True)}

    def differing(self, old: str, new: str) -> dict[tuple[str, str], dict]:
        before, after = self.rows(old), self.rows(new)
        keys = before.keys() | after.keys()
        return {key: after.get(key) or before[key] for key in keys if before.get(key) != after.get(key)}


def charged(why: Why) -> dict[tuple[str, str], str]:
    """(table, id) of either version -> name of the cause."""
    return {
        (row["table"], row[side]): row["cause"]
        for row in why.rows.iter_rows(named=True)
        for side in ("id_old", "id_new")
        if row[side]
    }


def check_rows(why: Why, truth: dict[tuple[str, str], dict]) -> dict[tuple[str, str], str]:
    """The rows that are charged are those that differ, each once."""
    found = charged(why)
    assert found.keys() >= truth.keys()
    assert {(row["table"], row["id_new"] or row["id_old"]) for row in why.rows.iter_rows(named=True)} <= truth.keys()
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Cut:
    made = Cut.new(tmp_path_factory.mktemp("planted") / "project")
    assert isinstance(made, Cut)
    made.prepare()
    return made


def prompt_of(row: dict) -> str:
    return row["prompt"][-1]["content"]


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file, but for git's own."""
    found = [Path(place) / name for place, _, names in os.walk(folder) for name in names if ".git" not in place]
    return {str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def test_a_row_and_a_threshold(project):
    """Two at once, proved; nothing of the project is touched by the replays."""
    names = rows_edited(1, project)
    parameter("assemble.heldout_share", 0.4, project)
    project.build("two")
    truth = project.differing("start", "two")
    before = files(project.folder)
    why = project.why("start", "two", replay=True)
    assert files(project.folder) == before
    (source, (question,)) = next(iter(names.items()))
    for key, cause in check_rows(why, truth).items():
        is_edited = question in prompt_of(truth[key]) if key in truth else True
        assert cause == (source if is_edited else "assemble.heldout_share"), truth.get(key)
    assert {cause.change.kind for cause in why.causes} == {"source row", "parameter"}
    assert sum(cause.proved for cause in why.causes) == why.rows.height > 3 and why.notes == ()


def test_three_at_once_of_which_two_meet_in_unremembered_answers(project):
    """A prompt and a principle of one strategy, and rows removed: what cannot be replayed is said, and charged all the same."""
    names = rows_removed(2, project)
    principle(project)
    text("prompts/rejection.jinja", "{% block user %}", "{% block user %}Judge strictly. ", project)
    project.build("three")
    truth = project.differing("two", "three")
    why = project.why("two", "three", replay=True)
    gone = {question: name for name, (question,) in names.items()}
    for key, cause in check_rows(why, truth).items():
        if key not in truth:
            continue
        row = truth[key]
        if row["strategy"] == "constitution":
            assert cause == "human/constitution/principles.yaml#care"
        else:
            assert cause == gone.get(prompt_of(row), "prompts/rejection.jinja")
    assert {cause.change.kind for cause in why.causes} == {"source row", "prompt", "human"}
    assert sum(cause.proved for cause in why.causes) > 0


def test_another_model_revision(project):
    model("judge", "2", project)
    project.build("model")
    truth = project.differing("three", "model")
    why = project.why("three", "model", replay=False)
    assert set(check_rows(why, truth).values()) == {"roles.judge"} and len(truth) > 3


def test_a_replay_that_is_interrupted_leaves_nothing(project, monkeypatch):
    with contextlib.chdir(project.folder):
        old, new = open_version("start"), open_version("two")
        monkeypatch.setattr(Replays, "run", lambda self, changes: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt), Replays(old, new, data_stages(old, new)) as replays:
            folder = replays.folder
            assert (folder / "old/data/problems.parquet").is_file()
            replays.run([])
        assert not folder.exists()
