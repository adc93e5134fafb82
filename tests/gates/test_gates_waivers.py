"""Waivers let pass what people have decided, up to their day; and what is declared is read strictly."""

import re
from collections.abc import Callable

import pytest
from made_versions import WHY, MadeVersion, checked, key, preferred, result_of, shown

from reports.gates.reading import read_gates, read_waivers
from schemas.errors import UserError

Make = Callable[..., MadeVersion]


@pytest.fixture
def new(make: Make) -> MadeVersion:
    """Two rows of D and one of P that hold an address."""
    version = make().demonstrations(
        shown("1", "Mail jo@firm.org", domain="code"), shown("2", "Mail al@firm.org"), shown("3", "No address.")
    )
    return version.preferences(preferred("4", "Mail ed@firm.org")).gates("rule: personal_data, max: 0")


@pytest.mark.parametrize(
    ("extent", "left"),
    [
        (f"rows: [{key('1')}]", 2),
        (f"rows: [{key('1')}, {key('2')}, {key('4')}]", 0),
        ("scope: {domain: code}", 2),
        ("scope: {domain: [code, general], table: data/demonstrations.parquet}", 1),
        ("scope: {domain: math}", 3),
        ("scope: {no_such_column: x}", 3),
        ("scope: all", 0),
    ],
)
def test_a_waiver_takes_rows_or_a_scope_out_of_the_count(new: MadeVersion, extent: str, left: int) -> None:
    result = result_of(new.waive(f"gate: g0, {extent}, until: 2026-07-01"))
    assert (result.status, result.value, result.found) == ("fail" if left else "waived", left, 3)
    assert result.waived == 3 - left
    assert [bool(finding.waiver) for finding in result.rows] == [False] * left + [True] * (3 - left)


@pytest.mark.parametrize(("day", "status"), [("2026-07-01", "waived"), ("2026-07-02", "fail")])
def test_a_waiver_counts_on_its_last_day_and_not_after_it(new: MadeVersion, day: str, status: str) -> None:
    outcome = checked(new.waive("gate: g0, scope: all, until: 2026-07-01"), day=day)
    assert outcome.results[0].status == status
    expected = "human/waivers.yaml: waivers[0] of gate g0 expired on 2026-07-01 and counts no more"
    assert [remark.startswith(expected) for remark in outcome.remarks] == ([True] if status == "fail" else [])


def test_a_waiver_of_nothing_or_of_no_gate_is_said(new: MadeVersion) -> None:
    new.waive(f"gate: g0, rows: [{key('3')}], until: 2026-07-01", "gate: other, scope: all, until: 2026-07-01")
    nothing, unnamed = checked(new).remarks
    assert "waivers[0] of gate g0 waives nothing" in nothing and "waivers[1] of gate other: no such gate" in unnamed


def test_a_figure_is_waived_by_what_tells_it_apart(make: Make) -> None:
    new = make().metric("tag", rows={"in": 10, "quarantined": 2}).metric("rank", rows={"in": 10, "quarantined": 1})
    new.gates("rule: quarantine, max: 5 %")
    assert result_of(new.waive("gate: g0, scope: {stage: tag}, until: 2026-07-01")).note == "rank, the worst of 2"
    result = result_of(new.waive("gate: g0, scope: {stage: [tag, rank]}, until: 2026-07-01"))
    assert result.status == "waived" and WHY in result.note


def test_a_waiver_lets_the_base_pass_too(make: Make, new: MadeVersion) -> None:
    old = make("old").demonstrations(shown("1", "Mail jo@firm.org", domain="code")).preferences()
    result = result_of(new.waive("gate: g0, scope: {domain: code}, until: 2026-07-01"), old)
    assert (result.value, result.base) == (2, 0)


def test_a_waiver_of_what_only_the_base_had_waives_nothing(make: Make, new: MadeVersion) -> None:
    old = make("old").demonstrations(shown("gone", "Mail jo@firm.org")).preferences()
    (remark,) = checked(new.waive(f"gate: g0, rows: [{key('gone')}], until: 2026-07-01"), old).remarks
    assert "waives nothing" in remark


def test_gates_that_a_change_loosens_are_said(make: Make, new: MadeVersion) -> None:
    old = make("old").demonstrations().preferences()
    old.gates("rule: personal_data, max: 0", "rule: duplicates, max: 0")
    new.gates("rule: personal_data, max: 3")
    assert checked(new, old).remarks == (
        "reports/gates.yaml: gate g0 is changed (max): at most 0 before, at most 3 now",
        "reports/gates.yaml: gate g1 is removed",
    )


START = f"gates:\n  - name: one\n    why: {WHY}\n    rule: leaks\n    max: 0\n  - name: two\n    why: {WHY}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (START, "reports/gates.yaml:6: gates[1]: is without its key rule; write it"),
        (START + "    rule: leakz\n", "reports/gates.yaml:6: gates[1]: Input tag 'leakz' found using 'rule'"),
        (START + "    rule: leaks\n", "reports/gates.yaml:6: gates[1]: a gate needs a threshold"),
        (
            START + "    rule: leaks\n    max: -1\n",
            "reports/gates.yaml:9: gates[1].max: write a number that is not negative",
        ),
        (
            START + "    rule: leaks\n    max: 2 points\n",
            "reports/gates.yaml:9: gates[1].max: write a share as `5 %` or 0.05",
        ),
        (
            START + "    rule: leaks\n    max: 1\n    mx: 2\n",
            "reports/gates.yaml:10: gates[1].mx: unknown key (did you mean max?); known are name, title, why,",
        ),
        (START + "    rule: leaks\n    min: 1\n", "rows that should not be there have max and max_growth"),
        (START + "    rule: rows\n    min: 1\n", "reports/gates.yaml:6: gates[1].table: is missing"),
        (
            START + "    rule: rows\n    table: preferences\n    min: 20 %\n",
            "rows are counted: max and min are numbers",
        ),
        (START + "    rule: rows\n    table: preferences\n    max_drop: 2 points\n", "rows are counted: max_drop and"),
        (
            START.replace("two", "one") + "    rule: leaks\n    max: 1\n",
            "reports/gates.yaml:6: gates[1].name: several gates have the name one",
        ),
        ("gates: []\n", "reports/gates.yaml:1: gates: Tuple should have at least 1 item"),
        ("", "reports/gates.yaml:1: gates: is missing"),
        ("gates: [\n", "reports/gates.yaml:2: no valid YAML: "),
        ("a: &a {b: c}\ngates:\n  <<: *a\n", "reports/gates.yaml:3: no valid YAML: a merge key"),
        ("gates: " + "[" * 500 + "]" * 500, "nested too deeply"),
    ],
)
def test_a_faulty_gate_is_named_by_file_line_and_entry(text: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        read_gates(text)
    assert str(error.value).startswith("reports/gates.yaml:") and expected in str(error.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("gate: a, until: 2026-07-01", "either rows (ids) or a scope"),
        (f"gate: a, until: 2026-07-01, scope: all, rows: [{key('a')}]", "either rows (ids) or a scope"),
        ("gate: a, until: 2026-07-01, rows: [abc]", "waivers[0].rows[0]: String should match"),
        ("gate: a, until: 2026-07-01, scope: {}", "write `all` to waive the gate"),
        ("gate: a, until: soon, scope: all", "waivers[0].until"),
        ("gate: a, scope: all", "waivers[0].until: is missing"),
    ],
)
def test_a_faulty_waiver_is_named(make: Make, fields: str, expected: str) -> None:
    text = make().waive(fields).text("human/waivers.yaml")
    with pytest.raises(UserError) as error:
        read_waivers(text)
    assert re.match(r"human/waivers\.yaml:[1-9]", str(error.value)) and expected in str(error.value)


def test_no_waivers_are_none() -> None:
    assert read_waivers(None) == read_waivers("") == read_waivers("# nothing\n") == read_waivers("waivers: []") == ()
    assert read_waivers("waivers:\n") == ()  # the last one was taken out


@pytest.mark.parametrize(("field", "value"), [("reason", " " * 40), ("reason", ""), ("who", "  ")])
def test_a_waiver_without_a_reason_or_a_person_is_refused(make: Make, field: str, value: str) -> None:
    lines = {"gate": "a", "scope": "all", "reason": WHY, "who": "Ada", "until": "2026-07-01", field: value}
    text = "waivers:\n  - " + "\n    ".join(f'{name}: "{of}"' for name, of in lines.items())
    with pytest.raises(UserError, match=rf"waivers\[0\]\.{field}: String should have at least"):
        read_waivers(text)
