"""The whole of `cultivar bisect` on a small project whose training is one line, with the real `dvc exp run --temp`."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from cultivar.runlog.freshness import locked_stages
from reports.bisect.candidates import Step, Training, experiment_name, training_of
from reports.bisect.command import main
from reports.bisect.parts import Change, mixture
from reports.bisect.running import Bench, CandidateFailed
from reports.history.measures import measure_of
from reports.history.timeline import metric_files

GRAPH = """
stages:
  assemble:
    cmd: {python} assemble.py
    deps: [rows.csv]
    outs: [data/demonstrations.parquet, data/preferences.parquet]
  train:
    cmd: {python} train.py
    deps: [data/demonstrations.parquet]
    params: [train]
    metrics:
      - metrics/evaluate.json: {{cache: false}}
"""
ASSEMBLE = """
import polars as pl
rows = pl.read_csv("rows.csv").with_columns(id=pl.col("strategy") + pl.col("worth").cast(str), tags=pl.lit([]))
rows.sort("id").write_parquet("data/demonstrations.parquet")
rows.head(0).write_parquet("data/preferences.parquet")
"""
TRAIN = """
import json, polars as pl
from ruamel.yaml import YAML
train = YAML(typ="safe").load(open("params.yaml"))["train"]
value = pl.read_parquet("data/demonstrations.parquet")["worth"].mean()
json.dump({"accuracy": value + (train.get("seed") or 0) / 1000}, open("metrics/evaluate.json", "w"))
"""
METRIC = "evaluate:accuracy"


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five data versions; the third spoils the rows of strategy b. Only the first and the last are trained."""
    folder = tmp_path_factory.mktemp("bisect")
    for command in (["init", "-qb", "main"], ["config", "user.name", "t"], ["config", "user.email", "t@t"]):
        run(folder, "git", *command)
    for place in (".dvc", "data", "metrics"):
        (folder / place).mkdir()
    (folder / ".dvc/config").write_text("[core]\n    analytics = false\n    autostage = false\n")
    (folder / ".gitignore").write_text("/data/?*\n!/data/*.dvc\n/.cache\n/.dvc/cache\n/.dvc/tmp\n/.dvc/config.local\n")
    (folder / "dvc.yaml").write_text(GRAPH.format(python=sys.executable))
    (folder / "assemble.py").write_text(ASSEMBLE)
    (folder / "train.py").write_text(TRAIN)
    (folder / "params.yaml").write_text("train:\n  steps: 1\n")
    versions = [(9, 9, 9), (10, 9, 9), (10, 1, 9), (10, 1, 8), (11, 1, 8)]
    for number, worths in enumerate(versions):
        lines = [f"{strategy},general,{worth}" for strategy, worth in zip("abc", worths, strict=True)]
        (folder / "rows.csv").write_text("strategy,domain,worth\n" + "\n".join(lines) + "\n")
        run(folder, sys.executable, "-m", "dvc", "repro", "train" if number in (0, 4) else "assemble")
        run(folder, "git", "add", "-A")
        run(folder, "git", "commit", "-qm", f"version {number}")
    return folder


@pytest.fixture
def here(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project)
    return project


def test_a_plan_runs_nothing(here, capsys):
    assert main(METRIC) == 0
    said = capsys.readouterr().out
    assert "4 data versions after the good one" in said and "at most 2 (no seeds, so no noise; train)" in said
    assert "nothing was run" in said
    assert run(here, "git", "for-each-ref", "refs/exps") == "" and not (here / ".cache/bisect/worktree").exists()


def test_the_version_that_moved_the_metric_is_found_and_nothing_is_trained_twice(here, capsys):
    dirty = (here / "rows.csv").read_text() + "# being edited\n"
    (here / "rows.csv").write_text(dirty)
    assert main(METRIC, yes=True) == 0
    said = capsys.readouterr().out
    commit = run(here, "git", "rev-parse", "--short=7", "HEAD~2")
    assert f"{commit} version 2 (2 trained)" in said
    assert (here / "rows.csv").read_text() == dirty  # what the user edits is not touched
    run(here, "git", "checkout", "rows.csv")
    assert main(METRIC, yes=True) == 0
    assert "version 2 (0 trained)" in capsys.readouterr().out


def test_the_part_that_moved_the_metric_is_found(here, capsys):
    """From the first version to the last all three strategies changed."""
    assert main(METRIC, good="HEAD~4", by="strategy", yes=True) == 0
    said = capsys.readouterr().out
    assert "3 parts of the change\n  a · b · c" in said
    assert "the part that moved it: b (" in said
    assert not (here / ".cache/bisect/worktree").exists()
    assert run(here, "git", "worktree", "list").count("\n") == 0
    assert run(here, "git", "status", "--porcelain") == ""


def test_a_candidate_that_fails_is_an_error_with_its_log_and_the_worktree_stays(here, capsys, monkeypatch):
    monkeypatch.setattr("reports.bisect.running.Bench.overrides", lambda *_: ["--set-param", "train.none=1"])
    for name in run(here, "git", "for-each-ref", "--format=%(refname)", "refs/exps").splitlines():
        run(here, "git", "update-ref", "-d", name)
    assert main(METRIC, yes=True) == 1
    said = capsys.readouterr().err
    assert ".log: the run of" in said and "train.none" in said
    assert (here / ".cache/bisect/worktree/dvc.yaml").is_file()


def test_two_searches_do_not_share_the_worktree(here):
    training = Training("train", ())
    with Bench(measure_of(METRIC), training, asks=False) as first:
        first.take_worktree()
        first.checkout("HEAD")
        with pytest.raises(CandidateFailed, match="another bisect"), Bench(first.measure, training, False) as second:
            second.train(Step("HEAD", "x"), 0)
        with Bench(first.measure, training, False):
            pass  # nothing trained, nothing removed
        assert (first.tree / "dvc.yaml").is_file()
    assert not first.tree.exists()


def test_an_experiment_without_the_metric_is_named_and_not_run_again(here):
    commit = run(here, "git", "rev-parse", "HEAD")
    step, training = Step(commit, "the last"), Training("train", ())
    name = experiment_name(step, "train", 1)
    reference = f"refs/exps/{commit[:2]}/{commit[2:]}/{name}"
    run(here, "git", "update-ref", reference, commit)
    with pytest.raises(CandidateFailed, match=f"holds no evaluate:other.*dvc exp remove {name}"):
        Bench(measure_of("evaluate:other"), training, asks=False).value(step, 1)
    run(here, "git", "update-ref", "-d", reference)


def test_an_interrupt_says_how_to_go_on(here, capsys, monkeypatch):
    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(Bench, "value", interrupted)
    assert main(METRIC, yes=True) == 130
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"good": "HEAD"}, "are the same"),
        ({"bad": "HEAD~2", "good": "HEAD"}, "is not before the bad version"),
        ({"by": "colour"}, "is none of"),
        ({"metric": "evaluate:nothing"}, "no data version has a metric"),
        ({"by": "domain", "good": "HEAD", "bad": "HEAD"}, "are the same"),
    ],
)
def test_what_cannot_be_searched_is_an_error_with_a_remedy(here, capsys, options, words):
    assert main(**({"metric": METRIC} | options)) == 1
    assert words in capsys.readouterr().err


def test_seeds_are_those_of_the_stages_up_to_the_metric(here):
    stages = locked_stages((here / "dvc.lock").read_text())
    graph = {"stages": {"train": {"params": ["train", "roles.judge"]}, "assemble": {"params": ["mix"]}}}
    params = {"train": {"seed": 3}, "mix": {"seed": True}, "other": {"seed": 1}}
    training = training_of("evaluate", stages, graph, params)
    assert (training.target, training.seeds) == ("train", (("train.seed", 3),))
    bench = Bench(measure_of(METRIC), training, asks=False)
    assert bench.overrides(Step("HEAD", "x"), 0) == []
    assert bench.overrides(Step("HEAD", "x"), 2) == ["--set-param", "train.seed=5"]


def test_a_name_is_of_everything_that_makes_a_candidate_another():
    steps = [
        Step("c", "w"),
        Step("d", "w"),
        Step("c", "w", ("a",), "strategy", "o"),
        Step("c", "w", ("a",), "domain", "o"),
    ]
    names = {experiment_name(step, target, seed) for step in steps for target in ("t", "u") for seed in (0, 1)}
    assert len(names) == 16
    assert experiment_name(Step("c", "A b/ü"), "t", 1).startswith("bisect-a-b-s1-")


def test_a_mixture_has_the_old_rows_of_reverted_parts_and_the_new_of_others(here):
    schema = ["id", "part", "worth"]
    old = pl.DataFrame([("a1", "a", 1), ("b1", "b", 1), ("x", "b", 1)], schema=schema, orient="row")
    new = pl.DataFrame([("a2", "a", 2), ("b2", "b", 2), ("x", "a", 2)], schema=schema, orient="row")
    paths = ("data/demonstrations.parquet", "data/preferences.parquet")
    change = Change(dict.fromkeys(paths, old), dict.fromkeys(paths, new), {})
    for reverted, rows in {("b",): [("a2", 2), ("b1", 1), ("x", 2)], (): [("a2", 2), ("b2", 2), ("x", 2)]}.items():
        md5 = mixture(change, reverted)[paths[0]]
        made = pl.read_parquet(here / ".dvc/cache/files/md5" / md5[:2] / md5[2:])
        assert made.rows() == rows and made.columns == ["id", "worth"]


def test_metrics_of_an_experiment_are_files_of_its_commit(here):
    assert metric_files("HEAD") == ["metrics/evaluate.json"]
