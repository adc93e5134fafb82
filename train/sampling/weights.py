"""New weights for a running vLLM, by checkpoint path: a worker extension, and the check that follows every sync.

vLLM is started with `worker_extension_cls="train.sampling.weights.WeightSync"` (`--worker-extension-cls` for a server)
and called with `sync_from` by collective_rpc. `reload_weights` alone leaves a tied output head stale on CPUs: its kernel
keeps a packed copy of the old embedding, without a warning (max log-probability error about 1 where a fresh engine has
5e-5).
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from schemas.errors import UserError
from train.settings import evaluation_mode


class SyncError(UserError, RuntimeError):
    """A sampler does not reply, or its log-probabilities are not those of the policy that it was given."""


class WeightSync:
    """Methods that vLLM adds to its worker."""

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
    """Log-probability (nats) of every token but the first of each probe, by Transformers."""
    result = []
    with evaluation_mode(model):
        for probe in probes:
            ids = torch.tensor([list(probe)], device=next(model.parameters()).device)
            logprobs = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
            result.append(logprobs.gather(1, ids[0, 1:, None])[:, 0].tolist())
    return result


def check_logprobs(
    name: str, actual: Sequence[Sequence[float]], expected: Sequence[Sequence[float]], tolerance: float
) -> None:
    """Compare a sampler's log-probabilities with the policy's (nats, mean absolute difference). Raises SyncError."""
    differences = [
        abs(a - b) for ours, theirs in zip(actual, expected, strict=True) for a, b in zip(ours, theirs, strict=True)
    ]
    mean = sum(differences) / max(1, len(differences))
    if not mean <= tolerance:
        raise SyncError(
            f"{name} does not sample from the policy that it was given: its log-probabilities differ by {mean:.4f} "
            f"nats on average over {len(differences)} tokens (runtime.sync_tolerance {tolerance:g}); in bf16 about 0.02 is "
            "rounding, more means that weights did not arrive"
        )
