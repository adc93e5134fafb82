"""Two CPU processes through accelerate give the losses of one; what a machine cannot do is refused with the reason."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import tiny
from project import copy_code, fingerprints
from ruamel.yaml import YAML

from cultivar.runner.graph import load_yaml
from schemas.params.engines import RuntimeParams
from schemas.stage import Model
from train.dpo import dpo
from train.launch import CONFIGS, LaunchError, launch_command
from train.online_dpo import online_dpo
from train.params import DpoParams, OnlineDpoParams, Optimization, RewardParams, SftParams
from train.reward import reward
from train.sft import sft

ROOT = Path(__file__).parents[2]
FEW = tiny.SHORT | {"max_steps": 4}
EPISODES = {
    "episodes": 1,
    "prompts": 4,
    "samples": 3,
    "max_new_tokens": 8,
    "max_steps": 2,
    "reserve": 0.5,
    "alpha": 1e-3,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A folder with the graph and its code, tiny tables and models; params ask for two processes."""
    path = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "dvc.yaml", path)
    copy_code(path)
    fingerprints(path)
    (path / "models").mkdir()
    base = tiny.base_model(path / "models")
    sft_model = tiny.sft_model(path / "models", base)
    out = tiny.folder(path / "models/reward")
    reward(tiny.preferences(), sft_model, RewardParams(**FEW), out, tiny.checkpoints(path), tiny.silent)
    shutil.copytree(sft_model.path, path / "models/dpo")
    tables = {"demonstrations": tiny.demonstrations(), "preferences": tiny.preferences()}
    for name, table in tables.items():
        table.write(path / f"data/{name}.parquet")
    two = FEW | {"processes": 2, "launch": "cpu"}
    # rows that divide by the batch: accelerate fills a ragged last batch with rows of the first
    with (path / "params.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(
            {"sft": two | {"packing": False}, "reward": two, "dpo": two, "online_dpo": two | EPISODES}, file
        )
    return path


def launch(project: Path, stage: str) -> None:
    """Run a stage as people run it."""
    done = subprocess.run(
        [sys.executable, "-m", "cultivar.runner", stage],
        cwd=project,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert done.stdout.count(f"{stage}: ") == 1, "the main process alone prints the closing line"


def in_one_process(project: Path, stage: str) -> pl.DataFrame:
    """The same in one process."""
    models = {name: Model(project / "models" / name) for name in ("base", "sft")}
    run, params, data, model, more = {
        "sft": (sft, SftParams, tiny.demonstrations(), models["base"], {"packing": False}),
        "reward": (reward, RewardParams, tiny.preferences(), models["sft"], {}),
        "dpo": (dpo, DpoParams, tiny.preferences(), models["sft"], {}),
    }[stage]
    out = tiny.folder(project / "alone" / stage)
    return run(data, model, params(**FEW | more), out, tiny.checkpoints(project), tiny.silent).loss.frame


@pytest.mark.parametrize("stage", ["sft", "reward", "dpo"])
def test_two_processes_give_the_losses_of_one(project, stage):
    single = in_one_process(project, stage)
    backup = project / "models" / f"{stage}-backup"
    shutil.copytree(project / "models" / stage, backup)  # the other tests start from the fixture's models
    launch(project, stage)
    shutil.rmtree(project / "models" / stage)
    backup.rename(project / "models" / stage)
    both = pl.read_csv(project / f"plots/{stage}/loss.csv")
    assert both["step"].to_list() == single["step"].to_list() == [1, 2, 3, 4]
    assert both["loss"].to_list() == pytest.approx(single["loss"].to_list(), rel=1e-4)
    assert both["learning_rate"].to_list() == pytest.approx(single["learning_rate"].to_list(), abs=1e-6)


def test_two_processes_run_the_episodes_of_one(project):
    """The main process samples and scores, both train with OnDARE; the policies stay the same to rounding."""
    models = [Model(project / "models" / name) for name in ("base", "sft", "dpo", "reward")]
    out, params = tiny.folder(project / "alone/online_dpo"), OnlineDpoParams(**(FEW | EPISODES))
    work = tiny.checkpoints(project)
    single = online_dpo(tiny.preferences(), *models, params, RuntimeParams(), out, work, tiny.silent)
    launch(project, "online_dpo")
    both = pl.read_csv(project / "plots/online_dpo/episodes.csv")
    first = pl.read_parquet(project / "data/rollouts.parquet").filter(pl.col("episode") == 0)
    assert first.equals(single.rollouts.frame.filter(pl.col("episode") == 0))
    assert both["loss"][0] == pytest.approx(single.episodes.frame["loss"][0], rel=1e-4)
    assert both["kl"][1] == pytest.approx(single.episodes.frame["kl"][1], rel=1e-3)


def test_a_launch_that_needs_gpus_is_refused_without_them():
    """accelerate would drop FSDP on CPUs and run DDP, without a warning."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    for kind in ("ddp", "fsdp2", "zero3", "cp", "ulysses"):
        params = Optimization(launch=kind, processes=2)
        with pytest.raises(LaunchError, match=f"launch: {kind} needs GPUs"):
            launch_command(params, CONFIGS / f"{kind}.yaml", [], ["sft"])


def test_batches_are_of_all_processes_and_rings_take_no_packing():
    assert Optimization(batch_size=8, processes=4).data_parallel_size == 4
    assert Optimization(batch_size=1, processes=4, launch="cp").data_parallel_size == 1
    with pytest.raises(ValueError, match="does not divide"):
        Optimization(batch_size=6, processes=4)
    with pytest.raises(ValueError, match="packing"):
        SftParams(launch="cp", processes=2, packing=True)


@pytest.mark.parametrize("kind", ["cpu", "ddp", "fsdp2", "zero3", "cp", "ulysses"])
def test_accelerate_reads_every_config(kind, monkeypatch):
    """accelerate's own parser takes the command, and knows what is to run."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    params = Optimization(launch=kind, processes=2, batch_size=2)
    with monkeypatch.context() as patched:
        patched.setattr("torch.cuda.is_available", lambda: True)
        command = launch_command(params, CONFIGS / f"{kind}.yaml", [], ["sft"])
    parsed, _, _ = _validate_launch_command(launch_command_parser().parse_args(command[3:]))
    assert parsed.num_processes == 2 and parsed.training_script == "cultivar.runner" and parsed.module
    assert (parsed.use_fsdp, parsed.use_deepspeed, parsed.multi_gpu) == (
        kind in ("fsdp2", "cp"),
        kind in ("zero3", "ulysses"),
        kind in ("cpu", "ddp"),
    )
    assert int(parsed.fsdp_version) == 2 or not parsed.use_fsdp
    assert int(parsed.parallelism_config_cp_size) == (2 if kind == "cp" else 1)
    assert int(parsed.parallelism_config_sp_size) == (2 if kind == "ulysses" else 1)


def test_every_stage_that_trains_declares_the_configs():
    for stage in ("base", "sft", "reward", "dpo", "online_dpo"):
        assert "train/accelerate" in load_yaml(ROOT / "dvc.yaml")["stages"][stage]["deps"]
