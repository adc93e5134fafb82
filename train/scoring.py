"""Raw rewards of token sequences: through Transformers, or through vLLM's pooling."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from schemas.stage import Model
from train.settings import evaluating, read_model


class Scorer(Protocol):
    """Gives each sequence of token ids (prompt, completion, stop token) its raw, unbounded reward."""

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]: ...


def open_scorer(kind: str, reward: Model, pad: int, arguments: dict[str, Any], trusted: Sequence[str] = ()) -> Scorer:
    """`kind` transformers or vllm; `arguments`: vLLM's engine arguments (runtime.vllm)."""
    if kind == "vllm":
        return VllmScorer(reward.path, arguments)
    return TransformersScorer(reward, pad, trusted)


class TransformersScorer:
    """The reward model in this process."""

    def __init__(self, reward: Model, pad: int, trusted: Sequence[str] = ()):
        self.model = read_model(reward, AutoModelForSequenceClassification, trusted, place=True)
        self.pad = pad

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        return score(self.model, sequences, self.pad)


class VllmScorer:
    """vLLM as a pooling engine. Its default puts a sigmoid on one label; the raw value is asked for."""

    def __init__(self, folder: Path, arguments: dict[str, Any]):
        from train.vllm_sampler import engine  # vLLM is an optional extra

        self.engine = engine(folder, arguments, runner="pooling")

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        from vllm import PoolingParams

        outputs = self.engine.classify(
            [{"prompt_token_ids": list(ids)} for ids in sequences],
            pooling_params=PoolingParams(use_activation=False),
            use_tqdm=False,
        )
        return [float(output.outputs.probs[0]) for output in outputs]


def score(model: PreTrainedModel, sequences: Sequence[Sequence[int]], pad: int, batch_size: int = 256) -> list[float]:
    """The raw reward of each sequence of token ids; right-padded batches, longest first, results in the given order."""
    by_length = sorted(range(len(sequences)), key=lambda at: (-len(sequences[at]), at))
    scores = [0.0] * len(sequences)
    where = next(model.parameters()).device
    with evaluating(model):
        for first in range(0, len(by_length), batch_size):
            chosen = by_length[first : first + batch_size]
            width = len(sequences[chosen[0]])
            ids = torch.full((len(chosen), width), pad, dtype=torch.long)
            mask = torch.zeros_like(ids)
            for line, at in enumerate(chosen):
                ids[line, : len(sequences[at])] = torch.tensor(sequences[at])
                mask[line, : len(sequences[at])] = 1
            logits = model(input_ids=ids.to(where), attention_mask=mask.to(where)).logits[:, 0].float()
            for at, value in zip(chosen, logits.tolist(), strict=True):
                scores[at] = value
    return scores
