"""ontology: which raw tags become which canonical tag, by which step, just within and just beyond each limit."""

import numpy as np
import pytest

from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import TagSet
from schemas.stage import UndeclaredRead
from schemas.table import Table
from stages.annotation import ontology as module
from stages.annotation.ontology import ontology
from stages.annotation.params import OntologyParams
from tests.admission.rows import engine_fields, ident


def tag_sets(*sets):
    rows = []
    for n, names in enumerate(sets):
        tags = [{"tag": name, "explanation": ""} for name in names]
        rows.append(engine_fields(id=ident("set", n), parents=[ident("instruction", n)], tags=tags))
    return rows


def normalise(files, *sets, **params):
    tables = ontology(Table.of(TagSet, tag_sets(*sets)), OntologyParams(**params), RuntimeParams(), files)
    for table in tables[:-1]:
        table.check()
    return tables


def canonical(tables):
    """Raw tag -> (canonical tag, deciding step)."""
    return {entry.raw: (entry.canonical, entry.step) for entry in tables.ontology}


@pytest.mark.parametrize(
    ("sets", "least", "expected"),
    [
        ([["poem"], ["poem"], ["sum"]], 1, {"poem": ("poem", "kept"), "sum": ("sum", "kept")}),
        ([["poem"], ["poem"], ["sum"]], 2, {"poem": ("poem", "kept"), "sum": ("", "frequency")}),
        ([["poem"], ["poem"], ["sum", "sum"]], 2, {"poem": ("poem", "kept"), "sum": ("", "frequency")}),
        ([["poem"], ["poem"], ["sum"]], 3, {"poem": ("", "frequency"), "sum": ("", "frequency")}),
    ],
)
def test_a_tag_needs_the_least_number_of_instructions(refinements, sets, least, expected):
    assert canonical(normalise(refinements(), *sets, min_count=least)) == expected


@pytest.mark.parametrize(
    ("sets", "head", "step"),
    [
        ([["Data-Visualization", "data visualization"]] * 2 + [["data visualization"]], "data visualization", "rule"),
        ([["writing poems"], ["writing poem"]], "writing poem", "rule"),  # equal weight: the shorter
        ([["poem a"], ["poem_a"]], "poem a", "rule"),  # equal length: the first in order
        ([["POEM"], ["poem"], ["poems"]], "POEM", "rule"),
        ([["poems"], ["poems"], ["poem"]], "poems", "rule"),  # more weight before shorter
    ],
)
def test_tags_that_differ_in_case_signs_or_endings_are_one(refinements, sets, head, step):
    found = canonical(normalise(refinements(), *sets, semantic_distance=0.0))
    assert found == {raw: (head, "kept" if raw == head else step) for tags in sets for raw in tags}


def test_tags_of_other_words_stay_apart(refinements):
    found = canonical(normalise(refinements(), ["poem b"], ["poem a"], ["a poem"], semantic_distance=0.0))
    assert {name for name, _ in found.values()} == {"poem b", "poem a", "a poem"}


@pytest.mark.parametrize(("distance", "joined"), [(0.29, True), (0.289, False), (0.0, False)])
def test_titles_closer_than_the_distance_are_one_tag(refinements, distance, joined):
    titles = ["Information request", "information requesting desk"]  # 0.2895 apart, alone
    found = canonical(normalise(refinements(), *[[name] for name in titles], semantic_distance=distance))
    assert found[titles[1]] == ((titles[0], "semantic") if joined else (titles[1], "kept"))
    found = canonical(normalise(refinements(), *[[name] for name in (*titles, "poetry")], semantic_distance=0.33))
    assert found["poetry"] == ("poetry", "kept")


def test_an_encoder_places_the_titles_where_one_is_named_and_must_be_declared(refinements, tmp_path, monkeypatch):
    places = {"verse": [1.0, 0.0], "poem": [1.0, 0.1], "sum": [0.0, 1.0]}
    seen = []

    def embed(titles, folder, store):
        seen.append((titles, str(folder)))
        return np.array([places[title] for title in titles])

    monkeypatch.setattr(module, "embed", embed)
    for name in ("encoder", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    sets = [["verse"], ["poem"], ["sum"]]
    assert canonical(normalise(refinements(), *sets, encoder="encoder"))["verse"] == ("poem", "semantic")
    assert seen == [(["poem", "sum", "verse"], "encoder")]
    with pytest.raises(UndeclaredRead):
        normalise(refinements(), *sets, encoder="other")
    normalise(refinements(), ["verse"], encoder="encoder")  # one title needs no place
    assert len(seen) == 1


def together(both, first=0, second=0):
    """Instructions with both tags, with the first alone, with the second alone."""
    return [["math", "equation"]] * both + [["math"]] * first + [["equation"]] * second


@pytest.mark.parametrize(
    ("sets", "params", "joined"),
    [
        (together(4), {"support": 4}, True),
        (together(3), {"support": 4}, False),
        (together(3), {"support": 3}, True),
        (together(3, 1), {"support": 3, "confidence": 1.0}, True),  # equation -> math
        (together(3, 1, 1), {"support": 3, "confidence": 0.75}, True),
        (together(3, 1, 1), {"support": 3, "confidence": 0.76}, False),
        (together(3, 0, 1), {"support": 3, "confidence": 1.0}, True),  # math -> equation
        (together(3, 2, 1), {"support": 3, "confidence": 0.75}, True),  # of the rarer one
    ],
)
def test_tags_that_imply_each_other_are_one(refinements, sets, params, joined):
    found = canonical(normalise(refinements(), *sets, **params))
    assert len({name for name, _ in found.values()}) == (1 if joined else 2)
    assert {step for _, step in found.values()} == ({"kept", "association"} if joined else {"kept"})


@pytest.mark.parametrize(("group", "sizes"), [(2, [2, 2]), (3, [2, 2]), (4, [4]), (5, [4])])
def test_rules_join_no_more_tags_than_a_group_may_hold(refinements, group, sizes):
    names = ["art", "jazz", "myth", "law"]
    sets = [names] * 4 + [names[:2], names[2:]]  # the two pairs are together more often, so they come first
    found = canonical(normalise(refinements(), *sets, support=4, confidence=0.7, group=group))
    groups = {}
    for raw, (name, _) in found.items():
        groups.setdefault(name, []).append(raw)
    assert sorted(map(len, groups.values())) == sizes
    assert {frozenset(members) for members in groups.values()} >= (set() if group > 3 else {frozenset(names[:2])})


def test_of_rules_with_equal_support_the_first_by_name_joins_first(refinements):
    sets = [["jazz", "law"]] * 4 + [["art", "jazz"]] * 4
    found = canonical(normalise(refinements(), *sets, support=4, confidence=0.5, group=2))
    assert {raw: name for raw, (name, _) in found.items()} == {"art": "jazz", "jazz": "jazz", "law": "law"}


def test_a_rule_within_a_group_takes_no_place_in_it(refinements):
    sets = [["art", "jazz", "law"]] * 6 + [["law", "myth"]] * 4
    found = canonical(normalise(refinements(), *sets, support=4, confidence=0.4, group=6))
    assert {name for name, _ in found.values()} == {"law"}


def test_association_counts_the_tags_as_the_steps_before_left_them(refinements):
    sets = [["poem", "sum"], ["poems", "sum"], ["Poem", "sums"], ["POEM", "sum"], ["rare", "sum"]]
    found = canonical(normalise(refinements(), *sets, support=4, confidence=1.0, min_count=1, semantic_distance=0.0))
    assert found["poem"] == ("sum", "association") and found["sums"] == ("sum", "rule")
    assert found["rare"] == ("rare", "kept")
    found = canonical(normalise(refinements(), *sets, support=1, confidence=1.0, min_count=2, semantic_distance=0.0))
    assert {raw: name for raw, (name, _) in found.items() if name} == {"sum": "sum"}


def test_people_have_the_last_word(refinements):
    text = "merge:\n  verse: [poem, sonnet, verse]\ndrop: [sum]\n"
    found = canonical(normalise(refinements(text), ["poem", "poems"], ["poem"], ["sum"], ["verse"], ["law"]))
    assert found == {
        "poem": ("verse", "human"),
        "poems": ("verse", "human"),
        "sum": ("", "human"),
        "verse": ("verse", "kept"),
        "law": ("law", "kept"),
    }
    for text in ("", "merge:\ndrop:\n", "drop: [law]\n", "merge: {verse: [law]}\n"):
        name = {"d": "", "m": "verse" if "law" in text else "law"}.get(text[:1], "law")
        assert canonical(normalise(refinements(text), ["law"]))["law"][0] == name


def test_labels_hold_canonical_tags_once_in_order_and_the_steps_are_counted(refinements):
    sets = [["sum", "poems", "poem"], ["poem", "rare"], ["sum", "poem"], []]
    tables = normalise(refinements("drop: [sum]\n"), *sets, min_count=1, semantic_distance=0.0)
    rows = {row["parents"][0]: row for row in tag_sets(*sets)}
    expected = [["poem"], ["poem", "rare"], ["poem"], []]
    labels = {label.parents[0]: label for label in tables.labels}
    for n, tags in enumerate(expected):
        label = labels[ident("instruction", n)]
        parents = [ident("instruction", n), rows[ident("instruction", n)]["id"]]
        assert label.model_dump() == {"id": content_id("label", tags, parents), "parents": parents, "tags": tags}
    assert {entry.raw: entry.count for entry in tables.ontology} == {"sum": 2, "poems": 1, "poem": 3, "rare": 1}
    assert {entry.id for entry in tables.ontology if entry.raw == "sum"} == {content_id("ontology", ["sum", ""])}
    assert tables.metrics == {
        "tags": {"raw": 4, "frequency": 4, "rule": 3, "semantic": 3, "association": 3, "refined": 2},
        "vocabulary": 2,
        "refinements_unmatched": [],
        "refinements_unknown_targets": [],
        "refinements_conflicting": [],
    }
    assert normalise(refinements(), *sets, min_count=2).metrics["tags"]["frequency"] == 2
    assert not len(normalise(refinements()).ontology)
