"""A user's own tasks through lm-eval-harness, without the network."""

import json
from pathlib import Path

import pytest
import tiny

from schemas.errors import ParamsError
from schemas.stage import Files
from train.harness import run_harness
from train.params import EvaluateParams

TASK = """task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {data}
test_split: train
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_target: 0
doc_to_choice: {choices}
metric_list:
  - metric: acc
"""


def folder(path: Path, choices: str) -> tuple[Path, Files]:
    """A folder with one task of 40 items, the right choice first."""
    path.mkdir()
    rows = [{"question": f"{a}+1=", "answer": a + 1, "wrong": a + 2} for a in range(40)]
    (path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "own.yaml").write_text(TASK.format(name="own", data=path / "rows.jsonl", choices=choices))
    return path, Files("evaluate", (path,))


def test_a_task_runs_offline_and_repeats(tmp_path):
    pytest.importorskip("lm_eval", reason="lm-eval-harness is not installed (requirements-harness.txt)")
    path, files = folder(tmp_path / "tasks", '"{{[answer|string, wrong|string]}}"')
    model = tiny.base_model(tmp_path)
    params = EvaluateParams(harness_folder=str(path), harness_tasks=["own"])
    metrics = run_harness(model.path, params, files)
    assert 0 < metrics["own"]["acc"] < 1
    assert run_harness(model.path, params, files) == metrics


def test_choices_that_would_not_be_rendered_are_refused(tmp_path):
    """The harness would compare the literal "{{answer}}" and give any model 100 %."""
    path, files = folder(tmp_path / "tasks", '["{{answer}}", "{{wrong}}"]')
    with pytest.raises(ParamsError, match="does not render"):
        run_harness(tmp_path, EvaluateParams(harness_folder=str(path), harness_tasks=["own"]), files)


def test_unknown_tasks_are_named(tmp_path):
    path, files = folder(tmp_path / "tasks", '"{{[answer|string, wrong|string]}}"')
    with pytest.raises(ParamsError, match="other.* not in .*it has own"):
        run_harness(tmp_path, EvaluateParams(harness_folder=str(path), harness_tasks=["other"]), files)
