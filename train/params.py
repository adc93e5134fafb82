"""Parameters of base, sft, reward, dpo, online_dpo, evaluate and seeds."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.params.base import Count, Positive, Rate, Section
from schemas.params.engines import EngineArguments
from train.turns import Reasoning, Turns

Above0 = Annotated[float, Field(gt=0)]
AtLeast0 = Annotated[float, Field(ge=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Loss = Literal[
    "sigmoid",
    "hinge",
    "ipo",
    "exo_pair",
    "nca_pair",
    "robust",
    "bco_pair",
    "sppo_hard",
    "aot",
    "aot_unpaired",
    "apo_zero",
    "apo_down",
    "discopop",
    "sft",
    "sigmoid_norm",
]
"""TRL's names of DPO losses."""
Launch = Literal["cpu", "ddp", "fsdp2", "zero3", "cp", "ulysses"]
SEQUENCE_PARALLEL = ("cp", "ulysses")
"""Launches whose processes share each row; in the others each process has rows of its own."""


class ModelLoading(Section):
    """How a stage loads the models that it reads."""

    trusted: list[str] = Field(default=[], description="models (by folder name or path) whose own Python code may run")
    attention: str = Field(default="sdpa", description="attention implementation, as Transformers names it")


class Optimization(ModelLoading):
    """AdamW and its schedule: a cosine from `learning_rate` whose last used rate is `floor` exactly.

    `launch` names the config in train/accelerate and `processes` how many there are of them: both change the last bits
    of a result, so they are parameters. `batch_size` counts the rows of all processes together. Where rows do not
    divide by it, several processes see a few rows twice at the end of an epoch (accelerate's even batches).
    """

    launch: Launch = "cpu"
    processes: Positive = 1
    seed: Count = 0
    epochs: Above0 = 1.0
    max_steps: Count = Field(default=0, description="0: as many as the epochs need")
    batch_size: Positive = 16
    accumulation: Positive = 1
    learning_rate: Above0 = 1e-3
    floor: AtLeast0 = 1e-4
    warmup_steps: Count = 0
    weight_decay: AtLeast0 = 0.1
    beta1: Beta = 0.9
    beta2: Beta = 0.999
    epsilon: Above0 = 1e-8
    clip: Above0 = 1.0
    bf16: bool = False
    gradient_checkpointing: bool = False
    logging_steps: Positive = 10

    @model_validator(mode="after")
    def check_floor(self) -> "Optimization":
        if self.floor > self.learning_rate:
            raise ValueError(f"floor {self.floor} is above learning_rate {self.learning_rate}")
        return self

    @model_validator(mode="after")
    def check_batch_size(self) -> "Optimization":
        if self.batch_size % self.data_parallel_size:
            raise ValueError(f"batch_size {self.batch_size} does not divide by processes {self.processes}")
        return self

    @property
    def data_parallel_size(self) -> int:
        """Processes that have rows of their own, where others share them."""
        return 1 if self.launch in SEQUENCE_PARALLEL else self.processes

    @property
    def pad_to_multiple_of(self) -> int | None:
        """What the length of a batch must be a multiple of, where processes share rows; None: any length."""
        return 2 * self.processes if self.launch in SEQUENCE_PARALLEL else None


class LengthLimits(Optimization):
    """How long a row may be. Longer rows are left out and counted; more than `overlong_share` of them is an error."""

    max_length: Positive = 256
    overlong_share: Rate = 0.02


class BaseParams(Optimization):
    """The stand-in for a pretrained model: a tiny Qwen2 with its own tokenizer; `pretrained` takes a real one instead."""

    pretrained: str = Field(default="", description="folder of a pretrained Qwen2 model; empty: train from scratch")
    vocabulary: Annotated[int, Field(ge=300)] = 800
    hidden: Positive = 64
    layers: Positive = 2
    heads: Positive = 2
    kv_heads: Positive = 1
    ffn: Positive = 192
    positions: Positive = 1024
    initializer_range: Above0 = 0.08
    block: Positive = 128
    other_share: Annotated[float, Field(ge=0, lt=1)] = 0.1


class SftParams(LengthLimits):
    """Supervised fine-tuning on D (Qwen2 report, section 4.2)."""

    packing: bool = True
    turns: Turns = Field(
        default="all", description="the assistant's turns that carry loss: all, or last (the completion)"
    )
    reasoning: Reasoning = Field(
        default="train", description="of these turns: trained on, there without loss, or removed"
    )

    @model_validator(mode="after")
    def check_packing(self) -> "SftParams":
        if self.packing and self.launch == "cp":
            raise ValueError("launch cp needs packing false: ring attention knows no borders between packed rows")
        return self


class RewardParams(LengthLimits):
    """The reward model on P: a sequence classifier from the SFT model."""

    center: AtLeast0 = 0.01
    reasoning: Literal["train", "remove"] = Field(default="train", description="whether it is a part of what is scored")


class PreferenceOptimization(LengthLimits):
    """What offline and online DPO share: losses with weights, and β (Rafailov et al. 2023)."""

    losses: Annotated[list[Loss], Field(min_length=1)] = ["sigmoid"]
    loss_weights: list[AtLeast0] = [1.0]
    beta: Above0 = 0.1
    precompute_reference: bool = Field(default=True, description="the reference's log-probabilities once, beforehand")
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0

    @model_validator(mode="after")
    def check_loss_weights(self) -> "PreferenceOptimization":
        if len(self.losses) != len(self.loss_weights):
            raise ValueError(f"{len(self.losses)} losses but {len(self.loss_weights)} loss_weights")
        return self


class DpoParams(PreferenceOptimization):
    """Offline DPO on P; `pairs` 0 takes all."""

    pairs: Count = 0
    reasoning: Reasoning = Field(default="train", description="of completions: counted, there uncounted, or removed")


class StopLimits(Section):
    """Signals of reward hacking beyond which online DPO goes back to the last good policy; null: no limit."""

    max_kl: Above0 | None = Field(
        default=None, description="nats a completion, its stop token too, policy against start"
    )
    max_length_ratio: Above0 | None = Field(default=None, description="mean completion tokens over the first episode's")
    min_finished: Rate | None = Field(default=None, description="share of completions that end by themselves")
    max_tie_share: Rate | None = Field(default=None, description="share of prompts without a pair")


class OnlineDpoParams(PreferenceOptimization):
    """Online DPO: episodes of sampling, scoring, pairing and training with a merging optimizer."""

    optimizer: Literal["ondare", "onties", "adamw"] = "ondare"
    semantics: Literal["released", "paper"] = "released"
    reserve: Annotated[float, Field(gt=0, le=1)] = 0.01
    alpha: Rate = 1e-7
    step_k: Positive = 1
    optimizer_state: Literal["fresh", "kept"] = Field(default="fresh", description="Adam's moments at a new episode")
    episodes: Positive = 6
    prompts: Positive = 128
    samples: Annotated[int, Field(ge=2)] = 8
    sampler: Literal["transformers", "vllm", "http"] = "transformers"
    scorer: Literal["transformers", "vllm"] = "transformers"
    vllm: EngineArguments = {}
    temperature: Above0 = 1.0
    max_new_tokens: Positive = 64
    thinking: bool = Field(default=False, description="completions may begin with reasoning, where the template asks")
    generation_batch: Positive = 256
    tie: AtLeast0 = Field(default=0.0, description="rewards at most this far apart are equal")
    margin: AtLeast0 = Field(default=0.0, description="least difference of a pair's rewards")
    max_length_ratio: Above0 | None = Field(default=None, description="of a pair's texts, longer over shorter")
    reference: Literal["fixed", "episode"] = "fixed"
    start: Literal["dpo", "sft"] = "dpo"
    precompute_reference: bool = False
    stop: StopLimits = StopLimits()

    @model_validator(mode="after")
    def check_optimizer(self) -> "OnlineDpoParams":
        if self.optimizer_state == "kept" and self.launch not in ("cpu", "ddp"):
            raise ValueError(f"optimizer_state kept needs launch cpu or ddp, not {self.launch}: the state is sharded")
        if self.launch in ("zero3", "ulysses") and self.optimizer != "adamw":
            raise ValueError(f"launch {self.launch} takes optimizer adamw only: DeepSpeed flattens the parameters")
        return self


class EvaluateParams(ModelLoading):
    """Held-out tasks of one model."""

    seed: Count = 0
    samples: Count = 8
    temperature: Above0 = 0.8
    max_new_tokens: Positive = 64
    thinking: bool = Field(default=False, description="completions may begin with reasoning, where the template asks")
    reasoning: Reasoning = Field(default="train", description="of held-out D, as in sft")
    batch_size: Positive = 256
    items: Count = Field(default=0, description="items of each task; 0: all")
    demonstrations: Count = 200
    kl_items: Count = Field(
        default=100, description="items of which one completion at temperature 1 is compared with SFT's"
    )
    scorer: Literal["transformers", "vllm"] = "transformers"
    vllm: EngineArguments = {}
    harness_tasks: list[str] = Field(default=[], description="tasks of `harness_folder` for lm-eval-harness")
    harness_folder: str = Field(default="", description="YAML and data of these tasks; list it among evaluate's deps")
    max_length: Positive = 256
    confidence: Annotated[float, Field(gt=0, lt=1)] = 0.95


class SeedsParams(Section):
    """The training repeated with several seeds and every optimizer; an empty list repeats nothing."""

    seeds: list[Count] = []
    optimizers: list[Literal["adamw", "ondare", "onties"]] = ["adamw", "ondare", "onties"]
