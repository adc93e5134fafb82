"""Merging optimizers on several processes: replicas stay replicas, shards are what one process would have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import ranks
import torch
from safetensors.torch import save_file

from train.merging import Deltas

pytestmark = pytest.mark.numeric


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The weights of two processes for every optimizer, semantics and way of distribution."""
    path = tmp_path_factory.mktemp("ranks")
    for number, name in enumerate(("base", "sft")):
        (path / name).mkdir()
        generator = torch.Generator().manual_seed(number)
        tensors = {key: torch.randn(shape, generator=generator) for key, shape in ranks.SHAPES.items()}
        save_file(tensors, path / name / "model.safetensors")
    running = [
        subprocess.Popen(
            [sys.executable, ranks.__file__, str(rank), "2", str(path)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        )
        for rank in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors[-3000:]
    return path


@pytest.mark.parametrize("semantics", ["released", "paper"])
@pytest.mark.parametrize("kind", ["ondare", "onties"])
@pytest.mark.parametrize("how", ["ddp", "fsdp2"])
def test_two_processes_do_what_one_does(folder, how, kind, semantics):
    """Bit for bit: DDP with desynchronised global generators, and FSDP2's shards put together."""
    alone = ranks.trajectory(kind, ranks.model(), Deltas(folder / "sft", folder / "base"), semantics)
    for rank in range(2):
        loaded = torch.load(folder / f"{how}-{kind}-{semantics}-{rank}.pt", weights_only=True)
        for name, weight in alone.items():
            assert torch.equal(loaded[name], weight), (rank, name)
