"""A project folder for the tests of admission."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.rows import Candidate
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.params import RankParams
from stages.annotation.rank import RankTables, rank
from stages.curation.ingest import IngestTables, ingest
from stages.curation.params import IngestParams
from tests.admission.judges import judge_of
from tests.admission.rows import candidate
from tests.engines import scripted

ROOT = Path(__file__).parents[2]
LOOSE = RankParams(orders=2, min_margin=0.5, max_length_ratio=50)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Files]:
    """The files that `rank` reads, with the given judgements in them; the prompts are the project's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").symlink_to(ROOT / "prompts")

    def write(*judgements: dict) -> Files:
        folder = tmp_path / "human/annotations"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text("not a record")
        (folder / "ana.jsonl").write_text("".join(json.dumps(line) + "\n\n" for line in judgements))
        return Files("rank", (Path("human/annotations"),))

    return write


@pytest.fixture
def refinements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Files]:
    """The files that `ontology` reads, with the given refinements (YAML) in them."""
    monkeypatch.chdir(tmp_path)

    def write(text: str = "") -> Files:
        (tmp_path / "human/ontology").mkdir(parents=True, exist_ok=True)
        (tmp_path / "human/ontology/refinements.yaml").write_text(text)
        return Files("ontology", (Path("human/ontology"), Path("encoder")))

    return write


@pytest.fixture
def take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., IngestTables]:
    """Ingest sources given as (file name, rows or text, fields of the source)."""
    monkeypatch.chdir(tmp_path)

    def run(*sources, evaluation=(), **params):
        def declared(given, prefix):
            found = []
            for n, (name, rows, fields) in enumerate(given):
                path = tmp_path / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows))
                found.append({"name": f"{prefix}{n}", "path": name, "domain": "general", "license": "MIT"} | fields)
            return found

        section = {"sources": declared(sources, "s"), "evaluation": declared(evaluation, "e")} | params
        tables = ingest(Files("ingest", (Path(),)), IngestParams.model_validate(section))
        for table in tables[:-1]:
            table.check()
        return tables

    return run


@pytest.fixture
def rank_by(people: Callable[..., Files]) -> Callable[..., RankTables]:
    """Rank candidates by a judge of two orders."""

    def run(first, second=None, params=LOOSE, rows=None, reply=None):
        rows = [candidate(text) for text in first] if rows is None else rows
        with scripted(reply or judge_of(first, first if second is None else second)) as judge:
            tables = rank(Table.of(Candidate, rows), params, judge, people())
        for table in tables[:-1]:
            table.check()
        return tables

    return run
