"""The training repeated: what is finished is not repeated, and the table has every policy of every seed."""

import pytest
import tiny

from cultivar.sandbox import Sandbox
from schemas.errors import ParamsError
from schemas.params.engines import RuntimeParams
from schemas.rows import Instruction, Passage
from schemas.stage import Checkpoints, Files
from train.params import (
    BaseParams,
    DpoParams,
    EvaluateParams,
    OnlineDpoParams,
    RewardParams,
    SeedsParams,
    SftParams,
)
from train.seeds import seeds

FEW = tiny.SHORT | {"max_steps": 2}
BASE = BaseParams(
    **(tiny.OPTIMIZATION | {"max_steps": 2, "vocabulary": 340, "hidden": 32, "heads": 1, "ffn": 64, "block": 64})
)
ONLINE = OnlineDpoParams(**FEW, episodes=1, prompts=3, samples=2, max_new_tokens=4)


def run_seeds(work: Checkpoints, base: BaseParams = BASE, progress=tiny.silent):
    empty = tiny.context(Instruction, []), tiny.context(Passage, [])
    tables = tiny.demonstrations(), tiny.preferences(), tiny.evaluation()
    stage_params = base, SftParams(**FEW), RewardParams(**FEW), DpoParams(**FEW), ONLINE
    with Sandbox(slots=1) as sandbox:
        return seeds(
            tiny.problems(),
            *empty,
            *tables,
            SeedsParams(seeds=[0, 1], optimizers=["adamw", "onties"]),
            *stage_params,
            EvaluateParams(samples=1, max_new_tokens=4),
            RuntimeParams(),
            sandbox,
            Files("seeds", ()),
            work,
            progress,
        )


def test_every_policy_of_every_seed_is_measured_once(tmp_path):
    work = Checkpoints(tmp_path / "work")
    result = run_seeds(work)
    result.seed_results.check()
    frame = result.seed_results.frame
    policies = {"base", "sft", "dpo", "online_dpo_adamw", "online_dpo_onties"}
    assert set(frame["model"]) == policies and set(frame["seed"]) == {0, 1}
    assert {"math_greedy", "constraints_sampled", "kl_to_sft", "heldout_nll"} <= set(frame["metric"])
    nll = result.metrics["base"]["heldout_nll"]
    assert nll["lowest"] < nll["mean"] < nll["highest"], "another seed is another model"
    # a kill within the second seed's last model: what was finished stays, the rest comes out the same
    (work.path / "seed-1/models/online_dpo_onties").rename(work.path / "seed-1/models/.online_dpo_onties.tmp")
    (work.path / "seed-1/models/online_dpo_onties.json").unlink()
    notes: list[str] = []
    again = run_seeds(work, progress=lambda done, total, note: notes.append(note))
    assert again.seed_results.frame.equals(frame)
    assert notes and not any(note.startswith("seed 0") for note in notes)


def test_several_processes_are_refused(tmp_path):
    with pytest.raises(ParamsError, match="one process"):
        run_seeds(Checkpoints(tmp_path), BASE.model_copy(update={"processes": 2}))
