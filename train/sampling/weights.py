"""New weights for a running vLLM, by checkpoint path: a worker extension, and the check that follows every sync.

vLLM is started with `worker_extension_cls="train.sampling.weights.WeightSync"` (`--worker-extension-cls` for a server) and asked
for `sync_from` by collective_rpc. `reload_weights` alone leaves a tied output head stale on CPUs: its kernel keeps a
packed copy of the old embedding, and nothing says so (max log-probability error about 1 where a fresh engine has 5e-5).
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from schemas.errors import UserError
from train.settings import evaluating


class SyncError(UserError, RuntimeError):
    """A sampler does not answer, or its log-probabilities are not those of the policy that it was given."""


class WeightSync:
    """What a vLLM worker can do in addition."""

    def sync_from(self, path: str) -> None:
        """Load the weights of a folder in place."""
        worker: Any = self
        worker.reload_weights(weights_path=path)
        model = worker.model_runner.get_model()
        head, embedding = getattr(model, "lm_head", None), getattr(getattr(model, "model", None), "embed_tokens", None)
        if head is None or embedding is None or next(model.parameters()).device.type != "cpu":
            return
        if getattr(model.config, "tie_word_embeddings", False):
            from vllm.model_executor.layers.utils import dispatch_cpu_unquantized_gemm

            head.weight = embedding.weight
            dispatch_cpu_unquantized_gemm(head, remove_weight=False)


def prompt_logprobs(model: PreTrainedModel, probes: Sequence[Sequence[int]]) -> list[list[float]]:
    """Log-probability of every token but the first of each probe, by Transformers."""
    found = []
    with evaluating(model):
        for ids in probes:
            given = torch.tensor([list(ids)], device=next(model.parameters()).device)
            table = model(input_ids=given).logits[0, :-1].float().log_softmax(-1)
            found.append(table.gather(1, given[0, 1:, None])[:, 0].tolist())
    return found


def check(name: str, found: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]], tolerance: float) -> None:
    """Compare a sampler's log-probabilities with the policy's (nats, mean absolute difference). Raises SyncError."""
    gaps = [abs(a - b) for ours, theirs in zip(found, wanted, strict=True) for a, b in zip(ours, theirs, strict=True)]
    mean = sum(gaps) / max(1, len(gaps))
    if not mean <= tolerance:
        raise SyncError(
            f"{name} does not sample from the policy that it was given: its log-probabilities differ by {mean:.4f} "
            f"nats on average over {len(gaps)} tokens (runtime.sync_tolerance {tolerance:g}); in bf16 about 0.02 is "
            "rounding, more means that weights did not arrive"
        )
