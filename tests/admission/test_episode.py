"""An episode of online DPO: which sample is chosen, which rejected, what the trainer and the tables are given."""

import pytest

from schemas.ids import content_id
from schemas.rows import Message, OnlinePair, Rollout, RolloutReward
from schemas.table import Table
from train.episode import Sampled, Task, exceeded, paired, rows_of, signals, tables, trained
from train.episode import sampled as on_disk
from train.params import OnlineDpoParams, StopLimits
from train.progress import Record
from train.sampling.samples import Sample

STOP = 99
PROMPT = [Message(role="user", content="Which?")]
TASKS = [Task(content_id("row", name), PROMPT, ids) for name, ids in (("a", [1, 2]), ("b", [3]), ("c", [4]))]


def sampled(*rewards_of_each: dict[str, float], cut: tuple[str, ...] = ()) -> Sampled:
    """Samples {text: reward} of each prompt; the ids of a text are its characters' codes; `cut` are unfinished."""
    made = [[Sample([ord(c) for c in text], text, text not in cut) for text in each] for each in rewards_of_each]
    return Sampled(made, [list(each.values()) for each in rewards_of_each])


def chosen_texts(found: Sampled, **params) -> list[tuple[str, str] | None]:
    pairs = paired(found, OnlineDpoParams(**params))
    return [
        pair and (samples[pair[0]].text, samples[pair[1]].text) for samples, pair in zip(found.made, pairs, strict=True)
    ]


def test_the_most_preferred_sample_is_chosen_and_the_least_preferred_rejected():
    found = sampled({"mid": 0.5, "low": -1.0, "top": 2.0}, {"top": -3.0, "low": -4.0})
    assert chosen_texts(found) == [("top", "low"), ("top", "low")]


@pytest.mark.parametrize(
    ("rewards", "params", "pair"),
    [
        ((1.0, 1.0), {}, None),
        ((1.25, 1.0), {}, ("a", "b")),
        ((1.25, 1.0), {"tie": 0.25}, None),
        ((1.25, 1.0), {"tie": 0.24}, ("a", "b")),
        ((1.25, 1.0), {"margin": 0.25}, ("a", "b")),
        ((1.25, 1.0), {"margin": 0.26}, None),
    ],
)
def test_equal_rewards_and_small_margins_make_no_pair(rewards, params, pair):
    assert chosen_texts(sampled(dict(zip("ab", rewards, strict=True))), **params) == [pair]


@pytest.mark.parametrize(("ratio", "pair"), [(2.0, ("ab", "c")), (1.9, None), (None, ("ab", "c"))])
def test_texts_of_too_different_length_make_no_pair(ratio, pair):
    assert chosen_texts(sampled({"ab": 1.0, "c": 0.0}), max_length_ratio=ratio) == [pair]


def test_equal_texts_make_no_pair():
    made = [[Sample([1], "x", True), Sample([1, 1], "x", True)]]
    assert paired(Sampled(made, [[1.0, 0.0]]), OnlineDpoParams()) == [None]


def test_the_trainer_is_given_the_chosen_sample_as_chosen_and_cut_ones_without_a_stop_token():
    found = sampled({"b": 0.0, "a": 1.0}, {"c": 1.0, "d": 1.0}, {"e": 2.0, "f": 1.0}, cut=("b", "e"))
    rows = rows_of(TASKS, found.made, paired(found, OnlineDpoParams()), STOP)
    assert rows == [
        {"prompt_ids": [1, 2], "chosen_ids": [ord("a"), STOP], "rejected_ids": [ord("b")]},
        {"prompt_ids": [4], "chosen_ids": [ord("e")], "rejected_ids": [ord("f"), STOP]},
    ]


def test_every_sample_and_reward_is_a_row_and_every_pair_names_its_rollouts():
    found = sampled({"b": 0.5, "a": 2.0}, {"c": 1.0, "d": 1.0}, cut=("b",))
    pairs = paired(found, OnlineDpoParams())
    rollouts, rewards, online = tables(3, TASKS[:2], found, pairs)
    for model, rows in ((Rollout, rollouts), (RolloutReward, rewards), (OnlinePair, online)):
        Table.of(model, rows).check()
    by_text = {row["completion"]: row for row in rollouts}
    assert [(row["completion"], row["parents"][0], row["finished"], row["completion_tokens"]) for row in rollouts] == [
        ("b", TASKS[0].id, False, 1), ("a", TASKS[0].id, True, 2), ("c", TASKS[1].id, True, 2), ("d", TASKS[1].id, True, 2)
    ]  # fmt: skip
    assert [(row["parents"], row["reward"]) for row in rewards] == [
        ([by_text[text]["id"]], value) for text, value in (("b", 0.5), ("a", 2.0), ("c", 1.0), ("d", 1.0))
    ]
    (pair,) = online
    assert (pair["chosen"], pair["rejected"], pair["margin"]) == ("a", "b", 1.5)
    assert pair["parents"] == [by_text["a"]["id"], by_text["b"]["id"]]
    assert {row["episode"] for row in [*rollouts, *rewards, *online]} == {3}
    assert pair["prompt"] == by_text["a"]["prompt"] == [{"role": "user", "content": "Which?"}]


def test_equal_samples_of_one_prompt_are_rows_of_their_own_and_so_are_those_of_other_episodes():
    made = [[Sample([1], "x", True), Sample([1], "x", True)]]
    ids = {
        row["id"] for episode in (0, 1) for row in tables(episode, TASKS[:1], Sampled(made, [[1.0, 1.0]]), [None])[0]
    }
    assert len(ids) == 4


def test_signals_are_of_the_samples_that_were_drawn():
    found = sampled({"aa": 1.0, "b": 3.0}, {"c": 2.0, "d": 2.0}, cut=("c",))
    line = signals(4, found, [1.0, 3.0], paired(found, OnlineDpoParams()), [0.5, 1.5])
    assert line == {
        "episode": 4, "reward": 2.0, "reward_best": 2.5, "win_rate": (0.5 + 1) / 4, "kl": 1.0, "gap": 2.0,
        "tie_share": 0.5, "completion_tokens": 1.25, "finished": 0.75,
    }  # fmt: skip
    ties = signals(0, sampled({"a": 1.0, "b": 1.0}), [1.0], [None], [0.0])
    assert (ties["gap"], ties["tie_share"], ties["win_rate"]) == (0.0, 1.0, 0.5)


LINE = {"kl": 2.0, "completion_tokens": 30.0, "finished": 0.5, "tie_share": 0.25}


@pytest.mark.parametrize(
    ("limit", "value", "within"),
    [("max_kl", 1.9, 2.0), ("max_length_ratio", 2.9, 3.0), ("min_finished", 0.51, 0.5), ("max_tie_share", 0.24, 0.25)],
)
def test_a_limit_is_exceeded_only_beyond_its_value(limit, value, within):
    first = {"completion_tokens": 10.0}
    assert limit in (exceeded(LINE, first, StopLimits(**{limit: value})) or "")
    assert exceeded(LINE, first, StopLimits(**{limit: within})) is None
    assert exceeded(LINE, first, StopLimits()) is None


def test_a_length_ratio_is_over_the_first_episode_however_short_that_was():
    stop = StopLimits(max_length_ratio=1.5)
    assert exceeded(LINE | {"completion_tokens": 1.0}, {"completion_tokens": 0.5}, stop)
    assert exceeded(LINE, {"completion_tokens": 0.0}, stop)


def test_samples_and_rewards_come_back_from_disk_as_they_were(tmp_path):
    found, calls = sampled({"a": 1.0, "b": 0.5}, {"c": -1.0}, cut=("b",)), []
    for _ in range(2):
        assert on_disk(tmp_path / "episode" / "samples.json", lambda: calls.append(1) or found) == found
    assert calls == [1], "nothing is drawn twice"


def test_what_training_came_to_is_the_mean_over_all_its_steps():
    record = Record(lambda *_: None)
    for step, (loss, accuracy) in enumerate([(0.7, 0.0), (0.5, 1.0)]):
        record.keep({"step": step, "loss": loss, "rewards/accuracies": accuracy})
    assert trained(3, record) == {"pairs": 3, "loss": pytest.approx(0.6), "train_accuracy": 0.5}
