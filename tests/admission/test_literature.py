"""repurpose, literature: which inferred instructions a passage demonstrates, and which rule drops the others."""

import pytest

from schemas.rows import Character, Passage
from stages.synthesis.params import RepurposeParams
from stages.synthesis.repurpose import repurpose
from tests.admission.rows_synthesis import JUDGE, TEACHER, closing, engines, id_of, rules, table

TEXT = "The old clock stopped at noon and the whole town noticed it at once."
PASSAGE = {"work": "Clocks", "author": "A. Nobody", "section": "1", "text": TEXT}
INSTRUCTION, NEEDS = "Write about time.", ["a clock", "a town"]
UNSATISFIED, LEAK, EMPTY = (
    "the passage does not satisfy the instruction",
    "quotes the passage or names the work",
    "asks for nothing",
)


def infer(instruction=INSTRUCTION, needs=NEEDS, satisfied=(True, True), passage=PASSAGE, levels=("line",), **params):
    """The stage on one passage; the answers of teacher and judge are the same for every level."""
    passages = table(Passage, passage)
    back = {"instruction": instruction, "constraints": needs} if instruction is not None else "no JSON"
    grounding = {"satisfied": list(satisfied)} if satisfied is not None else "no JSON"
    with engines(lambda _: back, lambda _: grounding) as both:
        found = repurpose(passages, table(Character), RepurposeParams(levels=list(levels), **params), *both)
        asked = [engine.backend.asked for engine in both]
    closing("repurpose", found, passages=passages)
    return found, asked


def outcome(*arguments, **params) -> str:
    """The rule that drops the instruction, empty where it is demonstrated."""
    found, _ = infer(*arguments, **params)
    counts = rules(found.dropped)
    assert counts.pop("came to no demonstration", 0) == len(counts) == (not len(found.repurpose_demonstrations))
    assert not len(found.repurpose_preferences)
    return next(iter(counts), "")


def test_a_grounded_instruction_is_demonstrated_by_the_passage():
    found, (_, (question,)) = infer()
    (row,), (verdict,) = found.repurpose_demonstrations, found.repurpose_verdicts
    assert [(m.role, m.content) for m in row.prompt] == [("user", INSTRUCTION)]
    assert [(m.role, m.content) for m in row.completion] == [("assistant", TEXT)]
    assert (row.domain, row.strategy, row.license) == ("literature", "repurpose", "MIT")
    assert (row.engine, row.simulated) == (TEACHER, False) and row.verdicts == [verdict.id]
    assert [(s.name, s.value) for s in row.scores] == [("grounding", 1.0)]
    assert row.parents[0] == id_of(Passage, PASSAGE) and len(row.parents) == 2
    assert (verdict.verifier, verdict.outcome, verdict.score) == (JUDGE, "grounded", 1.0)
    assert verdict.parents[1] == id_of(Passage, PASSAGE)
    assert f"<passage>\n{TEXT}\n" in question and question.index("a clock") < question.index("a town")


@pytest.mark.parametrize(("least", "rule"), [(0.9, ""), (0.91, UNSATISFIED)])
def test_the_passage_must_satisfy_a_share_of_the_requirements(least, rule):
    needs, satisfied = [f"need {n}" for n in range(10)], [True] * 9 + [False]
    assert outcome(needs=needs, satisfied=satisfied, min_grounding=least) == rule
    found, _ = infer(needs=needs, satisfied=satisfied, min_grounding=least)
    (verdict,) = found.repurpose_verdicts
    assert (verdict.outcome, verdict.score) == ("not grounded" if rule else "grounded", 0.9)


@pytest.mark.parametrize(
    ("needs", "satisfied", "rule"),
    [
        (["a clock"] * 9 + ["a ship"], (True, False), UNSATISFIED),  # one of two, not nine of ten
        (["a clock", " a clock ", ""], (True,), ""),
        (["", " "], (), EMPTY),
    ],
)
def test_a_requirement_that_is_repeated_or_blank_is_none(needs, satisfied, rule):
    assert outcome(needs=needs, satisfied=satisfied) == rule


def test_a_dropped_instruction_names_its_passage_and_its_words():
    found, _ = infer(satisfied=(False, False))
    (row,) = (row for row in found.dropped if row.rule == UNSATISFIED)
    assert row.parents == [id_of(Passage, PASSAGE)] and row.detail == INSTRUCTION
    found, _ = infer("Clocks again.")
    (row,) = (row for row in found.dropped if row.rule == LEAK)
    assert row.parents == [id_of(Passage, PASSAGE)] and row.detail == "Clocks again."


@pytest.mark.parametrize("satisfied", [None, (True,), (True, True, True), ()])
def test_a_judgement_that_is_not_one_of_each_requirement_is_quarantined(satisfied):
    found, _ = infer(satisfied=satisfied)
    assert len(found.quarantine) == 1 and not len(found.repurpose_verdicts)
    assert rules(found.dropped) == {"came to no demonstration": 1}
    assert [row.parents for row in found.quarantine] == [[id_of(Passage, PASSAGE)]]


@pytest.mark.parametrize(("instruction", "needs"), [("  ", NEEDS), (INSTRUCTION, []), ("", [])])
def test_an_instruction_that_asks_for_nothing_is_dropped(instruction, needs):
    assert outcome(instruction, needs, ()) == EMPTY


@pytest.mark.parametrize(
    ("instruction", "size", "rule"),
    [
        ("Begin: the OLD clock stopped now.", 4, LEAK),
        ("Begin: the OLD clock stopped now.", 5, ""),
        (TEXT, 14, LEAK),
        (TEXT, 15, LEAK),
        (TEXT.rpartition(" ")[0], 15, ""),
        ("Noticed it at once.", 4, LEAK),
        ("As in clocks.", 8, LEAK),
        ("Like a. NOBODY does.", 8, LEAK),
    ],
)
def test_an_instruction_may_not_quote_so_many_words_nor_name_work_or_author(instruction, size, rule):
    assert outcome(instruction, leak_ngram=size) == rule


@pytest.mark.parametrize(
    ("work", "author", "instruction", "rule"),
    [
        ("It", "", "Write how it rained.", ""),
        ("She", "You and I", "She and you and I meet.", ""),
        ("It Ends", "", "Write how it ends.", LEAK),
        ("秋", "", "写秋天。", ""),
        ("秋", "", "写像《秋》那样的文章。", LEAK),
    ],
)
def test_a_name_of_function_words_alone_is_named_by_nothing(work, author, instruction, rule):
    assert outcome(instruction, passage=PASSAGE | {"work": work, "author": author}) == rule


def test_an_unknown_author_is_named_by_nothing():
    assert outcome(passage=PASSAGE | {"author": ""}) == ""


def test_every_level_makes_an_instruction_of_its_own():
    found, (asked, _) = infer(levels=("line", "constraints"))
    assert len(found.repurpose_demonstrations) == 2
    assert [f"<level>\n{level}\n" in prompt for level, prompt in zip(("line", "constraints"), asked, strict=True)] == [
        True
    ] * 2


def test_an_instruction_that_cannot_be_read_is_quarantined():
    found, _ = infer(None)
    assert [(row.raw, row.parents) for row in found.quarantine] == [("no JSON", [id_of(Passage, PASSAGE)])]
    assert rules(found.dropped) == {"came to no demonstration": 1}
