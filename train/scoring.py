"""Raw rewards of token sequences: through Transformers, or through vLLM's pooling. They are remembered in the store."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from cultivar.store.memo import Row, cached_rows, hash_folder, work_key
from cultivar.store.store import Store, store_folder
from schemas.params.engines import RuntimeParams, identity
from schemas.stage import Model
from train.params import EvaluateParams, OnlineDpoParams
from train.settings import evaluating, read_model

KIND = "rewards"
AT_ONCE = 4096
"""Sequences scored together; a kill costs no more."""


class Scorer(Protocol):
    """Gives each sequence of token ids (prompt, completion, stop token) its raw, unbounded reward."""

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]: ...


def open_scorer(params: EvaluateParams | OnlineDpoParams, reward: Model, pad: int, runtime: RuntimeParams) -> Scorer:
    """The scorer that `params` name. The model is loaded once a sequence has no remembered reward."""
    decisive = identity(params.vllm) if params.scorer == "vllm" else {}

    def opened() -> Scorer:
        if params.scorer == "vllm":
            return VllmScorer(reward.path, {**runtime.vllm, **params.vllm})
        return TransformersScorer(reward, pad, params.trusted)

    store = Store(store_folder(runtime.store), runtime.flush_rows, runtime.flush_s)
    name = f"{params.scorer} {hash_folder(reward.path)}"
    return RememberingScorer(opened, f"{name} {sorted(decisive.items())}" if decisive else name, store)


class RememberingScorer:
    """A Scorer that asks the model only of what the store does not know.

    A reward's last bits depend on what it was scored beside: remembered, those of unchanged completions stay, and after a
    kill the rest is scored in the groups that it would have been.
    """

    def __init__(self, opened: Callable[[], Scorer], identity: str, store: Store):
        self.opened, self.identity, self.store = opened, identity, store
        self.scorer: Scorer | None = None

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        keys = [work_key(KIND, self.identity, " ".join(map(str, ids))) for ids in sequences]

        def compute(places: list[int]) -> Iterator[list[tuple[int, Row]]]:
            self.scorer = self.scorer or self.opened()
            for first in range(0, len(places), AT_ONCE):
                some = places[first : first + AT_ONCE]
                rewards = self.scorer.score([sequences[place] for place in some])
                yield [(place, {"reward": reward}) for place, reward in zip(some, rewards, strict=True)]

        rows, _ = cached_rows(self.store, KIND, keys, compute)
        return [row["reward"] for row in rows if row is not None]


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
        from train.sampling.vllm_sampler import engine  # vLLM is an optional extra

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
