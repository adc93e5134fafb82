"""What online DPO asks of models outside training: samples, rewards, KL. Opened when something is not remembered."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from schemas.params.engines import RuntimeParams
from schemas.stage import Checkpoints, Model, Progress
from train.divergence import divergence
from train.episode import Sampled, Task, place, remembered, sampled
from train.params import OnlineDpoParams
from train.sampling.sampler import Drawing, Sampler, TransformersSampler
from train.sampling.samples import Kept
from train.scoring import Scorer, open_scorer
from train.settings import read_model

PROBES = 4
"""Prompts whose log-probabilities are compared after every sync."""


class Rollouts:
    """The sampler and the scorer of a run; the first process has them."""

    def __init__(
        self,
        first: Model,
        reward: Model,
        tokenizer: PreTrainedTokenizerBase,
        params: OnlineDpoParams,
        runtime: RuntimeParams,
        checkpoints: Checkpoints,
        progress: Progress,
    ):
        self.first, self.reward, self.tokenizer, self.params = first, reward, tokenizer, params
        self.runtime, self.folder, self.progress = runtime, checkpoints.path, progress
        self.sampler: Sampler | None = None
        self.scorer: Scorer | None = None

    def baseline(self, asked: Sequence[Sequence[Task]]) -> list[list[float]]:
        """The reward of one sample of the start policy for every prompt of every episode."""
        flat = [task for part in asked for task in part]

        def make() -> list[float]:
            found = self.draw(self.first.path, flat, self.drawing(1, -1), "start policy, ", parts)
            return [values[0] for values in found.rewards]

        parts = self.folder / "baseline.jsonl"
        values = iter(remembered(self.folder / "baseline.json", make))
        parts.unlink(missing_ok=True)
        return [[next(values) for _ in part] for part in asked]

    def of_episode(self, episode: int, policy: Path, asked: Sequence[Task]) -> Sampled:
        note = f"episode {episode + 1}/{self.params.episodes}, " if episode < self.params.episodes else "final, "
        drawing = self.drawing(self.params.samples, episode)
        here = place(self.folder, episode)
        parts = here / "samples.jsonl"
        found = sampled(here / "samples.json", lambda: self.draw(policy, asked, drawing, note, parts))
        parts.unlink(missing_ok=True)
        return found

    def kl(self, episode: int, policy: Path, asked: Sequence[Task], found: Sampled) -> list[float]:
        """KL(policy ‖ start policy) of the first sample of every prompt, nats a completion, stop token included.

        Where `temperature` is not 1, it is that of the tokens' distributions at 1 along samples drawn at `temperature`.
        """
        stop = self.tokenizer.eos_token_id
        sequences = [(task.ids, samples[0].ended(stop)) for task, samples in zip(asked, found.made, strict=True)]

        def make() -> list[float]:
            if policy == self.first.path:
                return [0.0] * len(sequences)
            ours, theirs = (self.read(path) for path in (policy, self.first.path))
            return divergence(ours, theirs, sequences)

        return remembered(place(self.folder, episode) / "kl.json", make)

    def read(self, path: Path) -> Any:
        return read_model(Model(path), trusted=self.params.trusted, place=True)

    def draw(self, policy: Path, asked: Sequence[Task], drawing: Drawing, note: str, parts: Path) -> Sampled:
        """Samples of a policy, kept in `parts` as they come, and their rewards."""
        prompts = [task.ids for task in asked]
        self.sampler = self.sampler or self.open_sampler(policy)
        self.sampler.sync(policy, prompts[:PROBES])
        made = self.sampler.sample(
            prompts, drawing, lambda done, total, _: self.progress(done, total, f"{note}sampling"), Kept(parts)
        )
        stop, pad = self.tokenizer.eos_token_id, self.tokenizer.pad_token_id
        if self.scorer is None:
            self.scorer = open_scorer(self.params, self.reward, pad, self.runtime)
        values = iter(
            self.scorer.score(
                [task.ids + said.ids + [stop] for task, samples in zip(asked, made, strict=True) for said in samples]
            )
        )
        return Sampled(made, [[next(values) for _ in samples] for samples in made])

    def open_sampler(self, policy: Path) -> Sampler:
        params, runtime = self.params, self.runtime
        if params.sampler == "vllm":
            from train.sampling.vllm_sampler import VllmSampler

            return VllmSampler(policy, self.tokenizer, {**runtime.vllm, **params.vllm}, runtime.sync_tolerance)
        if params.sampler == "http":
            from train.sampling.http_sampler import HttpSampler

            return HttpSampler(self.tokenizer, runtime)
        return TransformersSampler(self.tokenizer, params.generation_batch, params.trusted)

    def drawing(self, count: int, episode: int) -> Drawing:
        params = self.params
        return Drawing(count, params.temperature, params.max_new_tokens, params.seed * 1_000 + episode + 1)

    def close(self) -> None:
        if self.sampler is not None:
            self.sampler.close()
