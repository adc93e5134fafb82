"""The same graph on real input: GSM8K, MBPP, self-instruct, AutoIF, a Gutenberg book, Wikidata; GSM8K test and IFEval held out.

Beside them a small set of chats, pairs and ratings that the test writes: what people wrote is in D and P, by its source.
"""

import json
from pathlib import Path

import polars as pl
import pytest
from workspace import Workspace, no_stage_ran

SYNTHESIS = ("annotation", "rejection", "execution", "repurpose", "constitution")
STRATEGIES = {"demonstrations": {*SYNTHESIS, "human"}, "preferences": {*SYNTHESIS, "given"}}
PLACES = ("Ghent", "Lima", "Osaka", "Porto", "Quito", "Riga", "Suva", "Tunis", "Utrecht", "Vaduz")


def write_brought(folder: Path) -> None:
    """Chats of two exchanges, pairs with scores, and a broken line, in a folder that `ingest` has as a dep."""
    chats = [
        {
            "messages": [
                {"role": "system", "content": "You answer travellers in one sentence."},
                {"role": "user", "content": f"I am going to {place} in spring with two children."},
                {"role": "assistant", "content": f"Then pack rain jackets: spring in {place} is often wet."},
                {"role": "user", "content": f"How do we get from the station of {place} to its oldest square?"},
                {"role": "assistant", "content": f"Walk along the river in {place} for ten minutes, then turn left."},
            ],
            "thread": number,
        }
        for number, place in enumerate(PLACES)
    ]
    pairs = [
        {
            "prompt": f"Recommend a museum in {place} for an afternoon with teenagers.",
            "chosen": f"The science museum of {place}: half of what it shows may be touched, and entry is free on Sundays.",
            "rejected": f"There are museums in {place}.",
            "score_chosen": 4.5,
            "score_rejected": 2.0,
        }
        for place in PLACES
    ]
    for name, rows in (("chats", chats), ("pairs", pairs)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text + ('{"messages": [' if name == "chats" else ""))


def sources(data, limit):
    def source(name, path, domain, license, **more):
        return {"name": name, "path": str(data / path), "format": "auto", "domain": domain, "license": license} | more

    return {
        "sources": [
            source("gsm8k", "gsm8k/train.jsonl", "math", "MIT", limit=limit),
            source("mbpp", "mbpp/mbpp.jsonl", "code", "CC-BY-4.0", ids="601-974", limit=limit),
            source("self-instruct", "self_instruct_seeds/seed_tasks.jsonl", "general", "Apache-2.0"),
            source("autoif", "autoif/seed_instruction.txt", "constraint", "Apache-2.0"),
            source("alice", "gutenberg_alice/11-0.txt", "literature", "public domain"),
            source("wikidata", "wikidata_entities/*.json", "character", "CC0-1.0"),
            *(
                source(name, name, domain, "CC0-1.0") | {"path": f"data/seeds/{name}.jsonl"}
                for name, domain in (("safety", "safety"), ("chats", "general"), ("pairs", "general"))
            ),
        ],
        "evaluation": [
            source("gsm8k-test", "gsm8k/test.jsonl", "math", "MIT"),
            source("ifeval", "ifeval/input_data.jsonl", "constraint", "Apache-2.0"),
        ],
    }


@pytest.fixture(scope="module")
def real(tmp_path_factory, real_data) -> Workspace:
    folder = tmp_path_factory.mktemp("real")

    def edit(params):
        params["ingest"] |= sources(folder / "data/raw", limit=300)

    work = Workspace(folder, edit)
    (folder / "data/raw").symlink_to(real_data)
    write_brought(folder / "data/seeds")
    graph = (folder / "dvc.yaml").read_text()
    (folder / "dvc.yaml").write_text(graph.replace("      - data/seeds\n", "      - data/seeds\n      - data/raw\n", 1))
    work.repro("datasheet")
    return work


def test_every_strategy_yields_demonstrations_and_preferences(real):
    for table in ("demonstrations", "preferences"):
        counts = dict(pl.read_parquet(real.folder / f"data/{table}.parquet").group_by("strategy").len().iter_rows())
        assert set(counts) == STRATEGIES[table], f"{table}: {counts}"


def test_what_people_wrote_is_in_both_products_by_source(real):
    """The chats' second answers with all that stands before them, the pairs with their margins; one broken line."""
    d, p = (pl.read_parquet(real.folder / f"data/{table}.parquet") for table in STRATEGIES)
    written = d.filter(pl.col("strategy") == "human", pl.col("source").str.starts_with("data/seeds/chats.jsonl:"))
    assert len(written) == len(PLACES) and (written["engine"] == "source").all()
    roles = {tuple(turn["role"] for turn in row) for row in written["prompt"]}
    assert roles == {("system", "user", "assistant", "user")}
    given = p.filter(pl.col("strategy") == "given")
    assert len(given) == len(PLACES) and given["margin"].unique().to_list() == [2.5]
    made = real.metrics("assemble")
    assert made["preferences_by_source"]["pairs"] == len(PLACES) and made["demonstrations_by_source"]["chats"] >= len(
        PLACES
    )
    assert sum(made["demonstrations_by_source"].values()) == len(d) and "unknown source" not in made
    sheet = (real.folder / "reports/datasheet.md").read_text()
    assert f"| pairs | 0 | {len(PLACES)} |" in sheet
    assert f"| chats | CC0-1.0 | general | {len(PLACES)} | {len(PLACES)} | 0 | 1 | {len(PLACES)} |" in sheet
    assert real.metrics("ingest")["ends_by_source"]["chats"] == {"quarantined": 1, "not_taken": len(PLACES)}


def test_sums_close_in_every_stage(real):
    for stage in real.lock().keys() - {"code"}:
        rows = real.metrics(stage).get("rows")
        assert rows is None or rows["in"] == rows["kept"] + rows["dropped"] + rows["quarantined"], stage


def test_no_evaluation_row_passes(real):
    evaluation = set(pl.read_parquet(real.folder / "data/evaluation.parquet")["prompt"])
    for table in ("demonstrations", "preferences"):
        rows = pl.read_parquet(real.folder / f"data/{table}.parquet")
        prompts = rows.select(pl.col("prompt").list.eval(pl.element().struct.field("content")).list.join("\n"))
        assert len(evaluation) == 1319 + 541 and not evaluation & set(prompts.to_series())


def test_every_row_says_who_wrote_it_and_has_lineage_to_a_source(real):
    sources = set()
    for table in ["instructions", "problems", "code_tasks", "constraints", "passages", "characters", "safety_prompts"]:
        sources |= set(pl.read_parquet(real.folder / f"data/{table}.parquet")["id"])
    rows = pl.read_parquet(real.folder / "data/demonstrations.parquet")
    by_people = rows["engine"] == "source"
    assert by_people.any() and (rows["simulated"] == ~by_people).all()
    assert (by_people | rows["engine"].str.starts_with("simulated/")).all()
    direct = rows.filter(pl.col("strategy") != "annotation")
    assert direct["parents"].list.eval(pl.element().is_in(list(sources))).list.any().all()


def test_a_second_repro_runs_nothing(real):
    assert no_stage_ran(real.repro("assemble"))
