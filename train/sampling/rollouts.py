"""What online DPO needs of models outside training: samples, rewards, KL. Models are loaded once something is not cached."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from schemas.params.engines import RuntimeParams
from schemas.stage import Checkpoints, Model, Progress
from train.divergence import kl_divergences
from train.episode import EncodedPrompt, ScoredSamples, cached_json, cached_samples, episode_folder
from train.params import OnlineDpoParams
from train.sampling.sampler import Sampler, SamplingSettings, TransformersSampler
from train.sampling.samples import SampleCache
from train.scoring import Scorer, open_scorer
from train.settings import read_model

PROBES = 4
"""Prompts whose log-probabilities are compared after every sync."""


@dataclass(kw_only=True)
class Rollouts:
    """The sampler and the scorer of a run; only the main process opens them. `start`: the policy of the first episode."""

    start: Model
    reward: Model
    tokenizer: PreTrainedTokenizerBase
    params: OnlineDpoParams
    runtime: RuntimeParams
    checkpoints: Checkpoints
    progress: Progress
    sampler: Sampler | None = None
    scorer: Scorer | None = None

    def baseline(self, prompts_by_episode: Sequence[Sequence[EncodedPrompt]]) -> list[list[float]]:
        """The reward of one sample of the start policy for every prompt of every episode."""
        prompts = [prompt for of_episode in prompts_by_episode for prompt in of_episode]
        cache_file = self.checkpoints.path / "baseline.jsonl"

        def compute() -> list[float]:
            settings = self.sampling_settings(1, -1)
            scored = self.sample_and_score(self.start.path, prompts, settings, "start policy, ", cache_file)
            return [reward for (reward,) in scored.rewards]

        rewards = iter(cached_json(self.checkpoints.path / "baseline.json", compute))
        cache_file.unlink(missing_ok=True)
        return [[next(rewards) for _ in of_episode] for of_episode in prompts_by_episode]

    def of_episode(self, episode: int, policy: Path, prompts: Sequence[EncodedPrompt]) -> ScoredSamples:
        """`params.samples` samples of every prompt, and their rewards."""
        params, folder = self.params, episode_folder(self.checkpoints.path, episode)
        note = f"episode {episode + 1}/{params.episodes}, " if episode < params.episodes else "final, "
        settings = self.sampling_settings(params.samples, episode)
        cache_file = folder / "samples.jsonl"
        scored = cached_samples(
            folder / "samples.json", lambda: self.sample_and_score(policy, prompts, settings, note, cache_file)
        )
        cache_file.unlink(missing_ok=True)
        return scored

    def kl_to_start(
        self, episode: int, policy: Path, prompts: Sequence[EncodedPrompt], scored: ScoredSamples
    ) -> list[float]:
        """KL(policy ‖ start policy) of the first sample of every prompt, nats a completion, stop token included.

        Where `temperature` is not 1, it is that of the tokens' distributions at 1 along samples of that temperature.
        """
        stop = self.tokenizer.eos_token_id
        sequences = [
            (prompt.ids, samples[0].ids_with_stop(stop))
            for prompt, samples in zip(prompts, scored.samples, strict=True)
        ]

        def compute() -> list[float]:
            if policy == self.start.path:
                return [0.0] * len(sequences)
            return kl_divergences(self.read_policy(policy), self.read_policy(self.start.path), sequences)

        return cached_json(episode_folder(self.checkpoints.path, episode) / "kl.json", compute)

    def read_policy(self, folder: Path) -> PreTrainedModel:
        return read_model(Model(folder), trusted=self.params.trusted, on_device=True)

    def sample_and_score(
        self, policy: Path, prompts: Sequence[EncodedPrompt], settings: SamplingSettings, note: str, cache_file: Path
    ) -> ScoredSamples:
        """Samples of a policy, written to `cache_file` as they come, and their rewards."""
        ids = [prompt.ids for prompt in prompts]
        self.sampler = self.sampler or self.open_sampler(policy)
        self.sampler.sync(policy, ids[:PROBES])
        samples = self.sampler.sample(
            ids, settings, lambda done, total, _: self.progress(done, total, f"{note}sampling"), SampleCache(cache_file)
        )
        stop, pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        self.scorer = self.scorer or open_scorer(self.params, self.reward, pad, self.runtime)
        rewards = iter(
            self.scorer.score(
                [
                    prompt.ids + sample.ids + [stop]
                    for prompt, of_prompt in zip(prompts, samples, strict=True)
                    for sample in of_prompt
                ]
            )
        )
        return ScoredSamples(samples, [[next(rewards) for _ in of_prompt] for of_prompt in samples])

    def open_sampler(self, policy: Path) -> Sampler:
        params, runtime = self.params, self.runtime
        if params.sampler == "vllm":
            from train.sampling.vllm_sampler import VllmSampler

            return VllmSampler(policy, self.tokenizer, {**runtime.vllm, **params.vllm}, runtime.sync_tolerance)
        if params.sampler == "http":
            from train.sampling.http_sampler import HttpSampler

            return HttpSampler(self.tokenizer, runtime)
        return TransformersSampler(self.tokenizer, params.generation_batch, params.trusted)

    def sampling_settings(self, samples: int, episode: int) -> SamplingSettings:
        """Every episode has a seed of its own; the baseline's is that of episode -1."""
        params = self.params
        return SamplingSettings(samples, params.temperature, params.max_new_tokens, params.seed * 1_000 + episode + 1)

    def close(self) -> None:
        if self.sampler is not None:
            self.sampler.close()
