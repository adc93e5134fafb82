"""The family of a row in a project made by hand: back to file and line, on to what was made of it, and where rows ended."""

from pathlib import Path

import polars as pl
import pytest
from handmade import row_id
from hypothesis import given, settings
from hypothesis import strategies as st
from made_rows import KEY, LIST, P0, P1, TURN, VERDICT, D, P, admitted, dropped, problem, table

from cultivar.llm.cache import cached_frame
from cultivar.store.store import Store
from reports.lineage.index import LineageIndex, open_index, sweep
from reports.lineage.table_index import TableIndex, build, ids_of, keys_of
from reports.trace.completeness import sources_of
from reports.trace.family import Tracer, trace_seconds
from reports.trace.find import Ambiguous, find_row
from reports.trace.outline import Item, Section, outline
from reports.trace.text import render_text, width_of
from reports.versions.version import open_version
from schemas.errors import UserError


def test_a_row_leads_back_to_its_line_and_on_to_what_was_made_of_it(project):
    family = Tracer(open_version()).trace(D)
    source = family.nodes[P0]
    assert (source.line.place, source.line.text) == ("data/seeds/problems.jsonl:1", '{"q": "What is 0?"}')
    assert family.row.tables == ["data/rejection_demonstrations.parquet", "data/demonstrations.parquet"]
    assert family.row.row["split"] == "train"
    assert family.nodes[KEY].tables == [] and family.nodes[VERDICT].row["outcome"] == "sound"
    assert {one for one, node in family.nodes.items() if node.depth <= 0} == {D, P0, KEY, VERDICT}
    assert family.totals == {"data/rollouts.parquet": 20}
    assert sum(node.depth > 0 for node in family.nodes.values()) == 8 and family.more == {"data/rollouts.parquet": 12}


def test_a_row_that_stands_in_several_tables_is_counted_once(project):
    family = Tracer(open_version()).trace(P0, shown=0)
    assert family.totals["data/rejection_demonstrations.parquet"] == family.totals["data/demonstrations.parquet"] == 1
    assert "data/demonstrations.parquet" not in family.more and "data/dropped/filter.parquet" not in family.more
    assert family.more["data/rejection_demonstrations.parquet"] == 1 and family.more["data/rollouts.parquet"] == 20


def test_lines_are_those_of_the_revision_and_not_of_today(project):
    project.write("data/seeds/problems.jsonl", "changed\n")
    assert Tracer(open_version("HEAD")).trace(D).nodes[P0].line.text == '{"q": "What is 0?"}'
    assert Tracer(open_version()).trace(D).nodes[P0].line.text == "changed"
    project.write("data/seeds/problems.jsonl", "")
    assert Tracer(open_version()).trace(P1).nodes[P1].line.text is None


def test_an_ended_row_says_where_and_why(project):
    tracer = Tracer(open_version("HEAD"))

    def said(row: str) -> str:
        return render_text(outline(tracer.trace(row), None), 200)

    assert "x dropped it: evaluation overlap (of item 1)" in said(P)
    assert "shares 13 tokens in a row and a subsequence of 14" in said(P) and "removed" in said(P)
    assert "x dropped it: no path is admitted (wrong 8)" in said(P1) and "problems.jsonl:2" in said(P1)
    assert "x dropped it: wrong answer" in said(row_id("path 2")) and "problems.jsonl:1" in said(row_id("path 2"))
    assert "rejection quarantined it: length" in said(row_id("failed")) and "half an ans" in said(row_id("failed"))


def test_training_is_named_of_rows_of_the_train_split_alone(project):
    def lines() -> list[str]:
        return [
            item.title
            for section in outline(Tracer(open_version()).trace(D), None)
            if section.title == "Training"
            for item in section.items
        ]

    assert lines() == ["sft: trained on it in 2 epochs"]
    held = admitted("d", [P0, KEY], [VERDICT], completion=TURN, split="heldout")
    project.put({"assemble": {"data/demonstrations.parquet": table(held)}})
    assert lines() == ["held out: no model was trained on it"]


def test_every_row_of_the_project_leads_to_a_line(project):
    tracer = Tracer(open_version("HEAD"))
    ended = [P, P1, row_id("path 2"), row_id("failed")]
    found = sources_of(tracer, [D, *ended, row_id("rollout 3"), row_id("overlap")])
    assert {one: [line.number for line in lines] for one, lines in found.items()} == {
        one: [2 if one == P1 else 1] for one in found
    }
    assert sources_of(tracer, [row_id("nowhere")]) == {row_id("nowhere"): []}


def test_a_row_is_found_by_prefix_line_and_prompt(project):
    index = LineageIndex(open_version("HEAD"))
    assert find_row(D, index) == find_row(D[:12], index) == D
    assert find_row("data/seeds/problems.jsonl:2", index) == P1 == find_row('"What is 1?"', index)
    assert find_row('"prompt of d"', index) == D
    assert find_row(KEY, index) == KEY  # in no table, but a parent
    for unknown in (row_id("nowhere"), "data/seeds/problems.jsonl:3", '"What is 2?"', "hm"):
        with pytest.raises(UserError, match="no row"):
            find_row(unknown, index)


def test_a_record_that_ingest_dropped_is_found_by_its_line(project):
    place = "data/seeds/problems.jsonl:3"
    detail = f"{place}: the same problem stands at data/seeds/problems.jsonl:1"
    twin = dropped("twin", "exact duplicate", [P0], detail) | {"stage": "ingest"}
    other = dropped("other", "exact duplicate", [P0], detail)  # of a stage that names no places
    project.put({"ingest": {"data/dropped/ingest.parquet": table(twin)}})
    project.put({"rejection": {"data/dropped/rejection.parquet": table(other)}})
    index = LineageIndex(open_version())
    assert find_row(place, index) == row_id("twin")
    with pytest.raises(UserError, match="no row came from this line"):
        find_row(place[:-1] + "33", index)


def test_an_answer_that_no_row_names_is_told_from_an_unknown_id(project, monkeypatch):
    key = row_id("a rating")
    monkeypatch.setenv("CULTIVAR_STORE", str(project.folder / "store"))
    rows = [(bytes.fromhex(key), 0, "5", "stop", 1, 1, "judge")]
    Store(project.folder / "store").publish("f" * 32, cached_frame(rows))
    with pytest.raises(UserError, match=r"no row but an answer of judge .*--answer"):
        find_row(key, LineageIndex(open_version()))


def test_an_ambiguous_name_lists_its_rows(project):
    twice = [problem(0, 1), problem(1, 2) | {"prompt": "What is 0?"}]
    project.put({"ingest": {"data/problems.parquet": table(*twice)}})
    with pytest.raises(Ambiguous) as found:
        find_row('"What is 0?"', LineageIndex(open_version()))
    assert "2 rows" in str(found.value) and P0 in str(found.value) and P1 in str(found.value)


def test_circles_and_missing_parents_end(project):
    one, other = row_id("one"), row_id("other")
    loop = table({"id": one, "parents": [other, one]}, {"id": other, "parents": [one, row_id("gone")]})
    project.put({"ingest": {"data/candidates.parquet": loop}})
    tracer = Tracer(open_version())
    family = tracer.trace(one)
    assert set(family.nodes) == {one, other, row_id("gone")}
    for columns in (10, 80):
        assert render_text(outline(family, None), columns)
    assert tracer.trace(row_id("unheard of")).row.tables == []


def test_an_index_is_built_once_rebuilt_where_it_is_torn_and_swept_with_its_object(project):
    version, path = open_version("HEAD"), "data/demonstrations.parquet"
    open_index(version, path)
    (file,) = Path(".cache/lineage").glob(version.recorded()[path].md5 + "*")
    before = file.read_bytes()
    file.write_bytes(before[:-8])  # a disk that lost the end of it
    assert len(open_index(version, path)) == 1 and file.read_bytes() == before
    stamp = file.stat().st_mtime_ns
    open_index(version, path)
    assert file.stat().st_mtime_ns == stamp
    assert b"prompt" not in before  # of texts it holds nothing
    md5 = version.recorded()[path].md5
    Path(".dvc/cache/files/md5", md5[:2], md5[2:]).unlink()
    sweep()
    assert not file.exists()


def test_the_index_of_a_table_that_changed_is_another(project):
    path = "data/problems.parquet"
    assert len(open_index(open_version(), path)) == 2
    project.put({"ingest": {path: table(problem(0, 1))}})
    assert len(open_index(open_version(), path)) == 1
    assert len(list(Path(".cache/lineage").glob("*-*"))) == 1
    assert len(open_index(open_version("HEAD"), path)) == 2


def test_seconds_are_told_of_each_row(project):
    assert len(trace_seconds(open_version("HEAD"), [D, P, KEY])) == 3


def test_an_id_of_another_form_is_refused():
    with pytest.raises(UserError, match="32 hex"):
        build(pl.DataFrame({"id": ["x"], "parents": [[]]}, schema_overrides={"parents": LIST}))


ids = st.integers(0, 15).map(row_id)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(ids, st.lists(ids, max_size=3), max_size=8), min_size=1, max_size=3))
def test_whatever_is_reached_backward_is_reached_forward(tables):
    index = LineageIndex.__new__(LineageIndex)
    index.tables = {
        str(n): TableIndex(
            str(n),
            build(
                pl.DataFrame(
                    {"id": list(rows), "parents": list(rows.values())}, schema={"id": pl.String, "parents": LIST}
                )
            ),
        )
        for n, rows in enumerate(tables)
    }
    index.admitted = {}
    for row in {one for rows in tables for one in rows}:
        for up in index.ancestors([row]):
            reach = set(index.descendants([up]))
            assert up == row or row in reach
    every = {one for rows in tables for one in rows}
    for start in every:
        assert all(start in index.ancestors([one]) for one in index.descendants([start]))


@given(st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex)))
def test_ids_survive_as_numbers(texts):
    assert ids_of(keys_of(texts)) == texts


@settings(max_examples=10)
@given(st.integers(40, 120))
def test_no_line_is_wider_than_the_terminal(columns):
    item = Item("行" * 90, row_id(1), 3, ["事实" * 50, "fact " * 40], [("prompt", "長い" * 200), ("raw", "w" * 300)])
    for full in (False, True):
        text = render_text([Section("head", [item]), Section("tree", [item], "note " * 40)], columns, full)
        assert max(width_of(line) for line in text.splitlines()) <= columns
