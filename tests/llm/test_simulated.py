"""The simulated teacher: deterministic, labelled, faulty at its rates."""

import pytest
from pydantic import BaseModel

from cultivar.llm.engine import Engine, open_engine
from cultivar.llm.request import MessageDict, Question
from cultivar.llm.simulated import registry
from cultivar.llm.simulated.registry import Call, answers, handler_of
from cultivar.store.store import Store
from schemas.params.engines import FaultParams, RoleParams, RuntimeParams


class SimulatedProbe(BaseModel):
    number: int
    wrong: bool


@pytest.fixture(scope="module", autouse=True)
def probe() -> None:
    """A handler of this test's own."""
    registry.load()

    @answers(fields={"number", "wrong"})
    def simulated_probe(call: Call) -> dict[str, object]:
        return {"number": call.rng.randrange(10**6), "wrong": call.wrong}


def engine(store: Store, model: str = "small", faults: FaultParams | None = None) -> Engine:
    return open_engine("teacher", RoleParams(model=model, faults=faults), RuntimeParams(), store)


def ask(store: Store, count: int, faults: FaultParams | None = None, model: str = "small") -> list[list[object]]:
    text = "<instruction>Number {} of a long row of questions</instruction>"
    questions = [Question([{"role": "user", "content": text.format(index)}], SimulatedProbe) for index in range(count)]
    with engine(store, model, faults) as teacher:
        return [[answer.value or answer.error, answer.engine, answer.simulated] for [answer] in teacher.ask(questions)]


def call(text: str, schema: dict[str, object] | None = None) -> Call:
    messages: list[MessageDict] = [{"role": "user", "content": text}]
    return Call(messages, schema, seed=0, temperature=0.7, model="m", wrong=False, key=b"k" * 16)


def test_the_same_question_has_the_same_answer_on_an_empty_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    faults = FaultParams(wrong=0.3, malformed=0.2, refusal=0.1, overlong=0.1)
    runs = [ask(Store(tmp_path_factory.mktemp("store")), 50, faults) for _ in range(2)]
    assert runs[0] == runs[1]
    assert all(answered[1:] == ["simulated/small@1", True] for answered in runs[0])
    other = ask(Store(tmp_path_factory.mktemp("store")), 50, faults, model="large")
    assert other[0][1] == "simulated/large@1"
    assert other != runs[0]


def test_faults_come_at_their_rates(store: Store) -> None:
    rates = FaultParams(wrong=0.25, malformed=0.2, refusal=0.1, overlong=0.05)
    values = [answered[0] for answered in ask(store, 4000, rates)]
    usable = [value for value in values if isinstance(value, SimulatedProbe)]
    assert 0.2 < sum(value.wrong for value in usable) / len(usable) < 0.3
    assert 0.03 < values.count("length") / 4000 < 0.08
    invalid = [value for value in values if isinstance(value, str) and value.startswith("invalid: ")]
    assert 0 < len(invalid) / 4000 < 0.08  # after the ladder and one more question few are left
    assert len(usable) + len(invalid) + values.count("length") == 4000


def test_without_faults_every_answer_is_usable(store: Store) -> None:
    values = [answered[0] for answered in ask(store, 500)]
    assert all(isinstance(value, SimulatedProbe) and not value.wrong for value in values)


def test_a_question_that_nobody_answers_says_where_to_add_it(store: Store) -> None:
    class Unknown(BaseModel):
        x: int
        y: int

    with (
        engine(store) as teacher,
        pytest.raises(LookupError, match=r'@answers\(fields=\{"x", "y"\}\) in a module of cultivar/llm/simul'),
    ):
        teacher.ask([Question([{"role": "user", "content": "a"}], Unknown)])


def test_the_most_specific_sections_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_by_sections", {})
    handlers = {}
    for names in ((), ("passage",), ("passage", "question")):
        handlers[names] = answers(sections=set(names))(lambda call, names=names: " ".join(names))
    assert handler_of(call("<passage>p</passage> <question>q</question> <x>y</x>")) is handlers["passage", "question"]
    assert handler_of(call("<passage>p</passage>")) is handlers["passage",]
    assert handler_of(call("<question>q</question>")) is handlers[()]


def test_sections_survive_being_asked_again() -> None:
    first = call("<passage> one </passage><passage>two</passage>")
    assert first.sections == {"passage": "one"}
    assert first.sections_all == {"passage": ["one", "two"]}
    first.messages += [{"role": "assistant", "content": "<no>x</no>"}, {"role": "user", "content": "Again, please."}]
    assert call("x").sections == {}
    again = Call(first.messages, None, 0, 0.7, "m", False, b"k" * 16)
    assert again.sections == {"passage": "one"}


def test_free_chat_stays_with_the_subject_and_lists_what_is_to_be_listed(store: Store) -> None:
    with engine(store) as teacher:
        [[answer]] = teacher.ask([Question([{"role": "user", "content": "List four tips for growing tomatoes."}])])
    assert [line[:2] for line in answer.text.splitlines()] == ["1.", "2.", "3.", "4."]
    assert "tomatoes" in answer.text.lower()


def test_a_handler_that_fails_costs_its_own_row(store: Store) -> None:
    class Fragile(BaseModel):
        fragile: int

    @answers(fields={"fragile"})
    def fragile(call: Call) -> dict[str, object]:
        return {"fragile": 1 // len(call.user)}

    questions = [Question([{"role": "user", "content": text}], Fragile) for text in ("", "a")]
    with engine(store) as teacher:
        [[bad], [good]] = teacher.ask(questions)
    assert bad.error is not None
    assert bad.error.endswith("ZeroDivisionError: integer division or modulo by zero")
    assert good.value == Fragile(fragile=1)
