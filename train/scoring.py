"""Raw rewards of token sequences: through Transformers, or through vLLM's pooling. They are cached in the store."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from cultivar.store.memo import Row, cached_rows, hash_folder, work_key
from cultivar.store.store import Store, store_folder
from schemas.params.engines import RuntimeParams, content_arguments
from schemas.stage import Model
from train.params import EvaluateParams, OnlineDpoParams
from train.settings import evaluation_mode, read_model

KIND = "rewards"
GROUP_SIZE = 4096
"""Sequences scored together; a kill costs no more."""


class Scorer(Protocol):
    """Gives each sequence of token ids (prompt, completion, stop token) its raw, unbounded reward."""

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]: ...


def open_scorer(params: EvaluateParams | OnlineDpoParams, reward: Model, pad: int, runtime: RuntimeParams) -> Scorer:
    """The scorer that `params` name. The model is loaded once a sequence has no cached reward."""
    decisive = content_arguments(params.vllm) if params.scorer == "vllm" else {}

    def load() -> Scorer:
        if params.scorer == "vllm":
            return VllmScorer(reward.path, {**runtime.vllm, **params.vllm})
        return TransformersScorer(reward, pad, params.trusted)

    store = Store(store_folder(runtime.store), runtime.flush_rows, runtime.flush_s)
    name = f"{params.scorer} {hash_folder(reward.path)}"
    return CachedScorer(load, f"{name} {sorted(decisive.items())}" if decisive else name, store)


class CachedScorer:
    """A Scorer that gives the model only sequences that the store has no reward for.

    A reward's last bits depend on the batch: cached, those of unchanged completions stay, and after a kill the rest is
    scored in the groups that it would have been.
    """

    def __init__(self, load: Callable[[], Scorer], identity: str, store: Store):
        self.load, self.identity, self.store = load, identity, store
        self.scorer: Scorer | None = None

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        keys = [work_key(KIND, self.identity, " ".join(map(str, ids))) for ids in sequences]

        def compute(places: list[int]) -> Iterator[list[tuple[int, Row]]]:
            self.scorer = self.scorer or self.load()
            for first in range(0, len(places), GROUP_SIZE):
                group = places[first : first + GROUP_SIZE]
                rewards = self.scorer.score([sequences[place] for place in group])
                yield [(place, {"reward": reward}) for place, reward in zip(group, rewards, strict=True)]

        rows, _ = cached_rows(self.store, KIND, keys, compute)
        return [row["reward"] for row in rows if row is not None]


class TransformersScorer:
    """The reward model in this process."""

    def __init__(self, reward: Model, pad: int, trusted: Sequence[str] = ()):
        self.model = read_model(reward, model_class=AutoModelForSequenceClassification, trusted=trusted, on_device=True)
        self.pad = pad

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        return score_sequences(self.model, sequences, self.pad)


class VllmScorer:
    """vLLM as a pooling engine. Its default puts a sigmoid on one label; the raw value is requested."""

    def __init__(self, folder: Path, arguments: dict[str, Any]):
        from train.sampling.vllm_sampler import create_engine  # vLLM is an optional extra

        self.engine = create_engine(folder, arguments, runner="pooling")

    def score(self, sequences: Sequence[Sequence[int]]) -> list[float]:
        from vllm import PoolingParams

        outputs = self.engine.classify(
            [{"prompt_token_ids": list(ids)} for ids in sequences],
            pooling_params=PoolingParams(use_activation=False),
            use_tqdm=False,
        )
        return [float(output.outputs.probs[0]) for output in outputs]


def score_sequences(
    model: PreTrainedModel, sequences: Sequence[Sequence[int]], pad: int, batch_size: int = 256
) -> list[float]:
    """The raw reward of each sequence of token ids; right-padded batches, longest first, results in the given order."""
    by_length = sorted(range(len(sequences)), key=lambda position: (-len(sequences[position]), position))
    rewards = [0.0] * len(sequences)
    device = next(model.parameters()).device
    with evaluation_mode(model):
        for first in range(0, len(by_length), batch_size):
            batch = by_length[first : first + batch_size]
            width = len(sequences[batch[0]])
            ids = torch.full((len(batch), width), pad, dtype=torch.long)
            mask = torch.zeros_like(ids)
            for row, position in enumerate(batch):
                ids[row, : len(sequences[position])] = torch.tensor(sequences[position])
                mask[row, : len(sequences[position])] = 1
            logits = model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits[:, 0].float()
            for position, reward in zip(batch, logits.tolist(), strict=True):
                rewards[position] = reward
    return rewards
