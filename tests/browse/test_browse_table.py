"""A table that is browsed: paging by key, filters, facets and words, over a few rows."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from handmade import row_id
from hypothesis import given
from hypothesis import strategies as st

from reports.browse.patterns import any_word, pattern_of, words_of
from reports.browse.query import Query, parse
from reports.browse.table import PAGE, OpenTable
from reports.browse.values import as_json, preview
from reports.versions.database import connect

TEXTS = ["Straße 12", "καλή ΟΔΟΣ", "cafe\u0301 au lait", "كِتَاب", "٣ rows", "plain_text 50%", "12 rows", "a (b) [c] \\d"]


def opened(folder: Path, frame: pl.DataFrame, parts: int = 1) -> OpenTable:
    size = -(-frame.height // parts) or 1
    files = [folder / f"{number}.parquet" for number in range(parts)]
    for number, file in enumerate(files):
        frame.slice(number * size, size).write_parquet(file)
    database = connect("200MB")
    made = OpenTable(database, files, "t")
    made.database = database  # type: ignore[attr-defined]
    return made


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> OpenTable:
    rows = 3 * PAGE + 7
    frame = pl.DataFrame(
        {
            "id": sorted(row_id(n) for n in range(rows)),
            "score": [None if n % 7 == 0 else float(n % 5) for n in range(rows)],
            "kind": [["a", "b", None][n % 3] for n in range(rows)],
            "good": [n % 2 == 0 for n in range(rows)],
            "tags": [[f"t{n % 4}", "all"] if n % 5 else [] for n in range(rows)],
            "text": [TEXTS[n] if n < len(TEXTS) else "nothing of note, at some length, " * 3 for n in range(rows)],
        }
    )
    made = opened(tmp_path_factory.mktemp("table"), frame, parts=2)
    made.frame = frame  # type: ignore[attr-defined]
    return made


def ids(table: OpenTable, database, address: list[tuple[str, str]]) -> list[str]:
    return [row["id"] for row in table.page(database, parse(address, table.columns)).rows]


@pytest.mark.parametrize("sort", ["id", "-id", "score", "-score", "kind", "-kind", "good"])
def test_pages_visit_every_row_once_and_lead_back(table, sort):
    database, seen, firsts, after = table_database(table), [], [], ""
    while True:
        page = table.page(database, parse([("sort", sort), ("after", after)], table.columns))
        seen += [row["id"] for row in page.rows]
        firsts.append(page.rows[0]["id"])
        if not page.has_after:
            break
        after = page.rows[-1]["id"]
    name, frame = sort.removeprefix("-"), table.frame
    wanted = frame.sort(name, "id", descending=[sort.startswith("-"), sort == "-id"], nulls_last=True)["id"].to_list()
    assert seen == wanted
    back = table.page(database, parse([("sort", sort), ("before", firsts[-1])], table.columns))
    assert [row["id"] for row in back.rows] == wanted[2 * PAGE : 3 * PAGE]
    assert (back.has_before, back.has_after) == (True, True)


def table_database(table: OpenTable):
    return table.database.cursor()


@pytest.mark.parametrize(
    ("address", "expression"),
    [
        ([("kind", "a"), ("kind", "b")], pl.col("kind").is_in(["a", "b"])),
        ([("score.from", "2"), ("score.to", "3")], pl.col("score").is_between(2, 3)),
        ([("score.is", "empty")], pl.col("score").is_null()),
        ([("score.is", "filled"), ("good", "yes")], pl.col("score").is_not_null() & pl.col("good")),
        ([("tags", "t1"), ("tags", "t2")], pl.col("tags").list.set_intersection(["t1", "t2"]).list.len() > 0),
        ([("tags.is", "empty")], pl.col("tags").list.len() == 0),
        ([("kind.has", "A")], pl.col("kind") == "a"),
        ([("score", "1"), ("nothing", "x"), ("score.from", "many"), ("text", "x")], pl.col("score") == 1),
    ],
)
def test_filters_and_facets_count_what_polars_counts(table, address, expression):
    query = parse(address, table.columns)
    total, facets = table.counts(table_database(table), query)
    assert total == table.frame.filter(expression).height
    kinds = next(facet for facet in facets if facet.column.name == "kind")
    if "kind" not in dict(address) and "kind.has" not in dict(address):
        counted = table.frame.filter(expression)["kind"].value_counts()
        assert dict(kinds.values) == dict(counted.iter_rows())


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("STRAßE", [0]),
        ("οδος", [1]),
        ("caf\u00e9", [2]),
        ("كتاب", [3]),
        ('"3 rows"', [4]),
        ("12", [0, 6]),
        ("12 rows", [6]),
        ('"2 rows"', [6]),
        ("_text 0%", [5]),
        ("(b) [c]", [7]),
        ("\\d", [7]),
        (".*", []),
        ("'; DROP TABLE t; --", []),
    ],
)
def test_every_word_must_stand_in_the_row(table, asked, found):
    rows = ids(table, table_database(table), [("q", asked)])
    assert rows == [table.frame["id"][place] for place in found]


def test_a_table_without_rows_has_a_page(tmp_path, table):
    empty = opened(tmp_path, table.frame.clear())
    query = parse([("q", "word"), ("kind", "a")], empty.columns)
    assert empty.counts(table_database(empty), query)[0] == 0
    assert empty.page(table_database(empty), query).rows == []


def test_a_row_is_found_by_the_beginning_of_its_id(table):
    wanted = table.frame["id"][100]
    assert ids(table, table_database(table), [("q", wanted[:10].upper())]) == [wanted]


@given(st.text(max_size=30))
def test_a_word_matches_itself_and_reads_back_from_its_address(word):
    for one in words_of(word):
        assert any_word([one]).search(one)
        assert pattern_of(one)


@given(st.lists(st.sampled_from(["a", "b", "x y", "ü&=", ""]), unique=True), st.booleans())
def test_a_query_reads_back_from_its_address(values, descending):
    from urllib.parse import parse_qsl

    from reports.browse.columns import Column

    columns = {"id": Column("id", "id"), "kind": Column("kind", "label", 3)}
    query = Query(words="two words", sort="kind", descending=descending, fixed=(("at", "HEAD"),))
    query = query.with_values("kind", "any", values)
    assert parse(parse_qsl(query.address()[1:], keep_blank_values=True), columns) == query


def test_a_preview_shows_what_was_searched_and_no_half_secret():
    token = "ghp_" + "a1B2" * 9
    runs = preview("x " * 400 + f"the needle {token} end", any_word(["needle"]), most=60)
    assert (True, "needle") in runs
    assert token[:10] not in "".join(text for _, text in runs)


def test_json_of_a_row_shows_no_direction():
    assert as_json({"text": "a\u202eb", "n": 1}) == '{\n  "text": "a\\u202eb",\n  "n": 1\n}'


def test_pages_that_search_at_the_same_time_do_not_meet(table):
    def find(number: int) -> tuple[int, int]:
        query = parse([("q", f"note {number % 12}"), ("sort", "-score")], table.columns)
        database = table_database(table)
        return table.counts(database, query)[0], len(table.page(database, query).rows)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(find, range(72)))
    assert found == [find(number) for number in range(72)]
