"""Apply a parameter set of recipes/ to params.yaml: `cultivar recipe qwen2-7b`.

A recipe names only what differs from params.yaml. It is merged key by key (lists are replaced entirely), checked like
params.yaml itself, and written back with the comments kept; then `dvc repro` rebuilds what it changes. `--print` shows
the merged file instead. A model that the recipe names (pretrained, encoder) becomes a dep of the stages that read it.
"""

import io
from pathlib import Path
from typing import Annotated, Any

import typer
from ruamel.yaml import YAML

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.runner.params import validate
from schemas.errors import GraphError, ParamsError

RECIPES = Path("recipes")


def main(
    name: Annotated[str, typer.Argument(help="a file of recipes/, without .yaml")],
    show: Annotated[bool, typer.Option("--print", help="show the merged parameters, write nothing")] = False,
) -> int:
    try:
        merged, changed = merge_recipe(PARAMS, recipe_path(name))
    except (GraphError, ParamsError) as error:
        complain(f"error: {error}")
        return 1
    yaml = writer()
    if show:
        text = io.StringIO()
        yaml.dump(merged, text)
        say(text.getvalue(), end="")
        return 0
    temporary = PARAMS.with_name(".params.yaml.tmp")
    yaml.dump(merged, temporary)
    temporary.replace(PARAMS)
    for line in changed + declare(merged["base"]["pretrained"], merged["ontology"]["encoder"]):
        say(line)
    say(
        f"params.yaml: {len(changed)} values changed by {name}; `dvc repro` rebuilds, `git checkout params.yaml` undoes"
    )
    return 0


def declare(pretrained: str, encoder: str) -> list[str]:
    """List the folders of models among the deps of the stages in dvc.yaml that read them; one line per stage changed."""
    text, changes = GRAPH.read_text(encoding="utf-8"), []
    for stage, folder in (("ontology", encoder), ("base", pretrained), ("seeds", pretrained)):
        if folder and folder not in load_yaml(GRAPH)["stages"][stage]["deps"]:
            start = text.index("    deps:\n", text.index(f"\n  {stage}:\n")) + len("    deps:\n")
            text = f"{text[:start]}      - {folder}\n{text[start:]}"
            changes.append(f"dvc.yaml: {folder} is a dep of {stage}")
    temporary = GRAPH.with_name(".dvc.yaml.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(GRAPH)
    return changes


def recipe_path(name: str) -> Path:
    path = RECIPES / f"{name.removesuffix('.yaml')}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(found.stem for found in RECIPES.glob("*.yaml"))) or "none"
        raise GraphError(f"{path} is not here; known recipes: {known}")
    return path


def merge_recipe(params: Path, recipe: Path) -> tuple[Any, list[str]]:
    """The parameters with the recipe laid over them, and one line per changed value. Raises ParamsError."""
    merged = writer().load(params)
    changed: list[str] = []
    lay_over(merged, load_yaml(recipe), "", changed)
    validate(to_builtin(merged))
    return merged, changed


def lay_over(target: Any, source: dict[str, Any], path: str, changed: list[str]) -> None:
    for key, value in source.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            lay_over(target[key], value, where, changed)
        elif target.get(key) != value:
            changed.append(f"{where}: {target.get(key)} -> {value}")
            target[key] = value


def writer() -> YAML:
    yaml = YAML()
    yaml.width, yaml.preserve_quotes = 4096, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def to_builtin(value: Any) -> Any:
    """Round-trip containers as dicts and lists."""
    if isinstance(value, dict):
        return {str(key): to_builtin(item) for key, item in value.items()}
    return [to_builtin(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("recipe")
