"""What dvc.yaml and params.yaml say of one stage: its declared files by name, and its parameters.

Names: `data/x.parquet` is table x, `models/x` model x, `plots/<stage>/x.csv` plot x, `reports/x.md` document x,
`data/dropped/<stage>.parquet` dropped, `data/quarantine/<stage>.parquet` quarantine. In a matrix stage
`models/${item.x}` is named x and `data/<folder>/${item.x}.parquet` is named after its folder.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from schemas.characters import NO_CHARACTER, escape, strings_of
from schemas.errors import GraphError

ITEM = re.compile(r"^\$\{item\.(\w+)\}(\.\w+)?$")
GRAPH, PARAMS = Path("dvc.yaml"), Path("params.yaml")


@dataclass(frozen=True)
class StageSpec:
    """One stage as dvc.yaml declares it, with matrix items filled in."""

    name: str
    deps: dict[Path, str]
    outs: dict[Path, str]
    metrics: Path | None
    params: tuple[str, ...]
    models: dict[str, Path]

    @cached_property
    def tables(self) -> dict[str, Path]:
        return {name: path for path, name in self.deps.items() if path.suffix == ".parquet" or path.parts[0] == "data"}

    @cached_property
    def targets(self) -> dict[str, Path]:
        return {name: path for path, name in self.outs.items()}


def load_yaml(path: Path) -> dict[str, Any]:
    """A YAML 1.2 file as a dict (DVC's own reading: 1e-5 is a number). Raises GraphError with file and line."""
    try:
        loaded = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError:
        raise GraphError(f"{path} is not here; run from the folder that holds dvc.yaml") from None
    except (YAMLError, ValueError) as error:  # ValueError: a date without such a day
        raise GraphError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(loaded, dict):
        raise GraphError(f"{path} must hold a mapping at its top level, not {type(loaded).__name__}")
    for text in strings_of(loaded):
        if (found := NO_CHARACTER.search(text)) is not None:
            raise GraphError(f"{path}: a text holds {escape(found[0])}, which no table can hold; write the character")
    return loaded


def stage_spec(name: str, items: dict[str, str], graph: dict[str, Any] | None = None) -> StageSpec:
    """The stage `name` (without its `train.` prefix) of dvc.yaml, with `${item.key}` replaced from `items`."""
    stages = (graph or load_yaml(GRAPH))["stages"]
    if name not in stages:
        raise GraphError(f"stage {name} is not in dvc.yaml; it has {', '.join(stages)}")
    entry = stages[name]
    if missing := set(entry.get("matrix", {})) - set(items):
        raise GraphError(f"stage {name} is a matrix; name {', '.join(f'{key}=…' for key in sorted(missing))}")

    def paths(key: str) -> list[str]:
        return [next(iter(item)) if isinstance(item, dict) else item for item in entry.get(key, [])]

    def filled(template: str) -> Path:
        for key, value in items.items():
            template = template.replace(f"${{item.{key}}}", value)
        return Path(template)

    # of a data stage its counts are an output like others: what DVC has as metrics, its own views list key by key
    metrics = [path for path in paths("metrics") + paths("outs") if Path(path).parts[0] == "metrics"]
    return StageSpec(
        name=name,
        deps={filled(path): short_name(Path(path)) for path in paths("deps")},
        outs={filled(path): short_name(Path(path)) for path in paths("outs") + paths("plots") if path not in metrics},
        metrics=filled(metrics[0]) if metrics else None,
        params=tuple(entry.get("params", [])),
        # of the templates: a matrix item may be a model that the stage reads under its own name as well
        models={short_name(Path(path)): filled(path) for path in paths("deps") if Path(path).parts[0] == "models"},
    )


def short_name(path: Path) -> str:
    """The name under which a signature knows a path of dvc.yaml."""
    if match := ITEM.match(path.name):
        return match[1] if path.parts[0] == "models" else path.parent.name
    return path.parent.name if path.parts[0] == "data" and path.parent.name in ("dropped", "quarantine") else path.stem


def stage_module(name: str) -> str:
    """The dotted name of a stage's module. Raises GraphError where there is none, or more than one."""
    found = sorted([*Path("stages").glob(f"*/{name}.py"), *Path("train").glob(f"{name}.py")])
    if len(found) != 1:
        what = "more than one" if found else "no"
        raise GraphError(f"stage {name}: there is {what} module stages/*/{name}.py or train/{name}.py")
    return ".".join(found[0].with_suffix("").parts)


def params_modules() -> list[str]:
    """The modules that hold sections of params.yaml: one `params.py` per package of stages."""
    found = [*Path("stages").glob("*/params.py"), *Path("train").glob("params.py")]
    return sorted(".".join(path.with_suffix("").parts) for path in found)


def section_class(stage: str) -> str:
    """The name of the class of a stage's parameters: TagParams for tag."""
    return f"{stage.title().replace('_', '')}Params"


def section_names(module: str) -> list[str]:
    """The sections that a module of parameters holds, by the names of its classes: TagParams is tag."""
    text = Path(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
    found = re.findall(r"^class (\w+)Params\(", text, re.MULTILINE)
    return [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() for name in found]
