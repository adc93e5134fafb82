"""All of params.yaml: which sections there are, and errors that name the place, the fault and what is allowed.

A section belongs to the stage of its name. Its model is the class `<Stage>Params` of a `params.py` in a package of
stages/, or in train/; a new class there is a new section. `roles`, `sandbox`, `runtime` and `budget` are shared.
"""

import importlib
import os
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from cultivar.runner.graph import params_modules, section_class, section_names
from schemas.errors import ParamsError
from schemas.faults import fields_at, unknown_name
from schemas.params.base import Section
from schemas.params.engines import BudgetParams, RoleParams, Roles, RuntimeParams, SandboxParams
from schemas.stage import UndeclaredRead

SHARED: dict[str, type[Section]] = {
    "roles": Roles,
    "sandbox": SandboxParams,
    "runtime": RuntimeParams,
    "budget": BudgetParams,
}


def section_modules() -> dict[str, str]:
    """Section -> the module that holds its model ("" for shared ones), read from the source without importing it."""
    return dict.fromkeys(SHARED, "") | {name: module for module in params_modules() for name in section_names(module)}


def model_of(name: str) -> type[Section]:
    """The model of a section. Its module is imported by need: a stage depends on the code of its own parameters only."""
    if name in SHARED:
        return SHARED[name]
    return getattr(importlib.import_module(section_modules()[name]), section_class(name))


def validate(params: dict[str, Any], only: Iterable[str] | None = None) -> None:
    """Raise ParamsError listing every fault: unknown sections always, contents of the sections (or paths) in `only`."""
    chosen = None if only is None else {"runtime", "budget", *only}
    known = section_modules()
    faults = []
    for name, value in params.items():
        if name not in known:
            faults.append(f"{name}: {unknown_name(name, known, 'section')}")
        elif name == "roles":
            faults += [
                line
                for role, spec in (value or {}).items()
                if chosen is None or f"roles.{role}" in chosen or role not in Roles.model_fields
                for line in faults_of_role(role, spec)
            ]
        elif chosen is None or name in chosen:
            faults += faults_of(name, model_of(name), value)
    if faults:
        raise ParamsError("params.yaml:\n  " + "\n  ".join(faults))


def faults_of_role(role: str, spec: Any) -> list[str]:
    known = Roles.model_fields
    if role not in known:
        return [f"roles.{role}: {unknown_name(role, known, 'role')}"]
    return faults_of(f"roles.{role}", RoleParams, spec)


def section(params: dict[str, Any], name: str, declared: Iterable[str], stage: str) -> Any:
    """The validated section `name` (or `roles.<role>`). Raises UndeclaredRead when dvc.yaml does not list it."""
    if not any(name == path or name.startswith(f"{path}.") for path in declared):
        raise UndeclaredRead(stage, name, kind="params")
    head, _, role = name.partition(".")
    value = params.get(head, {})
    if role:
        return RoleParams.model_validate((value or {}).get(role))
    return model_of(head).model_validate(value or {})


def faults_of(path: str, model: type[Section], value: Any) -> list[str]:
    try:
        model.model_validate({} if value is None else value)
    except ValidationError as error:
        return [fault(path, model, item) for item in error.errors()]
    return []


def fault(path: str, model: type[Section], item: Any) -> str:
    """`path: value …, allowed …` for one pydantic error."""
    where = ".".join([path, *map(str, item["loc"])])
    if item["type"] == "extra_forbidden":
        return f"{where}: {unknown_name(str(item['loc'][-1]), fields_at(model, item['loc'][:-1]))}"
    if item["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {item['input']!r} is not allowed: {item['msg'].removeprefix('Input ')}"


def check(params: dict[str, Any], declared: tuple[str, ...]) -> None:
    """Raise ParamsError for any fault in the file, also in sections that the stage does not declare.

    A slip in `sft` must not show only after the data is generated. Sections of others are checked in a child process,
    so that this one imports no code outside its fingerprint; a section whose code is not here is not checked.
    """
    validate(params, only=declared)
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            validate(params)
        except ParamsError as error:
            os.write(writer, str(error).encode())
        except ImportError:
            pass
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        faults = pipe.read()
    os.waitpid(child, 0)
    if faults:
        raise ParamsError(faults)
