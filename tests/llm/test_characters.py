"""Half surrogate pairs and NULs in answers: asked again, then quarantined; they poison neither this run nor the next."""

from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from pydantic import BaseModel

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.characters import to_storable
from cultivar.llm.engine import Ask, Engine, open_engine
from cultivar.llm.http_engine import parse_choices
from cultivar.llm.request import Question
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.rows import Quarantined
from schemas.table import Table
from tests.engines import ScriptedBackend
from tests.llm.fault_server import FaultServer

REASON = "invalid: it holds half a surrogate pair or a NUL, which no text can hold"
HALF = "\ud83d"


class Verdict(BaseModel):
    reason: str


def question(answer: type[BaseModel] | None = Verdict) -> Question:
    return Question([{"role": "user", "content": "Judge."}], answer)


def engine(store: Store, *replies: Any) -> Engine:
    return Engine("judge", RoleParams(model="m"), ScriptedBackend(replies, simulated=False), store)


@pytest.mark.parametrize(
    ("text", "stored", "finish_reason"),
    [
        ("plain é 😀\t\ufffe\ufeff", "plain é 😀\t\ufffe\ufeff", "stop"),
        ("\ud83d\ude00", "😀", "stop"),  # a pair in two halves is its character
        ("a\ud83db", "a\\ud83db", "not_text"),
        ("\ude00\ud83d", "\\ude00\\ud83d", "not_text"),
        ("\udcff", "\\udcff", "not_text"),  # a byte that is no UTF-8
        ("a\0b", "a\\u0000b", "not_text"),
    ],
)
def test_what_the_store_holds_of_an_answer(text: str, stored: str, finish_reason: str) -> None:
    assert to_storable(Generation(text, "stop", 1, 1)) == Generation(stored, finish_reason, 1, 1)
    assert to_storable(Generation(text, "length", 1, 1)) == Generation(stored, "length", 1, 1)
    assert to_storable(Generation("x", text, 1, 1)) == Generation("x", stored, 1, 1)
    assert to_storable(Unanswered(text)) == Unanswered(stored)


@pytest.mark.parametrize("answer", [Verdict, None])
@pytest.mark.parametrize("text", [HALF, f'{{"reason": "{HALF}"}}', '{"reason": "\0"}'])
def test_an_answer_that_is_no_text_is_asked_again(store: Store, answer: type[BaseModel] | None, text: str) -> None:
    with engine(store, text, '{"reason": "now"}') as judge:
        [[second]] = judge.ask([question(answer)])
    assert second.ok and second.text == '{"reason": "now"}'
    assert REASON.removeprefix("invalid: ") in judge.backend.asked[1]  # type: ignore[union-attr]


@pytest.mark.parametrize("text", [HALF, r'{"reason": "\ud83d"}', "\0", r'{"reason": "\u0000"}'])
def test_twice_no_text_is_quarantined_and_the_next_run_reads_it_from_the_store(store: Store, text: str) -> None:
    for replies in ([text, text], []):
        with engine(store, *replies) as judge:
            [[answer]] = judge.ask([question()])
        assert answer.error == REASON and answer.value is None
        row = {"id": "0" * 32, "parents": [], "stage": "judge", "error": answer.error, "raw": answer.text}
        table = Table.of(Quarantined, [row])
        assert "\\u" in table.frame["raw"][0]


def test_in_conversations_as_well(store: Store) -> None:
    async def turn(row: str, ask: Ask) -> str:
        [answer] = await ask(question(None))
        return answer.error or answer.text

    for replies in ([HALF, "fine"], []):
        with engine(store, *replies) as judge:
            assert judge.map(turn, ["row"]) == ["fine"]


def body(content: str, logprobs: str = "null", finish: str = '"stop"', tokens: str = "3") -> bytes:
    choice = f'{{"index": 0, "message": {{"role": "assistant", "content": {content}, "tool_calls": [{logprobs}]}}'
    return f'{{"choices": [{choice}, "finish_reason": {finish}}}], "usage": {{"completion_tokens": {tokens}}}}}'.encode(
        "utf-8", "surrogatepass"
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (body('"a"'), "a"),
        (body(r'"\ud83d\ude00"'), "😀"),
        (body(r'"\ud83d"'), "\\ud83d"),
        (body('"\ud83d"'), "\\ud83d"),
        (body('"\ud83d\ude00"'), "😀"),
        (body('"a"').replace(b'"a"', b'"\xff"'), "\\udcff"),
        (body('"a"', r'{"token": "\ud83d"}'), "a"),
        (body('"a"', '{"logprob": -Infinity}'), "a"),
        (body('"a"', tokens="1e30"), "a"),
        (body('"a"', tokens=str(2**70)), "a"),
        (body('"a"', finish='{"type": "stop"}'), "a"),
        (body('[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]'), "ab"),
        (body('[{"type": "image"}]'), ""),
        (body("null"), ""),
    ],
)
def test_a_body_with_such_characters_anywhere_is_read_and_can_be_stored(
    store: Store, content: bytes, text: str
) -> None:
    [generation] = parse_choices(content, 1)
    assert isinstance(generation, Generation)
    with engine(store, generation, "again") as judge:
        judge.ask([question(None)])
    kept = pl.concat(pl.read_parquet(path) for path in Path(store.root).rglob("*.parquet"))
    assert text in kept["text"].to_list()


@pytest.mark.parametrize("content", [body("3"), body('"a"', tokens="Infinity"), b"[" * 100_000])
def test_a_body_that_is_no_completion_is_an_error_of_the_server(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a chat completion|nested too deeply"):
        parse_choices(content, 1)


def test_a_server_that_always_gives_half_a_pair_costs_its_row_only(server: FaultServer, store: Store) -> None:
    def completion(asked: dict[str, Any]) -> bytes:
        first = asked["messages"][0]["content"]
        return body(r'"\ud83d"' if first == "odd" else '"fine"')

    server.completion = completion  # type: ignore[method-assign, assignment]
    for _ in range(2):
        spec, runtime = RoleParams(engine="http", model="m"), RuntimeParams(servers={"teacher": [server.url]})
        with open_engine("teacher", spec, runtime, store) as teacher:
            answers = teacher.ask([Question([{"role": "user", "content": text}]) for text in ("odd", "even")])
        assert [answer.error for [answer] in answers] == [REASON, None]
    assert len(server.bodies) == 3  # odd, even, odd again with the reason; nothing in the second run
    assert orjson.dumps(server.bodies)  # what was sent is text
