"""Sampling with vLLM in this process. New weights come by checkpoint path (train/sampling/weights.py)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from schemas.stage import Model
from train.sampling.sampler import Drawing, Shown
from train.sampling.samples import Kept, Sample
from train.sampling.weights import check, prompt_logprobs
from train.settings import read_model

EXTENSION = "train.sampling.weights.WeightSync"
CHUNK = 64
"""Prompts between two looks at the progress bar; several of them keep the engine full."""


def engine(folder: Path, arguments: Mapping[str, Any], **more: Any) -> Any:
    """A vLLM `LLM` of a model folder. Raises ImportError with the remedy where vLLM is not installed.

    Its core runs in this process: seeded samples are then the same on every run, which they are not over its process
    boundary. Requests with seeds and chunked prefill kill the engine on CPUs, so that is off there.
    """
    settings = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_LOGGING_LEVEL": "WARNING"}
    with environment(settings | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}):
        try:
            from vllm import LLM
            from vllm.platforms import current_platform
        except ImportError as error:
            raise ImportError(
                f"vllm as sampler or scorer needs vLLM ({error}): `pip install vllm` on GPUs; README.md says how on a CPU"
            ) from error
        chosen: dict[str, Any] = {"disable_log_stats": True} | dict(arguments) | more
        if current_platform.is_cpu():
            chosen = {"enable_chunked_prefill": False, "dtype": "float32"} | chosen
        return LLM(model=str(folder), **chosen)


@contextmanager
def environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for a while, where they are not set already."""
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
        self.engine = engine(policy, arguments, worker_extension_cls=EXTENSION)
        self.tokenizer, self.tolerance = tokenizer, tolerance

    def sync(self, policy: Path, probes: Sequence[Sequence[int]]) -> None:
        from vllm import SamplingParams

        self.engine.collective_rpc("sync_from", args=(str(policy.resolve()),))
        self.engine.reset_prefix_cache()
        outputs = self.engine.generate(
            [{"prompt_token_ids": list(ids)} for ids in probes],
            SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0),
            use_tqdm=False,
        )
        found = [
            [entry[token].logprob for entry, token in zip(output.prompt_logprobs[1:], ids[1:], strict=True)]
            for output, ids in zip(outputs, probes, strict=True)
        ]
        check("vLLM", found, prompt_logprobs(read_model(Model(policy)), probes), self.tolerance)

    def sample(
        self, prompts: Sequence[Sequence[int]], drawing: Drawing, shown: Shown, kept: Kept | None = None
    ) -> list[list[Sample]]:
        from vllm import SamplingParams

        stop = self.tokenizer.eos_token_id
        kept = kept or Kept()
        for first in range(0, len(prompts), CHUNK):
            part = prompts[first : first + CHUNK]
            if all(first + at in kept.held for at in range(len(part))):
                continue
            ways = [
                SamplingParams(
                    n=drawing.samples,
                    temperature=drawing.temperature,
                    max_tokens=drawing.max_new_tokens,
                    seed=drawing.seed * 100_003 + first + at,
                    stop_token_ids=[stop],
                )
                for at in range(len(part))
            ]
            outputs = self.engine.generate([{"prompt_token_ids": list(ids)} for ids in part], ways, use_tqdm=False)
            made = [[self.read(said.token_ids) for said in output.outputs] for output in outputs]
            kept.add({first + at: samples for at, samples in enumerate(made)})
            shown(first + len(part), len(prompts), "sampled")
        return [kept.held[at] for at in range(len(prompts))]

    def read(self, tokens: Sequence[int]) -> Sample:
        from train.sampling.sampler import cut

        return cut(self.tokenizer, list(tokens))

    def close(self) -> None:
        del self.engine
