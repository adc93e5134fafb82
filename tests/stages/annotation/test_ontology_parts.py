"""The parts of ontology and select against plain transcriptions of what they compute."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from sklearn.cluster import DBSCAN

from schemas.errors import UserError
from stages.annotation import associations, titles
from stages.annotation.associations import group_by_association, join
from stages.annotation.ontology import character_ngrams
from stages.annotation.params import OntologyParams
from stages.annotation.refinements import read_refinements, refined_names, warn
from stages.annotation.select import sample_diverse
from stages.annotation.titles import cluster

SETS = st.lists(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=5), max_size=20)
TITLES = st.lists(st.text("abc ", min_size=1, max_size=9).filter(str.strip), unique=True, min_size=2, max_size=25)


def column(sets):
    return pl.Series(sets, dtype=pl.List(pl.String))


def algorithm_1(sets, size):
    """InsTag's Algorithm 1 word for word: the pool in order, passes that each begin with nothing covered."""
    pool, taken = list(range(len(sets))), []
    while len(taken) < size and pool:
        covered, before = set(), len(taken)
        for item in list(pool):
            if len(covered | set(sets[item])) > len(covered):
                pool.remove(item)
                taken.append(item)
                covered |= set(sets[item])
                if len(taken) == size:
                    return taken
        if len(taken) == before:
            break
    return taken


@given(SETS, st.integers(0, 25))
def test_passes_take_the_same_items_in_the_same_order_as_algorithm_1(sets, size):
    passes = sample_diverse(column(sets), size)
    taken = sorted((number, item) for item, number in enumerate(passes) if number >= 0)
    assert [item for _, item in taken] == algorithm_1(sets, size)


def rules_by_definition(sets, params):
    held = [set(tags) for tags in sets]

    def support(tags):
        return sum(set(tags) <= tags_of for tags_of in held)

    rules = []
    for size in range(2, params.left + 2):
        for tags in combinations(sorted(set().union(*held)), size):
            together = support(tags)
            sides = [support(left) for left in combinations(tags, size - 1)]
            if together >= params.support and any(together >= params.confidence * side for side in sides):
                rules.append((-together, size, list(tags)))
    return [tags for _, _, tags in sorted(rules)]


@pytest.mark.parametrize("products", [1, 5_000_000])
@given(SETS, st.integers(1, 3), st.sampled_from([0.5, 0.75, 0.99, 1.0]), st.integers(2, 5), st.sampled_from([1, 2]))
@settings(max_examples=60)
def test_groups_are_those_of_all_rules_by_definition(products, sets, support, confidence, group, left):
    params = OntologyParams(support=support, confidence=confidence, group=group, left=left)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(associations, "PRODUCTS", products)
        found = group_by_association(column(sets), params)
    assert sorted(found) == sorted(join(rules_by_definition(sets, params), group))


APART = [["a", "b", "c"]] * 4 + [["a", "b"]] * 0 + [["a"], ["a", "c"], ["b"], ["b", "c"], ["c"]]
"""None of a, b and c implies another, a and b together imply c."""


@pytest.mark.parametrize(
    ("sets", "changed", "groups"),
    [
        (APART, {}, [["a", "b", "c"]]),
        (APART, {"left": 1}, []),
        (APART, {"support": 5}, []),
        (APART, {"group": 2}, []),  # of a rule whose tags do not fit none is joined
        ([*APART, ["a", "b"]], {"confidence": 0.8}, [["a", "b", "c"]]),
        ([*APART, ["a", "b"]], {"confidence": 0.81}, []),
    ],
)
def test_two_tags_together_may_imply_a_third(sets, changed, groups):
    params = OntologyParams.model_validate({"support": 4, "confidence": 0.99, "group": 3} | changed)
    assert group_by_association(column(sets), params) == groups


@pytest.mark.parametrize("small", [True, False])
@given(TITLES, st.sampled_from([0.05, 0.2, 0.3, 0.5, 0.8, 1.0]))
@settings(max_examples=60)
def test_clusters_of_sparse_rows_are_those_of_dbscan(small, names, distance):
    vectors = character_ngrams(names)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PRODUCTS", "VERIFIED", "EDGES") * small:
            patch.setattr(titles, name, 3)
        found = cluster(vectors, distance)
    assert found.tolist() == DBSCAN(eps=distance, min_samples=2, metric="cosine").fit_predict(vectors).tolist()


@pytest.mark.parametrize("small", [True, False])
@given(st.integers(0, 10**6), st.integers(1, 30), st.sampled_from([0.01, 0.1, 0.3, 1.0, 1.5]))
@settings(max_examples=60)
def test_clusters_of_dense_rows_are_those_of_dbscan(small, seed, rows, distance):
    vectors = np.random.default_rng(seed).normal(size=(rows, 3))
    vectors[: seed % 3] = 0  # a row of zeros is near nothing
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PRODUCTS", "EDGES") * small:
            patch.setattr(titles, name, 3)
        found = cluster(vectors, distance)
    assert found.tolist() == DBSCAN(eps=distance, min_samples=2, metric="cosine").fit_predict(vectors).tolist()


def test_the_distance_itself_is_near():
    rows = np.array([[1.0, 0.0], [3.0, 4.0], [-1.0, 0.0]])  # cosines 0.6, -0.6, -1
    for vectors in (rows, csr_matrix(np.abs(rows[:2]))):
        assert cluster(vectors, 0.4).tolist()[:2] == [0, 0] and cluster(vectors, 0.3999).tolist()[:2] == [-1, -1]


VOCABULARY = {"poem", "verse", "sum", "law", "other"}


@pytest.mark.parametrize(
    ("refinements", "ends", "to_review"),
    [
        ({}, {}, {}),
        ({"merge": {"verse": ["poem", "verse"]}}, {"poem": "verse"}, {}),
        ({"merge": {"verse": ["ballad"]}}, {"ballad": "verse"}, {"unmatched": ["ballad"]}),
        ({"drop": ["sum", "jazz"]}, {"sum": "", "jazz": ""}, {"unmatched": ["jazz"]}),
        ({"merge": {"lyric": ["poem"]}}, {"poem": "lyric"}, {"unknown_targets": ["lyric"]}),
        ({"merge": {"verse": ["poem"], "law": ["verse"]}}, {"poem": "law", "verse": "law"}, {}),
        ({"merge": {"law": ["lyric"], "lyric": ["poem"]}}, {"poem": "law", "lyric": "law"}, {"unmatched": ["lyric"]}),
        ({"merge": {"other": ["poem"]}, "drop": ["other"]}, {"poem": "", "other": ""}, {}),
        (
            {"merge": {"verse": ["poem"], "poem": ["verse"]}},
            {"poem": "poem", "verse": "poem"},
            {"conflicting": ["poem", "verse"]},
        ),
        (
            {"merge": {"sum": ["law"], "law": ["verse"], "verse": ["sum"], "poem": []}},
            {"law": "law", "verse": "law", "sum": "law"},
            {"conflicting": ["law", "sum", "verse"]},
        ),
        ({"merge": {"verse": ["poem"], "law": ["poem"]}}, {"poem": "verse"}, {"conflicting": ["poem"]}),
        ({"merge": {"verse": ["poem"]}, "drop": ["poem"]}, {"poem": ""}, {"conflicting": ["poem"]}),
    ],
)
def test_entries_lead_to_their_ends_and_those_that_do_nothing_or_disagree_are_named(refinements, ends, to_review):
    nothing = {"unmatched": [], "unknown_targets": [], "conflicting": []}
    assert refined_names(refinements, VOCABULARY) == (ends, nothing | to_review)


def test_an_entry_means_the_only_tag_with_its_words_and_a_line_names_those_that_mean_none(caplog):
    refinements = {"merge": {"verse": ["story-WRITING", "ode", "C"]}, "drop": ["C++"]}
    ends, to_review = refined_names(refinements, {"Story Writing", "verse", "C++", "c"})
    assert ends == {"Story Writing": "verse", "ode": "verse", "C": "verse", "C++": ""}  # two tags have the word c
    warn("refinements.yaml", to_review)
    (line,) = caplog.messages
    assert line.startswith("refinements.yaml: 'C', 'ode': no tag has this name")
    caplog.clear()
    warn("refinements.yaml", refined_names({"merge": {"verse": ["poem"]}}, VOCABULARY)[1])
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a", "1: the file: Input should be a valid dictionary"),
        ("hello", "1: the file: Input should be a valid dictionary"),
        ("drop:\nmerge: [a]", "2: merge: Input should be a valid dictionary"),
        ("merge: 5", "1: merge: Input should be a valid dictionary, got '5'"),
        ("merge:\n  a: b", "2: merge.a: Input should be a valid list, got 'b'"),
        ("merge:\n  a:\n    - [b]", "3: merge.a[0]: Input should be a valid string"),
        ("drop: {a: b}", "1: drop: Input should be a valid list"),
        ("drop:\n- 'a'\n- 1", "3: drop[1]: Input should be a valid string, got '1'"),
        ("merg: {a: [b]}", "1: merg: unknown key (did you mean merge?); known are merge, drop; correct or remove it"),
        (
            "merge:\n  a: [b]\n  c:\n  - d\n  - b",
            "5: merge.c[1]: 'b' stands in merge.a[0] as well; leave it in one entry",
        ),
        ("drop: [b]\nmerge:\n  a: [b]", "3: merge.a[0]: 'b' stands in drop[0] as well; leave it in one entry"),
        (
            "merge:\n  a: [b]\n  b: [c]\n  c: [a]\n  d: [e]",
            "2: merge.a[0]: the entries lead in a circle: 'b' → 'a' → 'c' → 'b'; remove one of them",
        ),
    ],
)
def test_refinements_of_another_form_are_refused_by_line(tmp_path, text, fault):
    path = tmp_path / "refinements.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_refinements(path)
    assert str(error.value).startswith(f"{path}:{fault}")


def test_a_long_chain_of_entries_is_no_circle_and_is_read_at_once(tmp_path):
    path = tmp_path / "refinements.yaml"
    path.write_text(
        "merge:\n" + "".join(f"  t{n}: [t{n + 1}, {'t0' if n == 2999 else f'x{n}'}]\n" for n in range(3000))
    )
    with pytest.raises(
        UserError, match=r"refinements\.yaml:2: .* in a circle: 't1' → 't0' → 't2999' → .* → … → 't1'"
    ) as error:
        read_refinements(path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["", "merge:\ndrop:", "{}", "merge: {a: , b: []}"])
def test_refinements_may_be_empty(tmp_path, text):
    path = tmp_path / "refinements.yaml"
    path.write_text(text)
    assert refined_names(read_refinements(path), ["a"])[0] == {}
