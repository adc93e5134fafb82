"""The identity of a request: what changes an answer changes the key, and nothing else does."""

from dataclasses import replace

import pytest
from pydantic import BaseModel

from cultivar.llm.request import ModelConfig, Question, Request
from cultivar.llm.schema import schema_of


class Verdict(BaseModel):
    score: int


CONFIG = ModelConfig("vllm", "qwen", "1", {"temperature": 0.7, "top_p": 1.0, "max_tokens": 64}, schema_of(Verdict))


def key(config: ModelConfig = CONFIG, text: str = "a", seed: int = 3, sample: int = 0) -> str:
    return Request(config, [{"role": "user", "content": text}], seed, sample).key.hex()


def test_the_canonical_form_stays_as_it_is() -> None:
    """A change here makes every stored answer useless."""
    assert CONFIG.fingerprint == "9ed36a541af238b97067a4f5362887c6"
    assert key() == "604f0bf58128c2c89561271dd33de063"


def test_order_of_keys_and_spelling_of_numbers_do_not_matter() -> None:
    same = replace(CONFIG, sampling={"max_tokens": 64, "top_p": 1, "temperature": 0.7})
    assert same.fingerprint == CONFIG.fingerprint
    turned = Request(CONFIG, [{"content": "a", "role": "user"}], 3, 0)
    assert turned.key.hex() == key()


def test_everything_that_changes_an_answer_changes_the_key() -> None:
    configs = [
        CONFIG,
        replace(CONFIG, engine="http"),
        replace(CONFIG, model="other"),
        replace(CONFIG, revision="2"),
        replace(CONFIG, sampling=CONFIG.sampling | {"temperature": 0.8}),
        replace(CONFIG, sampling=CONFIG.sampling | {"stop": ["\n"]}),
        replace(CONFIG, schema=None),
        replace(CONFIG, extra={"structured": False}),
    ]
    keys = [key(config) for config in configs] + [key(text="b"), key(seed=4), key(sample=1)]
    assert len(set(keys)) == len(keys)
    assert len({config.fingerprint for config in configs}) == len(configs)


def test_questions_that_cannot_be_asked_are_refused() -> None:
    with pytest.raises(ValueError, match="top_k"):
        Question([{"role": "user", "content": "a"}], sampling={"top_k": 1})
    with pytest.raises(ValueError, match="at least one sample"):
        Question([{"role": "user", "content": "a"}], n=0)
