"""repurpose, role-play: which answers are demonstrated, which are rejected against them (Ditto)."""

import re
from collections import Counter

import pytest

from cultivar.llm.answer import Generation
from schemas.rows import Character, Passage
from stages.synthesis.params import RepurposeParams
from stages.synthesis.repurpose import repurpose
from stages.synthesis.role_play import draw_couples
from tests.admission.rows_synthesis import JUDGE, TEACHER, closing, engines, errors, id_of, pairs_of, rules, table

OLA = {
    "name": "Ola",
    "description": "a fisher",
    "aliases": [f"O{n}" for n in range(7)],
    "article": "She lives at sea.",
    "claims": [{"property": "tool", "value": f"net {n}"} for n in range(42)],
}
ZED = {"name": "Zed"}
NETS = "What nets do you use?"


def play(reply, check, ask=lambda first, second: [NETS] if first == "Ola" else [], cast=(OLA, ZED), **params):
    """The stage on characters: `ask(first, second)` are questions, `reply(name, sample)` texts, `check(name, text)`
    the judge's (in_role, refuses, knowledge)."""

    def name(tag, prompt):
        return re.search(rf"<{tag}>\nName: (\w+)", prompt)[1]

    def teacher(request):
        prompt = request.messages[1]["content"]
        if "<character>" in prompt:
            found = ask(name("character", prompt), name("other", prompt))
            return found if isinstance(found, str) else {"questions": found}
        return reply(name("profile", prompt), request.sample)

    def judge(request):
        prompt = request.messages[1]["content"]
        found = check(name("profile", prompt), re.search(r"<response>\n(.*)\n</response>", prompt)[1])
        return found if isinstance(found, str) else dict(zip(("in_role", "refuses", "knowledge"), found, strict=True))

    characters = table(Character, *cast)
    with engines(teacher, judge) as both:
        found = repurpose(table(Passage), characters, RepurposeParams(**({"others": 1} | params)), *both)
        asked = both[0].backend.asked
    closing("repurpose", found, characters=characters)
    return found, asked


def shown(found) -> set[tuple[str, str, str]]:
    """(introduction, question, answer) of every demonstration."""
    return {
        (row.prompt[0].content, row.prompt[1].content, row.completion[0].content)
        for row in found.repurpose_demonstrations
    }


def only_ola(good, bad="Nothing."):
    """Zed never answers in role; Ola says `good`, then `bad`."""
    return lambda name, sample: "Zed says no." if name == "Zed" else [good, bad][sample]


@pytest.mark.parametrize(
    ("check", "good"),
    [((True, False, 8), True), ((True, False, 7), False), ((True, True, 9), False), ((False, False, 9), False)],
)
def test_a_character_must_know_the_answer_to_its_own_question(check, good):
    found, _ = play(
        only_ola("Nets."), lambda name, text: check if text == "Nets." else (False, False, 1), min_knowledge=8
    )
    assert shown(found) == ({("You are Ola, a fisher.", NETS, "Nets.")} if good else set())
    assert pairs_of(found.repurpose_preferences) == ([("Nets.", "Nothing.", 1.0)] if good else [])
    outcomes = sorted((row.outcome, row.score) for row in found.repurpose_verdicts if row.score == check[2])
    assert outcomes == [("in role" if good else "out of role", float(check[2]))]


@pytest.mark.parametrize(
    ("check", "good"),
    [((True, True, 1), True), ((True, False, 9), False), ((False, True, 9), False)],
)
def test_a_character_must_decline_a_question_that_is_another_s(check, good):
    found, _ = play(
        lambda name, sample: f"{name} {sample}", lambda name, text: check if text == "Zed 0" else (False, False, 1)
    )
    assert shown(found) == ({("You are Zed.", NETS, "Zed 0")} if good else set())
    assert pairs_of(found.repurpose_preferences) == ([("Zed 0", "Zed 1", 1.0)] if good else [])
    assert all([(s.name, s.value) for s in row.scores] == [("fits", 0.0)] for row in found.repurpose_demonstrations)


@pytest.mark.parametrize(("of_zed", "put"), [(NETS, []), ("What boats?", [("Ola", NETS), ("Zed", NETS)])])
def test_a_question_that_both_can_answer_and_cannot_is_put_to_neither(of_zed, put):
    """Of two characters each is asked what the other alone can answer; the same question of both is no evidence."""
    found, _ = play(
        lambda name, sample: f"{name} {sample}",
        lambda name, text: (True, name == "Zed", 9),  # right for Ola's own question
        ask=lambda first, second: [NETS if first == "Ola" else of_zed],
    )
    assert sorted((row.prompt[0].content[8:11], row.prompt[1].content) for row in found.repurpose_demonstrations) == put


def test_rows_of_a_role_play_hold_their_origin_and_verdicts():
    found, _ = play(only_ola(" Nets.\n"), lambda name, text: (text == "Nets.", False, 8))
    (row,), (pair,) = found.repurpose_demonstrations, found.repurpose_preferences
    ola, zed = (id_of(Character, one) for one in (OLA, ZED))
    assert [m.role for m in row.prompt] == ["system", "user"] and row.prompt == pair.prompt
    assert (row.domain, row.strategy, row.license) == ("character", "repurpose", "MIT")
    assert (row.engine, row.simulated) == (TEACHER, False)
    assert [(s.name, s.value) for s in row.scores] == [("fits", 1.0)]
    assert row.parents[:2] == [ola, zed] and len(set(row.parents)) == 4
    assert pair.parents[:4] == row.parents and len(set(pair.parents)) == 5
    verdicts = {verdict.id: verdict for verdict in found.repurpose_verdicts}
    assert [verdicts[v].outcome for v in pair.verdicts] == ["in role", "out of role"] and row.verdicts == pair.verdicts[
        :1
    ]
    assert [verdicts[v].parents for v in pair.verdicts] == [[row.parents[3], ola], [pair.parents[4], ola]]
    assert {(v.verifier, v.detail) for v in verdicts.values()} == {(JUDGE, NETS)}
    assert rules(found.dropped) == {}, "Zed is kept as what Ola's question does not fit"


def test_two_good_or_two_bad_answers_make_no_pair():
    found, _ = play(only_ola("Nets.", "Ropes."), lambda name, text: (name == "Ola", False, 9))
    assert len(found.repurpose_demonstrations) == 1 and not len(found.repurpose_preferences)
    found, _ = play(only_ola("Nets.", "Ropes."), lambda name, text: (False, False, 9))
    assert not len(found.repurpose_demonstrations) and not len(found.repurpose_preferences)
    assert rules(found.dropped) == {"came to no demonstration": 2}


@pytest.mark.parametrize("texts", [("Nets.", "Nothing."), ("Nothing.", "Nets.")])
def test_the_good_answer_is_chosen_wherever_it_comes(texts):
    found, _ = play(only_ola(*texts), lambda name, text: (text == "Nets.", False, 8))
    assert pairs_of(found.repurpose_preferences) == [("Nets.", "Nothing.", 1.0)]


def test_of_several_good_answers_one_is_taken_by_its_key():
    found, _ = play(only_ola("Nets.", "Ropes."), lambda name, text: (name == "Ola", False, 9))
    (row,) = found.repurpose_demonstrations
    assert row.parents[3] == min(
        verdict.parents[0] for verdict in found.repurpose_verdicts if verdict.outcome == "in role"
    )


def test_each_character_draws_the_others_by_its_own_coin():
    asked = []
    cast = [{"name": name} for name in ("Ann", "Bob", "Cid", "Dan", "Eve", "Fay")]
    play(lambda *_: "x", lambda *_: (True, True, 1), lambda one, two: asked.append(two) or [], cast, others=1)
    assert len(asked) == 6 and len(set(asked)) > 2


def test_a_character_that_comes_changes_few_couples_and_many_are_drawn_for():
    cast = list(table(Character, *({"name": f"N{n}"} for n in range(400))))
    before = {(one.id, other.id) for one, other in draw_couples(cast[1:], 2)}
    after = {(one.id, other.id) for one, other in draw_couples(cast, 2)}
    assert len(after) == 800 and len(after - before) < 40, "two of its own, and those that now draw it"
    assert max(Counter(other for _, other in after).values()) < 30, "no character is everybody's other"
    assert len(set(draw_ids(draw_couples(cast[:3], 9)))) == 6 and draw_couples(cast[:1], 2) == []


def draw_ids(couples):
    return [(one.id, other.id) for one, other in couples]


def test_an_unfinished_answer_and_an_unreadable_judgement_are_quarantined():
    cut = Generation("Ne", "length", 1, 9)
    found, _ = play(only_ola("Nets.", cut), lambda name, text: (name == "Ola", False, 9))
    assert errors(found.quarantine) == ["length"] and len(found.repurpose_demonstrations) == 1
    assert not len(found.repurpose_preferences), "an answer without a judgement is no rejected side"
    found, _ = play(only_ola("Nets."), lambda name, text: (True, False, 9) if text == "Nets." else "no JSON")
    assert not len(found.repurpose_preferences) and {row.raw for row in found.quarantine} == {"no JSON"}
    ola, zed = (id_of(Character, one) for one in (OLA, ZED))
    assert sorted(row.parents[0] for row in found.quarantine) == sorted([ola, zed]), (
        "equal answers are asked about once"
    )


def test_the_profile_is_shown_while_answering_and_is_no_part_of_the_row():
    found, asked = play(only_ola("Nets."), lambda name, text: (name == "Ola", False, 9))
    prompt = next(prompt for prompt in asked if "<profile>\nName: Ola" in prompt)
    assert "Also known as: O0, O1, O2, O3, O4\n" in prompt and "She lives at sea." in prompt
    assert "tool: net 39\n" in prompt and "net 40" not in prompt
    assert all("net" not in row.prompt[0].content for row in found.repurpose_demonstrations)


def good(name, text):
    return (True, name != text[:3], 9)


def test_each_character_is_asked_against_so_many_others_so_many_questions():
    cast = [{"name": name} for name in ("Ann", "Bob", "Cid", "Dan")]

    def run(**params):
        asked = []

        def ask(one, two):
            asked.append((one, two))
            return [f"{one} 1?", f" {one} 2? ", f"{one} 2?", "", f"{one} 3?"]

        found, _ = play(lambda name, sample: f"I {sample}", lambda name, text: (True, False, 9), ask, cast, **params)
        return asked, sorted({(who, question) for who, question, _ in shown(found)})

    asked, rows = run(others=1, questions=2)
    assert (
        len(asked) == 4 and {one for one, _ in asked} == {"Ann", "Bob", "Cid", "Dan"} and all(a != b for a, b in asked)
    )
    asked, rows = run(others=2, questions=4)
    assert len(set(asked)) == 8 and {question[4:] for _, question in rows} == {"1?", "2?"}
    asked, rows = run(others=9, questions=5)
    assert len(set(asked)) == 12 and {question[4:] for _, question in rows} == {"1?", "2?", "3?"}
    _, prompts = play(only_ola("Nets."), lambda name, text: (name == "Ola", False, 9), questions=5)
    assert "Write 5 questions" in next(prompt for prompt in prompts if "<character>" in prompt)


def test_questions_that_cannot_be_read_are_quarantined():
    found, _ = play(only_ola("Nets."), good, lambda first, second: "no JSON" if first == "Ola" else [NETS])
    assert [(row.raw, row.parents) for row in found.quarantine] == [("no JSON", [id_of(Character, OLA)])]


def test_replies_that_a_reader_takes_for_one_are_no_pair():
    found, _ = play(only_ola("Nets.", "nets."), lambda name, text: (text == "Nets.", False, 9))
    assert len(found.repurpose_demonstrations) == 1 and not len(found.repurpose_preferences)
