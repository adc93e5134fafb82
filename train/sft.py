"""sft: supervised fine-tuning on D (Qwen2 report, section 4.2) with TRL's SFTTrainer.

Only the assistant's turns carry loss (`turns`), stop tokens and calls included. Decay 0.1, clip 1.0, and a schedule
whose last used rate is the floor exactly. Rows longer than `max_length`, and those that the model's chat template cannot
render, are left out and counted, never cut.
"""

from typing import Any, NamedTuple

from datasets import Dataset
from trl import SFTConfig, SFTTrainer

from schemas.rows import FinalDemonstration
from schemas.stage import Checkpoints, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train.params import SftParams
from train.progress import TrainingLog
from train.resume import train_resumably
from train.settings import read_model, read_tokenizer, save_model, set_up_process, training_arguments
from train.tokenized import LengthLimit, tokenize_demonstrations
from train.turns import Loss


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
    """Train on the rows of D's train split. Raises TooManyLeftOut where too many rows cannot be taken."""
    set_up_process(params.seed, params.launch == "cpu")
    tokenizer = read_tokenizer(base, params.trusted)
    model = read_model(base, trusted=params.trusted, attention=params.attention)
    limit = LengthLimit(params.max_length, params.overlong_share, "sft")
    train_rows = (row for row in demonstrations if row.split == "train")
    rows = tokenize_demonstrations(train_rows, tokenizer, limit, Loss(params.turns, params.reasoning))
    log = TrainingLog(progress)
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            **training_arguments(params, checkpoints),
            max_length=params.max_length,
            packing=params.packing,
            packing_strategy="bfd",
            completion_only_loss=False,  # the labels say which tokens carry loss
            shuffle_dataset=False,
            pad_to_multiple_of=params.pad_to_multiple_of,
        ),
        train_dataset=rows.dataset,
        processing_class=tokenizer,
        callbacks=[log],
    )
    assert isinstance(trainer.train_dataset, Dataset)
    # packing makes fewer, longer rows
    log.tokens_per_step = params.batch_size * params.accumulation * rows.tokens / trainer.train_dataset.num_rows
    train_resumably(trainer)
    save_model(trainer, tokenizer, sft.path)
    metrics = {
        "demonstrations": len(rows.ids),
        "overlong": rows.overlong,
        "refused": rows.refused,
        "broken_markup": rows.broken,
        "texts": rows.dataset.num_rows,
        "tokens": rows.tokens,
        "steps": trainer.state.global_step,
        "loss": log.recent_mean("loss"),
    }
    return SftOut(log.to_plot(), metrics)
