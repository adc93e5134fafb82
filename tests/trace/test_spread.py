"""How far a source, a licence or a model reaches, counted by table, strategy and model."""

import json

import pytest
from handmade import row_id
from made_rows import P0, TURN, VERDICT, D, P, admitted, problem, table

from reports.lineage.index import LineageIndex
from reports.trace.spread import spread
from reports.trace.spread_text import as_json, spread_lines
from reports.versions.version import open_version
from schemas.errors import UserError

SECOND = row_id("second")


@pytest.fixture
def index(project):
    """Beside the first demonstration one of problem 1, from another file and licence, by another model, held out."""
    other = problem(1, 2) | {"license": "GPL", "source": "data/seeds/other.jsonl:2"}
    rows = [
        admitted("d", [P0], [VERDICT], completion=TURN, split="train"),
        admitted(
            "second",
            [row_id("problem 1")],
            [],
            completion=TURN,
            split="heldout",
            strategy="execution",
            engine="http/big@2",
        ),
    ]
    project.put({"ingest": {"data/problems.parquet": table(problem(0, 1), other)}})
    project.put({"assemble": {"data/demonstrations.parquet": table(*rows)}})
    project.write(
        "params.yaml",
        "roles: {teacher: {engine: simulated, model: teacher}, large: {engine: http, model: big, revision: '2'}}\n"
        "ingest: {sources: [{name: sums, path: data/seeds/problems.jsonl}]}\n",
    )
    return LineageIndex(open_version())


def rows_of(found) -> dict[str, int]:
    return {one.table: one.rows for one in found.tables}


@pytest.mark.parametrize(
    "name", ["sums", "data/seeds/problems.jsonl", "data/seeds/problems.jsonl:1", "data/seeds/p*.jsonl"]
)
def test_a_source_reaches_what_was_made_of_its_rows(index, name):
    found = spread("source", name, index)
    assert rows_of(found) == {
        "data/problems.parquet": 1,
        "data/rejection_demonstrations.parquet": 1,
        "data/rejection_preferences.parquet": 1,
        "data/rejection_verdicts.parquet": 1,
        "data/dropped/rejection.parquet": 1,
        "data/quarantine/rejection.parquet": 1,
        "data/overlaps.parquet": 1,
        "data/dropped/filter.parquet": 1,
        "data/demonstrations.parquet": 1,
        "data/rollouts.parquet": 20,
    }
    assert found.groups == {"D": {("rejection", "math"): 1}} and found.examples == {"D": [D]}
    assert found.models == {"sft": 1} and found.files == ["data/seeds/problems.jsonl"]
    assert next(one for one in found.tables if one.table == "data/demonstrations.parquet").share == 0.5


def test_a_folder_is_all_of_its_files(index):
    assert rows_of(spread("source", "data/seeds", index))["data/demonstrations.parquet"] == 2


def test_a_licence_is_that_of_the_sources_and_held_out_rows_train_nothing(index):
    found = spread("license", "GPL", index)
    assert rows_of(found) == {
        "data/problems.parquet": 1,
        "data/dropped/rejection.parquet": 1,
        "data/demonstrations.parquet": 1,
    }
    assert found.models == {} and found.labelled == {} and found.groups == {"D": {("execution", "math"): 1}}
    assert spread("license", "MIT", index).labelled == {"D": 2}


@pytest.mark.parametrize("name", ["large", "big", "http/big", "http/big@2"])
def test_a_model_goes_by_role_model_or_label(index, name):
    found = spread("model", name, index)
    assert rows_of(found) == {"data/demonstrations.parquet": 1} and found.examples == {"D": [SECOND]}


def test_a_judge_reaches_what_its_verdicts_admitted(index):
    found = spread("model", "judge", index)  # the verifier's name in the table
    assert found.starts == {"data/rejection_verdicts.parquet": 1} and found.examples == {"D": [D]}
    assert rows_of(found)["data/rollouts.parquet"] == 20 and P not in found.examples["D"]


def test_what_nobody_bears_is_an_error_that_says_what_there_is(index):
    with pytest.raises(UserError, match="data/seeds/other.jsonl, data/seeds/problems.jsonl"):
        spread("source", "data/seeds/%", index)
    with pytest.raises(UserError, match=r"large \(http/big@2\)"):
        spread("model", "gpt", index)
    with pytest.raises(UserError, match="no source row"):
        spread("license", "WTFPL", index)


def test_lines_and_json_say_the_same(index):
    found = spread("source", "sums", index)
    told = json.loads(json.dumps(as_json(found)))
    said = "\n".join(spread_lines(found))
    assert told["models"] == {"sft": 1} and "models/sft (1 rows of the train split)" in said
    assert "1          2   50.0%  data/demonstrations.parquet" in said and told["bear_it"] == {
        "data/problems.parquet": 1
    }
