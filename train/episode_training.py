"""Training within online DPO: DPO on an episode's pairs with a merging optimizer, from one policy folder to the next."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import PartialState
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from schemas.stage import Checkpoints, Model, Progress
from train.dpo_trainer import OptimizerFactory, preference_trainer
from train.episode import Signals, cached_json, episode_folder, training_signals
from train.launch import is_main_process
from train.merging import Deltas, OnDARE, OnTIES
from train.params import OnlineDpoParams
from train.progress import TrainingLog
from train.resume import train_resumably
from train.settings import read_model, save_model, set_up_process
from train.tokenized import Columns, pair_tokens

MASK_STEPS = 1_000_000
"""Steps of the mask counter reserved for one episode, so that no two episodes draw the same masks."""
POLICIES_STORED = 3
"""Newest policies that stay on disk: a stop goes back one episode."""


@dataclass(kw_only=True)
class EpisodeTraining:
    """Trains the policy of each episode.

    `start`: the first policy. `deltas`: τ = θ_SFT - θ_base, None without a merging optimizer. `checkpoints`: where
    episodes have their folders.
    """

    start: Model
    tokenizer: PreTrainedTokenizerBase
    params: OnlineDpoParams
    deltas: Deltas | None
    checkpoints: Checkpoints
    progress: Progress

    def run(self, episode: int, policy: Path, pairs: Sequence[Columns]) -> tuple[Path, Signals]:
        """Train on an episode's pairs; returns the new policy's folder and the training's signals.

        `policy`: folder of the policy to train. `pairs`: `prompt_ids`, `chosen_ids`, `rejected_ids` each; without any,
        the policy stays as it is. After a kill both results are read from disk. All processes call this together.
        """
        folder = episode_folder(self.checkpoints.path, episode)
        done, signals_file = folder / "done", folder / "trained.json"
        log = TrainingLog(self.progress, note=f"episode {episode + 1}/{self.params.episodes}, ")
        if not done.is_dir():
            draft = folder / ".draft"
            if is_main_process():
                shutil.rmtree(draft, ignore_errors=True)
            if pairs:
                self.train_policy(episode, policy, pairs, log, draft)
            elif is_main_process():
                self.copy_policy(episode, policy, draft)
            cached_json(signals_file, lambda: training_signals(len(pairs), log))
            if is_main_process():
                draft.rename(done)
                shutil.rmtree(folder / "training", ignore_errors=True)
                if episode >= POLICIES_STORED:
                    expired = episode_folder(self.checkpoints.path, episode - POLICIES_STORED)
                    shutil.rmtree(expired / "done" / "policy", ignore_errors=True)
            PartialState().wait_for_everyone()
        return done / "policy", cached_json(signals_file, lambda: training_signals(len(pairs), log))

    def train_policy(self, episode: int, policy: Path, pairs: Sequence[Columns], log: TrainingLog, draft: Path) -> None:
        """DPO on the pairs, starting from a policy's folder; saves the policy to `draft`.

        With `optimizer_state: kept` the moments are read from beside the old policy and saved beside the new one.
        """
        params = self.params
        set_up_process(params.seed * 1_000 + episode, params.launch == "cpu")
        keeps_moments = params.optimizer_state == "kept"
        moments_file = policy.parent / "optimizer.pt"
        reference = self.start if params.reference == "fixed" else Model(policy)
        trainer = preference_trainer(
            read_model(Model(policy), trusted=params.trusted, attention=params.attention),
            read_model(reference, trusted=params.trusted, attention=params.attention),
            Dataset.from_list(list(pairs)),
            self.tokenizer,
            params,
            self.checkpoints.below(f"{episode_folder(Path(), episode)}/training"),
            callbacks=[log],
            optimizer_factory=merging_factory(params, self.deltas, 0 if keeps_moments else episode * MASK_STEPS),
            moments=torch.load(moments_file, weights_only=True) if keeps_moments and moments_file.is_file() else None,
        )
        log.tokens_per_step = params.batch_size * params.accumulation * sum(map(pair_tokens, pairs)) / len(pairs)
        train_resumably(trainer)
        save_model(trainer, self.tokenizer, draft / "policy")
        if keeps_moments and is_main_process() and trainer.optimizer is not None:
            torch.save(trainer.optimizer.state_dict()["state"], draft / "optimizer.pt")

    def copy_policy(self, episode: int, policy: Path, draft: Path) -> None:
        """Copy the policy with its moments to `draft`; the first episode's comes from another stage and has none."""
        if episode:
            shutil.copytree(policy.parent, draft)
        else:
            shutil.copytree(policy, draft / "policy")


def merging_factory(params: OnlineDpoParams, deltas: Deltas | None, first_step: int) -> OptimizerFactory | None:
    """A function that creates the merging optimizer of a model; None for the trainer's own AdamW.

    `first_step`: where the mask counter begins.
    """
    if deltas is None:
        return None
    optimizer_class: Callable[..., torch.optim.Optimizer] = OnDARE if params.optimizer == "ondare" else OnTIES

    def create(model: torch.nn.Module) -> torch.optim.Optimizer:
        # biases and norms are not decayed, as in Transformers
        groups = [
            {
                "params": [(name, p) for name, p in model.named_parameters() if (p.ndim > 1) == decayed],
                "weight_decay": params.weight_decay if decayed else 0.0,
            }
            for decayed in (True, False)
        ]
        return optimizer_class(
            [group for group in groups if group["params"]],
            lr=params.learning_rate,
            betas=(params.beta1, params.beta2),
            eps=params.epsilon,
            reserve=params.reserve,
            alpha=params.alpha,
            semantics=params.semantics,
            step_k=params.step_k,
            seed=params.seed,
            deltas=deltas,
            first_step=first_step,
        )

    return create
