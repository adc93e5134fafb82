"""The pair function: strictly better, never a tie, whatever the order of the candidates (docs/methods.md, section 8)."""

from hypothesis import given
from hypothesis import strategies as st

from cultivar.grading.pairs import pairs

CANDIDATES = st.lists(st.tuples(st.text(max_size=5), st.integers(1, 5)), max_size=6, unique_by=lambda c: c[0])
MODES = st.sampled_from(["best_vs_worst", "best_vs_random_lower", "all_pairs"])


@given(CANDIDATES, MODES, st.integers(0, 2))
def test_chosen_is_strictly_better_by_the_margin(candidates, mode, margin):
    texts, scores = [c[0] for c in candidates], [float(c[1]) for c in candidates]
    for chosen, rejected in pairs(texts, [scores], mode, min_margin=margin):
        assert scores[chosen] - scores[rejected] >= max(margin, 1) and texts[chosen] != texts[rejected]


@given(CANDIDATES, st.randoms())
def test_the_order_of_candidates_does_not_matter(candidates, rng):
    def pair_texts(order):
        texts, scores = [c[0] for c in order], [float(c[1]) for c in order]
        return [(texts[a], texts[b]) for a, b in pairs(texts, [scores], "all_pairs")]

    shuffled = candidates[:]
    rng.shuffle(shuffled)
    assert pair_texts(candidates) == pair_texts(shuffled)


def test_a_judge_that_prefers_the_longer_text_does_so_in_either_order():
    for texts in (["short", "a longer text"], ["a longer text", "short"]):
        ((chosen, rejected),) = pairs(texts, [[float(len(text)) for text in texts]])
        assert texts[chosen] == "a longer text" and texts[rejected] == "short"


def test_ties_empty_texts_and_far_lengths_make_no_pair():
    assert pairs(["a", "b"], [[3.0, 3.0]]) == []
    assert pairs(["a", "b"], [[1.0, 0.5]], tie=0.5) == [] and pairs(["a", "b"], [[1.0, 0.5]], tie=0.4) == [(0, 1)]
    assert pairs(["a", ""], [[5.0, 1.0]]) == []
    assert pairs(["a" * 100, "b"], [[5.0, 1.0]], max_length_ratio=10) == []
