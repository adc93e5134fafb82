"""An episode of online DPO: which sample is chosen, which rejected, what the trainer and the tables are given."""

import pytest

from schemas.ids import content_id
from schemas.rows import Message, OnlinePair, Rollout, RolloutReward
from schemas.table import Table
from train.episode import (
    EncodedPrompt,
    Episode,
    ScoredSamples,
    cached_samples,
    episode_signals,
    exceeded_limit,
    pair_samples,
    table_rows,
    training_rows,
    training_signals,
)
from train.params import OnlineDpoParams, StopLimits
from train.progress import TrainingLog
from train.sampling.samples import Sample

STOP = 99
MESSAGES = [Message(role="user", content="Which?")]
PROMPTS = [
    EncodedPrompt(content_id("row", name), MESSAGES, ids) for name, ids in (("a", [1, 2]), ("b", [3]), ("c", [4]))
]


def scored(*rewards_by_text: dict[str, float], cut: tuple[str, ...] = ()) -> ScoredSamples:
    """Samples {text: reward} of each prompt; the ids of a text are its characters' codes; `cut` are unfinished."""
    samples = [[Sample([ord(c) for c in text], text, text not in cut) for text in each] for each in rewards_by_text]
    return ScoredSamples(samples, [list(each.values()) for each in rewards_by_text])


def episode(number: int, prompts: list[EncodedPrompt], samples: ScoredSamples) -> Episode:
    return Episode(number, prompts, samples, pair_samples(samples, OnlineDpoParams()))


def chosen_texts(samples: ScoredSamples, **params) -> list[tuple[str, str] | None]:
    pairs = pair_samples(samples, OnlineDpoParams(**params))
    return [
        pair and (of_prompt[pair[0]].text, of_prompt[pair[1]].text)
        for of_prompt, pair in zip(samples.samples, pairs, strict=True)
    ]


def test_the_most_preferred_sample_is_chosen_and_the_least_preferred_rejected():
    samples = scored({"mid": 0.5, "low": -1.0, "top": 2.0}, {"top": -3.0, "low": -4.0})
    assert chosen_texts(samples) == [("top", "low"), ("top", "low")]


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
    assert chosen_texts(scored(dict(zip("ab", rewards, strict=True))), **params) == [pair]


@pytest.mark.parametrize(("ratio", "pair"), [(2.0, ("ab", "c")), (1.9, None), (None, ("ab", "c"))])
def test_texts_of_too_different_length_make_no_pair(ratio, pair):
    assert chosen_texts(scored({"ab": 1.0, "c": 0.0}), max_length_ratio=ratio) == [pair]


def test_equal_texts_make_no_pair():
    samples = [[Sample([1], "x", True), Sample([1, 1], "x", True)]]
    assert pair_samples(ScoredSamples(samples, [[1.0, 0.0]]), OnlineDpoParams()) == [None]


def test_the_trainer_is_given_the_chosen_sample_as_chosen_and_cut_ones_without_a_stop_token():
    samples = scored({"b": 0.0, "a": 1.0}, {"c": 1.0, "d": 1.0}, {"e": 2.0, "f": 1.0}, cut=("b", "e"))
    assert training_rows(episode(0, PROMPTS, samples), STOP) == [
        {"prompt_ids": [1, 2], "chosen_ids": [ord("a"), STOP], "rejected_ids": [ord("b")]} | counted(2, 1),
        {"prompt_ids": [4], "chosen_ids": [ord("e")], "rejected_ids": [ord("f"), STOP]} | counted(1, 2),
    ]


def counted(chosen: int, rejected: int) -> dict[str, list[int]]:
    """Every token of a sample is the policy's own."""
    return {"chosen_mask": [1] * chosen, "rejected_mask": [1] * rejected}


def test_every_sample_and_reward_is_a_row_and_every_pair_names_its_rollouts():
    samples = scored({"b": 0.5, "a": 2.0}, {"c": 1.0, "d": 1.0}, cut=("b",))
    rollouts, rewards, online = table_rows(episode(3, PROMPTS[:2], samples))
    for model, rows in ((Rollout, rollouts), (RolloutReward, rewards), (OnlinePair, online)):
        Table.of(model, rows).check()
    by_text = {row["completion"]: row for row in rollouts}
    assert [(row["completion"], row["parents"][0], row["finished"], row["completion_tokens"]) for row in rollouts] == [
        ("b", PROMPTS[0].row_id, False, 1),
        ("a", PROMPTS[0].row_id, True, 2),
        ("c", PROMPTS[1].row_id, True, 2),
        ("d", PROMPTS[1].row_id, True, 2),
    ]
    assert [(row["parents"], row["reward"]) for row in rewards] == [
        ([by_text[text]["id"]], value) for text, value in (("b", 0.5), ("a", 2.0), ("c", 1.0), ("d", 1.0))
    ]
    (pair,) = online
    assert (pair["chosen"], pair["rejected"], pair["margin"]) == ("a", "b", 1.5)
    assert pair["parents"] == [by_text["a"]["id"], by_text["b"]["id"]]
    assert {row["episode"] for row in [*rollouts, *rewards, *online]} == {3}
    assert pair["prompt"] == by_text["a"]["prompt"] == [{"role": "user", "content": "Which?"}]


def test_equal_samples_of_one_prompt_are_rows_of_their_own_and_so_are_those_of_other_episodes():
    samples = ScoredSamples([[Sample([1], "x", True), Sample([1], "x", True)]], [[1.0, 1.0]])
    ids = {row["id"] for number in (0, 1) for row in table_rows(episode(number, PROMPTS[:1], samples)).rollouts}
    assert len(ids) == 4


def test_signals_are_of_the_episode_s_samples():
    samples = scored({"aa": 1.0, "b": 3.0}, {"c": 2.0, "d": 2.0}, cut=("c",))
    assert episode_signals(episode(4, PROMPTS[:2], samples), [1.0, 3.0], [0.5, 1.5]) == {
        "episode": 4,
        "reward": 2.0,
        "reward_best": 2.5,
        "win_rate": (0.5 + 1) / 4,
        "kl": 1.0,
        "gap": 2.0,
        "tie_share": 0.5,
        "completion_tokens": 1.25,
        "finished": 0.75,
    }
    ties = episode_signals(episode(0, PROMPTS[:1], scored({"a": 1.0, "b": 1.0})), [1.0], [0.0])
    assert (ties["gap"], ties["tie_share"], ties["win_rate"]) == (0.0, 1.0, 0.5)


SIGNALS = {"kl": 2.0, "completion_tokens": 30.0, "finished": 0.5, "tie_share": 0.25}


@pytest.mark.parametrize(
    ("limit", "value", "within"),
    [("max_kl", 1.9, 2.0), ("max_length_ratio", 2.9, 3.0), ("min_finished", 0.51, 0.5), ("max_tie_share", 0.24, 0.25)],
)
def test_a_limit_is_exceeded_only_beyond_its_value(limit, value, within):
    first = {"completion_tokens": 10.0}
    assert limit in (exceeded_limit(SIGNALS, first, StopLimits(**{limit: value})) or "")
    assert exceeded_limit(SIGNALS, first, StopLimits(**{limit: within})) is None
    assert exceeded_limit(SIGNALS, first, StopLimits()) is None


def test_a_length_ratio_is_over_the_first_episode_however_short_that_was():
    stop = StopLimits(max_length_ratio=1.5)
    assert exceeded_limit(SIGNALS | {"completion_tokens": 1.0}, {"completion_tokens": 0.5}, stop)
    assert exceeded_limit(SIGNALS, {"completion_tokens": 0.0}, stop)


def test_samples_and_rewards_come_back_from_disk_as_they_were(tmp_path):
    samples, calls = scored({"a": 1.0, "b": 0.5}, {"c": -1.0}, cut=("b",)), []
    for _ in range(2):
        assert cached_samples(tmp_path / "episode" / "samples.json", lambda: calls.append(1) or samples) == samples
    assert calls == [1], "nothing is sampled again"


def test_what_training_came_to_is_the_mean_over_all_its_steps():
    log = TrainingLog(lambda *_: None)
    for step, (loss, accuracy) in enumerate([(0.7, 0.0), (0.5, 1.0)]):
        log.add({"step": step, "loss": loss, "rewards/accuracies": accuracy})
    assert training_signals(3, log) == {"pairs": 3, "loss": pytest.approx(0.6), "train_accuracy": 0.5}
