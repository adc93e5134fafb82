"""rank: whatever the ratings and the orders, D and P are exactly the rows of the definition; in batches of any size."""

import re
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cultivar.llm.answer import Unanswered
from cultivar.llm.engine import Engine
from cultivar.store.store import Store
from schemas.ids import seed_of
from schemas.params.engines import RoleParams
from schemas.rows import Candidate
from schemas.stage import Unfinished
from schemas.table import Table
from stages.annotation import rank as stage
from stages.annotation.orders import order_count
from stages.annotation.params import RankParams
from tests.admission.judges import best_texts, judge_of, pair_texts, rating
from tests.admission.rows import PROMPT, candidate
from tests.engines import ScriptedBackend

TEXTS = ["Sea", "sea ", "salt", "a", "rivers carry it", "x" * 30]
KEYS = {text: text.lower().strip() for text in TEXTS}
ASPECTS = st.lists(st.sampled_from([1, 2, 3, 4, 5, 5, 5]), min_size=4, max_size=4)
PARAMS = st.builds(
    RankParams,
    orders=st.sampled_from([2, 3, None]),
    mode=st.sampled_from(["best_vs_worst", "best_vs_random_lower", "all_pairs"]),
    min_margin=st.sampled_from([0.0, 0.5, 1.0]),
    max_length_ratio=st.sampled_from([2.0, 10.0]),
    max_pairs=st.integers(1, 4),
    min_mean=st.sampled_from([1.0, 3.25, 4.0]),
    min_aspect=st.integers(1, 4),
)


def means(ratings, text):
    return [Fraction(sum(order[text]), 4) for order in ratings]


def fits(ratings, chosen, rejected, params):
    """Whether a pair may be made, in the words of docs/methods.md, section 8."""
    differences = [a - b for a, b in zip(means(ratings, chosen), means(ratings, rejected), strict=True)]
    longer, shorter = max(len(chosen), len(rejected)), min(len(chosen), len(rejected))
    return (
        all(difference > 0 for difference in differences)
        and sum(differences) >= Fraction(params.min_margin) * len(differences)
        and KEYS[chosen] != KEYS[rejected]
        and longer <= params.max_length_ratio * shorter
    )


def defined_best(ratings, params):
    """The text of the demonstration, or none."""
    best = [
        text
        for text in ratings[0]
        if all(
            means(ratings, text)[n] == max(means(ratings, other)[n] for other in order)
            for n, order in enumerate(ratings)
        )
    ]
    best.sort(key=lambda text: candidate(text)["id"])
    return [
        text
        for text in best[:1]
        if min(means(ratings, text)) >= params.min_mean
        and all(aspect >= params.min_aspect for order in ratings for aspect in order[text])
    ]


@given(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4, unique=True), PARAMS, st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_exactly_those_of_the_definition(rank_by, texts, params, data):
    of_text = st.fixed_dictionaries(dict.fromkeys(texts, ASPECTS))
    ratings = data.draw(st.lists(of_text, min_size=(n := order_count(len(texts), params.orders)), max_size=n))
    tables = rank_by(None, rows=[candidate(text) for text in texts], reply=judge_of(*ratings), params=params)
    assert best_texts(tables) == defined_best(ratings, params)
    fitting = [pair for pair in permutations(texts, 2) if fits(ratings, *pair, params)]
    margins = {(a, b): sum(means(ratings, a)) - sum(means(ratings, b)) for a, b in fitting}
    first = min(texts, key=lambda text: (-sum(means(ratings, text)), text))
    found = [pair[:2] for pair in pair_texts(tables)]
    below = sorted((pair for pair in fitting if pair[0] == first), key=lambda pair: (margins[pair], pair[1]))
    match params.mode:
        case "best_vs_worst":
            assert found == below[-1:]
        case "best_vs_random_lower":
            assert len(found) == bool(below) and set(found) <= set(below)
        case "all_pairs":
            assert found == sorted(fitting, key=lambda pair: (-margins[pair], pair))[: params.max_pairs]
    assert all(margin * len(ratings) == pytest.approx(float(margins[a, b])) for a, b, margin in pair_texts(tables))


def many(prompts):
    return [
        candidate(text, f"{PROMPT} {n}") for n in range(prompts) for text in ("One.", "Two.", "Three.")[: 2 + n % 2]
    ]


def by_text(request):
    texts = re.findall(r"<response>\n(.*?)\n</response>", request.messages[-1]["content"], re.S)
    return {"ratings": [rating({"One.": 5, "Two.": 3, "Three.": 1}[text]) for text in texts]}


@pytest.mark.parametrize("orders", [2, None])
def test_tables_do_not_depend_on_the_batches(rank_by, monkeypatch, orders):
    params = RankParams(orders=orders)
    whole = rank_by(None, rows=many(9), reply=by_text, params=params)
    for at_once in (1, 5):
        monkeypatch.setattr(stage, "AT_ONCE", at_once)
        parts = rank_by(None, rows=many(9), reply=by_text, params=params)
        assert all(a.frame.equals(b.frame) for a, b in zip(whole[:-1], parts[:-1], strict=True))
        assert parts.metrics == whole.metrics
    assert len(whole.annotation_demonstrations) == len(whole.annotation_preferences) == 9


def test_what_stays_unanswered_in_one_batch_keeps_no_other_from_being_asked(people, monkeypatch, tmp_path):
    monkeypatch.setattr(stage, "AT_ONCE", 2)
    files, shown = people(), []
    table, down = Table.of(Candidate, many(4)), [True]
    lost = seed_of(min(row["prompt_id"] for row in many(4)), "judge", 0)

    def reply(request):
        return Unanswered("down", transient=True) if down[0] and request.seed == lost else by_text(request)

    def run():
        backend = ScriptedBackend(reply, simulated=True)
        with Engine("judge", RoleParams(model="by hand"), backend, Store(tmp_path / "store")) as judge:
            judge.sender.progress = lambda *counts: shown.append(counts[:2])
            try:
                return stage.rank(table, RankParams(orders=2), judge, files), len(backend.asked)
            except Unfinished as error:
                return error, len(backend.asked)

    error, asked = run()
    assert "1 of 8 requests unanswered" in str(error) and asked == 8
    assert {total for _, total in shown} == {8}  # from the first batch on
    down[0] = False
    tables, asked = run()
    assert asked == 1 and len(tables.annotation_preferences) == 4


def test_no_candidates_make_empty_tables(rank_by):
    tables = rank_by(None, rows=[], reply=by_text)
    assert not any(len(table) for table in tables[:-1])
    assert tables.metrics == {"ranked_by_people": 0, "ranked_by_judge": 0, "stale_items": 0, "edited_by_people": 0}
