"""TRL's DPOTrainer as this project uses it, offline and in every episode of online DPO."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from schemas.stage import Checkpoints
from train.launch import is_main_process
from train.params import PreferenceOptimization
from train.settings import training_arguments

OptimizerFactory = Callable[[torch.nn.Module], torch.optim.Optimizer]


class MaskedPairs(DataCollatorForPreference):
    """TRL's batches of pairs, with the tokens of a completion that the assistant has not written left out of the loss.

    (TRL counts every token of a completion: what a tool returned would be learned as well.)
    """

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch = super().torch_call(examples)
        masks = [
            torch.tensor([0] * len(example["prompt_ids"]) + example[side])
            for side in ("chosen_mask", "rejected_mask")
            for example in examples
        ]
        width = batch["input_ids"].shape[1]
        assert max(map(len, masks)) <= width, "TRL has cut a pair"
        counted = torch.zeros_like(batch["completion_mask"])
        for row, mask in zip(counted, masks, strict=True):
            row[: len(mask)] = mask
        batch["completion_mask"] = counted
        return batch


def masked_pairs(policy: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> MaskedPairs:
    """The collator, with the pad token set where TRL sets it for its own."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    for config in (policy.config.get_text_config(), policy.generation_config):
        if config is not None:
            config.pad_token_id = tokenizer.pad_token_id
    return MaskedPairs(pad_token_id=tokenizer.pad_token_id)


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
    """A trainer of `policy` on pairs (`prompt_ids`, `chosen_ids`, `rejected_ids` and their masks) against `reference`.

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
        data_collator=masked_pairs(policy, tokenizer),
        callbacks=callbacks,
        optimizer_factory=optimizer_factory,
        moments=moments,
    )
