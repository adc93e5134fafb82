"""Rows of two versions: added, removed, changed, moved, by id and by natural key."""

import functools

import polars as pl
import pytest
from handmade import row_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.diff.build import table_diff
from reports.diff.rows import RowDiffer
from reports.versions.database import connect

SEEDS, ANSWERS = "data/instructions.parquet", "data/candidates.parquet"
LISTS = {"parents": pl.List(pl.String)}


class Made:
    """As much of a version as rows need: tables written by a test."""

    def __init__(self, folder, tables):
        folder.mkdir(exist_ok=True, parents=True)
        self.paths = {}
        for path, frame in tables.items():
            self.paths[path] = folder / path.replace("/", "-")
            frame.write_parquet(self.paths[path], row_group_size=50_000)

    def tables(self):
        return self.paths

    def files(self, path):
        return [self.paths[path]]


@functools.cache
def database():
    return connect()


def compare(folder, old, new):
    """Path -> the difference of two dicts of frames."""
    paths = dict.fromkeys([*new, *old])
    versions = Made(folder / "old", old), Made(folder / "new", new)
    rows = RowDiffer(database(), *versions).compare([(path, "stage") for path in paths])
    return {one.files.table: table_diff(database(), one, 3, None) for one in rows}


def seeds(*lines, file="seeds.jsonl", **columns):
    """Source rows: one of each text, in the order of the file; None leaves a line out."""
    rows = [
        {"id": row_id(text), "parents": [], "source": f"{file}:{number}", "prompt": text}
        | {key: values[number - 1] for key, values in columns.items()}
        for number, text in enumerate(lines, start=1)
        if text is not None
    ]
    schema = {"id": pl.String, "parents": pl.List(pl.String), "source": pl.String, "prompt": pl.String}
    return pl.DataFrame(rows, schema_overrides=schema) if rows else pl.DataFrame(schema=schema)


def answers(*rows):
    """Derived rows: (parent's text, role, completion)."""
    found = [
        {
            "id": row_id(f"{parent}/{role}/{text}"),
            "parents": [row_id(parent), row_id(f"generation of {text}")],
            "role": role,
            "completion": text,
        }
        for parent, role, text in rows
    ]
    return pl.DataFrame(found, schema_overrides=LISTS)


def counts(diff):
    return diff.added, diff.removed, diff.changed, diff.moved, diff.unchanged


def pairs(diff):
    """(old id, new id) of rewritten rows."""
    return sorted(diff.ids.filter(pl.col("id_old") != pl.col("id_new")).select("id_old", "id_new").rows())


WORDS = "red green blue black white brown small large round square old new fast slow warm cold".split()


def sentence(number, length=9):
    """Words that no other number has in this order."""
    return " ".join(
        WORDS[(number * 7 + place * (number % 5 + 1)) % len(WORDS)] + str(number) for place in range(length)
    )


def test_an_edited_row_is_changed_and_a_row_below_an_insertion_is_moved(tmp_path):
    old = seeds("one a", "two b", "three c", "four d")
    new = seeds("fresh", "one a", "two x", "three c", "four d")
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert counts(diff) == (1, 0, 1, 3, 0)
    assert pairs(diff) == [(row_id("two b"), row_id("two x"))]
    assert diff.columns == {"prompt": 1} and diff.rewritten == 1


def test_a_line_that_was_written_anew_is_a_changed_row_where_its_place_says_so(tmp_path):
    old, new = seeds("one", "two", "three"), seeds("one", "wholly other words", "three")
    assert counts(compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]) == (0, 0, 1, 0, 2)


def test_a_row_removed_here_and_another_added_there_are_no_change(tmp_path):
    old = seeds(*(sentence(number) for number in range(8)))
    new = seeds(*(sentence(number) for number in (0, 2, 3, 4, 5, 20, 6, 7)))
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert counts(diff) == (1, 1, 0, 4, 3)


def test_an_edited_row_that_also_moved_is_found_by_its_words(tmp_path):
    texts = [sentence(number) for number in range(8)]
    old, new = seeds(*texts), seeds(texts[1] + " edited", *reversed(texts[2:]), texts[0])
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert (diff.added, diff.removed, diff.changed) == (0, 0, 1)
    assert pairs(diff) == [(row_id(texts[1]), row_id(texts[1] + " edited"))]


def test_a_row_that_is_as_like_to_others_is_not_taken_for_an_edited_one(tmp_path):
    sums = [f"Anna has {number} figs and buys {number + 2} more. How many figs has Anna?" for number in range(12)]
    old, new = seeds(*sums[:9], None, None), seeds(*sums[:2], *sums[3:9], sums[11])
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert (diff.added, diff.removed, diff.changed) == (1, 1, 0)


def test_what_is_made_of_an_edited_row_changes_with_it(tmp_path):
    old = {
        SEEDS: seeds("one", "two"),
        ANSWERS: answers(("one", "small", "a"), ("two", "small", "b"), ("two", "large", "c")),
    }
    new = {SEEDS: seeds("one", "2"), ANSWERS: answers(("one", "small", "a"), ("2", "large", "x"), ("2", "small", "b"))}
    diff = compare(tmp_path, old, new)[ANSWERS]
    assert counts(diff) == (0, 0, 2, 0, 1)
    assert pairs(diff) == sorted(
        [(row_id("two/small/b"), row_id("2/small/b")), (row_id("two/large/c"), row_id("2/large/x"))]
    )
    assert diff.columns == {"completion": 1, "parents": 1}


def test_other_answers_to_the_same_prompt_pair_by_their_words(tmp_path):
    same = {SEEDS: seeds("one")}
    old = same | {ANSWERS: answers(("one", "r", "the sky is blue"), ("one", "r", "a stone is hard"))}
    new = same | {
        ANSWERS: answers(("one", "r", "a stone is very hard"), ("one", "r", "the sky is grey"), ("one", "r", "no"))
    }
    diff = compare(tmp_path, old, new)[ANSWERS]
    assert counts(diff) == (1, 0, 2, 0, 0)
    assert (row_id("one/r/the sky is blue"), row_id("one/r/the sky is grey")) in pairs(diff)


def test_a_row_that_ends_elsewhere_is_no_other_rows_forerunner(tmp_path):
    """A candidate that was dropped goes on under its id: the new candidate of its prompt is an addition."""
    seen, ended = answers(("one", "r", "long text")), "data/dropped/respond.parquet"
    same = {SEEDS: seeds("one")}
    old = same | {ended: seen.clear(), ANSWERS: seen}
    new = same | {ended: seen, ANSWERS: answers(("one", "r", "long texts"))}
    assert counts(compare(tmp_path, old, new)[ANSWERS]) == (1, 1, 0, 0, 0)


def test_rows_of_one_id_differ_in_columns(tmp_path):
    old, new = seeds("a", "b", "c", quality=[0.1, 0.2, None]), seeds("a", "b", "c", quality=[0.1, 0.3, 0.5])
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert counts(diff) == (0, 0, 2, 0, 1) and diff.columns == {"quality": 2} and diff.rewritten == 0


def test_a_row_in_another_file_is_changed_one_on_another_line_is_moved(tmp_path):
    old, new = seeds("a", "b"), pl.concat([seeds("a", file="other.jsonl"), seeds(None, None, "b")])
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert counts(diff) == (0, 0, 1, 1, 0) and diff.columns == {"source": 1}


def test_columns_that_come_go_or_change_type_change_no_row(tmp_path):
    old = seeds("a", "b", gone=["x", "y"], size=[1, 2]).with_columns(turn=pl.lit([{"role": "user"}]))
    new = seeds("a", "b", size=[1.0, 2.5], fresh=[True, False]).with_columns(
        turn=pl.lit([{"role": "user", "name": "n"}])
    )
    diff = compare(tmp_path, {SEEDS: old}, {SEEDS: new})[SEEDS]
    assert [change.column for change in diff.schema.added] == ["fresh"]
    assert [change.column for change in diff.schema.removed] == ["gone"]
    assert [(change.column, change.old, change.new) for change in diff.schema.retyped][0] == (
        "size",
        "BIGINT",
        "DOUBLE",
    )
    assert counts(diff) == (0, 0, 1, 0, 1) and diff.columns == {"size": 1}


def test_rows_of_an_id_that_occurs_twice_are_told_apart(tmp_path):
    twice = pl.concat([seeds("a", size=[1]), seeds("a", size=[2]), seeds("b", size=[1])])
    once = pl.concat([seeds("a", size=[1]), seeds("b", size=[1])])
    diff = compare(tmp_path, {SEEDS: once}, {SEEDS: twice})[SEEDS]
    assert diff.duplicates == (0, 1) and (diff.added, diff.removed, diff.rows_new) == (1, 0, 3)


@pytest.mark.parametrize(
    ("old", "new", "kind"), [({SEEDS: seeds("a")}, {}, "is_gone"), ({}, {SEEDS: seeds("a")}, "is_new")]
)
def test_a_table_of_one_version_is_new_or_gone(tmp_path, old, new, kind):
    diff = compare(tmp_path, old, new)[SEEDS]
    assert (
        getattr(diff, kind)
        and not diff.schema
        and counts(diff) == ((0, 1, 0, 0, 0) if kind == "is_gone" else (1, 0, 0, 0, 0))
    )


@st.composite
def edits(draw):
    """The texts of a file, and for each line what becomes of it; "scored" is another value in a column."""
    kinds = draw(
        st.lists(st.sampled_from(["kept", "kept", "edited", "removed", "scored", "followed"]), min_size=1, max_size=30)
    )
    # a line that is removed behind an added one is a line that was written anew: nothing tells the two apart
    pairs = zip(["kept", *kinds], kinds, strict=False)
    return [*enumerate("kept" if pair == ("followed", "removed") else pair[1] for pair in pairs)]


@given(edits())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_edits_are_counted_as_they_were_made(tmp_path, plan):
    """And the other way round additions are removals."""
    old_lines, new_lines, old_scores, new_scores = [], [], [], []
    for number, kind in plan:
        text = sentence(number)
        old_lines.append(text)
        old_scores.append(0.5)
        if kind == "removed":
            continue
        new_lines.append(text.replace(" ", " very ", 1) if kind == "edited" else text)
        new_scores.append(0.75 if kind == "scored" else 0.5)
        if kind == "followed":
            new_lines.append(sentence(number + 1000))
            new_scores.append(0.5)
    kinds = [kind for _, kind in plan]
    old, new = {SEEDS: seeds(*old_lines, score=old_scores)}, {SEEDS: seeds(*new_lines, score=new_scores)}
    forward, backward = compare(tmp_path, old, new)[SEEDS], compare(tmp_path, new, old)[SEEDS]
    planted = kinds.count("followed"), kinds.count("removed"), kinds.count("edited") + kinds.count("scored")
    assert (forward.added, forward.removed, forward.changed) == planted
    assert (backward.removed, backward.added, backward.changed, backward.moved) == (*planted, forward.moved)
    assert sorted((new_id, old_id) for old_id, new_id in pairs(forward)) == pairs(backward)


def test_a_version_differs_from_itself_in_nothing(tmp_path):
    same = {SEEDS: seeds("a", "b", "b"), ANSWERS: answers(("a", "r", "x"))}
    assert [(diff.touched, diff.moved) for diff in compare(tmp_path, same, same).values()] == [(0, 0), (0, 0)]
