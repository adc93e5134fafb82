"""sft: supervised fine-tuning on D (Qwen2 report, section 4.3) with TRL's SFTTrainer.

Only what the assistant says in the completion carries loss, stop token included. Decay 0.1, clip 1.0, and a schedule
whose last used rate is the floor exactly. Rows longer than `max_length` are left out and counted, never cut.
"""

from typing import Any, NamedTuple

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from schemas.rows import FinalDemonstration
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train import tokenized as rows
from train.params import SftParams
from train.progress import Record
from train.resume import train
from train.settings import arguments, read_model, read_tokenizer, save, start


class SftOut(NamedTuple):
    loss: Plot
    metrics: dict[str, Any]


def sft(
    demonstrations: Context[FinalDemonstration],
    base: Model,
    params: SftParams,
    sft: ModelOut,
    checkpoints: Checkpoints,
    progress: Progress,
) -> SftOut:
    """Train on the rows of D's train split. Raises TooManyOverlong where too many rows are too long."""
    start(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(base, params.trusted)
    model = read_model(base, trusted=params.trusted, attention=params.attention)
    chosen = [row for row in demonstrations if row.split == "train"]
    taken = rows.demonstrations(chosen, tokenizer, params.max_length, params.overlong_share, "sft")
    record = Record(progress)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **arguments(params, checkpoints),
            max_length=params.max_length,
            packing=params.packing,
            packing_strategy="bfd",
            completion_only_loss=False,  # the labels say which tokens carry loss
            shuffle_dataset=False,
            pad_to_multiple_of=params.multiple_of,
        ),
        train_dataset=taken.dataset,
        processing_class=tokenizer,
        callbacks=[record],
    )
    # packing makes fewer, longer rows
    assert isinstance(trainer.train_dataset, Dataset)
    record.tokens_per_step = params.batch_size * params.accumulation * taken.tokens / trainer.train_dataset.num_rows
    train(trainer)
    save(trainer, tokenizer, sft.path)
    metrics = {
        "demonstrations": len(taken.ids),
        "overlong": taken.overlong,
        "tokens": taken.tokens,
        "steps": trainer.state.global_step,
        "loss": record.last("loss"),
    }
    return SftOut(record.plot(), metrics)
