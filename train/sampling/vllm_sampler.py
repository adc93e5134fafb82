"""Sampling with vLLM in this process. New weights come by checkpoint path (train/sampling/weights.py)."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from schemas.stage import Model, Progress
from train.sampling.sampler import Prompts, SamplingSettings, cut_at_stop
from train.sampling.samples import Sample, SampleCache
from train.sampling.weights import check_logprobs, prompt_logprobs
from train.settings import read_model

EXTENSION = "train.sampling.weights.WeightSync"
CHUNK = 64
"""Prompts per call of the engine: enough to keep it full, few enough to show progress."""


def create_engine(folder: Path, arguments: Mapping[str, Any], **more: Any) -> Any:
    """A vLLM `LLM` of a model folder. Raises ImportError with the remedy where vLLM is not installed.

    Its core runs in this process: seeded samples are then the same on every run, which they are not over its process
    boundary. Requests with seeds and chunked prefill kill the engine on CPUs, so that is off there.
    """
    settings = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
    with default_environment(settings | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}):
        try:
            from vllm import LLM
            from vllm.platforms import current_platform
        except ImportError as error:
            raise ImportError(
                f"vllm as sampler or scorer needs vLLM ({error}): `pip install vllm` on GPUs; docs/models.md says how on a CPU"
            ) from error
        options: dict[str, Any] = {"disable_log_stats": True} | dict(arguments) | more
        if current_platform.is_cpu():
            options = {"enable_chunked_prefill": False, "dtype": "float32"} | options
        return LLM(model=str(folder), **options)


@contextmanager
def default_environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables within the block, where they are not set already."""
    added = [name for name in settings if name not in os.environ]
    os.environ.update({name: settings[name] for name in added})
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


class VllmSampler:
    """The policy in a vLLM engine that lives as long as the stage."""

    def __init__(
        self, policy: Path, tokenizer: PreTrainedTokenizerBase, arguments: Mapping[str, Any], tolerance: float
    ):
        """`arguments`: of vLLM's `LLM`. `tolerance`: mean difference of log-probabilities after a sync, nats."""
        self.engine = create_engine(policy, arguments, worker_extension_cls=EXTENSION)
        self.tokenizer, self.tolerance = tokenizer, tolerance

    def sync(self, policy: Path, probes: Prompts) -> None:
        from vllm import SamplingParams

        self.engine.collective_rpc("sync_from", args=(str(policy.resolve()),))
        self.engine.reset_prefix_cache()
        outputs = self.engine.generate(
            [{"prompt_token_ids": list(ids)} for ids in probes],
            SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0),
            use_tqdm=False,
        )
        logprobs = [
            [entry[token].logprob for entry, token in zip(output.prompt_logprobs[1:], ids[1:], strict=True)]
            for output, ids in zip(outputs, probes, strict=True)
        ]
        check_logprobs("vLLM", logprobs, prompt_logprobs(read_model(Model(policy)), probes), self.tolerance)

    def sample(
        self, prompts: Prompts, settings: SamplingSettings, progress: Progress, cache: SampleCache | None = None
    ) -> list[list[Sample]]:
        from vllm import SamplingParams

        cache = cache or SampleCache()
        for first in range(0, len(prompts), CHUNK):
            positions = range(first, min(first + CHUNK, len(prompts)))
            if all(position in cache.samples for position in positions):
                continue
            sampling_params = [
                SamplingParams(
                    n=settings.samples,
                    temperature=settings.temperature,
                    max_tokens=settings.max_new_tokens,
                    seed=settings.seed * 100_003 + position,
                    stop_token_ids=[self.tokenizer.eos_token_id],
                )
                for position in positions
            ]
            inputs = [{"prompt_token_ids": list(prompts[position])} for position in positions]
            outputs = self.engine.generate(inputs, sampling_params, use_tqdm=False)
            cache.add(
                {
                    position: [cut_at_stop(self.tokenizer, list(completion.token_ids)) for completion in output.outputs]
                    for position, output in zip(positions, outputs, strict=True)
                }
            )
            progress(positions.stop, len(prompts), "sampled")
        return cache.in_order(len(prompts))

    def close(self) -> None:
        del self.engine
