"""`cultivar clean` removes what stages wrote, and no file that a person brought, wherever it stands."""

from pathlib import Path

import pytest
from handmade import Handmade

from cultivar.runner.graph import GRAPH, load_yaml
from cultivar.tools.clean import cached_outs, main

ROOT = Path(__file__).parents[2]
SUFFIXES = ("parquet", "jsonl", "json", "csv", "tsv", "txt", "arrow", "zip", "gz", "zst", "db", "dvc", "md")
PLACES = ("data", "data/raw", "data/dropped", "data/quarantine", "data/evaluated", "models", "metrics")


@pytest.fixture
def outs(tmp_path, monkeypatch) -> list[Path]:
    """The outputs of this project's graph, in a folder of their own: models are folders."""
    made = Handmade(tmp_path)
    made.write("dvc.yaml", (ROOT / GRAPH).read_text())
    monkeypatch.chdir(tmp_path)
    outs = list(cached_outs(load_yaml(GRAPH)["stages"]))
    for path in outs:
        made.write(str(path if path.suffix else path / "model.safetensors"), "of a stage")
    return outs


def test_outputs_go_and_people_s_files_stay(tmp_path, outs, capsys):
    brought = [tmp_path / place / f"mine.{suffix}" for place in PLACES for suffix in SUFFIXES]
    for path in brought:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("brought")
    kept = tmp_path / "metrics/ingest.json"  # git keeps it
    kept.write_text("{}")
    assert main() == 0
    assert not any(path.exists() for path in outs) and {"models/dpo", "data/evaluated/base.parquet"} <= set(
        map(str, outs)
    )
    assert all(path.read_text() == "brought" for path in brought) and kept.exists()
    assert capsys.readouterr().out.startswith(f"{len(outs)} outputs removed")


def test_a_link_goes_and_what_it_leads_to_stays(tmp_path, outs):
    target = tmp_path / "data/raw/mine.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("brought")
    out = tmp_path / "data/instructions.parquet"
    out.unlink()
    out.symlink_to(target)
    assert main() == 0 and not out.is_symlink() and target.exists()


def test_make_clean_is_this_command():
    rule = (ROOT / "Makefile").read_text().partition("\nclean:")[2].partition("\n\n")[0]
    assert "cultivar clean" in rule and "rm " not in rule
