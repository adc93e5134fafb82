"""The identity of a request: every field that changes an answer changes the key, and nothing else does."""

import dataclasses
import hashlib

import orjson
import pytest
from pydantic import BaseModel

from cultivar.llm.request import SAMPLING, ModelConfig, Question, Request, body_of
from schemas.params.engines import RoleParams
from tests.engines import scripted

CONFIG = ModelConfig(
    "http", "m", "r", {"temperature": 0.5, "top_p": 1.0, "max_tokens": 9}, {"type": "object"}, {"rate": 0.25}
)
MESSAGES = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]


def key(config: ModelConfig = CONFIG, messages=None, seed: int = 3, sample: int = 1) -> bytes:
    return Request(config, messages or MESSAGES, seed, sample).key


def test_the_key_is_sha256_over_the_canonical_form():
    """Written out again, so that a change of the form, which makes every stored answer useless, is no accident."""
    form = ["http", "m", "r", {"max_tokens": 9, "temperature": 0.5, "top_p": 1}, {"type": "object"}, {"rate": 0.25}]
    digest = hashlib.sha256(orjson.dumps(form)).digest()[:16]
    body = b'[{"content":"s","role":"system"},{"content":"u","role":"user"}]'
    assert CONFIG.digest == digest and CONFIG.fingerprint == digest.hex() and len(digest) == 16
    assert key() == hashlib.sha256(digest + body + b"3/1").digest()[:16]


@pytest.mark.parametrize(
    "changes",
    [{"engine": "vllm"}, {"model": "r"}, {"revision": "m"}, {"model": "r", "revision": "m"}, {"schema": None}, {"schema": {"type": "list"}},
     {"extra": {}}, {"extra": {"rate": 0.5}}, {"sampling": {}}]
    + [{"sampling": CONFIG.sampling | {name: value}} for name, value in (("temperature", 0.6), ("top_p", 0.9), ("max_tokens", 8), ("stop", ["x"]))],
)  # fmt: skip
def test_each_field_of_a_configuration_changes_its_fingerprint_and_the_key(changes):
    other = dataclasses.replace(CONFIG, **changes)
    assert other.fingerprint != CONFIG.fingerprint and key(other) != key()
    assert {field.name for field in dataclasses.fields(ModelConfig)} == {
        "engine",
        "model",
        "revision",
        "sampling",
        "schema",
        "extra",
    }


def test_messages_seed_and_sample_change_the_key_and_not_the_configuration():
    others = [
        key(messages=MESSAGES[::-1]), key(messages=MESSAGES[1:]), key(messages=[*MESSAGES, MESSAGES[1]]),
        key(messages=[MESSAGES[0], {"role": "user", "content": "u "}]), key(messages=[MESSAGES[0], {"role": "assistant", "content": "u"}]),
        key(seed=4), key(sample=2), key(seed=1, sample=3), key(seed=31, sample=1), key(seed=3, sample=11),
    ]  # fmt: skip
    assert len({key(), *others}) == 1 + len(others)


def test_spelling_of_numbers_order_of_keys_and_kinds_of_sequence_do_not_matter():
    same = [
        dataclasses.replace(CONFIG, sampling={"max_tokens": 9.0, "top_p": 1, "temperature": 0.5}),
        dataclasses.replace(CONFIG, schema=dict(CONFIG.schema)),
    ]
    assert {key(config) for config in same} == {key()}
    deep = [
        ModelConfig("http", "m", "r", {}, None, {"a": {"x": value, "y": [1.0, (2.0, "z")]}})
        for value in (1, 1.0)
    ] + [ModelConfig("http", "m", "r", {}, None, {"a": {"y": (1, [2, "z"]), "x": 1}})]  # fmt: skip
    assert len({config.digest for config in deep}) == 1
    assert (
        ModelConfig("http", "m", "r", {}, None, {"a": True}).digest
        != ModelConfig("http", "m", "r", {}, None, {"a": 1}).digest
    )
    assert (
        ModelConfig("http", "m", "r", {}, None, {"a": 1.5}).digest
        != ModelConfig("http", "m", "r", {}, None, {"a": 1}).digest
    )
    assert key(messages=[{"content": "s", "role": "system"}, {"content": "u", "role": "user"}]) == key()
    assert Request(CONFIG, MESSAGES, 3, 1, body_of(MESSAGES)).key == key()


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Question(MESSAGES, n=0)
    assert Question(MESSAGES, n=1).n == 1 and (Question(MESSAGES).n, Question(MESSAGES).seed) == (1, 0)
    for name in SAMPLING:
        assert Question(MESSAGES, sampling={name: 1}).sampling == {name: 1}
    assert {"temperature", "top_p", "max_tokens", "stop"} == SAMPLING
    with pytest.raises(ValueError, match="'top_k'"):
        Question(MESSAGES, sampling={"top_k": 1, "stop": []})
    with pytest.raises(TypeError):
        body_of([{"role": "user", "content": {1, 2}}])


class Grade(BaseModel):
    value: int


class Mark(BaseModel):
    value: str


def keys_of(question: Question, **spec) -> list[str]:
    """Keys of a role's requests for a question."""
    with scripted([], **spec) as engine:
        return [request.key.hex() for request in engine.requests_of(question)]


QUESTION = Question(MESSAGES, Grade, n=2, seed=5, sampling={"max_tokens": 7})
SPEC = {"model": "m", "revision": "r", "temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "seed": 11}


def test_each_part_of_a_question_and_each_decisive_field_of_a_role_changes_every_key():
    questions = [
        dataclasses.replace(QUESTION, messages=MESSAGES[1:]), dataclasses.replace(QUESTION, answer=Mark),
        dataclasses.replace(QUESTION, answer=None), dataclasses.replace(QUESTION, seed=6),
        dataclasses.replace(QUESTION, sampling={"max_tokens": 8}), dataclasses.replace(QUESTION, sampling={}),
    ]  # fmt: skip
    specs = [{"model": "n"}, {"revision": "s"}, {"temperature": 0.6}, {"top_p": 0.8}, {"seed": 20}]
    found = [keys_of(QUESTION, **SPEC), *(keys_of(question, **SPEC) for question in questions[1:])]
    found += [keys_of(questions[0], **SPEC), *(keys_of(QUESTION, **SPEC | spec) for spec in specs)]
    flat = [key for keys in found for key in keys]
    assert len(flat) == len(set(flat)) == 2 * (1 + len(questions) + len(specs))
    assert keys_of(dataclasses.replace(QUESTION, seed=4), **SPEC | {"seed": 12}) == keys_of(QUESTION, **SPEC)
    assert keys_of(QUESTION, **SPEC | {"max_tokens": 51}) == keys_of(QUESTION, **SPEC), (
        "the question's own bound counts"
    )


def test_more_samples_leave_the_first_ones_what_they_were():
    more = keys_of(dataclasses.replace(QUESTION, n=4), **SPEC)
    assert more[:2] == keys_of(QUESTION, **SPEC) and len(set(more)) == 4


def test_who_asks_and_what_becomes_of_unanswered_requests_is_no_part_of_the_key():
    with scripted([], "another role", **SPEC, unanswered="quarantine") as engine:
        assert [request.key.hex() for request in engine.requests_of(QUESTION)] == keys_of(QUESTION, **SPEC)
    fields = {
        "engine",
        "model",
        "revision",
        "temperature",
        "top_p",
        "max_tokens",
        "seed",
        "structured",
        "faults",
        "vllm",
    }
    assert set(RoleParams.model_fields) == fields | {"unanswered"}, "a new field needs a decision and a case here"


def test_guided_decoding_is_part_of_the_key_where_an_engine_has_it():
    def keys(question: Question, structured: bool) -> list[str]:
        with scripted([], simulated=False, **SPEC, structured=structured) as engine:
            return [request.key.hex() for request in engine.requests_of(question)]

    free = dataclasses.replace(QUESTION, answer=None)
    assert keys(QUESTION, True) != keys(QUESTION, False) and keys(free, True) == keys(free, False)
