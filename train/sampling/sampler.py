"""Sampling from a policy: k completions of every prompt. Here with Transformers, the same on every run.

A sampler is given each new policy as a checkpoint folder (`sync`), which is what Transformers, vLLM in the process and
vLLM behind HTTP have in common (train/sampling/vllm_sampler.py, train/sampling/http_sampler.py).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from schemas.stage import Model, Progress
from train.sampling.samples import Sample, SampleCache
from train.settings import evaluation_mode, read_model

Prompts = Sequence[Sequence[int]]
"""Token ids of each prompt."""


class SamplingSettings(NamedTuple):
    """How completions are sampled; `temperature` 0 is greedy."""

    samples: int
    temperature: float
    max_new_tokens: int
    seed: int


class Sampler(Protocol):
    """Samples from the policy that it was given last."""

    def sync(self, policy: Path, probes: Prompts) -> None:
        """Take the weights of a folder, and check their log-probabilities on `probes`.

        Raises SyncError where the sampler's differ from the folder's.
        """

    def sample(
        self, prompts: Prompts, settings: SamplingSettings, progress: Progress, cache: SampleCache | None = None
    ) -> list[list[Sample]]:
        """`settings.samples` samples of every prompt; those in `cache` are taken from there, others added to it."""

    def close(self) -> None: ...


class TransformersSampler:
    """The policy in this process; nothing to check, the weights are the folder's."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, batch_size: int, trusted: Sequence[str] = ()):
        self.tokenizer, self.batch_size, self.trusted = tokenizer, batch_size, trusted
        self.model: PreTrainedModel | None = None

    def sync(self, policy: Path, probes: Prompts) -> None:
        self.model = read_model(Model(policy), trusted=self.trusted, on_device=True)

    def sample(
        self, prompts: Prompts, settings: SamplingSettings, progress: Progress, cache: SampleCache | None = None
    ) -> list[list[Sample]]:
        assert self.model is not None, "sync comes first"
        return sample_completions(
            self.model, self.tokenizer, prompts, settings, self.batch_size, progress=progress, cache=cache
        )

    def close(self) -> None:
        self.model = None


def sample_completions(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Prompts,
    settings: SamplingSettings,
    batch_size: int,
    *,
    progress: Progress = lambda done, total, note: None,
    cache: SampleCache | None = None,
) -> list[list[Sample]]:
    """`settings.samples` samples of every prompt, in the order of the prompts; `batch_size` counts samples.

    Batches are of prompts sorted by length; each has a seed of its own, and goes to `cache` when it is done. The global
    generators are as they were afterwards, so sampling more or less changes no training.
    """
    cache = cache or SampleCache()
    by_length = sorted(range(len(prompts)), key=lambda position: (len(prompts[position]), position))
    per_batch = max(1, batch_size // settings.samples)
    device = next(model.parameters()).device
    with evaluation_mode(model), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for number, first in enumerate(range(0, len(by_length), per_batch)):
            batch = by_length[first : first + per_batch]
            if all(position in cache.samples for position in batch):
                continue
            torch.manual_seed(settings.seed * 100_003 + number)
            completions = generate(model, tokenizer, [prompts[position] for position in batch], settings)
            cache.add(dict(zip(batch, completions, strict=True)))
            progress(first + len(batch), len(by_length), "sampled")
    return cache.in_order(len(prompts))


def generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompts: Prompts, settings: SamplingSettings
) -> list[list[Sample]]:
    """One batch of left-padded prompts, with the global generator as it stands."""
    width = max(len(prompt) for prompt in prompts)
    ids = torch.full((len(prompts), width), tokenizer.pad_token_id, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.tensor(prompt)
        mask[row, width - len(prompt) :] = 1
    greedy: dict[str, Any] = {"do_sample": False}
    sampled = {"do_sample": True, "temperature": settings.temperature, "top_k": 0, "top_p": 1.0}
    device = next(model.parameters()).device
    # (prompts · samples) × tokens, the samples of a prompt side by side
    tokens = cast(Any, model).generate(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        max_new_tokens=settings.max_new_tokens,
        num_return_sequences=settings.samples,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **(sampled if settings.temperature else greedy),
    )[:, width:]
    samples = [cut_at_stop(tokenizer, row) for row in tokens.tolist()]
    return [samples[first : first + settings.samples] for first in range(0, len(samples), settings.samples)]


def cut_at_stop(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> Sample:
    """The tokens before the stop token; all of them where there is none."""
    finished = tokenizer.eos_token_id in tokens
    ids = tokens[: tokens.index(tokenizer.eos_token_id)] if finished else tokens
    return Sample(ids, str(tokenizer.decode(ids, skip_special_tokens=True)), finished)
