"""A conversation with reasoning, calls of tools and their results is whole wherever people review it."""

from pathlib import Path

import polars as pl
import pytest
from handmade import Handmade, row_id

from reports.browse.catalog import Catalog
from reports.browse.pages import Pages
from reports.diff.build import table_diff
from reports.diff.rows import RowDiffer
from reports.forget.probes import strings_of
from reports.gates.products import Products
from reports.page.markdown_rows import item_lines
from reports.page.render import environment
from reports.trace.family import Node
from reports.trace.picture import written_in
from reports.trace.words import texts_of
from reports.versions.database import connect
from reports.versions.version import Version
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import FinalDemonstration, FinalPreference
from schemas.table import Table
from stages.review.composition import words_of
from stages.review.datasheet import cut, word_quantiles

HOSTILE = "<script>alert(1)</script>"
TOOLS = '[{"type":"function","function":{"name":"forecast","parameters":{"type":"object"}}}]'
D = "data/demonstrations.parquet"
SHOWN = ("(reasoning) I consult", 'forecast({"city":"Oslo"})', "tool forecast", "−3 degrees", "It freezes.")


def turns(city="Oslo", call="c1", result="−3 degrees"):
    function = {"name": "forecast", "arguments": f'{{"city":"{city}"}}'}
    return [
        {
            "role": "assistant",
            "content": "",
            "reasoning": f"I consult {HOSTILE}",
            "tool_calls": [{"id": call, "type": "function", "function": function}],
        },
        {"role": "tool", "content": result, "tool_call_id": call, "name": "forecast"},
        message("assistant", "It freezes."),
    ]


ADMISSION = Admission(
    prompt=[message("system", "Be brief."), message("user", "Is it cold?")],
    domain="general",
    strategy="human",
    label_source="human",
    quality=1.0,
    license="MIT",
    engine="source",
    simulated=False,
    verdicts=[],
    scores={},
    source="a.jsonl:1",
    tools=TOOLS,
)


def demonstrations(completion, **fields):
    row = demonstration_row(ADMISSION, completion, []) | {"split": "train", "id": row_id("d")} | fields
    return Table.of(FinalDemonstration, [row])


def preferences():
    row = preference_row(ADMISSION, turns(), turns("Rome"), 1.0, [])
    assert row is not None
    return Table.of(FinalPreference, [row | {"split": "train", "id": row_id("p")}])


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = Handmade(tmp_path / "project")
    tables = {D: demonstrations(turns()), "data/preferences.parquet": preferences()}
    for path, table in tables.items():
        (made.folder / path).parent.mkdir(exist_ok=True)
        table.write(made.folder / path)
    made.put({"assemble": {path: (made.folder / path).read_bytes() for path in tables}})
    made.commit("first")
    monkeypatch.chdir(made.folder)
    return made


def test_browse_shows_searches_and_escapes_all_of_it(project):
    pages = Pages(Catalog())
    page = pages.row(row_id("d"), [("at", "HEAD")])
    for told in (*SHOWN, "forecast", "parameters"):
        assert told.replace('"', "&#34;") in page or told.replace('"', "&quot;") in page, told
    assert HOSTILE not in page and "&lt;script&gt;" in page
    sides = pages.row(row_id("p"), [("at", "HEAD")])
    assert "Rome" in sides and "Oslo" in sides and HOSTILE not in sides
    for word, found in (("oslo", True), ("consult", True), ("forecast", True), ("degrees", True), ("user", False)):
        assert (row_id("d")[:10] in pages.table("demonstrations", [("at", "HEAD"), ("q", word)])) == found, word


def differences(folder: Path, old: Table, new: Table):
    class Made:
        def __init__(self, name, table):
            self.path = folder / f"{name}.parquet"
            table.write(self.path)

        def tables(self):
            return {D: self.path}

        def files(self, path):
            return [self.path]

    with connect() as database:
        versions = {"old": Made("old", old), "new": Made("new", new)}
        (found,) = RowDiffer(database, *versions.values()).compare([(D, "assemble")])
        return table_diff(database, found, 3, versions)


@pytest.mark.parametrize(
    ("change", "place", "old", "new"),
    [
        ({"city": "Rome"}, "turn 1, assistant", "Oslo", "Rome"),
        ({"result": "20 degrees"}, "turn 2, tool forecast", "−3", "20"),
        ({"call": "c2"}, "turn 1, assistant", '"c1"', '"c2"'),
    ],
)
def test_a_diff_shows_what_changed_in_a_turn(tmp_path, change, place, old, new):
    (row,) = differences(tmp_path, demonstrations(turns()), demonstrations(turns(**change))).samples.changed
    cell = row.cells[0]
    assert (cell.column, cell.place) == ("completion", place) and old in cell.old and new in cell.new and cell.words


def test_lengths_are_those_of_whole_conversations(tmp_path):
    found = differences(tmp_path, demonstrations(turns()), demonstrations(turns("Rome, where it never freezes")))
    (shift,) = (one for one in found.distributions if one.column == "completion")
    assert shift.new.mean - shift.old.mean == len("Rome, where it never freezes") - len("Oslo")


def test_a_table_of_before_tools_is_compared_with_one_of_now(tmp_path):
    plain = demonstrations([message("assistant", "Yes.")])
    narrow = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
    old = plain.frame.drop("tools").with_columns(pl.col("prompt", "completion").cast(narrow))

    class Old:
        frame = old

        def write(self, path):
            old.write_parquet(path)

    found = differences(tmp_path, Old(), demonstrations([message("assistant", "No.")]))
    (row,) = found.samples.changed
    assert [(cell.column, cell.old, cell.new) for cell in row.cells] == [("completion", "Yes.", "No.")]


def test_comments_and_pages_show_every_turn():
    text = "\n".join(item_lines("completion", turns(), 500))
    page = str(environment(True).get_template("page/macros.html.jinja").module.value(turns()))
    for told in SHOWN:
        assert told in text
        assert told.replace('"', "&#34;") in page or told.replace('"', "&quot;") in page, told
    assert HOSTILE not in page


def test_a_trace_tells_every_turn_and_finds_a_row_by_its_last(project):
    row = demonstrations(turns()).frame.to_dicts()[0]
    texts = texts_of(Node(row["id"], 0, tables=[D], row=row))
    assert [name for name, _ in texts] == [
        "prompt, system",
        "prompt",
        "tools",
        "completion, assistant",
        "completion, tool forecast",
        "completion, assistant",
    ]
    told = "\n".join(f"{name}: {text}" for name, text in texts)
    assert all(one in told for one in SHOWN) and TOOLS in told
    call = row | {"completion": row["completion"][:1]}
    assert written_in(Node(row["id"], 0, tables=[D], row=call)).endswith('forecast({"city":"Oslo"})')


def test_gates_and_the_datasheet_read_whole_conversations(project):

    class Now(Version):
        def files(self, path):
            return [Path(path)]

    products = Products(Now("now"))
    texts = products.texts("demonstrations")["text"].to_list()
    assert any("consult" in text and "Oslo" in text for text in texts) and "−3 degrees" in texts and len(texts) == 5
    (pair,) = products.conversations("preferences").to_dicts()
    assert pair["chosen"] != pair["rejected"], "sides that differ in a call only are two"
    frame = demonstrations(turns()).frame
    plain = demonstrations([message("assistant", "It freezes.")]).frame
    assert words_of(frame, "completion")[0] > words_of(plain, "completion")[0] + 5
    assert word_quantiles(frame, "completion")[0] == words_of(frame, "completion")[0]
    (row,) = frame.to_dicts()
    sample = cut(row["completion"], 500)
    assert all(told in sample for told in SHOWN) and cut(row["prompt"][1:], 500) == "Is it cold?"


def test_what_is_forgotten_is_looked_for_in_calls_and_reasoning(project):
    found = {text for series in strings_of(pl.read_parquet(D)) for text in series.drop_nulls()}
    assert {'{"city":"Oslo"}', f"I consult {HOSTILE}", "−3 degrees", TOOLS} <= found
