"""Gates over rows, each with a row on either side of its rule."""

from collections.abc import Callable

import polars as pl
import pytest
from made_versions import MadeVersion, checked, key, preferred, result_of, shown

Make = Callable[..., MadeVersion]
ITEM = "A gardener plants seven rows of nine tulips and then gives away five of them to a friend"


def found_ids(result: object) -> set[str]:
    return {finding.id for finding in result.rows}  # type: ignore[attr-defined]


def test_a_row_that_holds_an_evaluation_item_leaks(make: Make) -> None:
    new = make().evaluation({"id": key("item"), "prompt": ITEM, "solution": None})
    new.demonstrations(shown("leak", f"Solve this. {ITEM.upper()} today."), shown("clean", ITEM[:40]))
    new.preferences(preferred("side", "A prompt.", chosen=f"Well, {ITEM}")).gates("rule: leaks, max: 0")
    result = result_of(new)
    assert (result.status, result.value, found_ids(result)) == ("fail", 2, {key("leak"), key("side")})
    assert f"holds the prompt of evaluation item {key('item')}" in result.rows[0].what


def test_leaks_are_found_whatever_the_filter_was_told(make: Make) -> None:
    new = make().evaluation({"id": key("item"), "prompt": ITEM})
    new.demonstrations(shown("leak", ITEM)).preferences().gates("rule: leaks, max: 0", "rule: leaks, max: 1")
    assert [result.status for result in checked(new).results] == ["fail", "pass"]


def test_a_row_that_the_filter_calls_removed_is_a_leak(make: Make) -> None:
    evidence = {"parents": [[key("a"), key("item")], [key("b"), key("item")]], "removed": [True, False], "lcs": [14, 9]}
    new = make().evaluation({"id": key("item"), "prompt": ITEM}).table("overlaps", pl.DataFrame(evidence))
    new.demonstrations(shown("a", "One prompt."), shown("b", "Another prompt.")).preferences()
    assert found_ids(result_of(new.gates("rule: leaks, max: 0"))) == {key("a")}
    assert found_ids(result_of(new.gates("rule: reported_overlaps, max: 0"))) == {key("b")}


def test_a_percentage_is_of_the_rows_looked_at(make: Make) -> None:
    evidence = {"parents": [[key("0"), key("item")]], "removed": [False], "lcs": [9]}
    new = make().table("overlaps", pl.DataFrame(evidence))
    new.demonstrations(*(shown(str(number), f"Prompt {number}") for number in range(20))).preferences()
    assert result_of(new.gates("rule: reported_overlaps, max: 5 %")).status == "pass"
    result = result_of(new.gates("rule: reported_overlaps, max: 4.9 %"))
    assert (result.status, result.shown) == ("fail", "5.0 %")


def test_a_held_out_row_whose_prompt_is_trained_on_leaks_across_products(make: Make) -> None:
    new = make().demonstrations(shown("t", "The same prompt."), shown("h", "Another prompt.", split="heldout"))
    new.preferences(preferred("p", "the same  PROMPT.", split="heldout")).gates("rule: split_leaks, max: 0")
    assert found_ids(result_of(new)) == {key("p")}


def test_equal_texts_and_contradicting_pairs_are_duplicates(make: Make) -> None:
    new = make().demonstrations(shown("1", "Ask.", "Say."), shown("2", "ask.", "Say."), shown("3", "Ask.", "Say more."))
    new.preferences(preferred("p", "Q", "x", "y"), preferred("q", "Q", "y", "x"), preferred("r", "Q", "x", "z"))
    result = result_of(new.gates("rule: duplicates, max: 0"))
    assert found_ids(result) == {max(key("1"), key("2")), key("p"), key("q")}
    assert result.rows[0].what.startswith("prefers what row")


def test_sides_that_differ_in_capitals_alone_contradict_nothing(make: Make) -> None:
    new = make().demonstrations().preferences(preferred("p", "Q", "Yes.", "YES."))
    assert result_of(new.gates("rule: duplicates, max: 0")).value == 0


def test_rows_that_the_base_has_are_not_new(make: Make) -> None:
    old, new = (make(name).preferences() for name in ("old", "new"))
    old.demonstrations(shown("1", "Mail jo@firm.org"))
    new.demonstrations(shown("1", "Mail jo@firm.org"), shown("2", "Mail al@firm.org"))
    result = result_of(new.gates("rule: personal_data, max: 0, only_new: true"), old)
    assert (result.value, found_ids(result)) == (1, {key("2")})
    grown = result_of(new.gates("rule: personal_data, max_growth: 1"), old)
    assert (grown.status, grown.value, grown.base) == ("pass", 2, 1)
    assert result_of(new.gates("rule: personal_data, max_growth: 0"), old).status == "fail"


def test_the_ten_worst_rows_are_shown_and_masked(make: Make) -> None:
    rows = [shown(str(number), f"Write to user{number}@firm.org, please") for number in range(12)]
    rows.append(shown("worst", "Write to jo@firm.org or call +44 20 7946 0958, card 4539148803436467"))
    result = result_of(make().demonstrations(*rows).preferences().gates("rule: personal_data, max: 0"))
    assert (result.found, len(result.rows), result.rows[0].id) == (13, 10, key("worst"))
    together = " ".join(finding.text for finding in result.rows)
    assert "firm" not in together and "7946" not in together and "j•@••••.•••" in together


@pytest.mark.parametrize(
    ("license_name", "gate", "refused"),
    [
        ("CC0-1.0", "allow: [CC0-1.0]", False),
        ("cc0-1.0", "allow: [CC0-1.0]", False),
        ("MIT", "allow: [CC0-1.0]", True),
        ("MIT", "deny: [mit]", True),
        ("MIT", "deny: [Apache-2.0]", False),
        ("MIT OR GPL-3.0-only", "allow: [MIT]", False),
        ("MIT AND GPL-3.0-only", "allow: [MIT]", True),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", "allow: [MIT, Apache-2.0]", False),
        ("our own terms", "allow: [our own terms]", False),
        ("our own terms", "allow: [MIT]", True),
        ("CC-BY-NC-4.0", "commercial: true", True),
        ("CC-BY-NC-4.0", "commercial: false", False),
        ("CC BY-NC 4.0", "commercial: true", True),
        ("cc by nc sa 4.0", "commercial: true", True),
        ("Creative Commons Attribution-NonCommercial 4.0", "commercial: true", True),
        ("NCSA", "commercial: true", False),
        ("CC BY 4.0", "allow: [CC-BY-4.0]", True),
    ],
)
def test_a_licence_is_allowed_or_not(make: Make, license_name: str, gate: str, refused: bool) -> None:
    new = make().demonstrations(shown("1", "Ask.", license=license_name)).preferences()
    assert result_of(new.gates(f"rule: licenses, max: 0, {gate}")).status == ("fail" if refused else "pass")


@pytest.mark.parametrize(
    ("source", "own", "conflict"),
    [
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0", "forbids derivatives"),
        ("CC-BY-SA-4.0", "MIT", "asks for the same licence"),
        ("CC BY-SA 4.0", "MIT", "asks for the same licence"),
        ("GPLv3", "MIT", "asks for the same licence"),
        ("CC BY ND 4.0", "MIT", "forbids derivatives"),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", ""),
        ("CC-BY-SA-4.0 OR MIT", "MIT", ""),
        ("CC-BY-NC-4.0", "MIT", "forbids commercial use"),
        ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", ""),
        ("MIT", "Apache-2.0", ""),
        ("Unlicensed", "MIT", "is denied"),
    ],
)
def test_the_licence_of_a_source_binds_what_is_made_from_it(
    make: Make, source: str, own: str, conflict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = make()
    monkeypatch.chdir(new.folder)  # DuckDB's temporary folder
    sources = {"id": [key("s"), key("other")], "parents": [[], []], "license": [source, "MIT"]}
    middle = {"id": [key("m")], "parents": [[key("s")]]}
    new.table("instructions", pl.DataFrame(sources, schema_overrides={"parents": pl.List(pl.String)}))
    new.table("evolved", pl.DataFrame(middle))
    made = shown("made", "Ask.", license=own, parents=[key("m")])
    free = shown("free", "Ask more.", license="MIT", parents=[key("other")])
    result = result_of(new.demonstrations(made, free).preferences().gates("rule: licenses, max: 0, deny: [Unlicensed]"))
    assert found_ids(result) == ({key("made")} if conflict else set())
    assert not conflict or conflict in result.rows[0].what


def test_a_pair_that_was_given_as_it_is_is_no_derivative(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    new = make()
    monkeypatch.chdir(new.folder)
    given = preferred("g", "Ask.", strategy="given", license="CC-BY-ND-4.0", parents=[key("s")])
    new.table(
        "given_preferences", pl.DataFrame({"id": [key("s")], "parents": [[key("x")]], "license": ["CC-BY-ND-4.0"]})
    )
    assert result_of(new.demonstrations().preferences(given).gates("rule: licenses, max: 0")).status == "pass"


def test_a_rule_without_its_table_is_unknown(make: Make) -> None:
    result = result_of(make().demonstrations().gates("rule: leaks, max: 0"))
    assert (result.status, result.value) == ("unknown", None)
    assert "data/preferences.parquet, data/evaluation.parquet" in result.note
    assert result_of(make("other").gates("rule: duplicates, max: 0, unknown: fail")).status == "fail"
