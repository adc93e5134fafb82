"""Collaborative annotation: the published algorithms, broken answers, and people before judges."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.runner.states import close
from schemas.conversations import last_turn, text_of
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.products import message
from schemas.rows import Candidate, Evolved, Instruction, InstructionScore, Selected, TagSet
from schemas.stage import Files
from schemas.table import Context, Table
from stages.annotation.associations import group_by_association
from stages.annotation.evolve import evolve
from stages.annotation.ontology import by_meaning, by_rule, character_ngrams, normalise, ontology
from stages.annotation.params import EvolveParams, OntologyParams, RankParams, RespondParams, SelectParams, TagParams
from stages.annotation.rank import rank
from stages.annotation.rankings import AnnotationError, candidate_hash, item_hash, read_judgements
from stages.annotation.respond import respond
from stages.annotation.select import sample_diverse, select
from stages.annotation.tag import tag
from tests.engines import simulated

ROOT = Path(__file__).parents[3]
TAGS = st.lists(st.lists(st.sampled_from("abcdefg"), unique=True, max_size=4), max_size=12)
PROMPTS = [
    "Explain how a bicycle stays upright.",
    "Write a poem about frost.",
    "List three ideas for a gift.",
    "Why is it so?",
]


def instructions(prompts=PROMPTS):
    rows = [
        {"id": content_id("i", p), "prompt": [message("user", p)], "source": "s", "license": "CC0-1.0"} for p in prompts
    ]
    return Table.of(Instruction, rows)


def selected(prompts=PROMPTS):
    extra = {"tags": ["explanation"], "scores": [], "pass_number": 0}
    return Table.of(Selected, [row.model_dump() | extra for row in instructions(prompts)])


@given(TAGS, st.integers(0, 12))
def test_algorithm_1_covers_every_tag_in_its_first_pass_and_takes_nothing_without_tags(sets, size):
    passes = sample_diverse(pl.Series(sets, dtype=pl.List(pl.String)), size)
    taken = [index for index, number in enumerate(passes) if number >= 0]
    assert len(taken) == min(size, sum(bool(tags) for tags in sets))
    if size >= len(sets):
        first = {tag for index, number in enumerate(passes) if number == 0 for tag in sets[index]}
        assert first == {tag for tags in sets for tag in tags}


def test_selection_says_why_each_instruction_stayed_out():
    rows = instructions([*PROMPTS, "Hi", "Draw a picture of a house by the sea."])
    shared = {"tags": ["t"], "tag_count": 1, "tag_idf": 1.0, "complexity": 2.0, "richness": 0.5}
    shared |= {"engine": "e", "simulated": True}
    scores = [
        {
            "id": content_id("s", row.id),
            "parents": [row.id],
            "completeness": 1.0 if "so?" in last_turn(row.prompt) else 5.0,
            **shared,
        }
        for row in rows
    ]
    tables = select(
        rows, Context(InstructionScore, Table.of(InstructionScore, scores).frame), SelectParams(target_size=2)
    )
    rules = sorted(row.rule for row in tables.dropped)
    assert len(tables.selected) == 2
    assert rules == ["adds no tag within the target size", "asks for more than text", "incomplete", "too short"]


def test_tags_are_normalised_in_the_published_steps():
    assert by_rule({"Data Visualization", "data-visualization", "other"}) == [
        ["Data Visualization", "data-visualization"]
    ]
    assert by_meaning(["information request", "information requests", "poetry"], 0.3, character_ngrams) == [
        ["information request", "information requests"]
    ]
    together = pl.Series([["math", "equation"]] * 5 + [["poem"]] * 3)
    assert group_by_association(together, OntologyParams(support=5)) == [["equation", "math"]]
    assert group_by_association(together, OntologyParams(support=6)) == []
    sets = pl.Series([["Math", "equation"]] * 5 + [["rare"]])
    counts = {"Math": 5, "equation": 5, "rare": 1}
    canonical, step, left = normalise(sets, counts, OntologyParams(min_count=2, support=5), character_ngrams)
    assert canonical == {"Math": "Math", "equation": "Math", "rare": ""} and step["rare"] == "frequency"
    assert left == {"raw": 3, "frequency": 2, "rule": 2, "semantic": 2, "association": 1}


def test_people_have_the_last_word_on_the_ontology(tmp_path, monkeypatch):
    (tmp_path / "human/ontology").mkdir(parents=True)
    (tmp_path / "human/ontology/refinements.yaml").write_text("merge:\n  verse:\n    - poem\ndrop:\n  - other\n")
    monkeypatch.chdir(tmp_path)
    files = Files("ontology", (Path("human/ontology"),))
    tags = [{"tag": name, "explanation": ""} for name in ("poem", "other")]
    row = {"id": content_id("t", 1), "parents": [content_id("i", 1)], "tags": tags, "engine": "e", "simulated": True}
    tables = ontology(
        Table.of(TagSet, [row]),
        OntologyParams(),
        RuntimeParams(),
        files,
    )
    assert [label.tags for label in tables.labels] == [["verse"]]
    assert {entry.raw: (entry.canonical, entry.step) for entry in tables.ontology} == {
        "poem": ("verse", "human"),
        "other": ("", "human"),
    }


@pytest.mark.parametrize("faults", [{"malformed": 1.0}, {"refusal": 1.0}, {"overlong": 1.0}])
def test_what_cannot_be_read_is_quarantined_with_its_raw_text(faults):
    rows = instructions([f"{prompt} ({n})" for prompt in PROMPTS for n in range(8)])
    with simulated("tagger", **faults) as tagger:
        tables = tag(rows, TagParams(), tagger)
    counts = close("tag", {"instructions": rows}, {"tag_sets": tables.tag_sets, "quarantine": tables.quarantine})
    assert counts["in"] == 32 and counts["quarantined"] >= 1
    assert all(row.error and row.raw for row in tables.quarantine)


def test_evolution_keeps_what_it_added_and_drops_steps_that_add_nothing():
    with simulated("teacher", wrong=0.4) as teacher, simulated("judge") as judge:
        tables = evolve(selected(), EvolveParams(share=1.0, rounds=2), teacher, judge)
    close(
        "evolve",
        {"selected": selected()},
        {"evolved": tables.evolved, "dropped": tables.dropped, "quarantine": tables.quarantine},
    )
    prompts = {row.id: last_turn(row.prompt) for row in [*selected(), *tables.evolved]}
    for row in tables.evolved:
        before = prompts[row.parents[-2]]
        assert row.added and (text := prompts[row.id]).startswith(before) and len(text.split()) > len(before.split())


def candidates(texts, prompt="Why is the sea salty?"):
    row_id = content_id("prompt", prompt)
    shared = {"parents": [row_id], "prompt_id": row_id, "domain": "general", "role": "small", "tags": []}
    shared |= {"prompt": [{"role": "user", "content": prompt}], "response_strategy": "plain", "temperature": 0.7}
    shared |= {"license": "CC0-1.0", "engine": "e", "simulated": True, "source": "s"}
    rows = [
        {"id": content_id("c", text), "completion": [message("assistant", text)], "generation": content_id("g", text)}
        | shared
        for text in texts
    ]
    return Table.of(Candidate, rows)


def judgement(texts, order, **fields):
    return {
        "uuid": "u1",
        "annotator": "ana",
        "item": item_hash("Why is the sea salty?", texts),
        "meets_criteria": True,
        "order": [[candidate_hash(text)] for text in order],
        "guideline": "1",
        "time": "2026-01-01T00:00:00Z",
    } | fields


@pytest.mark.parametrize("stale", [False, True])
def test_people_decide_before_judges_but_never_on_texts_that_changed(tmp_path, monkeypatch, stale):
    texts = ["Rivers carry salts into the sea.", "It depends on many things.", "As everyone knows, it is salt."]
    line = judgement([*texts[:2], "an older text"] if stale else texts, [texts[1], texts[0], texts[2]])
    (tmp_path / "human/annotations").mkdir(parents=True)
    (tmp_path / "human/annotations/ana.jsonl").write_text(json.dumps(line) + "\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts").symlink_to(ROOT / "prompts")
    files = Files("rank", (Path("human/annotations"),))
    with simulated("judge") as judge:
        tables = rank(candidates(texts), RankParams(orders=2), judge, files)
    (ranking,) = tables.rankings
    best = dict(zip(ranking.candidates, ranking.ranks, strict=True))[content_id("c", texts[1])]
    assert ranking.source == ("judge" if stale else "human") and (best == 0) == (not stale)
    assert tables.metrics["stale_items"] == int(stale)
    if not stale:
        assert [row.completion[0].content for row in tables.annotation_demonstrations] == [texts[1]]
        assert [row.rejected[0].content for row in tables.annotation_preferences] == [texts[2]]


def test_a_judgement_that_is_superseded_falls_away_and_a_broken_line_is_named(tmp_path):
    lines = [judgement(["a", "b"], ["a", "b"]), judgement(["a", "b"], ["b", "a"], uuid="u2", supersedes="u1")]
    path = tmp_path / "x.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [found.uuid for found in read_judgements([path])] == ["u2"]
    separated = judgement(["a", "b"], ["a", "b"], annotator="a\u2028b")
    path.write_text(json.dumps(separated, ensure_ascii=False) + "\r\n\r\n", encoding="utf-8")
    assert [found.annotator for found in read_judgements([path])] == ["a\u2028b"]
    for broken in ('{"uuid": 3}', json.dumps(judgement(["a"], ["a"], annotator="\ud83d")), "[" * 100_000):
        path.write_text(broken + "\n")
        with pytest.raises(AnnotationError, match=r"x\.jsonl:1"):
            read_judgements([path])
    for content, line in ((b"\n{\xe9}", 2), (json.dumps(lines[0]).encode("utf-16"), 1)):
        path.write_bytes(content)
        with pytest.raises(AnnotationError, match=rf"x\.jsonl:{line}: no UTF-8: 'utf-8' codec"):
            read_judgements([path])


def test_responses_differ_and_every_instruction_ends_somewhere(monkeypatch):
    with simulated("small", wrong=0.5) as small, simulated("large", refusal=0.3) as large:
        tables = respond(selected(), Table.of(Evolved, []), RespondParams(), small, large)
    close(
        "respond",
        {"selected": selected()},
        {"candidates": tables.candidates, "dropped": tables.dropped, "quarantine": tables.quarantine},
    )
    by_prompt = {}
    for row in tables.candidates:
        by_prompt.setdefault(row.prompt_id, []).append(text_of(row.completion))
    assert all(len(set(texts)) == len(texts) for texts in by_prompt.values())
