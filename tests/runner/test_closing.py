"""The closing line names what ingest did not take, the largest counts first."""

from cultivar.runlog.closing import closing_line


def line(not_taken):
    return closing_line("ingest", {"in": 0}, {}, {}, None, 1.0, not_taken)


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
