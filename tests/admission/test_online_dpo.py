"""online_dpo with samples and rewards by hand: which pairs train which policy, and what is listed of them."""

import sys
from types import SimpleNamespace

import pytest

from schemas.errors import ParamsError
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import FinalPreference
from schemas.stage import Checkpoints, Model, ModelOut
from schemas.table import Context, Table
from train.episode import ScoredSamples
from train.episode_training import EpisodeTraining
from train.online_dpo import online_dpo
from train.params import OnlineDpoParams
from train.sampling.samples import Sample

STOP = 0
STAGE = sys.modules[online_dpo.__module__]
TRAINING = sys.modules[EpisodeTraining.__module__]


class Characters:
    """A tokenizer: a prompt's ids are the codes of its characters."""

    eos_token_id = STOP

    def apply_chat_template(self, messages, add_generation_prompt, return_dict):
        assert add_generation_prompt and not return_dict
        return [ord(c) for c in messages[-1]["content"]]


def text(ids) -> str:
    return "".join(map(chr, ids))


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
        trainings, calls = [], []

        class Rollouts:
            def __init__(self, *, start, reward, **_):
                calls.append((start.path, reward.path))

            def baseline(self, prompts_by_episode):
                return [[0.0] * len(prompts) for prompts in prompts_by_episode]

            def of_episode(self, episode, policy, prompts):
                texts = [prompt.messages[0].content for prompt in prompts]
                calls.append((policy, texts))
                rewards = [rounds[min(episode, len(rounds) - 1)][text] for text in texts]
                samples = [[Sample([ord(c) for c in text], text, True) for text in each] for each in rewards]
                return ScoredSamples(samples, [list(each.values()) for each in rewards])

            def kl_to_start(self, episode, policy, prompts, scored):
                return [kl[episode] if kl else 0.0] * len(prompts)

            def close(self):
                pass

        def trainer(policy, reference, dataset, *_, **__):
            pairs = [(text(row["prompt_ids"]), row["chosen_ids"], row["rejected_ids"]) for row in dataset]
            trainings.append((policy, reference, [(p, text(c[:-1]), text(r[:-1])) for p, c, r in pairs]))
            assert all(ids[-1] == STOP for _, *sides in pairs for ids in sides)
            return SimpleNamespace(optimizer=None, policy=policy)

        def save(training, tokenizer, path):
            path.mkdir(parents=True)
            (path / "name").write_text(f"{training.policy}+")

        for name in ("base", "sft", "dpo", "reward"):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "name").write_text(name)
        for module, name, fake in [
            (STAGE, "Rollouts", Rollouts),
            (STAGE, "read_tokenizer", lambda *_: Characters()),
            (STAGE, "set_up_process", lambda *_: None),
            (TRAINING, "set_up_process", lambda *_: None),
            (TRAINING, "preference_trainer", trainer),
            (TRAINING, "train_resumably", lambda trainer: None),
            (TRAINING, "save_model", save),
            (TRAINING, "read_model", lambda model, **_: (model.path / "name").read_text()),
        ]:
            monkeypatch.setattr(module, name, fake)
        data = rows or [pair_row(prompt) for prompt in rounds[0]]
        settings = {"episodes": len(rounds) - 1, "optimizer": "adamw", "max_new_tokens": 8, "samples": 2} | params
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
        return SimpleNamespace(output=output, trainings=trainings, calls=calls, model=(out.path / "name").read_text())

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
