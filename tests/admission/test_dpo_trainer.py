"""What the trainer of offline and online DPO is given, and which optimizer it goes on with."""

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from trl import DPOTrainer

from schemas.stage import Checkpoints
from train import dpo_trainer
from train.dpo_trainer import PreferenceTrainer, preference_trainer
from train.params import DpoParams

PARAMS = {
    "max_length": 77,
    "beta": 0.3,
    "losses": ["sigmoid", "sft"],
    "loss_weights": [1.0, 0.5],
    "label_smoothing": 0.2,
    "batch_size": 6,
}
ROWS = Dataset.from_list([{"prompt_ids": [1], "chosen_ids": [2], "rejected_ids": [3]}])


@pytest.mark.parametrize("precompute", [True, False])
def test_the_trainer_has_the_parameters_of_the_stage(precompute, monkeypatch, tmp_path):
    monkeypatch.setattr(dpo_trainer, "PreferenceTrainer", lambda **named: SimpleNamespace(**named))
    params = DpoParams.model_validate(PARAMS | {"precompute_reference": precompute})
    policy, reference, moments = (
        SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: None), generation_config=None),
        object(),
        {},
    )
    tokenizer = SimpleNamespace(pad_token="<pad>", pad_token_id=0)
    given = preference_trainer(
        policy,
        reference,
        ROWS,
        tokenizer,
        params,
        Checkpoints(tmp_path),
        callbacks=[1],
        optimizer_factory=id,
        moments=moments,
    )
    assert (given.model, given.ref_model, given.processing_class, given.moments) == (
        policy,
        reference,
        tokenizer,
        moments,
    )
    assert given.callbacks == [1] and given.optimizer_factory is id
    args = given.args
    assert (args.max_length, args.beta, args.label_smoothing) == (77, 0.3, 0.2)
    assert (args.loss_type, args.loss_weights) == (["sigmoid", "sft"], [1.0, 0.5])
    assert (args.precompute_ref_log_probs, args.precompute_ref_batch_size, args.disable_dropout) == (
        precompute,
        6,
        True,
    )
    assert given.train_dataset.to_list() == ROWS.to_list()
    assert (given.train_dataset is ROWS) is not precompute and (tmp_path / "pairs").is_dir() is precompute
    again = dpo_trainer.share_on_disk(Dataset.from_list([]), tmp_path / "pairs") if precompute else ROWS
    assert again.to_list() == ROWS.to_list(), "what is on disk stays: the log-probabilities lie beside it"


def bare_trainer(**fields) -> PreferenceTrainer:
    trainer = object.__new__(PreferenceTrainer)
    vars(trainer).update({"optimizer": None, "optimizer_factory": None, "moments": None} | fields)
    return trainer


def test_the_optimizer_is_created_once_of_the_given_model_or_the_trainers_own():
    own, wrapped = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    created = []

    def factory(model):
        created.append(model)
        return torch.optim.AdamW(model.parameters())

    trainer = bare_trainer(model=own, optimizer_factory=factory)
    first = trainer.create_optimizer()
    assert trainer.create_optimizer(wrapped) is first and created == [own]
    assert bare_trainer(model=own, optimizer_factory=factory).create_optimizer(wrapped) and created[1] is wrapped


def test_without_a_factory_it_is_the_one_of_the_trainer_library(monkeypatch):
    given = []
    monkeypatch.setattr(DPOTrainer, "create_optimizer", lambda self, *model: given.append(model) or "adamw")
    model = torch.nn.Linear(1, 1)
    assert bare_trainer().create_optimizer() == bare_trainer().create_optimizer(model) == "adamw"
    assert given == [(), (model,)]


def test_the_optimizer_goes_on_with_the_moments_of_an_earlier_one():
    model = torch.nn.Linear(1, 1)
    moments = {
        n: {"step": torch.tensor(5.0), "exp_avg": p + 1, "exp_avg_sq": p + 2} for n, p in enumerate(model.parameters())
    }
    trainer = bare_trainer(
        model=model, moments=moments, optimizer_factory=lambda model: torch.optim.AdamW(model.parameters(), lr=0.25)
    )
    optimizer = trainer.create_optimizer()
    assert [float(state["step"]) for state in optimizer.state.values()] == [5.0, 5.0]
    assert optimizer.param_groups[0]["lr"] == 0.25
