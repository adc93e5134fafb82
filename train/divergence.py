"""KL(policy ‖ reference) of completions, exact at every token: the sum over the vocabulary, not one sampled term."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel

from train.settings import evaluation_mode


def kl_divergences(
    policy: PreTrainedModel, reference: PreTrainedModel, sequences: Sequence[tuple[Sequence[int], Sequence[int]]]
) -> list[float]:
    """Nats of each completion: Σ over its tokens of Σ_v π(v)·(log π(v) - log π_ref(v)).

    `sequences`: (prompt ids, completion ids). The stop token of a completion that ended by itself is its last id: the
    decision to stop is the policy's too. Over completions that the policy sampled at temperature 1 the mean estimates
    the KL of entire completions; over others it is the KL of their tokens' distributions, at temperature 1, weighted by
    what was sampled.
    """
    nats = []
    with evaluation_mode(policy), evaluation_mode(reference):
        for prompt, completion in sequences:
            if not completion:
                nats.append(0.0)
                continue
            log_policy, log_reference = (
                completion_logits(model, prompt, completion).log_softmax(-1) for model in (policy, reference)
            )
            nats.append(float((log_policy.exp() * (log_policy - log_reference)).sum()))
    return nats


def completion_logits(model: PreTrainedModel, prompt: Sequence[int], completion: Sequence[int]) -> torch.Tensor:
    """Logits (tokens of the completion × vocabulary, fp32) that predict the completion."""
    device = next(model.parameters()).device
    ids = torch.tensor([[*prompt, *completion]], device=device)
    return model(input_ids=ids, logits_to_keep=len(completion) + 1).logits[0, :-1].float()
