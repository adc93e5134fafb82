"""dvc.yaml, params.yaml, recipes and the picture say the same as the code."""

import copy
import functools
import importlib
import inspect
import operator
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import ruamel.yaml
from dvc.stage.cache import _get_cache_hash as get_cache_hash
from project import ROOT, copy_code
from ruamel.yaml import YAML

from cultivar.runner.graph import load_yaml, stage_module, stage_spec
from cultivar.runner.params import section_modules, validate
from cultivar.tools.recipe import merge_recipe, to_builtin
from schemas.params.base import Section
from schemas.params.engines import RuntimeParams

STAGES = load_yaml(ROOT / "dvc.yaml")["stages"]
ORDER = """
ingest tag ontology score select evolve respond rank rejection execution repurpose constitution filter assemble
datasheet base sft reward dpo online_dpo evaluate seeds report
""".split()


@pytest.fixture(autouse=True)
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_graph_is_in_the_order_of_the_recipe():
    assert list(STAGES) == ["code", *ORDER]


def test_counts_of_data_stages_stay_out_of_what_dvc_lists_as_metrics():
    """They are in git all the same, beside the metrics of training and of the review pages."""
    until = ORDER.index("datasheet")
    for place, name in enumerate(ORDER):
        items = {key: values[0] for key, values in STAGES[name].get("matrix", {}).items()}
        spec = stage_spec(name, items, {"stages": STAGES})
        assert spec.metrics == Path("metrics", *([name] if items else []), f"{items.get('model', name)}.json")
        assert spec.metrics not in spec.outs
        assert ("metrics" in STAGES[name]) == (place >= until)
        listed = {key: about for out in STAGES[name]["outs"] if isinstance(out, dict) for key, about in out.items()}
        assert place >= until or listed == {str(spec.metrics): {"cache": False}}
    assert "metrics" not in load_yaml(ROOT / "dvc.yaml")  # it would list the entire folder


def test_params_are_valid_and_every_section_belongs_to_a_stage():
    params = load_yaml(ROOT / "params.yaml")
    validate(params)
    assert set(params) == set(section_modules())
    declared = {name for entry in STAGES.values() for name in entry.get("params", [])}
    assert declared == set(ORDER) & set(section_modules()) | {"sandbox"} | {f"roles.{role}" for role in params["roles"]}


def test_dvc_reads_yaml_with_its_fast_parser_and_as_the_stages_do():
    """DVC loads params.yaml once per stage: libyaml makes a `dvc repro` without work a third faster."""
    assert ruamel.yaml.__with_libyaml__
    for path in (Path("dvc.yaml"), Path("params.yaml"), *Path("recipes").glob("*.yaml")):
        assert YAML(typ="safe").load(path) == load_yaml(path)


def test_every_parameter_is_one_that_dvc_sees():
    """Keys named `size` or `nfiles` are left out of the run cache's key: a stage would get an older value's outputs."""
    with pytest.raises(TypeError, match="size"):

        class Bad(Section):
            size: int = 1

    def hashed(value):
        return get_cache_hash({"params": {"params.yaml": value}}, key=True)

    params = load_yaml(ROOT / "params.yaml")
    paths = [path for path, value in leaves(params) if isinstance(value, int | float | str)]
    assert len(paths) > 150
    for path in paths:
        changed = copy.deepcopy(params)
        *parents, last = path
        place = functools.reduce(operator.getitem, parents, changed)
        place[last] = "changed"
        assert hashed(changed) != hashed(params), path


def leaves(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from ((path, value),) if not items else (leaf for key, item in items for leaf in leaves(item, (*path, key)))


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_declares_the_params_of_its_signature(stage):
    function = getattr(importlib.import_module(stage_module(stage)), stage)
    roles = {
        name
        for name, p in inspect.signature(function).parameters.items()
        if getattr(p.annotation, "__name__", "") == "Engine"
    }
    sections = {
        stage if name == "params" else name
        for name, p in inspect.signature(function).parameters.items()
        if inspect.isclass(p.annotation) and issubclass(p.annotation, Section) and p.annotation is not RuntimeParams
    }
    arguments = inspect.signature(function).parameters.values()
    sandbox = {"sandbox" for p in arguments if getattr(p.annotation, "__name__", "") == "Sandbox"}
    assert set(STAGES[stage].get("params", [])) == {f"roles.{role}" for role in roles} | sections | sandbox
    assert function.__doc__ and inspect.getmodule(function).__doc__


@pytest.mark.parametrize("recipe", sorted(Path(ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_apply_and_change_something(recipe):
    merged, changed = merge_recipe(ROOT / "params.yaml", recipe)
    validate(to_builtin(merged))
    assert changed


def test_applying_a_recipe_is_one_command(tmp_path):
    shutil.copytree(ROOT / "recipes", tmp_path / "recipes")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    copy_code(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "cultivar.tools.recipe", "qwen2-7b"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )  # noqa: E501
    assert done.returncode == 0, done.stderr
    sft = load_yaml(tmp_path / "params.yaml")["sft"]
    report = (2, 32768, 7e-6, 7e-7, 0.1, 1.0)
    assert (
        sft["epochs"],
        sft["max_length"],
        sft["learning_rate"],
        sft["floor"],
        sft["weight_decay"],
        sft["clip"],
    ) == report  # noqa: E501
    assert "#" in (tmp_path / "params.yaml").read_text(), "comments are kept"
    stages = load_yaml(tmp_path / "dvc.yaml")["stages"]
    assert all("models/Qwen2-7B" in stages[stage]["deps"] for stage in ("base", "seeds"))
    assert "models/phrase-bert" in stages["ontology"]["deps"]


def test_data_stages_do_not_import_torch():
    modules = [module for stage in ORDER if not (module := stage_module(stage)).startswith("train.")]
    code = f"import importlib, sys; [importlib.import_module(m) for m in {modules}]; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_picture_shows_every_stage():
    picture = (ROOT / "reports/graph.svg").read_text()
    assert [stage for stage in ORDER if f">{stage}</text>" not in picture] == []
