"""Noise bands of metrics, and the word that they give a change."""

import re
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from made_versions import MadeVersion, key

from cultivar.grading.intervals import newcombe
from reports.gates.bands import Band, unpaired_rates, wider
from reports.gates.metrics import KNOWN, metric_lines, word_of
from reports.gates.model import MetricLine
from schemas.rows import EvaluatedItem
from schemas.table import polars_schema

Make = Callable[..., MadeVersion]


def completions(values: list[list[bool | None]], **more: Any) -> pl.DataFrame:
    """Greedy (the first) and sampled completions of math items."""
    rows = []
    for item, of_item in enumerate(values):
        for sample, right in enumerate(of_item):
            own = {"id": key(f"{item}-{sample}"), "parents": [key(str(item))], "sample": sample, "correct": right}
            given = {name: value(item, sample) for name, value in more.items()}
            fixed = {
                "model": "sft",
                "task": "math",
                "completion": "x",
                "completion_tokens": 1,
                "reward": None,
                "kl": None,
            }
            rows.append(fixed | own | given)
    return pl.DataFrame(rows, schema=polars_schema(EvaluatedItem))


def line(old: MadeVersion, new: MadeVersion, name: str) -> MetricLine:
    return {line.name: line for line in metric_lines(old, new)}[name]


@pytest.mark.parametrize(
    ("old", "new", "band", "better", "word"),
    [
        (0.5, 0.5, None, "high", "unchanged"),
        (None, 0.5, None, "high", "new"),
        (0.5, None, None, "high", "gone"),
        (0.5, 0.6, Band(-0.01, 0.2, ""), "high", "within noise"),
        (0.5, 0.6, Band(0.0, 0.2, ""), "high", "within noise"),
        (0.5, 0.6, Band(0.01, 0.2, ""), "high", "better"),
        (0.5, 0.6, Band(0.01, 0.2, ""), "low", "worse"),
        (0.6, 0.5, Band(-0.2, -0.01, ""), "low", "better"),
        (0.6, 0.5, Band(-0.2, -0.01, ""), "high", "worse"),
        (0.6, 0.5, Band(-0.2, -0.01, ""), "", "changed"),
        (0.6, 0.5, None, "high", "changed"),
    ],
)
def test_the_word_of_a_change(old: float | None, new: float | None, band: Band | None, better: str, word: str) -> None:
    assert word_of(old, new, band, better) == word


def test_greedy_rates_are_compared_over_the_items_of_both(make: Make) -> None:
    was, now = [True, False, None, True, False, True], [True, True, True, True, False, None]
    old = make("old").metric("evaluate/sft", math_greedy=0.6).table("evaluated/sft", completions([[v] for v in was]))
    new = make().metric("evaluate/sft", math_greedy=0.8).table("evaluated/sft", completions([[v] for v in now]))
    found = line(old, new, "evaluate/sft.math_greedy")
    assert (found.low, found.high) == newcombe([1, 1, 1, 0], [1, 0, 1, 0])
    assert (found.word, found.band, found.title) == ("within noise", "paired, 4 items", "sft: math, greedy")


def test_a_fall_of_all_items_is_worse(make: Make) -> None:
    old, new = make("old").metric("evaluate/sft", math_sampled=1.0), make().metric("evaluate/sft", math_sampled=0.5)
    old.table("evaluated/sft", completions([[True, True, True]] * 30))
    new.table("evaluated/sft", completions([[True, True, False]] * 30))
    found = line(old, new, "evaluate/sft.math_sampled")
    assert found.word == "worse" and found.high is not None and found.high < 0


def test_lengths_have_students_interval_of_the_items_differences(make: Make) -> None:
    old, new = (
        make(name).metric("evaluate/sft", completion_tokens=mean) for name, mean in (("old", 10.0), ("n", 12.0))
    )
    lengths = [[1, 2, 3], [1, 2, 3]]
    old.table("evaluated/sft", completions([[True, True]] * 3, completion_tokens=lambda item, sample: 10))
    new.table(
        "evaluated/sft", completions([[True, True]] * 3, completion_tokens=lambda item, sample: 10 + lengths[0][item])
    )
    found = line(old, new, "evaluate/sft.completion_tokens")
    assert found.low == pytest.approx(2 - 4.302653 / 3**0.5) and found.high == pytest.approx(2 + 4.302653 / 3**0.5)
    assert found.word == "within noise"


def test_repeated_trainings_widen_the_band(make: Make) -> None:
    old, new = make("old").metric("evaluate/sft", math_greedy=0.0), make().metric("evaluate/sft", math_greedy=1.0)
    old.table("evaluated/sft", completions([[False]] * 40))
    new.table("evaluated/sft", completions([[True]] * 40))
    alone = line(old, new, "evaluate/sft.math_greedy")
    values = pl.DataFrame(
        {"seed": [0, 1, 2], "model": ["sft"] * 3, "metric": ["math_greedy"] * 3, "value": [0.1, 0.5, 0.9]}
    )
    new.table("seed_results", values)
    both = line(old, new, "evaluate/sft.math_greedy")
    assert alone.word == "better" and both.word == "within noise"
    assert both.low == pytest.approx(1 - 4.302653 * 2**0.5 * 0.4)
    assert both.band == "paired, 40 items; 3 trainings"
    new.table("seed_results", values.head(2))  # too few to tell a spread
    assert line(old, new, "evaluate/sft.math_greedy") == alone


def test_rates_of_their_own_trials(make: Make) -> None:
    old = make("old").metric("reward", heldout_accuracy=0.8, heldout_pairs=50)
    new = make().metric("reward", heldout_accuracy=0.9, heldout_pairs=100)
    found = line(old, new, "reward.heldout_accuracy")
    assert (found.low, found.high, found.band) == unpaired_rates(0.8, 50, 0.9, 100, 0.95)
    assert (found.word, found.band) == ("within noise", "50 and 100 trials")


def test_newcombes_published_example() -> None:
    """56/70 against 48/80 (Newcombe 1998, table II, method 10): 0.0524 to 0.3339."""
    band = unpaired_rates(48 / 80, 80, 56 / 70, 70, 0.95)
    assert band is not None
    assert (band.low, band.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert unpaired_rates(0.5, 0, 0.5, 10, 0.95) is None


def test_the_wider_end_counts() -> None:
    assert wider([Band(-1, 2, "a"), None, Band(-2, 1, "b")]) == Band(-2, 2, "a; b")
    assert wider([None]) is None


def test_a_figure_of_earlier_data_is_not_compared(make: Make) -> None:
    old, new = make("old").reward_of("p"), make().reward_of("before")
    found = line(old, new, "reward.heldout_accuracy")
    assert (found.old, found.new, found.word) == (0.9, None, "not measured")
    assert line(new, old, "reward.heldout_accuracy").word == "not measured"
    assert line(old, old, "reward.heldout_accuracy").word == "unchanged"


def test_losses_of_rows_are_shares_and_counts_are_left_out(make: Make) -> None:
    old = make("old").metric("tag", rows={"in": 100, "quarantined": 0}, asked_tagger={"requests": 50, "errors": 0})
    new = make().metric("tag", rows={"in": 100, "quarantined": 40}, asked_tagger={"requests": 50, "errors": 1})
    found = {line.name: (line.old, line.new, line.word) for line in metric_lines(old, new)}
    assert found == {"tag.quarantine_share": (0, 0.4, "worse"), "tag.lost_share": (0, 0.02, "within noise")}


def test_agreement_with_people_has_a_band_by_prompts(make: Make) -> None:
    old, new = (
        make(name).metric("rank", judge_and_people={"agreement": share, "prompts": 40, "same": 9, "other": 1})
        for name, share in (("old", 0.9), ("new", 0.8))
    )
    found = line(old, new, "rank.judge_and_people.agreement")
    assert (found.word, found.band) == ("within noise", "40 and 40 trials")


def test_metrics_are_named_in_words_and_stand_in_few_groups():
    assert {known.group for known in KNOWN} == {"Abilities", "Training", "Judges", "Losses of rows", "Data"}
    assert all(re.fullmatch(r"[\w{}:;,' -]+", known.title) for known in KNOWN)
