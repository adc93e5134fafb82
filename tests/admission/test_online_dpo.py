"""online_dpo with samples and rewards by hand: which pairs train which policy, and what is listed of them."""

import sys
from types import SimpleNamespace

import pytest
import torch

from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.params.root import ParamsError
from schemas.params.training import OnlineDpoParams
from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Context, Table
from tests.admission.rows_synthesis import Characters
from train.episode import Sampled
from train.online_dpo import online_dpo
from train.progress import Record
from train.samples import Sample

MODULE = sys.modules[online_dpo.__module__]


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
        trained, asked_of, optimizers, starts = [], [], [], []

        class Rollouts:
            def __init__(self, first, reward, tokenizer, *rest):
                asked_of.append((first.path, reward.path))
                kinds = (Characters, OnlineDpoParams, RuntimeParams, Checkpoints)
                assert all(map(isinstance, (tokenizer, *rest), kinds)) and callable(rest[-1])

            def baseline(self, asked):
                return [[0.0] * len(part) for part in asked]

            def of_episode(self, episode, policy, asked):
                asked_of.append((policy, [task.prompt[0].content for task in asked]))
                given = [rounds[min(episode, len(rounds) - 1)][task.prompt[0].content] for task in asked]
                made = [[Sample([ord(c) for c in text], text, True) for text in each] for each in given]
                return Sampled(made, [list(each.values()) for each in given])

            def kl(self, episode, policy, asked, found):
                assert isinstance(found, Sampled) and len(found.made) == len(asked)
                return [kl[episode] if kl else 0.0] * len(asked)

            def close(self):
                pass

        def trainer(policy, reference, dataset, tokenizer, given, checkpoints, callbacks, make_optimizer, moments):
            assert isinstance(tokenizer, Characters) and given.episodes == len(rounds) - 1 and moments is None
            assert checkpoints.path.name == "training" and [type(each) for each in callbacks] == [Record]
            pairs = [(Characters.text(row["prompt_ids"]), row["chosen_ids"], row["rejected_ids"]) for row in dataset]
            trained.append(
                (policy, reference, [(p, Characters.text(c[:-1]), Characters.text(r[:-1])) for p, c, r in pairs])
            )
            assert all(ids[-1] == Characters.eos_token_id for _, *sides in pairs for ids in sides)
            optimizers.append(make_optimizer)
            return SimpleNamespace(optimizer=None, policy=policy, done=[])

        def read(model, trusted, attention):
            assert (trusted, attention) == (["own"], "eager")
            return (model.path / "name").read_text()

        def save(training, tokenizer, path):
            path.mkdir(parents=True)
            (path / "name").write_text(f"{training.policy}{'+' * len(training.done)}")

        for name in ("base", "sft", "dpo", "reward"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "name").write_text(name)
        for name, fake in {
            "Rollouts": Rollouts, "trainer": trainer, "save": save, "train": lambda training: training.done.append(1),
            "read_tokenizer": lambda model, trusted: Characters() if trusted == ["own"] else None, "start": lambda *how: starts.append(how), "Deltas": lambda *paths: paths,
            "read_model": read,
        }.items():  # fmt: skip
            monkeypatch.setattr(MODULE, name, fake)
        data = rows or [pair_row(prompt) for prompt in rounds[0]]
        settings = {
            "episodes": len(rounds) - 1,
            "optimizer": "adamw",
            "max_new_tokens": 8,
            "trusted": ["own"],
            "attention": "eager",
        } | params
        models = (Model(tmp_path / name) for name in ("base", "sft", "dpo", "reward"))
        out = ModelOut(tmp_path / folder)
        found = online_dpo(
            Context(FinalPreference, Table.of(FinalPreference, data).frame), *models, OnlineDpoParams(**settings),
            RuntimeParams(), out, Checkpoints(tmp_path / f"{folder}-checkpoints"), lambda *_: None,
        )  # fmt: skip
        for table in found[:3]:
            table.check()
        return SimpleNamespace(
            found=found,
            trained=trained,
            asked=asked_of,
            optimizers=optimizers,
            starts=starts,
            model=(out.path / "name").read_text(),
        )

    return play


ROUND = {"Which?": {"b": 0.5, "a": 2.0, "c": 1.0}, "Who?": {"d": 1.0, "e": 1.0}, "Why?": {"f": -1.0, "g": -2.0}}


def test_each_episode_trains_on_its_best_against_its_worst_samples(run):
    other = {"Which?": {"b": 3.0, "a": 2.0}, "Who?": {"d": 0.0, "e": 1.0}, "Why?": {"f": 0.0, "g": 0.0}}
    played = run([ROUND, other, ROUND])
    assert [sorted(pairs) for *_, pairs in played.trained] == [
        [("Which?", "a", "b"), ("Why?", "f", "g")], [("Which?", "b", "a"), ("Who?", "e", "d")]
    ]  # fmt: skip
    listed = sorted((row.episode, row.chosen, row.rejected, row.margin) for row in played.found.online_pairs)
    assert listed == [(0, "a", "b", 1.5), (0, "f", "g", 1.0), (1, "b", "a", 1.0), (1, "e", "d", 1.0)]
    assert len(played.found.rollouts) == len(played.found.rollout_rewards) == 7 + 6 + 7
    metrics = played.found.metrics
    assert (metrics["episodes"], metrics["pairs"], metrics["pairs_rejected"], metrics["rollouts"]) == (2, 4, 0, 20)
    assert metrics["stopped"] == "" and metrics["tie_share"] == pytest.approx(1 / 3)
    assert played.found.episodes.frame["pairs"].to_list() == [2, 2, None]
    assert metrics["reward_first"] == metrics["reward_last"] == pytest.approx(2.5 / 7)


def test_a_policy_is_trained_on_from_the_one_before_against_the_first(run):
    played = run([ROUND] * 3, reference="fixed")
    assert [models[:2] for models in played.trained] == [("dpo", "dpo"), ("dpo+", "dpo")] and played.model == "dpo++"
    played = run([ROUND] * 3, folder="b", reference="episode", start="sft")
    assert [models[:2] for models in played.trained] == [("sft", "sft"), ("sft+", "sft+")] and played.model == "sft++"
    assert played.asked[0][0].name == "sft" and played.asked[0][1].name == "reward"


def test_each_episode_trains_with_a_seed_and_an_optimizer_of_its_own(run, monkeypatch):
    settings = {"reserve": 0.5, "alpha": 0.25, "semantics": "paper", "step_k": 3, "learning_rate": 0.5, "floor": 0.25,
                "weight_decay": 0.125, "beta1": 0.75, "beta2": 0.875, "epsilon": 0.0625, "seed": 7}  # fmt: skip
    for optimizer, kind in (("ondare", "OnDARE"), ("onties", "OnTIES")):
        monkeypatch.setattr(MODULE, kind, lambda groups, kind=kind, **named: (kind, groups, named))
        played = run([ROUND] * 3, folder=optimizer, optimizer=optimizer, **settings)
        assert played.starts == [(7, True), (7000, True), (7001, True)]
        steps = []
        for make in played.optimizers:
            made, groups, named = make(torch.nn.Linear(2, 2))
            assert made == kind
            steps.append(named.pop("first_step"))
            assert [path.name for path in named.pop("deltas")] == ["sft", "base"]
            assert named == {"lr": 0.5, "betas": (0.75, 0.875), "eps": 0.0625} | {
                name: settings[name] for name in ("reserve", "alpha", "semantics", "step_k", "seed")
            }
            assert [([name for name, _ in group["params"]], group["weight_decay"]) for group in groups] == [
                (["weight"], 0.125), (["bias"], 0.0)
            ]  # fmt: skip
        assert steps[0] == 0 < steps[1]
    kept = run([ROUND] * 3, folder="kept", optimizer="onties", optimizer_state="kept")
    assert [make(torch.nn.Linear(2, 2))[2]["first_step"] for make in kept.optimizers] == [0, 0]
    assert run([ROUND] * 2, folder="adamw", optimizer="adamw").optimizers == [None]


def test_the_figures_are_of_the_first_and_of_the_last_policy(run):
    last = {prompt: {"x": 9.0, "y": 8.0} for prompt in ROUND}
    metrics = run([ROUND, ROUND, last]).found.metrics
    assert (metrics["reward_first"], metrics["reward_last"], metrics["win_rate_last"]) == (
        pytest.approx(2.5 / 7),
        8.5,
        1.0,
    )


def test_margins_ties_and_lengths_of_params_hold_for_what_is_trained(run):
    rounds = [{"Which?": {"a": 1.5, "b": 1.0}, "Who?": {"aaa": 2.0, "b": 1.0}}] * 2
    for params, chosen in (
        ({}, ["a", "aaa"]), ({"margin": 0.5}, ["a", "aaa"]), ({"margin": 0.51}, ["aaa"]), ({"tie": 0.5}, ["aaa"]),
        ({"max_length_ratio": 2.9}, ["a"]),
    ):  # fmt: skip
        played = run(rounds, folder=f"{params}", **params)
        assert (
            sorted(pair[1] for pair in played.trained[0][2])
            == chosen
            == sorted(row.chosen for row in played.found.online_pairs)
        )


def test_an_episode_without_a_pair_trains_nothing(run):
    ties = {"Which?": {"a": 1.0, "b": 1.0}}
    played = run([ties] * 3)
    assert not played.trained and played.model == "dpo" and not len(played.found.online_pairs)
    assert played.found.episodes.frame["pairs"].to_list() == [0, 0, None] and played.found.metrics["tie_share"] == 1.0
    played = run([ROUND, {prompt: {"x": 0.0} for prompt in ROUND}, ROUND], folder="b")
    assert len(played.trained) == 1 and played.model == "dpo+"


def test_a_policy_beyond_a_limit_is_not_the_result_and_its_pairs_are_not_listed(run):
    played = run([ROUND] * 4, kl=[0.0, 1.0, 5.0, 0.0], stop={"max_kl": 4.0})
    assert played.found.metrics["stopped"].startswith("kl 5") and played.model == "dpo+"
    assert [len(played.trained), played.found.metrics["episodes"], played.found.metrics["kl_last"]] == [2, 1, 1.0]
    assert {row.episode for row in played.found.online_pairs} == {0} and len(played.found.rollouts) == 21
    assert (played.found.metrics["pairs"], played.found.metrics["pairs_rejected"]) == (2, 2)
    played = run([ROUND] * 2, kl=[5.0], folder="b", stop={"max_kl": 4.0})
    assert not played.trained and played.model == "dpo" and played.found.metrics["episodes"] == 0


def test_prompts_are_those_of_the_train_split_each_once(run):
    rows = [pair_row("Which?"), pair_row("Which?", n=1), pair_row("Who?", "heldout")]
    played = run([ROUND] * 2, rows)
    assert [prompts for _, prompts in played.asked[1:]] == [["Which?"]] * 2
    first = min(row["id"] for row in rows[:2])
    assert {row.parents[0] for row in played.found.rollouts} == {first}


def test_a_prompt_must_leave_room_for_a_completion(run):
    rounds = [{"Which?": {"a": 1.0, "b": 0.0}, "And who?": {"c": 1.0, "d": 0.0}}] * 2
    for most, prompts in ((16, ["And who?", "Which?"]), (15, ["Which?"])):
        played = run(rounds, folder=f"at {most}", max_new_tokens=8, max_length=most)
        assert sorted(played.asked[1][1]) == prompts
    with pytest.raises(ParamsError, match="none of 2 prompts"):
        run(rounds, folder="none", max_new_tokens=8, max_length=13)


def test_each_episode_draws_so_many_prompts_of_its_own(run):
    rounds = [{f"Which {n}?": {"a": 1.0, "b": 0.0} for n in range(9)}] * 4
    drawn = [tuple(prompts) for _, prompts in run(rounds, prompts=3).asked[1:]]
    assert [len(prompts) for prompts in drawn] == [3] * 4 and len(set(drawn)) > 1
    assert [tuple(prompts) for _, prompts in run(rounds, prompts=3, folder="b").asked[1:]] == drawn
    other = [tuple(prompts) for _, prompts in run(rounds, prompts=3, folder="c", seed=1).asked[1:]]
    assert other != drawn and len(run(rounds, prompts=99, folder="d").asked[1][1]) == 9
