"""A user's own local tasks through lm-eval-harness (`evaluate.harness_tasks`; `pip install -r requirements-harness.txt`).

Tasks are YAML files in `evaluate.harness_folder`, with data beside them (`dataset_path: json`); nothing is downloaded.
A list in `doc_to_choice` is not rendered by the harness: the choices would literally be "{{c}}" and a random model would
score 100 %, so such tasks are refused. Its string form is rendered: `doc_to_choice: "{{[c|string, (c+1)|string]}}"`.
"""

import re
from pathlib import Path

from ruamel.yaml import YAML

from schemas.errors import ParamsError
from schemas.stage import Files
from train.launch import device
from train.params import EvaluateParams


def run_harness(model: Path, params: EvaluateParams, files: Files) -> dict[str, dict[str, float]]:
    """task -> metric -> value. Raises ParamsError for unknown tasks, refused ones, and where lm_eval is absent."""
    paths = files.find(f"{params.harness_folder}/**/*.y*ml") if params.harness_folder else []
    available = {name for path in paths if (name := read_task_name(path))}
    if missing := set(params.harness_tasks) - available:
        raise ParamsError(
            f"evaluate.harness_tasks: {', '.join(sorted(missing))} not in evaluate.harness_folder "
            f"{params.harness_folder!r}; it has {', '.join(sorted(available)) or 'none'}"
        )
    try:
        import lm_eval
        from lm_eval.tasks import TaskManager
    except ImportError as error:
        raise ParamsError(
            f"evaluate.harness_tasks needs lm-eval-harness ({error}): pip install -r requirements-harness.txt"
        ) from error
    output = lm_eval.simple_evaluate(
        model="hf",
        model_args={
            "pretrained": str(model),
            "dtype": "float32",
            "trust_remote_code": bool({str(model), model.name} & set(params.trusted)),
        },
        tasks=list(params.harness_tasks),
        task_manager=TaskManager(include_path=params.harness_folder, include_defaults=False),
        apply_chat_template=True,
        device=str(device()),
        batch_size=16,
        random_seed=params.seed,
        numpy_random_seed=params.seed,
        torch_random_seed=params.seed,
        fewshot_random_seed=params.seed,
        log_samples=False,
    )
    return {
        task: {
            strip_filter(metric): float(value)
            for metric, value in sorted(values.items())
            if isinstance(value, int | float)
        }
        for task, values in sorted(output["results"].items())
    }


def read_task_name(file: Path) -> str | None:
    """The task that a YAML file defines. Raises ParamsError for choices that would not be rendered."""
    task = YAML(typ="safe", pure=True).load(file)
    choices = task.get("doc_to_choice") if isinstance(task, dict) else None
    if isinstance(choices, list) and any("{{" in str(choice) for choice in choices):
        raise ParamsError(
            f"{file}: doc_to_choice is a list with {{{{…}}}}, which lm-eval-harness does not render (every model would "
            'score 100 %); write it as one string: "{{[first, second]}}"'
        )
    return task.get("task") if isinstance(task, dict) else None


def strip_filter(metric: str) -> str:
    """`acc,none` as `acc`."""
    return re.sub(r",none$", "", metric)
