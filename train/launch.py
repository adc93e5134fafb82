"""Starting the processes of a training stage through `accelerate launch`, with a config of train/accelerate.

The stage's command stays `python -m cultivar.runner sft`. Where params ask for more than one CPU process, or for
GPUs, that process becomes `accelerate launch … -m cultivar.runner sft`, and each process it starts runs the stage: the
main process (rank 0) binds, writes and prints, the others only train. One CPU process needs no launcher: it sets the
config's environment variables itself, as `accelerate launch` would.
"""

import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.commands.config.config_args import load_config_from_file

from schemas.errors import ParamsError
from train.params import SEQUENCE_PARALLEL, Optimization

CONFIGS = Path(__file__).parent / "accelerate"
TIMEOUT_S = 6 * 3600
"""Seconds that a process waits for another: the main process may sample for a long time."""


class LaunchError(ParamsError):
    """A launch that this machine cannot do."""


def enter(params: Optimization, threads: int, flags: Sequence[str], arguments: Sequence[str]) -> int:
    """The rank of this process; starts the others first where params want them (then it does not return).

    `threads`: CPU threads of each process, unless OMP_NUM_THREADS says so. `flags`: more flags for accelerate.
    `arguments`: of the runner. Raises LaunchError.
    """
    if "LOCAL_RANK" in os.environ:  # started by the launcher
        return int(os.environ["RANK"])
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    config = CONFIGS / f"{params.launch}.yaml"
    if params.launch != "cpu" or params.processes > 1:
        command = launch_command(params, config, flags, arguments)
        sys.stdout.flush()
        os.execv(command[0], command)
    settings = load_config_from_file(str(config))
    os.environ["ACCELERATE_USE_CPU"] = str(settings.use_cpu)
    os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16" if params.bf16 else "no"
    return 0


def init_processes(on_cpu: bool) -> None:
    """Join the other processes of the launch, where there are any."""
    settings: dict[str, Any] = {}
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        settings = {"timeout": timedelta(seconds=TIMEOUT_S)} | ({"backend": "gloo"} if on_cpu else {})
    PartialState(cpu=on_cpu, **settings)


def device() -> torch.device:
    """This process's device: its GPU, or the CPU where the stage was launched on CPUs or there is no GPU."""
    return PartialState().device


def is_main_process() -> bool:
    """Whether this process (rank 0) is the one that writes."""
    return PartialState().is_main_process


def launch_command(params: Optimization, config: Path, flags: Sequence[str], arguments: Sequence[str]) -> list[str]:
    """The command line. Raises LaunchError where a GPU is wanted and there is none: accelerate would run DDP instead."""
    if params.launch != "cpu" and not torch.cuda.is_available():
        raise LaunchError(
            f"launch: {params.launch} needs GPUs and PyTorch sees none here; set launch to cpu "
            "(accelerate would quietly run something else)"
        )
    parallelism: list[str] = []
    if params.launch in SEQUENCE_PARALLEL:
        kind = {"cp": "cp", "ulysses": "sp"}[params.launch]
        parallelism = [f"--parallelism_config_{kind}_size", str(params.processes)]
    return [
        *(sys.executable, "-m", "accelerate.commands.launch", "--config_file", str(config)),
        *("--num_processes", str(params.processes), "--main_process_port", "0"),
        *("--mixed_precision", "bf16" if params.bf16 else "no"),
        *("--num_cpu_threads_per_process", os.environ["OMP_NUM_THREADS"]),
        *parallelism,
        *flags,
        *("-m", "cultivar.runner", *arguments),
    ]
