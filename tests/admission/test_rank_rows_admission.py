"""rank: what the rows of D and P hold, and what an answer that cannot be used does to its prompt."""

import pytest

from cultivar.llm.answer import Generation
from schemas.ids import content_id
from schemas.products import Admission, demonstration_row, preference_row
from tests.admission.judges import judge_of, pair_texts, rating
from tests.admission.rows import CUT, PROMPT, candidate, ident, turn

A, B = "Rivers carry salts.", "Rocks dissolve in it."


@pytest.mark.parametrize(
    ("first", "second", "error"),
    [
        (CUT, {A: 5, B: 1}, "length"),
        ({A: 5, B: 1}, CUT, "length"),
        ([5], {A: 5, B: 1}, "1 ratings for 2 responses"),
        ({A: 5, B: 1}, [5, 1, 1], "3 ratings for 2 responses"),
        (CUT, [5], "length"),
        ([5], CUT, "1 ratings for 2 responses"),
        ([5], [5, 1, 1], "1 ratings for 2 responses"),
        (CUT, Generation("", "content_filter", 1, 1), "length"),
    ],
)
def test_a_prompt_that_the_judge_cannot_rate_is_quarantined_with_all_its_candidates(rank_by, first, second, error):
    fine = {A: 5, B: 1}
    rows = [candidate(A), candidate(B)]
    tables = rank_by(first, second, rows=rows)
    assert {(row.id, *row.parents, row.stage, row.error) for row in tables.quarantine} == {
        (row["id"], row["prompt_id"], "rank", error) for row in rows
    }
    assert not len(tables.rankings) and not len(tables.annotation_demonstrations)
    assert not len(tables.annotation_preferences) and tables.metrics["ranked_by_judge"] == 0
    assert len(rank_by(fine, rows=rows).rankings) == 1


def test_the_answers_that_could_not_be_used_are_kept_and_other_prompts_go_on(rank_by):
    rows = [candidate(text, prompt) for prompt in ("One?", "Two?") for text in (A, B)]

    rate = judge_of({A: 5, B: 1}, {A: 5, B: 1})
    reply = lambda request: CUT if "One?" in request.messages[-1]["content"] else rate(request)  # noqa: E731
    tables = rank_by(None, rows=rows, reply=reply)
    assert {row.raw for row in tables.quarantine} == {"cut o\ncut o"} and len(tables.quarantine) == 2
    assert pair_texts(tables) == [(A, B, 4.0)]
    assert [row.prompt[0].content for row in tables.annotation_demonstrations] == ["Two?"]


def test_what_the_rows_of_d_and_p_hold(rank_by):
    good = candidate(A, tags=["sea"], license="MIT", domain="math", engine="http/big@1", simulated=True)
    bad = candidate(B, tags=["salt"], license="CC0-1.0", engine="http/small@1", simulated=False)
    tables = rank_by({A: 5, B: [2, 2, 3, 3]}, rows=[good, bad])
    (ranking,), (row,), (pair,) = tables.rankings, tables.annotation_demonstrations, tables.annotation_preferences
    both = sorted([good, bad], key=lambda candidate: candidate["id"])
    assert ranking.parents == ranking.candidates == [candidate["id"] for candidate in both]
    assert ranking.prompt_id == good["prompt_id"] and ranking.source == "judge" and ranking.annotators == []
    assert ranking.id == content_id("ranking", [ranking.ranks, "judge"], ranking.parents) and ranking.simulated
    admission = Admission(
        prompt=good["prompt"],
        domain="math",
        strategy="annotation",
        label_source="judge",
        quality=1.0,
        license="MIT",
        source="seeds:1",
        engine="http/big@1",
        simulated=True,
        verdicts=[ranking.id],
        scores={"judge": 5},
        tags=["sea"],
    )
    parents = [good["prompt_id"], good["id"], good["generation"], ranking.id]
    assert row.model_dump() == demonstration_row(admission, A, parents)
    parents = [good["prompt_id"], good["id"], bad["id"], good["generation"], bad["generation"], ranking.id]
    assert pair.model_dump() == preference_row(admission, A, B, 2.5, parents, most=4.0)


def test_a_ranking_is_simulated_where_any_candidate_is(rank_by):
    for flags in ((True, False), (False, True), (False, False), (True, True)):
        rows = [candidate(text, simulated=flag) for text, flag in zip((A, B), flags, strict=True)]
        assert [ranking.simulated for ranking in rank_by({A: 5, B: 1}, rows=rows).rankings] == [any(flags)]


@pytest.mark.parametrize(
    ("first", "second", "simulated"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_a_pair_of_a_person_and_the_simulated_teacher_is_simulated(rank_by, first, second, simulated):
    source = {"engine": "source", "role": "source", "generation": ident("prompt", PROMPT)}
    rows = [candidate(A, simulated=first, **source), candidate(B, simulated=second)]
    tables = rank_by({A: 5, B: 1}, rows=rows)
    (best,), (pair,) = tables.annotation_demonstrations, tables.annotation_preferences
    assert (best.engine, best.simulated, pair.engine, pair.simulated) == ("source", first, "source", simulated)
    assert best.parents[0] == rows[0]["prompt_id"] and len(set(best.parents)) == len(best.parents) == 3


def test_the_judge_reads_the_conversation_before_the_instruction(rank_by):
    asked = []

    def judge(request):
        asked.append(request.messages[-1]["content"])
        return {"ratings": [rating(5)] * 2}

    talk = turn("system", "Speak as a fisher.") + turn("user", "Hi") + turn("assistant", "Ahoy.") + turn("user", PROMPT)
    tables = rank_by({}, rows=[candidate(text) | {"prompt": talk} for text in (A, B)], reply=judge)
    before = "<conversation>\nsystem: Speak as a fisher.\nuser: Hi\nassistant: Ahoy.\n</conversation>\n<instruction>\n"
    assert len(asked) == 2 and all(text.startswith(before + PROMPT) for text in asked)
    (best,) = tables.annotation_demonstrations
    assert [message.model_dump() for message in best.prompt] == talk
    rank_by({}, rows=[candidate(text) for text in (A, B)], reply=judge)
    assert asked[-1].startswith(f"<instruction>\n{PROMPT}"), "the request of a single prompt is what it always was"
