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
