"""filter: evaluation items planted in training go, with evidence; duplicates and faulty text go, by name."""

import inspect

import orjson
import polars as pl
import pytest

from cultivar.runner.states import close
from schemas.rows import Demonstration, EvaluationItem, Preference
from schemas.table import Context, Table
from stages.curation import filter as stage
from stages.curation.decontamination import Items, OverlapRule, overlaps
from stages.curation.params import FilterParams
from tests.admission.rows import declared, demonstration, evaluation_item, preference, rules

PARAMS = FilterParams(near_duplicate={"general": 0.8})
PLANTED = "Janet has sixteen ducks that lay eggs each day, and she eats three of them for breakfast every morning."


def filter_rows(demonstrations=(), preferences=(), evaluation=(), params=PARAMS):
    models = {"demonstrations": Demonstration, "preferences": Preference}
    names = inspect.signature(stage.filter).parameters
    tables = {name: Table.of(models[product], []) for name in names if (product := name.partition("_")[2]) in models}
    tables["annotation_demonstrations"] = Table.of(Demonstration, demonstrations)
    tables["annotation_preferences"] = Table.of(Preference, preferences)
    items = [evaluation_item(text) for text in evaluation]
    result = stage.filter(**tables, evaluation=Context.of(EvaluationItem, items), sources=declared(), params=params)
    outputs = {name: value for name, value in result._asdict().items() if isinstance(value, Table)}
    for table in outputs.values():
        table.check()
    close("filter", tables, outputs)
    return result


def test_a_planted_evaluation_item_goes_with_evidence_wherever_it_stands():
    wrapped = f"Solve this: {PLANTED.upper()}"
    rows = [demonstration(wrapped, "13."), demonstration("Repeat.", PLANTED), demonstration("Two?", "Two.")]
    pair = preference("Say it.", "Short.", PLANTED)
    tables = filter_rows(rows, [pair], [PLANTED, "Two?"])
    assert rules(tables.dropped) == dict.fromkeys([row["id"] for row in [*rows, pair]], "evaluation overlap")
    evidence = {row.parents[0]: row for row in tables.overlaps}
    assert set(evidence) == {row["id"] for row in [*rows, pair]} and all(row.removed for row in evidence.values())
    first = evidence[rows[0]["id"]]
    assert first.parents[1] == evaluation_item(PLANTED)["id"] and first.lcs == first.item_tokens == 19
    assert first.text == "janet has sixteen ducks that lay eggs each day and she eats three"


def test_a_shared_phrase_without_a_long_common_subsequence_is_no_contamination():
    phrase = "how much money does she have left at the end of the day today"
    row = demonstration(f"{'first words of one kind ' * 12} {phrase}", "4.", domain="math")
    tables = filter_rows([row], evaluation=[f"{'quite another story here ' * 12} {phrase}"])
    assert not rules(tables.dropped) and not len(tables.overlaps)


def test_duplicates_keep_the_best_scored_and_different_completions_of_one_prompt_stay():
    long = "Write a short polite letter to my landlord about the broken heating in our flat"
    best = demonstration(long, "Dear Sir, it is cold.", quality=0.3)
    copy = demonstration(long.upper(), "dear sir,  it is cold.", quality=0.2)
    other = demonstration(long, "Dear Madam, please mend it.", quality=0.1)
    near = demonstration(long + " now", "Dear Sir, mend it.", quality=0.25)
    apart = demonstration(long + " now", "The same near duplicate, in a domain without a threshold.", domain="math")
    tables = filter_rows([best, copy, other, near, apart])
    assert rules(tables.dropped) == {copy["id"]: "exact duplicate", near["id"]: "near duplicate"}
    assert best["id"] in tables.dropped.frame.filter(pl.col("rule") == "exact duplicate")["detail"][0]


@pytest.mark.parametrize(
    ("completion", "domain", "rule"),
    [
        ("I'm sorry, but I cannot help with that.", "general", "refusal"),
        ("I'm sorry, but I cannot help with that.", "safety", None),
        ("I am sorry, said the Mouse.", "literature", None),
        ("As an AI language model, I like trees.", "general", "identity leakage"),
        ("I was trained by OpenAI to say so.", "general", "identity leakage"),
        ("As of my last update there were nine.", "general", "boilerplate"),
        ("Here:\n```python\nx = 1", "code", "unclosed fence"),
        ("word " * 200 + "and then", "general", "repetition"),
        (" ".join(f"word{n}" for n in range(200)) + " and", "general", "truncated"),
        (" ".join(f"word{n}" for n in range(200)) + ".", "general", None),
        ("  ", "general", "empty completion"),
    ],
)
def test_quality_rules(completion, domain, rule):
    row = demonstration("Tell me.", completion, domain=domain)
    got = rules(filter_rows([row]).dropped).get(row["id"])
    assert got == rule or (rule == "repetition" and got == "truncated")


def test_a_pair_without_a_difference_goes():
    row = preference("Tell me.", "Yes.", "Yes. ")
    assert rules(filter_rows(preferences=[row]).dropped) == {row["id"]: "chosen equals rejected"}


def test_gsm8k_train_against_test_has_the_known_four_rows(real_data):
    def questions(name):
        with (real_data / "gsm8k" / name).open("rb") as handle:
            return pl.Series([orjson.loads(line)["question"] for line in handle])

    test = questions("test.jsonl")
    rule = OverlapRule(13, 13, 0.6, 8, 5, least_ngram=5, solution_tokens=13, nearest=16)
    hits = list(overlaps(questions("train.jsonl"), Items(test, pl.Series([None] * len(test), dtype=pl.String), rule)))
    removed = [hit for hit in hits if hit.removed]
    assert len({hit.row for hit in removed}) == 4 and len({hit.item for hit in removed}) == 3
    assert all(
        found.lcs >= 13 and found.lcs >= 0.6 * min(found.row_tokens, found.item_tokens)
        for found in (hit.evidence for hit in hits)
    )


def test_every_mbpp_prompt_is_found_in_five_wrappers(real_data):
    with (real_data / "mbpp" / "mbpp.jsonl").open("rb") as handle:
        prompts = [orjson.loads(line)["text"] for line in handle]
    wrappers = (
        "Please {}",
        "请解答：{}",
        "You are an expert programmer.\n\nTask: {}\n\nAnswer with code only.",
        "«{}» — réponds en Python, s'il te plaît !",
        "<problem>\n{}\n</problem>",
    )
    rule = OverlapRule(13, 13, 0.6, 8, 0, least_ngram=5, solution_tokens=13, nearest=16)
    items = Items(pl.Series(prompts), pl.Series([None] * len(prompts), dtype=pl.String), rule)
    assert items.blind_spots().found_alone == 0
    for wrapper in wrappers:
        removed = {hit.row for hit in overlaps(pl.Series([wrapper.format(text) for text in prompts]), items)}
        assert len(removed) == len(prompts) == 974
