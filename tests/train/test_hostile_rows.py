"""No text of a row ends a training stage: each is tokenized to its end or counted as too long."""

from types import SimpleNamespace

import pytest

from schemas.characters import NO_CHARACTER
from schemas.rows import Message
from tests.stages.hostile_texts import HOSTILE
from train.tokenized import LengthLimit, tokenize_demonstrations, tokenize_preferences
from train.tokenizer import train_tokenizer
from train.turns import Loss

TEXTS = [text for text in HOSTILE if text.strip() and not NO_CHARACTER.search(text)]
"""What a table can hold."""
LIMIT = LengthLimit(max_length=3000, overlong_share=1.0, stage="sft")


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["Tom has 12 apples.\n\nWhy? <b>", "é中 {x}\r\n"] * 4, 300, 1 << 10)


def turns(role: str, text: str) -> list[Message]:
    return [Message(role=role, content=text)]


@pytest.mark.parametrize(
    ("place", "tokenize"),
    [("system", tokenize_demonstrations), ("prompt", tokenize_demonstrations), ("completion", tokenize_preferences)],
)
def test_every_row_is_tokenized_or_counted(tokenizer, place, tokenize):
    rows = []
    for number, text in enumerate(TEXTS):
        prompt = turns("system", text if place == "system" else "Be brief.")
        prompt += turns("user", text if place == "prompt" else "Why?")
        answer = turns("assistant", text.strip() if place == "completion" else "So.")
        sides = {"completion": answer, "chosen": answer, "rejected": turns("assistant", "No.")}
        rows.append(SimpleNamespace(id=str(number), prompt=prompt, tools=None, **sides))
    found = tokenize(rows, tokenizer, LIMIT, Loss())
    assert len(found.ids) + found.overlong + found.refused == len(rows) and 0 < found.overlong < len(rows) / 2
    assert not found.refused
