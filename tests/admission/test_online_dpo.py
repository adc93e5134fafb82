"""online_dpo with samples and rewards by hand: which pairs train which policy, and what is listed of them."""

import sys
from types import SimpleNamespace

import pytest
import torch

from schemas.errors import ParamsError
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Context, Table
from tests.admission.rows_synthesis import Characters
from train.episode import ScoredSamples
from train.episode_training import EpisodeTraining
from train.online_dpo import online_dpo
from train.params import OnlineDpoParams
from train.progress import TrainingLog
from train.sampling.samples import Sample

STAGE = sys.modules[online_dpo.__module__]
TRAINING = sys.modules[EpisodeTraining.__module__]


def pair_row(prompt: str, split: str = "train", n: int = 0) -> dict:
    sides = {side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")}
    shared = {
        "domain": "math",
        "strategy": "rejection",
        "license": "MIT",
        "engine": "e",
        "simulated": False,
        "margin": 1.0,
    }
    return {
        "id": content_id("row", [prompt, split, n]),
        "prompt": [{"role": "user", "content": prompt}],
        "split": split,
    } | (shared | sides)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the stage; `rounds` are {prompt: {text: reward}} for each episode and the final measurement."""

    def play(rounds, rows=None, kl=(), folder="a", **params):
        trainings, calls, factories, set_ups = [], [], [], []

        class Rollouts:
            def __init__(self, *, start, reward, tokenizer, params, runtime, checkpoints, progress):
                calls.append((start.path, reward.path))
                given = (tokenizer, params, runtime, checkpoints)
                kinds = (Characters, OnlineDpoParams, RuntimeParams, Checkpoints)
                assert all(map(isinstance, given, kinds)) and callable(progress)

            def baseline(self, prompts_by_episode):
                return [[0.0] * len(prompts) for prompts in prompts_by_episode]

            def of_episode(self, episode, policy, prompts):
                texts = [prompt.messages[0].content for prompt in prompts]
                calls.append((policy, texts))
                rewards = [rounds[min(episode, len(rounds) - 1)][text] for text in texts]
                samples = [[Sample([ord(c) for c in text], text, True) for text in each] for each in rewards]
                return ScoredSamples(samples, [list(each.values()) for each in rewards])

            def kl_to_start(self, episode, policy, prompts, scored):
                assert isinstance(scored, ScoredSamples) and len(scored.samples) == len(prompts)
                return [kl[episode] if kl else 0.0] * len(prompts)

            def close(self):
                pass

        def trainer(
            policy, reference, dataset, tokenizer, params, checkpoints, *, callbacks, optimizer_factory, moments
        ):
            assert isinstance(tokenizer, Characters) and params.episodes == len(rounds) - 1 and moments is None
            assert checkpoints.path.name == "training" and [type(each) for each in callbacks] == [TrainingLog]
            text = Characters.text
            pairs = [(text(row["prompt_ids"]), row["chosen_ids"], row["rejected_ids"]) for row in dataset]
            trainings.append((policy, reference, [(p, text(c[:-1]), text(r[:-1])) for p, c, r in pairs]))
            assert all(ids[-1] == Characters.eos_token_id for _, *sides in pairs for ids in sides)
            factories.append(optimizer_factory)
            return SimpleNamespace(optimizer=None, policy=policy, runs=0)

        def train(trainer):
            trainer.runs += 1

        def read_tokenizer(model, trusted):
            assert (model.path.name, trusted) == (params.get("start", "dpo"), ["own"])
            return Characters()

        def read_model(model, *, trusted, attention):
            assert (trusted, attention) == (["own"], "eager")
            return (model.path / "name").read_text()

        def save(trainer, tokenizer, path):
            assert isinstance(tokenizer, Characters)
            path.mkdir(parents=True)
            (path / "name").write_text(f"{trainer.policy}{'+' * trainer.runs}")

        for name in ("base", "sft", "dpo", "reward"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "name").write_text(name)
        for module, name, fake in [
            (STAGE, "Rollouts", Rollouts),
            (STAGE, "read_tokenizer", read_tokenizer),
            (STAGE, "set_up_process", lambda *how: set_ups.append(how)),
            (STAGE, "Deltas", lambda *paths: paths),
            (TRAINING, "set_up_process", lambda *how: set_ups.append(how)),
            (TRAINING, "preference_trainer", trainer),
            (TRAINING, "train_resumably", train),
            (TRAINING, "save_model", save),
            (TRAINING, "read_model", read_model),
        ]:
            monkeypatch.setattr(module, name, fake)
        data = rows or [pair_row(prompt) for prompt in rounds[0]]
        loading = {"trusted": ["own"], "attention": "eager"}
        settings = {"episodes": len(rounds) - 1, "optimizer": "adamw", "max_new_tokens": 8} | loading | params
        models = (Model(tmp_path / name) for name in ("base", "sft", "dpo", "reward"))
        out = ModelOut(tmp_path / folder)
        output = online_dpo(
            Context(FinalPreference, Table.of(FinalPreference, data).frame),
            *models,
            OnlineDpoParams(**settings),
            RuntimeParams(),
            out,
            Checkpoints(tmp_path / f"{folder}-checkpoints"),
            lambda *_: None,
        )
        for table in output[:3]:
            table.check()
        return SimpleNamespace(
            output=output,
            trainings=trainings,
            calls=calls,
            factories=factories,
            set_ups=set_ups,
            model=(out.path / "name").read_text(),
        )

    return play


ROUND = {"Which?": {"b": 0.5, "a": 2.0, "c": 1.0}, "Who?": {"d": 1.0, "e": 1.0}, "Why?": {"f": -1.0, "g": -2.0}}


def test_each_episode_trains_on_its_best_against_its_worst_samples(run):
    other = {"Which?": {"b": 3.0, "a": 2.0}, "Who?": {"d": 0.0, "e": 1.0}, "Why?": {"f": 0.0, "g": 0.0}}
    played = run([ROUND, other, ROUND])
    assert [sorted(pairs) for *_, pairs in played.trainings] == [
        [("Which?", "a", "b"), ("Why?", "f", "g")],
        [("Which?", "b", "a"), ("Who?", "e", "d")],
    ]
    listed = sorted((row.episode, row.chosen, row.rejected, row.margin) for row in played.output.online_pairs)
    assert listed == [(0, "a", "b", 1.5), (0, "f", "g", 1.0), (1, "b", "a", 1.0), (1, "e", "d", 1.0)]
    assert len(played.output.rollouts) == len(played.output.rollout_rewards) == 7 + 6 + 7
    metrics = played.output.metrics
    assert (metrics["episodes"], metrics["pairs"], metrics["pairs_rejected"], metrics["rollouts"]) == (2, 4, 0, 20)
    assert metrics["stopped"] == "" and metrics["tie_share"] == pytest.approx(1 / 3)
    assert played.output.episodes.frame["pairs"].to_list() == [2, 2, None]
    assert metrics["reward_first"] == metrics["reward_last"] == pytest.approx(2.5 / 7)


def test_a_policy_is_trained_on_from_the_one_before_against_the_first(run):
    played = run([ROUND] * 3, reference="fixed")
    assert [models[:2] for models in played.trainings] == [("dpo", "dpo"), ("dpo+", "dpo")] and played.model == "dpo++"
    played = run([ROUND] * 3, folder="b", reference="episode", start="sft")
    assert [models[:2] for models in played.trainings] == [("sft", "sft"), ("sft+", "sft+")] and played.model == "sft++"
    assert played.calls[0][0].name == "sft" and played.calls[0][1].name == "reward"


def test_each_episode_trains_with_a_seed_and_an_optimizer_of_its_own(run, monkeypatch):
    merging = {"reserve": 0.5, "alpha": 0.25, "semantics": "paper", "step_k": 3, "seed": 7}
    adam = {"learning_rate": 0.5, "floor": 0.25, "beta1": 0.75, "beta2": 0.875, "epsilon": 0.0625}
    for optimizer, name in (("ondare", "OnDARE"), ("onties", "OnTIES")):
        monkeypatch.setattr(TRAINING, name, lambda groups, name=name, **named: (name, groups, named))
        played = run([ROUND] * 3, folder=optimizer, optimizer=optimizer, weight_decay=0.125, **merging, **adam)
        assert played.set_ups == [(7, True), (7000, True), (7001, True)]
        first_steps = []
        for create in played.factories:
            created, groups, named = create(torch.nn.Linear(2, 2))
            assert created == name
            first_steps.append(named.pop("first_step"))
            assert [path.name for path in named.pop("deltas")] == ["sft", "base"]
            assert named == {"lr": 0.5, "betas": (0.75, 0.875), "eps": 0.0625} | merging
            decays = [([name for name, _ in group["params"]], group["weight_decay"]) for group in groups]
            assert decays == [(["weight"], 0.125), (["bias"], 0.0)]
        assert first_steps[0] == 0 < first_steps[1]


def test_masks_go_on_with_moments_that_go_on_and_adamw_has_none(run, monkeypatch):
    monkeypatch.setattr(TRAINING, "OnTIES", lambda groups, *, first_step, **_: first_step)
    kept = run([ROUND] * 3, optimizer="onties", optimizer_state="kept")
    assert [create(torch.nn.Linear(2, 2)) for create in kept.factories] == [0, 0]
    assert run([ROUND] * 2, folder="adamw", optimizer="adamw").factories == [None]


def test_the_figures_are_of_the_first_and_of_the_last_policy(run):
    last = {prompt: {"x": 9.0, "y": 8.0} for prompt in ROUND}
    metrics = run([ROUND, ROUND, last]).output.metrics
    assert metrics["reward_first"] == pytest.approx(2.5 / 7)
    assert (metrics["reward_last"], metrics["win_rate_last"]) == (8.5, 1.0)


def test_margins_ties_and_lengths_of_params_hold_for_what_is_trained(run):
    rounds = [{"Which?": {"a": 1.5, "b": 1.0}, "Who?": {"aaa": 2.0, "b": 1.0}}] * 2
    for params, chosen in (
        ({}, ["a", "aaa"]),
        ({"margin": 0.5}, ["a", "aaa"]),
        ({"margin": 0.51}, ["aaa"]),
        ({"tie": 0.5}, ["aaa"]),
        ({"max_length_ratio": 2.9}, ["a"]),
    ):
        played = run(rounds, folder=f"{params}", **params)
        assert (
            sorted(pair[1] for pair in played.trainings[0][2])
            == chosen
            == sorted(row.chosen for row in played.output.online_pairs)
        )


def test_an_episode_without_a_pair_trains_nothing(run):
    ties = {"Which?": {"a": 1.0, "b": 1.0}}
    played = run([ties] * 3)
    assert not played.trainings and played.model == "dpo" and not len(played.output.online_pairs)
    assert played.output.episodes.frame["pairs"].to_list() == [0, 0, None] and played.output.metrics["tie_share"] == 1.0
    played = run([ROUND, {prompt: {"x": 0.0} for prompt in ROUND}, ROUND], folder="b")
    assert len(played.trainings) == 1 and played.model == "dpo+"


def test_a_policy_beyond_a_limit_is_not_the_result_and_its_pairs_are_not_listed(run):
    played = run([ROUND] * 4, kl=[0.0, 1.0, 5.0, 0.0], stop={"max_kl": 4.0})
    assert played.output.metrics["stopped"].startswith("kl 5") and played.model == "dpo+"
    assert [len(played.trainings), played.output.metrics["episodes"], played.output.metrics["kl_last"]] == [2, 1, 1.0]
    assert {row.episode for row in played.output.online_pairs} == {0} and len(played.output.rollouts) == 21
    assert (played.output.metrics["pairs"], played.output.metrics["pairs_rejected"]) == (2, 2)
    played = run([ROUND] * 2, kl=[5.0], folder="b", stop={"max_kl": 4.0})
    assert not played.trainings and played.model == "dpo" and played.output.metrics["episodes"] == 0


def test_prompts_are_those_of_the_train_split_each_once(run):
    rows = [pair_row("Which?"), pair_row("Which?", n=1), pair_row("Who?", "heldout")]
    played = run([ROUND] * 2, rows)
    assert [prompts for _, prompts in played.calls[1:]] == [["Which?"]] * 2
    first = min(row["id"] for row in rows[:2])
    assert {row.parents[0] for row in played.output.rollouts} == {first}


def test_a_prompt_must_leave_room_for_a_completion(run):
    rounds = [{"Which?": {"a": 1.0, "b": 0.0}, "And who?": {"c": 1.0, "d": 0.0}}] * 2
    for most, prompts in ((16, ["And who?", "Which?"]), (15, ["Which?"])):
        played = run(rounds, folder=f"at {most}", max_new_tokens=8, max_length=most)
        assert sorted(played.calls[1][1]) == prompts
    with pytest.raises(ParamsError, match="none of 2 prompts"):
        run(rounds, folder="none", max_new_tokens=8, max_length=13)


def test_each_episode_selects_so_many_prompts_of_its_own(run):
    rounds = [{f"Which {n}?": {"a": 1.0, "b": 0.0} for n in range(9)}] * 4
    selected = [tuple(prompts) for _, prompts in run(rounds, prompts=3).calls[1:]]
    assert [len(prompts) for prompts in selected] == [3] * 4 and len(set(selected)) > 1
    assert [tuple(prompts) for _, prompts in run(rounds, prompts=3, folder="b").calls[1:]] == selected
    other = [tuple(prompts) for _, prompts in run(rounds, prompts=3, folder="c", seed=1).calls[1:]]
    assert other != selected and len(run(rounds, prompts=99, folder="d").calls[1][1]) == 9
