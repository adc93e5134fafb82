"""richness: what the words of an instruction tell, apart from their number."""

import json
import os
import random
from pathlib import Path

import polars as pl
import pytest

from stages.annotation.richness import richness

SEEDS = Path(os.environ.get("CULTIVAR_REAL_DATA", Path(__file__).parents[2] / "../shared/data")) / "self_instruct_seeds"
PROOF = "Prove that the square root of 2 is irrational."
RNG = random.Random(0)
JUNK = {
    "one word": "fish " * 40,
    "three words": " ".join(RNG.choices(["apple", "river", "stone"], k=40)),
    "letters": " ".join("".join(RNG.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(40)),
    "few letters": " ".join("".join(RNG.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(5)),
    "numbers": " ".join(str(RNG.randrange(10**6)) for _ in range(40)),
    "signs": "!!! ??? ### " * 13,
}


def rich(*prompts, rare=0.01):
    return richness(pl.Series(prompts, dtype=pl.String), rare).to_list()


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        (["Name four river fish."], 0.5),  # words of one instruction are no evidence
        (["What is it?"], 0.0),  # function words alone
        ([""], 0.0),
        (["fish " * 20], 0.5 / 20**0.9),  # twenty words, one of them distinct
        (
            ["Name the pike.", "Name the carp.", "Sort the rest.", "Sort the sum."],
            (1 + 0.5) / 2,
        ),  # name: 2 of 4, pike: 1
        (["the pike", "the pike", "the pike", "the carp"], 0.0 + 0.415037499),  # 3 of 4: log(4/3) / log(4/2)
        (["the pike"] * 3, 0.0),  # a word of all tells nothing
    ],
)
def test_the_first_instruction_is_as_rich_as_the_definition_says(prompts, expected):
    assert rich(*prompts)[0] == pytest.approx(expected)


def test_a_word_of_fewer_than_the_rare_share_tells_no_more():
    prompts = [f"the {word}" for word, times in (("pike", 2), ("carp", 4), ("eel", 34)) for _ in range(times)]
    found = rich(*prompts, rare=0.1)
    assert found[0] == found[2] == 1.0 and 0 < found[-1] < 0.1
    found = rich(*prompts, rare=0.01)
    assert found[0] == 1.0 and 0.7 < found[2] < 0.8


def test_a_long_list_without_a_function_word_tells_half():
    words = [f"{one}{two}" for one in ("ka", "lo", "mi", "nu", "re") for two in ("ban", "dor", "fel", "gis")]
    text = " ".join(words)
    sentence = "Name the river."
    assert rich(text, sentence)[0] == pytest.approx(rich(text + " the of", sentence)[0] / 2)
    assert rich(" ".join(words[:19]), sentence)[0] == pytest.approx(rich(" ".join(words[:19]) + " the of", sentence)[0])
    greek = "ποταμός ψάρι λίμνη νερό " * 5 + "θάλασσα"
    assert rich(greek, sentence)[0] == rich(greek)[0], "no function words are known of this script"


@pytest.mark.parametrize("junk", JUNK)
def test_junk_alone_beside_a_proof_is_no_richer(junk):
    """With nothing else to compare with."""
    proof, other = rich(PROOF, JUNK[junk])
    assert other <= (proof if junk == "few letters" else proof / 2)


@pytest.mark.parametrize(
    "prompt",
    [
        "河里的鱼和河里的虾有什么不同？",
        "川の魚と海の魚の違いは何ですか。",
        "बताओ नदी में कौन सी मछली रहती है।",
        "ปลาในแม่น้ำมีอะไรบ้าง",
        "В реке живут рыбы.",
    ],
)
def test_an_instruction_in_another_language_is_compared_with_its_own(prompt):
    english = ["Name the fish of the river.", "Name the bird of the lake.", "Tell me of the lake and the river."] * 3
    assert rich(prompt)[0] == pytest.approx(rich(prompt, *english)[0]) and rich(prompt)[0] > 0.3


def test_richness_is_no_length_on_real_instructions():
    if not SEEDS.is_dir():
        pytest.skip(f"{SEEDS} is not there")
    rows = [json.loads(line) for path in sorted(SEEDS.glob("*.jsonl")) for line in path.open(encoding="utf-8")]
    prompts = [f"{row['instruction']}\n{row['instances'][0]['input']}".strip() for row in rows]
    found = pl.DataFrame({"richness": rich(*prompts), "words": [len(prompt.split()) for prompt in prompts]})
    assert len(prompts) == 427
    assert (
        abs(found.select(pl.corr("richness", "words", method="spearman")).item()) < 0.2
    )  # 0.96 when words were counted
    proof, *others = rich(PROOF, *JUNK.values(), *prompts)
    assert max(others[: len(JUNK)]) < proof
