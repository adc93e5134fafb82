"""The plan says what `dvc repro` then does; verification finds rows that nothing would make again."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from counting_server import RATING, TAGS, CountingServer
from reduced import reduced, rows_of, write_rows
from workspace import Workspace

ROWS = 60


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, server: CountingServer) -> Workspace:
    return reduced(tmp_path_factory.mktemp("plan"), server.url, "plan", rows=ROWS)


def plan(work: Workspace) -> dict[str, dict[str, Any]]:
    done = work.python("-m", "cultivar.tools.plan", "--json")
    assert done.returncode == 0, done.stderr
    return {one["stage"]: one for one in json.loads(done.stdout)["stages"]}


def rebuilt(work: Workspace, server: CountingServer) -> dict[str, int]:
    """Rebuild; how many requests were asked for the first answer, by kind."""
    server.forget()
    work.repro()
    return server.kinds_of("plan")


def test_before_anything_was_asked(work, server):
    planned = plan(work)
    assert server.arrived == 0, "a plan asks nothing"
    assert [name for name, one in planned.items() if one["runs"] == "yes"] == list(planned)
    assert planned["tag"]["to_ask"] == ROWS and planned["score"]["to_ask"] == ROWS
    assert planned["evolve"]["requests"] == 0 and not planned["evolve"]["exact"]  # nobody can know yet
    done = work.python("-m", "cultivar.tools.plan")
    assert "7 of 7 stages will run; at least 120 requests to ask" in done.stdout, done.stdout
    assert "without tag, score, evolve (no price in budget.prices" in done.stdout, done.stdout
    assert rebuilt(work, server)[TAGS] >= ROWS


def test_nothing_to_do(work, server):
    planned = plan(work)
    assert {one["runs"] for one in planned.values()} == {"no"}


def test_rows_appended_are_what_is_to_be_asked(work, server):
    new = [{"instruction": f"Write a short poem about the number {n}.", "output": "A poem."} for n in (5, 9, 11)]
    write_rows(work, [*rows_of(work), *new])
    planned = plan(work)
    assert planned["ingest"]["why"] == "modified: data/seeds"
    assert planned["tag"]["to_ask"] == planned["score"]["to_ask"] == 3
    assert planned["tag"]["requests"] >= ROWS and planned["evolve"]["requests"] > 20
    asked = rebuilt(work, server)
    assert 3 <= asked[TAGS] <= 6 and 3 <= asked[RATING] <= 6  # some are asked again, being faulty
    assert {one["runs"] for one in plan(work).values()} == {"no"}


def test_a_comment_runs_the_code_stage_and_an_edit_the_stages_that_it_reaches(work, server):
    path = work.folder / "stages/annotation/score.py"
    path.write_text(path.read_text() + "# nothing to add\n")
    planned = plan(work)
    assert {name: one["runs"] for name, one in planned.items() if one["runs"] != "no"} == {"code": "yes"}
    path.write_text(path.read_text() + "ANOTHER_LINE = 1\n")
    planned = plan(work)
    assert {name for name, one in planned.items() if one["runs"] == "yes"} == {"code", "score"}
    assert planned["score"]["to_ask"] == 0 and planned["score"]["exact"]
    assert "will make the same again" in planned["select"]["why"]
    assert rebuilt(work, server) == {}


def test_an_output_that_is_gone_is_made_again_from_remembered_answers(work, server):
    """DVC keeps no results of a stage with an output that is in git alone, as the counts of data stages are."""
    for name in ("tag_sets", "evolved"):
        (work.folder / f"data/{name}.parquet").unlink()
    planned = plan(work)
    assert {name for name, one in planned.items() if one["runs"] == "yes"} >= {"tag", "evolve"}
    assert {one["to_ask"] for one in planned.values()} <= {0, None}
    assert rebuilt(work, server) == {}


def test_money_by_the_price_table(work, server):
    def edit(params):
        params["roles"]["judge"]["temperature"] = 0.1
        params["budget"] = {"currency": "EUR", "prices": {"judge": {"prompt": 100.0, "completion": 200.0}}}

    before = (work.folder / "params.yaml").read_text()
    work.change(edit)
    planned = plan(work)
    assert planned["tag"]["runs"] == "no" and ROWS + 3 <= planned["score"]["to_ask"] <= ROWS + 9
    assert 100e-6 * planned["score"]["tokens"] < planned["score"]["cost"] < 200e-6 * planned["score"]["tokens"]
    assert planned["evolve"]["cost"] is None or planned["evolve"]["to_ask"] == 0  # the teacher has no price
    (work.folder / "params.yaml").write_text(before)


def test_a_budget_stops_the_graph_cleanly_and_the_next_run_goes_on(work, server):
    def edit(params):
        params["roles"]["tagger"]["temperature"] = 0.1
        params["budget"] = {"requests": 40}

    work.change(edit)
    server.forget()
    done = work.python("-m", "dvc", "repro")
    assert done.returncode != 0 and "40 of 40 requests of this run are spent" in done.stderr
    assert sum(server.kinds_of("plan").values()) == 40
    work.change(lambda params: params["budget"].update(requests=None))
    work.repro()
    assert max(server.of("plan").values()) == 1  # what was paid for was kept


def test_verification_of_a_sound_build(work, server):
    server.forget()
    done = work.python("-m", "cultivar.tools.verify", "--sample", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "everything is as it should be" in done.stdout and sum(server.kinds_of("plan").values()) == 12


def test_a_row_that_nothing_makes_is_found(work, server):
    path: Path = work.folder / "data/evolved.parquet"
    original, lock = path.read_bytes(), (work.folder / "dvc.lock").read_text()
    table = pl.read_parquet(path)
    forged = table.with_columns(
        license=pl.when(pl.col("id") == table["id"][0]).then(pl.lit("forged")).otherwise("license")
    )
    path.unlink()  # a link into the cache
    forged.write_parquet(path)
    work.python("-m", "dvc", "commit", "-f", "evolve")  # recorded as if the stage had made it
    done = work.python("-m", "cultivar.tools.verify", "evolve", "--sample", "0")
    assert done.returncode == 1, done.stdout
    assert f"data/evolved.parquet: 1 rows differ, first {table['id'][0]}" in done.stdout
    path.unlink()
    path.write_bytes(original)
    (work.folder / "dvc.lock").write_text(lock)


def test_a_model_that_no_longer_says_the_same_is_reported_and_no_error(work, server):
    server.weights = "3"
    done = work.python("-m", "cultivar.tools.verify", "--sample", "30")
    assert done.returncode == 0 and "the models no longer say the same" in done.stdout, done.stdout
    server.weights = "1"


def test_a_template_with_a_fault_stops_before_anything_is_asked(work, server):
    path = work.folder / "prompts/tag.jinja"
    sound = path.read_text()
    path.write_text(sound.replace("{{ instruction }}", "{{ instrution }} again"))
    server.forget()
    before = server.arrived
    for done in (work.python("-m", "cultivar.runner", "tag"), work.python("-m", "cultivar.tools.plan")):
        assert done.returncode == 1, done.stdout
        assert "prompts/tag.jinja:7: instrution: unknown variable (did you mean instruction?)" in done.stderr, (
            done.stderr
        )
    path.write_text(sound.replace("{{ instruction }}", "{{ instruction }} again"))
    assert server.arrived == before
    done = work.python("-m", "cultivar.runner", "tag")
    assert done.returncode == 0 and server.arrived >= before + ROWS, done.stderr
