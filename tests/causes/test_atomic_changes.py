"""What differs between two versions, change by change, before any row is looked at."""

import json

import pytest
from handmade import Handmade

from reports.causes.apply import edit_params
from reports.causes.atomic import atomic_changes
from reports.causes.stages import data_stages
from reports.versions.version import open_version

GRAPH = {
    "ingest": (["data/seeds", "fingerprints/ingest.txt"], ["ingest"], ["data/problems.parquet"]),
    "solve": (
        ["data/problems.parquet", "prompts/solve", "fingerprints/solve.txt"],
        ["solve", "roles.small"],
        ["data/solved.parquet"],
    ),
    "rank": (["data/solved.parquet", "human"], ["rank"], ["data/ranked.parquet"]),
    "assemble": (["data/ranked.parquet"], ["assemble"], ["data/demonstrations.parquet"]),
    "sft": (["data/demonstrations.parquet"], ["sft"], ["models/sft"]),
}
PARAMS = {
    "roles": {"small": {"model": "m", "revision": "1", "temperature": 0.5}},
    "ingest": {"sources": [{"name": "a", "path": "data/seeds/a.jsonl", "license": "MIT"}]},
    "solve": {"samples": 4, "limits": {"math": 1}},
    "rank": {"orders": None},
    "assemble": {"share": 0.1},
    "sft": {"epochs": 1},
    "runtime": {"concurrency": 8},
    "budget": {"requests": None},
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Handmade(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    made.yaml("params.yaml", PARAMS)
    stages = {
        name: {"cmd": name, "deps": deps, "params": params, "outs": outs}
        for name, (deps, params, outs) in GRAPH.items()
    }
    made.yaml("dvc.yaml", {"stages": stages})
    made.write("data/seeds/a.jsonl", "one\ntwo\nthree\n")
    made.write("prompts/solve/plan.jinja", "plan")
    made.write("fingerprints/ingest.txt", "# head\nschemas/rows.py 11\njinja2 3.1.5\n")
    made.write("fingerprints/solve.txt", "# head\nschemas/rows.py 11\nstages/solve.py 22\njinja2 3.1.5\n")
    made.write("human/annotations/ada.jsonl", json.dumps({"uuid": "u1", "annotator": "ada", "order": [1]}) + "\n")
    made.write("human/ontology/refinements.yaml", "merge:\n  verse:\n    - poem\ndrop:\n  - other\n")
    made.commit("first")
    return made


def found(made: Handmade) -> list[tuple[str, str, tuple[str, ...]]]:
    old, new = open_version("HEAD"), open_version()
    changes = atomic_changes(old, new, data_stages(old, new))
    return [(change.kind, change.name, change.stages) for change in changes]


def change(made: Handmade, edit) -> None:
    params = json.loads(json.dumps(PARAMS))
    edit(params)
    made.yaml("params.yaml", params)


def test_nothing_differs(project):
    assert found(project) == []


def test_source_rows_by_file_and_line(project):
    project.write("data/seeds/a.jsonl", "one\ntwo!\nnew words\n")
    project.write("data/seeds/b.jsonl", "other\n")
    assert found(project) == [
        ("source row", "data/seeds/a.jsonl:2", ("ingest",)),
        ("source row", "data/seeds/a.jsonl:3", ("ingest",)),
        ("source row", "data/seeds/b.jsonl", ("ingest",)),
    ]


def test_params_by_key_and_a_roles_model_as_one(project):
    def edit(params):
        params["roles"]["small"] |= {"model": "n", "revision": "2", "temperature": 0.6}
        params["solve"]["limits"] = {"math": 1, "code": 2}
        params["ingest"]["sources"][0]["license"] = "CC0-1.0"
        params["sft"]["epochs"] = 2
        params["runtime"]["concurrency"] = 1
        params["budget"]["requests"] = 5

    change(project, edit)
    assert found(project) == [
        ("parameter", "ingest.sources.a.license", ("ingest",)),
        ("model", "roles.small", ("solve",)),
        ("parameter", "roles.small.temperature", ("solve",)),
        ("parameter", "solve.limits.code", ("solve",)),
    ]


def test_a_new_source_is_one_change(project):
    change(
        project, lambda params: params["ingest"]["sources"].append({"name": "b", "path": "b.jsonl", "license": "MIT"})
    )
    assert found(project) == [("parameter", "ingest.sources.b", ("ingest",))]


@pytest.mark.parametrize(("value", "differs"), [(4, False), (4.0, False), (5, True), (None, True), (True, True)])
def test_values_that_are_equal_are_no_change(project, value, differs):
    change(project, lambda params: params["solve"].update(samples=value))
    assert bool(found(project)) is differs


def test_prompts_modules_and_libraries(project):
    project.write("prompts/solve/plan.jinja", "plan well")
    project.write("prompts/solve/new.jinja", "new")
    project.write("fingerprints/ingest.txt", "# head\nschemas/rows.py 12\njinja2 3.1.6\n")
    project.write("fingerprints/solve.txt", "# head\nschemas/rows.py 12\nstages/solve.py 22\njinja2 3.1.6\n")
    assert found(project) == [
        ("module", "schemas/rows.py", ("ingest", "solve")),
        ("library", "jinja2", ("ingest", "solve")),
        ("prompt", "prompts/solve/new.jinja", ("solve",)),
        ("prompt", "prompts/solve/plan.jinja", ("solve",)),
    ]


def test_what_people_decided_record_by_record(project):
    lines = [{"uuid": "u1", "annotator": "ada", "order": [2]}, {"uuid": "u2", "annotator": "bo", "order": [1]}]
    project.write("human/annotations/ada.jsonl", "".join(json.dumps(each) + "\n" for each in lines))
    project.write("human/ontology/refinements.yaml", "merge:\n  song:\n    - poem\n")
    assert [name for _, name, _ in found(project)] == [
        "human/annotations/ada.jsonl#u1",
        "human/annotations/ada.jsonl#u2",
        "human/ontology/refinements.yaml#drop other",
        "human/ontology/refinements.yaml#merge poem",
    ]


def test_the_graphs_order_is_that_of_what_is_read_whatever_the_files(project):
    """A tool may write dvc.yaml with its stages by name."""
    graph = open_version().graph()
    graph["stages"] = {name: graph["stages"][name] for name in sorted(graph["stages"])}
    project.yaml("dvc.yaml", graph)
    project.commit("sorted")
    version = open_version("HEAD")
    assert list(version.graph()["stages"]) == ["assemble", "ingest", "rank", "sft", "solve"]
    assert list(data_stages(version, version)) == ["ingest", "solve", "rank", "assemble"]


def test_a_stage_that_reads_something_else(project):
    graph = open_version().graph()
    graph["stages"]["rank"]["deps"].append("prompts/solve")
    project.yaml("dvc.yaml", graph)
    assert found(project) == [("graph", "dvc.yaml: rank", ("rank",))]


def test_between_two_commits_as_between_a_commit_and_the_workspace(project):
    project.write("data/seeds/a.jsonl", "one\ntwo!\nthree\n")
    here = found(project)
    project.commit("second")
    old, new = open_version("HEAD~1"), open_version("HEAD")
    changes = atomic_changes(old, new, data_stages(old, new))
    assert [(each.kind, each.name, each.stages) for each in changes] == here != []


def test_one_key_alone_is_applied(project):
    new = json.loads(json.dumps(PARAMS))
    new["solve"]["limits"] = {"code": 2}
    new["solve"]["samples"] = 9
    new["roles"]["small"]["revision"] = "2"
    new["ingest"]["sources"] = [{"name": "b", "path": "b.jsonl"}]
    place = project.folder / "params.yaml"
    keys = ["solve.limits.math", "solve.limits.code", "roles.small", "ingest.sources.a", "ingest.sources.b"]
    edit_params(place, keys, new)
    made = open_version().params()
    assert made["solve"] == {"samples": 4, "limits": {"code": 2}}
    assert made["roles"]["small"] == {"model": "m", "revision": "2", "temperature": 0.5}
    assert made["ingest"]["sources"] == [{"name": "b", "path": "b.jsonl"}]
