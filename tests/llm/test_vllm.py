"""Both doors to a real vLLM on a tiny, randomly initialised Qwen2 model: a server on loopback, and in this process.

The model speaks nonsense, so answers are malformed by the hundred; what matters is that every row ends somewhere.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, Field

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Ask, Engine, open_engine
from cultivar.llm.request import Question
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams

if TYPE_CHECKING:
    from vllm_fixtures import VllmServer

pytest_plugins = ["vllm_fixtures"]


class Verdict(BaseModel):
    score: int = Field(ge=1, le=5)
    fair: bool


class Remark(BaseModel):
    text: str = Field(max_length=30)


def questions(count: int, answer: type[BaseModel] | None = None, n: int = 1) -> list[Question]:
    texts = [f"Rate essay number {number} and say why." for number in range(count)]
    return [Question([{"role": "user", "content": text}], answer, n=n, seed=index) for index, text in enumerate(texts)]


def asking(kind: str, model: str, runtime: RuntimeParams, store: Store, **more: Any) -> Engine:
    spec = RoleParams(engine=kind, model=model, temperature=1.0, max_tokens=48, **more)  # type: ignore[arg-type]
    return open_engine("teacher", spec, runtime, store)


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for both engines: their answers do not meet, since the engine is part of a request's identity."""
    with Store(tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def over_http(vllm_server: "VllmServer", stores: Store) -> Iterator[Engine]:
    runtime = RuntimeParams(servers={"teacher": [vllm_server.url]}, concurrency=32)
    with asking("http", vllm_server.model, runtime, stores) as opened:
        yield opened


@pytest.fixture(scope="module")
def in_process(tiny_qwen2: Path, vllm_arguments: dict[str, Any], stores: Store) -> Iterator[Engine]:
    with asking("vllm", str(tiny_qwen2), RuntimeParams(), stores, vllm=vllm_arguments) as opened:
        yield opened


@pytest.fixture(params=["over_http", "in_process"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.getfixturevalue(request.param)
    return found


def texts(answers: list[list[Answer]]) -> list[list[str]]:
    return [[answer.text for answer in answered] for answered in answers]


def test_both_doors_lead_to_the_same_answers(over_http: Engine, in_process: Engine) -> None:
    """float32 on CPU: the same seed gives the same text, whatever else is in the batch."""
    assert texts(over_http.ask(questions(20, n=2))) == texts(in_process.ask(questions(20, n=2)))


def test_samples_have_consecutive_seeds_so_that_more_can_be_asked_later(engine: Engine) -> None:
    few = texts(engine.ask(questions(8, n=2)))
    sent = engine.usage.sent
    many = texts(engine.ask(questions(8, n=4)))
    assert engine.usage.sent - sent == 16
    assert [texts[:2] for texts in many] == few
    assert all(len(set(texts)) == 4 for texts in many)


@pytest.mark.parametrize("answer", [Verdict, Remark])
def test_guided_answers_are_valid_unless_they_were_cut_off(engine: Engine, answer: type[BaseModel]) -> None:
    answers = [one for [one] in engine.ask(questions(40, answer))]
    usable = [one for one in answers if one.ok]
    assert usable
    assert all(isinstance(one.value, answer) for one in usable)
    errors = {one.error for one in answers} - {None, "length"}
    if engine.spec.engine == "http":  # string lengths are not sent (strict_schema), so pydantic may object
        errors -= {"invalid: text: String should have at most 30 characters"}
    assert not errors


def test_hundreds_of_malformed_answers_are_all_accounted_for(vllm_server: "VllmServer", stores: Store) -> None:
    runtime = RuntimeParams(servers={"teacher": [vllm_server.url]})
    with asking("http", vllm_server.model, runtime, stores, structured=False) as unguided:
        answers = [one for [one] in unguided.ask(questions(200, Verdict))]
        assert len(answers) == unguided.usage.errors == 200
    reasons = {str(one.error).split(":")[0] for one in answers}
    assert reasons <= {"length", "invalid"}
    assert all(one.text and one.value is None for one in answers if one.error != "invalid: the answer is empty")


def test_a_prompt_that_is_too_long_costs_one_row(engine: Engine) -> None:
    batch = questions(3)
    batch[1] = Question([{"role": "user", "content": "z" * 9000}])
    answers = [one for [one] in engine.ask(batch)]
    assert "context length is 2048" in str(answers[1].error)
    assert answers[0].text
    assert answers[2].text


def test_conversations(engine: Engine) -> None:
    async def two_turns(row: int, ask: Ask) -> tuple[str, str]:
        [first] = await ask(questions(10)[row])
        [second] = await ask(Question([{"role": "user", "content": f"Shorter: {first.text}"}], seed=row))
        return first.text, second.text

    results = engine.map(two_turns, list(range(10)))
    sent = engine.usage.sent
    assert engine.map(two_turns, list(range(10))) == results
    assert engine.usage.sent == sent
