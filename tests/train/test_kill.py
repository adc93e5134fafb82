"""SIGKILL in the middle of training: the next run goes on and ends with the bytes of an uninterrupted one."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest
import tiny
from stages_to_kill import STAGES, run

from schemas.stage import Checkpoints, Model, ModelOut
from train.params import RewardParams
from train.resume import MARK
from train.reward import reward

MOMENTS = {
    "sft": [f"checkpoint-5/{MARK}"],
    "reward": [f"checkpoint-7/{MARK}"],
    "dpo": [f"checkpoint-3/{MARK}"],
    # within the first episode's training, after its samples, and within the second's
    "online_dpo": [
        "episode-000/samples.json",
        f"episode-000/training/checkpoint-4/{MARK}",
        f"episode-001/training/checkpoint-9/{MARK}",
    ],
}


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Model]:
    path = tmp_path_factory.mktemp("models")
    base = tiny.base_model(path)
    sft = tiny.sft_model(path, base)
    out = tiny.folder(path / "reward")
    reward(tiny.preferences(), sft, RewardParams(**tiny.SHORT), out, tiny.checkpoints(path), tiny.silent)
    return {"base": base, "sft": sft, "reward": Model(out.path)}


@pytest.fixture(scope="module")
def children() -> multiprocessing.context.ForkServerContext:
    """Child processes from a server that has imported the stages and started no thread."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["stages_to_kill"])
    return context


def kill_at(child: multiprocessing.Process, moment: Path) -> None:
    """Start a child and kill it as soon as a file is there."""
    child.start()
    deadline = time.monotonic() + 300
    while not moment.exists() and child.is_alive() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert moment.exists() and child.is_alive(), f"{moment} never came, or too late"
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert child.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("stage", list(STAGES))
def test_a_killed_stage_ends_with_the_same_bytes(models, children, tmp_path, monkeypatch, stage):
    reference = tiny.folder(tmp_path / "reference")
    uninterrupted = STAGES[stage](models, reference, Checkpoints(tmp_path / "reference_work", 1), tiny.silent)
    work = Checkpoints(tmp_path / "work", 1)
    for moment in map(Path, MOMENTS[stage]):
        draft = ModelOut(tmp_path / "lost")
        marker = work.path / moment
        kill_at(children.Process(target=run, args=(stage, models, draft, work, marker)), marker)
    # a checkpoint that was being written when the kill came
    torn = work.path / "checkpoint-900"
    torn.mkdir(parents=True)
    (torn / "model.safetensors").write_bytes(b"half")
    again = tiny.folder(tmp_path / "again")
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / "another store"))  # not the rewards of the first run
    seen: list[tuple[int, str]] = []
    resumed = STAGES[stage](models, again, work, lambda done, total, note: seen.append((done, note)))
    # it went on: no step and no sample of what had been done was done again
    training = [done for done, note in seen if "sampling" not in note]
    assert min(training) > int(moment.parent.name.rpartition("-")[2])
    assert not any("episode 1/2" in note or "start policy" in note for _, note in seen)
    assert tiny.weights(Model(again.path)) == tiny.weights(Model(reference.path))
    assert resumed.metrics == uninterrupted.metrics
    for name, value in uninterrupted._asdict().items():
        if hasattr(value, "frame"):
            assert getattr(resumed, name).frame.equals(value.frame), name
