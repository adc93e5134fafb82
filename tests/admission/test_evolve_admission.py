"""evolve: which steps make an instruction harder, which rule drops the others, and where an evolution ends."""

import pytest

from schemas.conversations import last_turn
from schemas.ids import content_id, seed_of, unit_of
from schemas.rows import Selected
from schemas.table import Table
from stages.annotation.evolve import evolve
from stages.annotation.params import EvolveParams
from tests.admission.rows import CUT, ids, selected_row, turn
from tests.engines import scripted

OLD = "Name four fish."
NEW = "Name four fish that live in rivers."
FINE = {"same": False, "coherent": True}


def evolve_rows(steps, checks, rows=None, **params):
    rows = [selected_row(OLD)] if rows is None else rows
    limits = EvolveParams.model_validate({"rounds": 1, "share": 1.0, "nodes": 1, "min_added_words": 2} | params)
    with scripted(steps, role="teacher", model="t") as teacher, scripted(checks, model="j") as judge:
        tables = evolve(Table.of(Selected, rows), limits, teacher, judge)
    for table in tables:
        table.check()
    return tables, teacher, judge


def step(text, *added):
    return {"instruction": text, "added": list(added)}


@pytest.mark.parametrize(
    ("new", "added", "check", "params", "rule"),
    [
        (NEW, ["rivers"], FINE, {}, None),
        (NEW, [], FINE, {}, "adds nothing"),
        (NEW, [" ", ""], FINE, {}, "adds nothing"),
        (NEW, ["", "rivers"], FINE, {}, None),
        (NEW, ["rivers"], {"same": True, "coherent": True}, {}, "adds nothing"),
        (NEW, ["rivers"], {"same": False, "coherent": False}, {}, "not one coherent task"),
        ("Name four fish in rivers.", ["rivers"], FINE, {}, None),  # two words more for the requirement asked for
        ("Name four river fish.", ["rivers"], FINE, {}, "not longer"),
        ("Name four fish in rivers.", ["rivers"], FINE, {"nodes": 2}, "not longer"),
        (NEW, ["rivers"], FINE, {"nodes": 2}, None),
        (NEW, ["rivers"], FINE, {"min_added_words": 4}, None),
        (NEW, ["rivers"], FINE, {"min_added_words": 5}, "not longer"),
        (NEW, ["rivers"], FINE, {"max_added_words": 4}, None),
        (NEW, ["rivers"], FINE, {"max_added_words": 3}, "too long"),
        (NEW, ["rivers"], FINE, {"nodes": 2, "max_added_words": 2}, None),
        ("Sorry, I cannot make this instruction harder.", ["rivers"], FINE, {}, "refuses"),
        ("I can't help with that.", ["rivers"], FINE, {"nodes": 9}, "refuses"),
        ("Name four fish for the given prompt.", ["rivers"], FINE, {}, "leaks the procedure"),
        ("Name four fish for the REWRITTEN prompt.", ["rivers"], FINE, {}, "leaks the procedure"),
        ("Name four fish, a new instruction too.", ["rivers"], FINE, {}, "leaks the procedure"),
        ("Name four fish of the tree node.", ["rivers"], FINE, {}, "leaks the procedure"),
        ("Name four fish of the added nodes.", ["rivers"], FINE, {}, "leaks the procedure"),
        ("Name four fish that were never unrewritten.", ["rivers"], FINE, {}, None),
        ("Name four fish as in https://fish.org please.", ["rivers"], FINE, {}, "adds a link"),
        ("Name four fish as in http://fish.org please.", ["rivers"], FINE, {}, "adds a link"),
        ("Name", [], {"same": True, "coherent": False}, {}, "adds nothing"),
        ("Name https://x", ["a"], {"same": False, "coherent": False}, {}, "not longer"),
        ("Name four fish, old prompt, see https://x", ["a"], FINE, {"max_added_words": 3}, "too long"),
        ("Name four fish, old prompt, see https://x", ["a"], FINE, {}, "leaks the procedure"),
        ("Name four fish, please, see https://x", ["a"], {"same": False, "coherent": False}, {}, "adds a link"),
    ],
)
def test_the_first_rule_that_a_step_breaks(new, added, check, params, rule):
    tables, _, _ = evolve_rows([step(new, *added)], [check], **params)
    assert [last_turn(row.prompt) for row in tables.evolved] == ([new] if rule is None else [])
    families = {"leaks the procedure": "procedure", "refuses": "inability" if "help" in new else "rewriting"}
    detail = f"English, {families[rule]}: {new}" if rule in families else new
    assert [(row.id, row.parents, row.stage, row.rule, row.detail) for row in tables.dropped] == (
        [] if rule is None else [(selected_row(OLD)["id"], [], "evolve", rule, detail)]
    )


@pytest.mark.parametrize(
    "old",
    ["Use the given prompt.", "Read https://fish.org now.", 'Reply "No": I cannot help with that. Why is it rude?'],
)
def test_what_the_old_instruction_already_has_is_not_held_against_the_new(old):
    tables, _, _ = evolve_rows([step(f"{old} Add four fish.", "fish")], [FINE], [selected_row(old)])
    assert len(tables.evolved) == 1


LONG_OLD = "Tell me how the people of the village live by the river and what they do in the winter. " * 7
"""126 words."""


def test_the_limit_is_on_the_words_added_however_long_the_old_instruction_is():
    for count, rule in ((1, "not longer"), (2, None), (30, None), (31, "too long")):
        new = LONG_OLD + "and so on " * (2 * count - 1 + (count == 31)) + "and so"
        added = 6 * count - 1 + 3 * (count == 31)
        tables, _, _ = evolve_rows(
            [step(new, "more")], [FINE], [selected_row(LONG_OLD)], nodes=2, min_added_words=4, max_added_words=91
        )
        assert [row.rule for row in tables.dropped] == ([] if rule is None else [rule]), added


def test_what_an_evolved_row_holds():
    old = selected_row(OLD, domain="math", license="MIT", tags=["fish"])
    tables, teacher, judge = evolve_rows(
        [step(NEW, "rivers")], [FINE], [old], nodes=4, min_added_words=1, max_added_words=77
    )
    (row,) = tables.evolved
    (asked,), (checked,) = teacher.backend.asked, judge.backend.asked
    parents = [old["id"], row.parents[-1]]
    assert row.model_dump() == {
        "id": content_id("evolved", [NEW, ["rivers"]], parents),
        "parents": parents,
        "domain": "math",
        "prompt": turn("user", NEW),
        "tools": None,
        "source": "seeds:1",
        "added": ["rivers"],
        "depth": 1,
        "tags": ["fish"],
        "license": "MIT",
        "engine": teacher.questions.label,
        "simulated": True,
    }
    assert OLD in asked and "exactly 4 meaningful" in asked and "4 to\n308 words" in asked
    assert f"<old>\n{OLD}\n</old>\n<new>\n{NEW}\n</new>" in checked


def test_each_round_starts_from_the_step_before():
    texts = [NEW, NEW + " Add their sizes.", NEW + " Add their sizes. Sort by them."]
    for rounds in (1, 2, 3):
        steps = [step(text, "more") for text in texts[:rounds]]
        tables, teacher, _ = evolve_rows(steps, [FINE] * rounds, rounds=rounds)
        rows = sorted(tables.evolved, key=lambda row: row.depth)
        assert [(row.depth, last_turn(row.prompt)) for row in rows] == list(enumerate(texts[:rounds], 1))
        before = [selected_row(OLD)["id"], *(row.id for row in rows)]
        for row, parent in zip(rows, before, strict=False):
            assert row.parents[:-1] == list(dict.fromkeys([selected_row(OLD)["id"], parent]))
        assert all(text in asked for text, asked in zip([OLD, *texts], teacher.backend.asked, strict=False))


def test_a_later_step_that_fails_is_dropped_as_itself_and_ends_the_evolution():
    long = NEW + " " + "Sort them by size. " * 20
    tables, teacher, _ = evolve_rows(
        [step(NEW, "a"), step(long, "b")], [FINE, {"same": True, "coherent": True}], rounds=3
    )
    (kept,), (gone,) = tables.evolved, tables.dropped
    assert gone.parents[:2] == [selected_row(OLD)["id"], kept.id] and len(gone.parents) == 3
    assert gone.id == content_id("evolved", [long, ["b"]], gone.parents)
    assert (gone.rule, gone.detail) == ("adds nothing", long[:200]) and len(teacher.backend.asked) == 2


@pytest.mark.parametrize("checker", [False, True])
def test_an_unreadable_answer_quarantines_the_instruction_or_the_later_step(checker):
    steps, checks = [step(NEW, "a"), step(NEW + " Sort by size.", "b")], [FINE, FINE]
    (checks if checker else steps)[0] = CUT
    tables, _, _ = evolve_rows(steps, checks, rounds=2)
    assert [(row.id, row.parents, row.stage, row.error, row.raw) for row in tables.quarantine] == [
        (selected_row(OLD)["id"], [], "evolve", "length", "cut o")
    ]
    assert not len(tables.evolved) and not len(tables.dropped)
    steps, checks = [step(NEW, "a"), step(NEW + " Sort by size.", "b")], [FINE, FINE]
    (checks if checker else steps)[1] = CUT
    tables, _, _ = evolve_rows(steps, checks, rounds=2)
    (kept,), (broken,) = tables.evolved, tables.quarantine
    assert broken.parents == [kept.id] and broken.id not in (kept.id, selected_row(OLD)["id"])
    assert (broken.stage, broken.error, broken.raw) == ("evolve", "length", "cut o")


def test_one_instruction_that_fails_leaves_the_others():
    rows = [selected_row(OLD), selected_row("Why is it so?"), selected_row("Explain how it is.")]
    steps = {"Why is": CUT, "Name": step(NEW, "rivers"), "Explain": step("Explain how it is in rivers.", "rivers")}
    checks = {"Name": CUT, "Explain": FINE}
    tables, _, _ = evolve_rows(steps, checks, rows)
    assert ids(tables.quarantine) == ids(rows[:2])
    assert [(last_turn(row.prompt), row.parents[0]) for row in tables.evolved] == [
        ("Explain how it is in rivers.", rows[2]["id"])
    ]


def test_the_share_that_evolves_is_drawn_by_id():
    rows = [selected_row(f"Name {n} fish.") for n in range(12)]
    coins = {row["id"]: unit_of(row["id"], "evolve") for row in rows}
    for share in (0.0, coins[rows[0]["id"]], 1.0):
        evolving = {key for key, coin in coins.items() if coin < share}
        steps = [step(f"Name {n} fish that live in rivers.", "rivers") for n in range(len(evolving))]
        tables, _, _ = evolve_rows(steps, [FINE] * len(evolving), rows, share=share)
        assert {row.parents[0] for row in tables.evolved} == evolving
        assert {(row.id, row.rule) for row in tables.dropped} == {
            (key, "outside the share that evolves") for key in coins.keys() - evolving
        }
        assert {row.stage for row in tables.dropped} <= {"evolve"}


def test_seeds_come_from_the_row_that_a_step_starts_from():
    seeds, texts = [], iter([NEW, NEW + " Sort them by size."])
    grow = lambda request: seeds.append(request.seed) or step(next(texts), "more")  # noqa: E731
    judge = lambda request: seeds.append(request.seed) or FINE  # noqa: E731
    tables, _, _ = evolve_rows(grow, judge, rounds=2)
    first = next(row.id for row in tables.evolved if row.depth == 1)
    starts = [selected_row(OLD)["id"], first]
    assert seeds == [seed_of(key, purpose) for key in starts for purpose in ("evolve", "check")]
