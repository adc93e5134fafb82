"""The closing line names rows by source, what ingest did not take, quarantined rows with their file, what people ranked."""

from pathlib import Path

from cultivar.runlog.closing import closing_line
from schemas.ids import content_id
from schemas.rows import Constraint, Problem, Quarantined
from schemas.table import Table


def line(not_taken):
    return closing_line("ingest", {"in": 0}, {}, {}, None, 1.0, {"not_taken": not_taken})


def test_what_was_not_taken_is_named_and_counted():
    left = {"a: field id": 1200, "b: field lang": 3, "a: turns after the last reply": 3}
    assert line(left) == (
        "ingest: not taken: a: field id 1,200, a: turns after the last reply 3, b: field lang 3 · 1.0 s"
    )
    assert line({}) == line(None) == "ingest: 1.0 s"


def test_many_names_are_summed_up():
    left = {f"a: field {number}": number for number in range(1, 9)}
    assert line(left).startswith("ingest: not taken: a: field 8 8, a: field 7 7, a: field 6 6,")
    assert line(left).endswith("a: field 3 3, 2 more in metrics/ingest.json · 1.0 s")


def test_rows_count_by_source_and_an_answer_with_its_prompt():
    by_source = {"chats": {"instructions": 1200, "given_demonstrations": 1100}, "pairs": {"given_preferences": 7}}
    line = closing_line("ingest", {"in": 0}, {}, {}, None, 1.0, {"rows_by_source": by_source})
    assert line == "ingest: sources: chats 1,200, pairs 7 · 1.0 s"
    many = closing_line(
        "ingest", {"in": 0}, {}, {}, None, 1.0, {"rows_by_source": {f"s{n}": {"problems": n} for n in range(9)}}
    )
    assert "s8 8, s7 7" in many and "3 more in metrics/ingest.json" in many


def test_quarantined_rows_are_named_by_their_file_and_kinds():
    errors = ["not JSON: line 3", "not JSON:\nline 4", "no text", "b", "a"]
    rows = [{"id": content_id("q", n), "stage": "ingest", "error": error} for n, error in enumerate(errors)]
    tables = {"quarantine": Table.of(Quarantined, rows)}
    line = closing_line("ingest", {"in": 0}, tables, {}, None, 1.0, {}, Path("data/quarantine/ingest.parquet"))
    kinds = "not JSON: line # (2), a (1), b (1), 1 other kinds"
    assert line == f"ingest: quarantine 5 · quarantined rows are in data/quarantine/ingest.parquet: {kinds} · 1.0 s"


def test_rank_says_what_people_ranked():
    people = {"ranked_by_people": 12, "stale_items": 3}
    line = closing_line("rank", {"in": 0}, {}, {}, None, 1.0, people)
    assert line == "rank: 12 prompts ranked by people (3 of their rankings fit none) · 1.0 s"


def test_ingest_names_once_what_nobody_brought():
    constraint = {"id": content_id("constraint", "x"), "text": "x", "source": "a:1", "license": "CC0-1.0"}
    none, one = Table.of(Problem, []), Table.of(Constraint, [constraint])
    line = closing_line("ingest", {"in": 0}, {"problems": none, "constraints": one}, {}, None, 1.0)
    assert line.count("nobody brought math (rejection sampling") == 1 and "execution feedback" not in line
    rows = {"in": 1, "kept": 1, "dropped": 0, "quarantined": 0}
    assert "nobody brought" not in closing_line("rejection", rows, {"problems": none}, {}, None, 1.0)
