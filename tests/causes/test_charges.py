"""Lineage alone: each row that differs is charged to the change where it began, on tables made by hand."""

import polars as pl
import pytest
from handmade import Handmade, row_id

from reports.causes.charge import charge
from reports.diff.build import build_diff
from reports.versions.version import open_version

D = "data/demonstrations.parquet"


def frame(rows: list[dict], columns: tuple[str, ...]) -> pl.DataFrame:
    """Rows with ids made from their `id`, and parents too."""
    made = [
        {"id": row_id(row["id"]), "parents": [row_id(one) for one in row.get("parents", [])]}
        | {name: row.get(name, "") for name in columns}
        for row in rows
    ]
    types = {"id": pl.String, "parents": pl.List(pl.String)} | dict.fromkeys(columns, pl.String)
    return pl.DataFrame(made, schema=types)


class Project(Handmade):
    """Four stages: problems from a file, solved by a model, filtered, assembled."""

    def __init__(self, folder):
        super().__init__(folder)
        self.params = {"solve": {"samples": 1, "limit": 2}, "filter": {"near": 1}, "assemble": {"domain_cap": 9}}
        self.lines = ["p1", "p2", "p3"]
        self.prompts = {"solve": "a"}
        self.solved = [{"id": f"s{n}", "parents": [f"p{n}", f"k{n}"], "domain": "math"} for n in (1, 2, 3)]
        self.dropped: dict[str, list[dict]] = {"filter": [], "assemble": []}
        self.changed: dict[str, dict] = {"filter": {}, "assemble": {}}
        self.roles = {"small": {"model": "m", "revision": "1"}}

    def build(self) -> None:
        """What the stages would make of what is set."""
        self.write("data/seeds/a.jsonl", "".join(f"{line}\n" for line in self.lines))
        self.yaml("params.yaml", self.params | {"roles": self.roles})
        for name, text in self.prompts.items():
            self.write(f"prompts/{name}.jinja", text)
        problems = [{"id": line, "source": f"data/seeds/a.jsonl:{n}"} for n, line in enumerate(self.lines, 1)]
        tables = {"ingest": {"data/problems.parquet": frame(problems, ("source",))}}
        columns = ("domain", "engine", "split", "source")
        rows = self.solved
        tables["solve"] = {"data/solved.parquet": frame(rows, columns)}
        for stage, path in (("filter", "data/filtered_demonstrations.parquet"), ("assemble", D)):
            gone = {row["id"] for row in self.dropped[stage]}
            rows = [row | self.changed[stage].get(row["id"], {}) for row in rows if row["id"] not in gone]
            dropped = frame(self.dropped[stage], ("rule", "detail"))
            tables[stage] = {path: frame(rows, columns), f"data/dropped/{stage}.parquet": dropped}
        self.put(tables)
        deps = {
            "ingest": ["data/seeds"],
            "solve": ["data/problems.parquet", "prompts"],
            "filter": ["data/solved.parquet"],
            "assemble": ["data/filtered_demonstrations.parquet"],
        }
        params = {"ingest": [], "solve": ["solve", "roles.small"], "filter": ["filter"], "assemble": ["assemble"]}
        graph = {
            stage: {"cmd": stage, "deps": deps[stage], "params": params[stage], "outs": sorted(tables[stage])}
            for stage in tables
        }
        self.yaml("dvc.yaml", {"stages": graph})

    def charges(self) -> dict[str, tuple[str, str, list[str]]]:
        """Row -> (cause, the stage where it began, marks), after another build."""
        self.build()
        why = charge(build_diff(open_version("HEAD"), open_version(), details=False), replay=False)
        names = {row_id(f"s{n}{more}"): f"s{n}{more}" for n in range(1, 9) for more in ("", "'")}
        found = {}
        for row in why.rows.iter_rows(named=True):
            for side in {row["id_old"], row["id_new"]} - {None}:
                found[names[side]] = (row["cause"], row["via"], row["marks"])
        return found


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Project(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    made.build()
    made.commit("first")
    return made


def test_nothing_differs(project):
    assert project.charges() == {}


def test_an_edited_source_row_goes_with_all_that_was_made_of_it(project):
    project.lines[1] = "p2!"
    project.solved[1] = {"id": "s2'", "parents": ["p2!", "k2"], "domain": "math"}
    cause = ("data/seeds/a.jsonl:2", "ingest", [])
    assert project.charges() == {"s2": cause, "s2'": cause}


def test_lines_that_only_moved_are_no_cause(project):
    project.lines = ["p0", "p1", "p2", "p3"]
    project.solved.append({"id": "s4", "parents": ["p0", "k4"], "domain": "math"})
    assert project.charges() == {"s4": ("data/seeds/a.jsonl:1", "ingest", [])}


def test_of_two_changes_on_the_way_the_one_that_began_first(project):
    project.lines[1] = "p2!"
    project.prompts["solve"] = "b"
    project.solved[:2] = [
        {"id": "s1'", "parents": ["p1", "k1'"], "domain": "math"},
        {"id": "s2'", "parents": ["p2!", "k2'"], "domain": "math"},
    ]
    found = project.charges()
    assert {row: cause for row, (cause, _, _) in found.items()} == {
        "s1": "prompts/solve.jinja",
        "s1'": "prompts/solve.jinja",
        "s2": "data/seeds/a.jsonl:2",
        "s2'": "data/seeds/a.jsonl:2",
    }


def test_the_engine_tells_a_model_from_a_prompt(project):
    project.prompts["solve"] = "b"
    project.roles["small"]["revision"] = "2"
    project.solved[0] = {"id": "s1'", "parents": ["p1", "k1'"], "domain": "math", "engine": "None/m@2"}
    project.solved[1] = {"id": "s2'", "parents": ["p2", "k2'"], "domain": "math", "engine": "other"}
    found = project.charges()
    assert found["s1'"][0] == "roles.small" and found["s2'"][0] == "prompts/solve.jinja"


def test_a_rule_names_the_parameter_that_it_comes_from(project):
    project.params["assemble"] |= {"domain_cap": 1, "other": 5}
    project.dropped["assemble"] = [{"id": "s3", "rule": "domain cap"}]
    assert project.charges() == {"s3": ("assemble.domain_cap", "assemble", [])}


def test_a_row_whose_place_another_one_took(project):
    project.lines.append("p4")
    project.solved.append({"id": "s4", "parents": ["p4", "k4"], "domain": "math"})
    project.dropped["filter"] = [{"id": "s2", "rule": "near duplicate", "detail": f"of that of row {row_id('s4')}"}]
    added = "data/seeds/a.jsonl:4"
    assert project.charges() == {"s4": (added, "ingest", []), "s2": (added, "ingest", ["displaced"])}


def test_a_row_that_comes_back_when_the_other_one_goes(project):
    project.dropped["filter"] = [{"id": "s2", "rule": "near duplicate", "detail": f"of that of row {row_id('s1')}"}]
    project.build()
    project.commit("second")
    project.lines = ["p2", "p3"]
    project.solved = project.solved[1:]
    project.dropped["filter"] = []
    gone = "data/seeds/a.jsonl:1 (removed)"
    assert project.charges() == {"s1": (gone, "ingest", []), "s2": (gone, "ingest", ["displaced"])}


def test_a_row_beyond_a_cap_that_others_fill(project):
    project.lines.append("p4")
    project.solved.append({"id": "s4", "parents": ["p4", "k4"], "domain": "math"})
    project.dropped["assemble"] = [{"id": "s1", "rule": "domain cap"}]
    assert project.charges()["s1"] == ("data/seeds/a.jsonl:4", "ingest", ["displaced"])


@pytest.mark.parametrize(("key", "cause"), [("heldout", "data/seeds/a.jsonl:4"), ("domain_cap", "assemble.domain_cap")])
def test_a_cap_is_not_blamed_on_another_setting_of_its_stage(project, key, cause):
    project.params["assemble"][key] = 1
    project.lines.append("p4")
    project.solved.append({"id": "s4", "parents": ["p4", "k4"], "domain": "math"})
    project.dropped["assemble"] = [{"id": "s1", "rule": "domain cap"}]
    assert project.charges()["s1"][0] == cause


def test_churn_follows_from_the_only_change(project):
    project.lines.append("p4")
    project.solved.append({"id": "s4", "parents": ["p4", "k4"], "domain": "math"})
    project.changed["assemble"] = {"s3": {"split": "heldout"}}
    assert project.charges()["s3"] == ("data/seeds/a.jsonl:4", "assemble", ["churn"])


def test_columns_that_a_stage_changes_begin_there(project):
    project.params["assemble"]["domain_cap"] = 8
    project.lines.append("p4")
    project.solved.append({"id": "s4", "parents": ["p4", "k4"], "domain": "math"})
    project.changed["assemble"] = {"s3": {"split": "heldout"}}
    assert project.charges()["s3"] == ("assemble.domain_cap", "assemble", [])


def test_what_no_change_explains_is_said(project):
    project.changed["filter"] = {"s1": {"split": "x"}}
    project.build()
    why = charge(build_diff(open_version("HEAD"), open_version(), details=False), replay=False)
    assert [cause.change.name for cause in why.causes] == ["unexplained"]
    assert why.notes == ("1 rows are explained by no change: a bug of ours, please report it",)


def test_counts_and_examples_by_cause(project):
    project.lines[1] = "p2!"
    project.prompts["solve"] = "b"
    project.params["filter"]["near"] = 2
    project.solved[:2] = [
        {"id": "s1'", "parents": ["p1", "k1'"], "domain": "math"},
        {"id": "s2'", "parents": ["p2!", "k2'"], "domain": "math"},
    ]
    project.build()
    why = charge(build_diff(open_version("HEAD"), open_version(), details=False), replay=False)
    assert sum(cause.rows for cause in why.causes) == why.rows.height
    assert [change.name for change in why.idle] == ["filter.near"]
    prompt = why.cause("prompts/solve.jinja")
    assert prompt is not None and prompt.change.kind == "prompt" and {table for table, _ in prompt.examples} == {D}
