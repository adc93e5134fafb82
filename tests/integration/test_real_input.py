"""The same graph on real input: GSM8K, MBPP, self-instruct, AutoIF, a Gutenberg book, Wikidata; GSM8K test and IFEval held out."""

import polars as pl
import pytest
from workspace import Workspace, no_stage_ran

STRATEGIES = ("annotation", "rejection", "execution", "repurpose", "constitution")


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
            source("safety", "data/seeds/safety.jsonl", "safety", "CC0-1.0") | {"path": "data/seeds/safety.jsonl"},
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
    graph = (folder / "dvc.yaml").read_text()
    (folder / "dvc.yaml").write_text(graph.replace("      - data/seeds\n", "      - data/seeds\n      - data/raw\n", 1))
    work.repro("assemble")
    return work


def test_every_strategy_yields_demonstrations_and_preferences(real):
    for table in ("demonstrations", "preferences"):
        counts = dict(pl.read_parquet(real.folder / f"data/{table}.parquet").group_by("strategy").len().iter_rows())
        assert set(counts) == set(STRATEGIES), f"{table}: {counts}"


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
