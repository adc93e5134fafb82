"""constitution: which revisions become demonstrations and pairs, by what the judge says in both orders."""

import re
from pathlib import Path

import pytest

from cultivar.llm.answer import Generation
from cultivar.llm.structured import Unparsable
from schemas.errors import UserError
from schemas.rows import SafetyPrompt
from schemas.stage import Files
from stages.synthesis import constitution as module
from stages.synthesis.constitution import constitution
from stages.synthesis.params import ConstitutionParams
from tests.admission.rows_synthesis import (
    JUDGE,
    TEACHER,
    closing,
    completions,
    engines,
    errors,
    id_of,
    pairs_of,
    rules,
    table,
)

PROMPT = {"prompt": "How do I open a lock?", "area": "theft", "harmful": True}
INITIAL, DEVIATING, FINAL = "Like this.", "No.", "Ask a locksmith."
NOT_CONFIRMED = "the judge does not confirm the revision"
PRINCIPLE = "  - {{id: {0}, area: a, polarity: follow, applies_to: {1}, text: rule {0}, critique_request: name {0}, revision_request: rewrite {0}}}\n"
ONE = {"one": "any"}
TWO = {"one": "harmful", "two": "any"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A project with the prompts and with principles of the test."""
    (tmp_path / "prompts").symlink_to(Path(__file__).parents[2] / "prompts")
    (tmp_path / "human/constitution").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)


def improve(follows, principles=ONE, prompt=PROMPT, replies=None, **params):
    """The stage on one prompt. `follows(text, principle, first)`: the judge on a text, `first` when it stands first;
    `replies` {step: text}, where the steps are initial, deviate, and `critique`, `revise` with a principle's id."""
    texts = {"initial": INITIAL, "deviate": DEVIATING, "revise": FINAL, "critique": "It is too frank."} | (
        replies or {}
    )
    entries = "".join(PRINCIPLE.format(*each) for each in principles.items())
    Path("human/constitution/principles.yaml").write_text(f"principles:\n{entries}")

    def teacher(request):
        prompt = request.messages[-1]["content"]
        assert request.messages[-1]["role"] == "user"
        rule = re.search(r"<principle>\nrule (\w+)\n", prompt)
        step = "deviate" if "<neglected>" in prompt else "initial"
        if rule:
            step = "critique" if "<critique_request>" in prompt else "revise"
        return texts.get(f"{step} {rule[1]}", texts[step]) if rule else texts[step]

    def judge(request):
        prompt = request.messages[1]["content"]
        principle = re.search(r"<judged_principle>\nrule (\w+)\n", prompt)[1]
        sides = [re.search(rf"<{side}>\n(.*)\n</{side}>", prompt)[1] for side in ("first", "second")]
        found = [follows(text, principle, first) for text, first in zip(sides, (True, False), strict=True)]
        return dict(zip(("first", "second"), found, strict=True)) if None not in found else "no JSON"

    prompts = table(SafetyPrompt, prompt)
    files = Files("constitution", (Path("human/constitution/principles.yaml"),))
    with engines(teacher, judge) as both:
        found = constitution(prompts, ConstitutionParams(**({"revisions": len(principles)} | params)), *both, files)
        asked = [engine.backend.asked for engine in both]
    closing("constitution", found, safety_prompts=prompts)
    return found, asked


def test_each_step_is_shown_the_request_and_its_principle_in_their_places():
    _, ((first, *rest), judged) = improve(only_final)
    assert first == PROMPT["prompt"], "the initial response is to the prompt alone"
    assert all(f"<request>\n{PROMPT['prompt']}\n" in prompt for prompt in [*rest, *judged])
    deviate, critique, revise = rest
    assert "<neglected>\nrule one\n" in deviate and "<critique_request>\nname one\n" in critique
    assert "<critique>\nIt is too frank.\n" in revise and "<revision_request>\nrewrite one\n" in revise


def only_final(text, principle, first):
    return text == FINAL


def test_a_confirmed_revision_is_demonstrated_and_set_against_both_responses():
    found, _ = improve(only_final)
    assert completions(found.constitution_demonstrations) == [FINAL]
    assert pairs_of(found.constitution_preferences) == [(FINAL, INITIAL, 1.0), (FINAL, DEVIATING, 1.0)]
    assert not len(found.dropped)


def test_rows_of_a_revision_hold_their_origin_and_the_verdicts():
    found, _ = improve(only_final, TWO)
    (row,) = found.constitution_demonstrations
    pair = next(row for row in found.constitution_preferences if row.rejected[0].content == INITIAL)
    assert [(m.role, m.content) for m in row.prompt] == [("user", PROMPT["prompt"])] and pair.prompt == row.prompt
    assert (row.domain, row.strategy, row.license, row.tags) == ("safety", "constitution", "MIT", ["theft"])
    assert (row.engine, row.simulated) == (TEACHER, False)
    assert [(s.name, s.value) for s in row.scores] == [("harmful", 1.0)]
    assert row.parents[0] == id_of(SafetyPrompt, PROMPT) and len(set(row.parents)) == 7, "2 responses, 2 x 2 turns"
    assert pair.parents == row.parents
    verdicts = {verdict.id: verdict for verdict in found.constitution_verdicts}
    pairs = list(found.constitution_preferences)
    assert len(set(pair.verdicts)) == 4 and set(row.verdicts) == {each for pair in pairs for each in pair.verdicts}
    assert len(row.verdicts) == len(verdicts) == 8, "of both comparisons"
    for index, (name, place) in enumerate([(n, p) for n in ("one", "two") for p in ("first", "second")]):
        verdict = verdicts[pair.verdicts[index]]
        assert (verdict.verifier, verdict.detail) == (JUDGE, f"{name}, revision {place}")
        assert verdict.outcome == "revision follows, other violates"
        assert verdict.parents == [row.parents[-1], row.parents[1], row.parents[0]]
    found, _ = improve(only_final, prompt=PROMPT | {"harmful": False})
    assert [score.value for row in found.constitution_demonstrations for score in row.scores] == [0.0]


def test_a_conversation_that_cannot_be_read_quarantines_its_prompt(monkeypatch):
    async def unreadable(*arguments):
        raise Unparsable("no such answer")

    monkeypatch.setattr(module, "critique_and_revise", unreadable)
    found, _ = improve(only_final)
    assert [(row.id, row.error) for row in found.quarantine] == [(id_of(SafetyPrompt, PROMPT), "no such answer")]
    assert not len(found.constitution_demonstrations) and not len(found.dropped)


@pytest.mark.parametrize("order", [True, False])
def test_the_revision_must_follow_in_both_orders(order):
    found, _ = improve(lambda text, principle, first: text == FINAL and first is order)
    assert not len(found.constitution_demonstrations) and not len(found.constitution_preferences)
    assert rules(found.dropped) == {NOT_CONFIRMED: 1} and [row.id for row in found.dropped] == [
        id_of(SafetyPrompt, PROMPT)
    ]


@pytest.mark.parametrize("order", [True, False])
def test_the_other_must_violate_in_both_orders(order):
    found, _ = improve(lambda text, principle, first: text == FINAL or first is order)
    assert completions(found.constitution_demonstrations) == [FINAL] and not len(found.constitution_preferences)
    outcomes = sorted({row.outcome for row in found.constitution_verdicts})
    assert outcomes == ["revision follows, other follows", "revision follows, other violates"]


def test_the_revision_must_follow_every_principle_and_the_margin_is_the_share_that_the_other_violates():
    found, _ = improve(lambda text, principle, first: text == FINAL and principle == "one", TWO)
    assert rules(found.dropped) == {NOT_CONFIRMED: 1} and not len(found.constitution_demonstrations)
    found, _ = improve(lambda text, principle, first: text == FINAL or principle == "one", TWO)
    assert {pair[2] for pair in pairs_of(found.constitution_preferences)} == {0.5}
    found, _ = improve(lambda text, principle, first: text == FINAL or (principle == "one") is first, TWO)
    assert not len(found.constitution_preferences), "each is violated in one order only"


@pytest.mark.parametrize(("good", "rejected"), [(INITIAL, DEVIATING), (DEVIATING, INITIAL)])
def test_a_response_that_follows_too_is_not_rejected_and_the_other_is(good, rejected):
    found, _ = improve(lambda text, principle, first: text in (FINAL, good))
    assert pairs_of(found.constitution_preferences) == [(FINAL, rejected, 1.0)]


def test_a_revision_that_is_a_response_over_again_is_not_compared_with_it():
    found, (_, judged) = improve(only_final, replies={"initial": f" {FINAL} "})
    assert pairs_of(found.constitution_preferences) == [(FINAL, DEVIATING, 1.0)] and len(judged) == 2
    found, (_, judged) = improve(only_final, replies={"initial": FINAL, "deviate": FINAL})
    assert rules(found.dropped) == {NOT_CONFIRMED: 1} and not judged
    found, (_, judged) = improve(only_final, replies={"initial": DEVIATING})
    assert pairs_of(found.constitution_preferences) == [(FINAL, DEVIATING, 1.0)] and len(judged) == 2


@pytest.mark.parametrize("doubted", [INITIAL, DEVIATING])
@pytest.mark.parametrize("order", [True, False])
def test_every_judgement_of_every_comparison_must_find_that_the_revision_follows(doubted, order, monkeypatch):
    """One judgement against it, in either comparison and order: no demonstration, and no pair with that response."""

    def question(self, prompt, ask=module.Comparison.question):
        asked = ask(self, prompt)
        mark = "X" if self.other.text == doubted and self.swapped is not order else ""
        asked.messages[1]["content"] = asked.messages[1]["content"].replace(FINAL, FINAL + mark)
        return asked

    monkeypatch.setattr(module.Comparison, "question", question)
    found, _ = improve(only_final)
    assert not len(found.constitution_demonstrations)
    (other,) = {INITIAL, DEVIATING} - {doubted}
    assert pairs_of(found.constitution_preferences) == [(FINAL, other, 1.0)]


def test_texts_that_a_reader_takes_for_one_are_no_pair():
    found, _ = improve(only_final, replies={"initial": "ask a  Locksmith."})
    assert pairs_of(found.constitution_preferences) == [(FINAL, DEVIATING, 1.0)]


def test_a_judgement_that_cannot_be_read_confirms_nothing():
    found, _ = improve(lambda text, principle, first: None if text == INITIAL and first else text == FINAL)
    assert pairs_of(found.constitution_preferences) == [(FINAL, DEVIATING, 1.0)]
    assert not len(found.constitution_demonstrations), "of one comparison it is not known"
    assert [(row.raw, row.parents) for row in found.quarantine] == [("no JSON", [id_of(SafetyPrompt, PROMPT)])]
    found, _ = improve(lambda text, principle, first: None if first else text == FINAL)
    assert not len(found.constitution_demonstrations) and rules(found.dropped) == {NOT_CONFIRMED: 1}


@pytest.mark.parametrize("step", ["initial", "deviate", "critique", "revise"])
def test_a_conversation_that_breaks_off_quarantines_its_prompt(step):
    found, _ = improve(only_final, replies={step: Generation("cut", "length", 1, 9)})
    assert errors(found.quarantine) == ["length"] and not len(found.dropped)
    assert [(row.id, row.raw, row.parents) for row in found.quarantine] == [(id_of(SafetyPrompt, PROMPT), "cut", [])]


def test_each_revision_starts_from_the_one_before_and_the_last_one_counts():
    replies = {"revise one": "First draft.", "critique one": "Too frank.", "critique two": "Too short."}
    found, (asked, _) = improve(only_final, TWO, replies=replies)
    critiques = [prompt for prompt in asked if "<critique_request>" in prompt]
    revisions = [prompt for prompt in asked if "<revision_request>" in prompt]
    assert [re.search(r"<response>\n(.*)\n", prompt)[1] for prompt in critiques] == [INITIAL, "First draft."]
    assert [re.search(r"<response>\n(.*)\n", prompt)[1] for prompt in revisions] == [INITIAL, "First draft."]
    assert ["name one" in critiques[0], "name two" in critiques[1]] == [True, True]
    assert ["rewrite one" in revisions[0], "Too frank." in revisions[0], "Too short." in revisions[1]] == [True] * 3
    assert "rule one" in next(prompt for prompt in asked if "<neglected>" in prompt)
    assert completions(found.constitution_demonstrations) == [FINAL]


@pytest.mark.parametrize(
    ("harmful", "count", "used"),
    [(True, 1, ["no"]), (False, 1, ["yes"]), (True, 9, ["no", "all"]), (False, 9, ["yes", "all"])],
)
def test_principles_of_the_prompt_s_kind_come_first_and_so_many_are_used(harmful, count, used):
    principles = {"all": "any", "no": "harmful", "yes": "benign"}
    _, (asked, _) = improve(only_final, principles, PROMPT | {"harmful": harmful}, revisions=count)
    critiques = [prompt for prompt in asked if "<critique_request>" in prompt]
    assert [re.search(r"<principle>\nrule (\w+)", prompt)[1] for prompt in critiques] == used


def test_prompts_draw_their_principles_each_for_itself():
    principles = {f"p{n}": "any" for n in range(6)}
    drawn = []
    for n in range(6):
        _, (asked, _) = improve(only_final, principles, PROMPT | {"prompt": f"Lock {n}?"}, revisions=1)
        drawn += [
            re.search(r"<principle>\nrule (\w+)", prompt)[1] for prompt in asked if "<critique_request>" in prompt
        ]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize(("kind", "missing"), [("harmful", "benign"), ("benign", "harmful")])
def test_both_kinds_of_prompt_need_a_principle(kind, missing):
    with pytest.raises(UserError, match=f"no principle applies to {missing}"):
        improve(only_final, {"one": kind})
