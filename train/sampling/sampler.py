"""Sampling from a policy: k completions of every prompt. Here with Transformers, the same on every run.

A sampler is given each new policy as a checkpoint folder (`sync`), which is what Transformers, vLLM in the process and
vLLM behind HTTP have in common (train/sampling/vllm_sampler.py, train/sampling/http_sampler.py).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from schemas.stage import Model
from train.sampling.samples import Kept, Sample
from train.settings import evaluating, read_model

Shown = Callable[[int, int, str], None]


class Drawing(NamedTuple):
    """How completions are drawn; `temperature` 0 is greedy."""

    samples: int
    temperature: float
    max_new_tokens: int
    seed: int


class Sampler(Protocol):
    """Samples from the policy that it was given last."""

    def sync(self, policy: Path, probes: Sequence[Sequence[int]]) -> None:
        """Take the weights of a folder, and check their log-probabilities on `probes` (prompts' ids).

        Raises SyncError where the sampler's differ from the folder's.
        """

    def sample(
        self, prompts: Sequence[Sequence[int]], drawing: Drawing, shown: Shown, kept: Kept | None = None
    ) -> list[list[Sample]]:
        """`drawing.samples` samples of every prompt (ids); those in `kept` are taken from there, others added."""

    def close(self) -> None: ...


class TransformersSampler:
    """The policy in this process; nothing to check, the weights are the folder's."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, batch_size: int, trusted: Sequence[str] = ()):
        self.tokenizer, self.batch_size, self.trusted = tokenizer, batch_size, trusted
        self.model: PreTrainedModel | None = None

    def sync(self, policy: Path, probes: Sequence[Sequence[int]]) -> None:
        self.model = read_model(Model(policy), trusted=self.trusted, place=True)

    def sample(
        self, prompts: Sequence[Sequence[int]], drawing: Drawing, shown: Shown, kept: Kept | None = None
    ) -> list[list[Sample]]:
        assert self.model is not None, "sync comes first"
        return sample(self.model, self.tokenizer, prompts, *drawing[:3], self.batch_size, drawing.seed, shown, kept)

    def close(self) -> None:
        self.model = None


def sample(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    count: int,
    temperature: float,
    max_new_tokens: int,
    batch_size: int,
    seed: int,
    shown: Shown = lambda done, total, note: None,
    kept: Kept | None = None,
) -> list[list[Sample]]:
    """`count` samples of every prompt (ids); temperature 0 is greedy.

    Batches are of prompts sorted by length, left-padded; each has a seed of its own, and goes to `kept` when it is done.
    The global generators are as they were afterwards, so sampling more or less changes no training.
    """
    order = sorted(range(len(prompts)), key=lambda at: (len(prompts[at]), at))
    per_batch = max(1, batch_size // count)
    kept = kept or Kept()
    where = next(model.parameters()).device
    with evaluating(model), torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        for number, first in enumerate(range(0, len(order), per_batch)):
            chosen = order[first : first + per_batch]
            if all(at in kept.held for at in chosen):
                continue
            width = max(len(prompts[at]) for at in chosen)
            ids = torch.full((len(chosen), width), tokenizer.pad_token_id, dtype=torch.long)
            mask = torch.zeros_like(ids)
            for line, at in enumerate(chosen):
                ids[line, width - len(prompts[at]) :] = torch.tensor(prompts[at])
                mask[line, width - len(prompts[at]) :] = 1
            torch.manual_seed(seed * 100_003 + number)
            drawing = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
            made = (
                cast(Any, model)
                .generate(
                    input_ids=ids.to(where),
                    attention_mask=mask.to(where),
                    max_new_tokens=max_new_tokens,
                    num_return_sequences=count,
                    pad_token_id=tokenizer.pad_token_id,
                    eos_token_id=tokenizer.eos_token_id,
                    **(drawing or {"do_sample": False}),
                )[:, width:]
                .tolist()
            )
            said = [cut(tokenizer, tokens) for tokens in made]
            kept.add({at: said[line * count : (line + 1) * count] for line, at in enumerate(chosen)})
            shown(first + len(chosen), len(order), "sampled")
    return [kept.held[at] for at in range(len(prompts))]


def cut(tokenizer: PreTrainedTokenizerBase, tokens: list[int]) -> Sample:
    """Tokens up to the stop token."""
    finished = tokenizer.eos_token_id in tokens
    ids = tokens[: tokens.index(tokenizer.eos_token_id)] if finished else tokens
    return Sample(ids, str(tokenizer.decode(ids, skip_special_tokens=True)), finished)
