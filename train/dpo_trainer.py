"""TRL's DPOTrainer as this project uses it, offline and in every episode of online DPO."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import DPOConfig, DPOTrainer

from schemas.stage import Checkpoints
from train.launch import is_main_process
from train.params import PreferenceOptimization
from train.settings import training_arguments

OptimizerFactory = Callable[[torch.nn.Module], torch.optim.Optimizer]


class PreferenceTrainer(DPOTrainer):
    """DPOTrainer over rows that are token ids already, with an optimizer of our choice.

    The reference is always given: left out, DPOTrainer would read it again from the folder in the policy's config.
    """

    def __init__(
        self,
        *args: Any,
        optimizer_factory: OptimizerFactory | None = None,
        moments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        """`moments`: `state` of an earlier optimizer's state_dict, to go on with."""
        self.optimizer_factory, self.moments = optimizer_factory, moments
        super().__init__(*args, **kwargs)

    def _prepare_dataset(self, dataset: Dataset, *args: Any, **kwargs: Any) -> Dataset:
        return dataset

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:
        """The one place that works for DPO with and without sharding."""
        if self.optimizer is not None:
            return self.optimizer
        if self.optimizer_factory is None:
            optimizer = super().create_optimizer(model) if model is not None else super().create_optimizer()
        else:
            optimizer = self.optimizer = self.optimizer_factory(cast(torch.nn.Module, model or self.model))
        if self.moments is not None:
            optimizer.load_state_dict({"state": self.moments, "param_groups": optimizer.state_dict()["param_groups"]})
        return optimizer


def share_on_disk(rows: Dataset, folder: Path) -> Dataset:
    """The rows, read from a folder that all processes see: TRL caches the reference's log-probabilities beside them.

    (For rows in memory every process would look for that cache in a temporary folder of its own.)
    """
    if is_main_process() and not folder.is_dir():
        draft = folder.with_name(f".{folder.name}.tmp")
        rows.save_to_disk(draft)
        draft.rename(folder)
    PartialState().wait_for_everyone()
    return Dataset.load_from_disk(folder)


def preference_trainer(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    params: PreferenceOptimization,
    checkpoints: Checkpoints,
    *,
    callbacks: list[TrainerCallback],
    optimizer_factory: OptimizerFactory | None = None,
    moments: dict[str, Any] | None = None,
) -> PreferenceTrainer:
    """A trainer of `policy` on pairs (`prompt_ids`, `chosen_ids`, `rejected_ids`) against `reference`.

    `optimizer_factory`: creates the optimizer; None: AdamW. `moments`: of an earlier optimizer, to go on with.
    """
    if params.precompute_reference:
        dataset = share_on_disk(dataset, checkpoints.path / "pairs")
    return PreferenceTrainer(
        model=policy,
        ref_model=reference,
        args=DPOConfig(
            **training_arguments(params, checkpoints),
            max_length=params.max_length,
            beta=params.beta,
            loss_type=list(params.losses),
            loss_weights=list(params.loss_weights),
            label_smoothing=params.label_smoothing,
            precompute_ref_log_probs=params.precompute_reference,
            precompute_ref_batch_size=max(1, params.batch_size // params.data_parallel_size),
            disable_dropout=True,
        ),
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=callbacks,
        optimizer_factory=optimizer_factory,
        moments=moments,
    )
