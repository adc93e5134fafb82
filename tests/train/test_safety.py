"""Models are read from safetensors only, and their own code runs only where params name them."""

import json
import sys
from pathlib import Path

import pytest
import tiny
import torch

from schemas.stage import Model
from train.settings import read_model


@pytest.fixture
def model(tmp_path) -> Path:
    return tiny.base_model(tmp_path).path


def test_pickled_weights_are_refused(model):
    weights = read_model(Model(model)).state_dict()
    (model / "model.safetensors").unlink()
    torch.save(weights, model / "pytorch_model.bin")
    with pytest.raises(OSError, match="safetensors"):
        read_model(Model(model))


def test_a_model_s_own_code_runs_only_where_params_name_it(model, tmp_path, monkeypatch):
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))  # Transformers adds that folder, which other runs do not share
    marker = tmp_path / "ran"
    (model / "own.py").write_text(
        f"from pathlib import Path\nPath({str(marker)!r}).touch()\n"
        "from transformers import Qwen2Config, Qwen2ForCausalLM\n"
        "class OwnConfig(Qwen2Config):\n    model_type = 'own'\n"
        "class Own(Qwen2ForCausalLM):\n    config_class = OwnConfig\n"
    )
    config = json.loads((model / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.Own"}}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError):
        read_model(Model(model), trusted=["another"])
    assert not marker.exists()
    read_model(Model(model), trusted=[model.name])
    assert marker.exists()
