"""The identity of a request: what changes an answer changes the key, and nothing else does."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from cultivar.llm.request import Question, Request, Source, schema_of


class Verdict(BaseModel):
    score: int


SOURCE = Source("vllm", "qwen", "1", {"temperature": 0.7, "top_p": 1.0, "max_tokens": 64}, schema_of(Verdict))


def key(source: Source = SOURCE, text: str = "a", seed: int = 3, sample: int = 0) -> str:
    return Request(source, [{"role": "user", "content": text}], seed, sample).key.hex()


def test_the_canonical_form_stays_as_it_is() -> None:
    """A change here forgets every answer that anybody has stored."""
    assert SOURCE.fingerprint == "0f4a1124989f6e9384423ea39f7ce7cd"
    assert key() == "fd2f90f318303e057ea98f679434fd59"


def test_order_of_keys_and_spelling_of_numbers_do_not_matter() -> None:
    same = replace(SOURCE, sampling={"max_tokens": 64, "top_p": 1, "temperature": 0.7})
    assert same.fingerprint == SOURCE.fingerprint
    turned = Request(SOURCE, [{"content": "a", "role": "user"}], 3, 0)
    assert turned.key.hex() == key()


def test_everything_that_changes_an_answer_changes_the_key() -> None:
    sources = [
        SOURCE,
        replace(SOURCE, engine="http"),
        replace(SOURCE, model="other"),
        replace(SOURCE, revision="2"),
        replace(SOURCE, sampling=SOURCE.sampling | {"temperature": 0.8}),
        replace(SOURCE, sampling=SOURCE.sampling | {"stop": ["\n"]}),
        replace(SOURCE, schema=None),
        replace(SOURCE, extra={"structured": False}),
    ]
    keys = [key(source) for source in sources] + [key(text="b"), key(seed=4), key(sample=1)]
    assert len(set(keys)) == len(keys)
    assert len({source.fingerprint for source in sources}) == len(sources)


def test_questions_that_cannot_be_asked_are_refused() -> None:
    with pytest.raises(ValueError, match="top_k"):
        Question([{"role": "user", "content": "a"}], sampling={"top_k": 1})
    with pytest.raises(ValueError, match="at least one sample"):
        Question([{"role": "user", "content": "a"}], n=0)
