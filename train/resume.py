"""Training that a kill at any moment costs only the steps since its last checkpoint.

A checkpoint counts once it is marked, and it is marked when every process has written its part. Two stay on disk, so
there is always a marked one while the next is written. On CPUs a resumed run ends with the bytes of an uninterrupted
one: weights, moments, schedule, generators and the position in the data are restored.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from accelerate import PartialState
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

MARK = "complete"


class CheckpointMarker(TrainerCallback):
    """Marks every checkpoint once it is complete and on disk."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        PartialState().wait_for_everyone()
        folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
        if state.is_world_process_zero:
            for file in (path for path in folder.rglob("*") if path.is_file()):
                with file.open("rb") as handle:
                    os.fsync(handle.fileno())
            (folder / MARK).touch()


def train_resumably(trainer: Trainer) -> None:
    """Train to the end, from the last complete checkpoint in the trainer's output folder where there is one."""
    checkpoint = last_checkpoint(Path(str(trainer.args.output_dir)))
    trainer.remove_callback(PrinterCallback)  # the runner's progress bar shows it
    trainer.add_callback(CheckpointMarker())
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


def last_checkpoint(folder: Path) -> Path | None:
    """The last complete checkpoint. Unfinished ones are removed."""
    state = PartialState()
    if state.is_main_process:
        for path in folder.glob("checkpoint-*"):
            if not (path / MARK).exists():
                shutil.rmtree(path)
    state.wait_for_everyone()
    return max(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), default=None)
