"""The three lines after a run: figures of earlier data are marked as such."""

import json

import pytest
from handmade import Handmade

from cultivar.tools.summary import main


@pytest.mark.parametrize(("md5", "is_marked"), [("1", False), ("0", True)])
def test_figures_of_earlier_data_say_so(tmp_path, monkeypatch, capsys, md5, is_marked):
    made = Handmade(tmp_path)
    made.write("metrics/assemble.json", json.dumps({"out": {"demonstrations": 2, "preferences": 1}}))
    made.write("metrics/evaluate/sft.json", json.dumps({"math_greedy": 0.5}))
    made.yaml(
        "dvc.lock",
        {
            "stages": {
                "assemble": {"cmd": "a", "outs": [{"path": "data/d.parquet", "md5": "1"}]},
                "evaluate@sft": {"cmd": "e", "deps": [{"path": "data/d.parquet", "md5": md5}]},
            }
        },
    )
    monkeypatch.chdir(tmp_path)
    assert main() == 0
    held_out = capsys.readouterr().out.splitlines()[1]
    assert held_out.startswith("held out, greedy: exact match sft 50.0%")
    assert ("of earlier data" in held_out) == is_marked


def test_the_sources_and_what_became_of_them_are_one_line(tmp_path, monkeypatch, capsys):
    made = Handmade(tmp_path)
    by_source = {"demonstrations_by_source": {"chats": 1200, "seeds": 7}, "preferences_by_source": {"chats": 3}}
    out = {"out": {"demonstrations": 1207, "preferences": 3}}
    made.write("metrics/assemble.json", json.dumps(out | by_source))
    left = {"not_taken": {"chats: field lang": 40}, "out": {"quarantine": 2}}
    made.write("metrics/ingest.json", json.dumps(left))
    made.write("metrics/rank.json", json.dumps({"ranked_by_people": 5, "out": {"quarantine": 0}}))
    monkeypatch.chdir(tmp_path)
    assert main() == 0
    assert capsys.readouterr().out.splitlines()[1] == (
        "by source: chats 1,200 D + 3 P, seeds 7 D; not taken: chats: field lang 40; "
        "quarantined: data/quarantine/ingest.parquet 2; 5 prompts ranked by people"
    )
