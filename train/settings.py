"""Settings that every training stage gives its trainer: none of the libraries' defaults is relied on."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import torch
import transformers
from transformers import AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase, Trainer, set_seed

from schemas.stage import Checkpoints, Model
from train.launch import TIMEOUT_S, device, init_processes, is_main_process
from train.params import Optimization


def silence_libraries() -> None:
    """Let libraries log warnings and errors only; the runner draws the one progress bar."""
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    os.environ.setdefault("TQDM_DISABLE", "1")  # TRL's own bars; the runner's is given its setting


def set_up_process(seed: int, on_cpu: bool = False) -> None:
    """Join the other processes, seed every generator and set the number of threads.

    Threads: OMP_NUM_THREADS or one (two spinning threads on busy cores are far slower).
    """
    silence_libraries()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    init_processes(on_cpu)
    set_seed(seed)


def training_arguments(optimization: Optimization, checkpoints: Checkpoints) -> dict[str, Any]:
    """Keyword arguments of a TrainingArguments class.

    The schedule is `cosine_warmup_with_min_lr`: a cosine whose last used rate is the floor exactly.
    """
    on_cpu = optimization.launch == "cpu"
    return {
        "output_dir": str(checkpoints.path),
        "per_device_train_batch_size": optimization.batch_size // optimization.data_parallel_size,
        "gradient_accumulation_steps": optimization.accumulation,
        "num_train_epochs": optimization.epochs,
        "max_steps": optimization.max_steps or -1,
        "learning_rate": optimization.learning_rate,
        "lr_scheduler_type": "cosine_warmup_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr": optimization.floor},
        "warmup_steps": optimization.warmup_steps,
        "weight_decay": optimization.weight_decay,
        "adam_beta1": optimization.beta1,
        "adam_beta2": optimization.beta2,
        "adam_epsilon": optimization.epsilon,
        "max_grad_norm": optimization.clip,
        "optim": "adamw_torch" if on_cpu else "adamw_torch_fused",
        "bf16": optimization.bf16,
        "fp16": False,
        "tf32": None,
        "use_cpu": on_cpu,
        "ddp_backend": "gloo" if on_cpu and optimization.processes > 1 else None,
        "ddp_timeout": TIMEOUT_S,
        "ddp_find_unused_parameters": False,
        "gradient_checkpointing": optimization.gradient_checkpointing,
        "seed": optimization.seed,
        "data_seed": optimization.seed,
        "logging_steps": optimization.logging_steps,
        "logging_first_step": True,
        "save_strategy": "steps",
        "save_steps": checkpoints.steps,
        "save_total_limit": 2,
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_num_workers": 0,
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
    }


def is_trusted(model: Model, trusted: Iterable[str]) -> bool:
    """Whether params name this model as one whose own Python code may run."""
    return bool({str(model.path), model.path.name} & set(trusted))


def read_tokenizer(model: Model, trusted: Iterable[str] = ()) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder; code in the folder runs only where params name the model."""
    return AutoTokenizer.from_pretrained(
        model.path, trust_remote_code=is_trusted(model, trusted), local_files_only=True
    )


def read_model(
    model: Model,
    *,
    model_class: Any = transformers.AutoModelForCausalLM,
    trusted: Iterable[str] = (),
    attention: str = "sdpa",
    on_device: bool = False,
    **config: Any,
) -> PreTrainedModel:
    """The model of a folder in fp32 master weights, from safetensors only; on this process's device with `on_device`.

    Code in the folder runs only where params name the model. `config`: values that replace those of its config.
    """
    loaded = model_class.from_pretrained(
        model.path,
        dtype=torch.float32,
        use_safetensors=True,
        trust_remote_code=is_trusted(model, trusted),
        local_files_only=True,
        attn_implementation=attention,
        **config,
    )
    # a path in the config would make equal models differ in their bytes, and DPOTrainer reload from it
    loaded.config._name_or_path = ""
    if on_device:
        loaded.to(device())
    return loaded


def save_model(trainer: Trainer, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write config, safetensors, generation config and tokenizer: gathered from all processes, written by the main one."""
    model = trainer.accelerator.unwrap_model(trainer.model)
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) if sharded else None
    if is_main_process():
        model.save_pretrained(folder, state_dict=weights)
        tokenizer.save_pretrained(folder)
    trainer.accelerator.wait_for_everyone()


@contextmanager
def evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    """The model in evaluation mode, without gradients; its mode is restored."""
    before = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(before)
