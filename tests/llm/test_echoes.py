"""A server that repeats what it was sent: the key is in no file, no error and no answer, whole or by half."""

import base64
import json
from pathlib import Path

import orjson
import polars as pl
import pytest
from aiohttp import web

from cultivar.llm.answer import Generation
from cultivar.llm.engine import Ask, Engine, open_engine
from cultivar.llm.request import Question
from cultivar.outgoing import secret_values
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams
from schemas.stage import Unfinished
from stages.synthesis.ledger import Ledger
from tests.llm.fault_server import FaultServer, failure
from tests.llm.test_http_engine import Verdict, questions

KEY = "Zq8-vT3kLw9xYb7RfN2mJc5HdS0pGt"
PASSWORD = "pass-word-5521"


class EchoServer(FaultServer):
    """Repeats the request's headers in the place that the prompt names."""

    async def completions(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        words, headers = body["messages"][-1]["content"], dict(request.headers)
        self.keys.add(headers.get("Authorization"))
        given = headers.get("Authorization", "")
        for place, answer in (
            ("400 as JSON", lambda: failure(400, json.dumps(headers))),
            ("400 as Python", lambda: failure(400, repr(list(request.raw_headers)))),
            ("400 far behind", lambda: failure(400, "x" * 480 + given)),  # is shortened within the key
            ("400 cut short", lambda: failure(400, given[: len(given) // 2])),
            ("500 as text", lambda: web.Response(status=500, text=repr(headers))),
            ("no completion", lambda: web.Response(text=json.dumps({"headers": headers}))),
            ("no JSON", lambda: web.Response(body=b'{"choices": [{"message": {"content": "' + given.encode())),
        ):
            if place in words:
                return answer()
        if "broken stream" in words:
            content = orjson.dumps({"choices": [{"message": {"content": given}}]})
            response = web.StreamResponse(headers={"Content-Length": str(len(content))})
            await response.prepare(request)
            await response.write(content[:60])
            assert request.transport is not None
            request.transport.close()
            return response
        self.answers[words] = f"I was sent {given} and {given[:25]}"
        return web.Response(body=self.completion(body), content_type="application/json")


PLACES = [
    *("400 as JSON", "400 as Python", "400 far behind", "400 cut short", "500 as text", "no completion", "no JSON"),
    *("broken stream", "completion", "completion cut off"),
]


def echoing(store: Store, url: str) -> Engine:
    spec = RoleParams(engine="http", model="m", unanswered="quarantine")
    runtime = RuntimeParams(servers={"teacher": [url]}, retries=1, timeout_s=10.0, api_key_env="OF_MY_SERVERS")
    engine = open_engine("teacher", spec, runtime, store)
    engine.backend.backoff_s = 0.01  # type: ignore[union-attr]
    return engine


def texts_below(folder: Path) -> str:
    """All that the files of a folder hold, tables in words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    tables = [repr(pl.read_parquet(path).to_dicts()) for path in files if path.suffix == ".parquet"]
    return "\n".join([*tables, *(path.read_bytes().decode("latin-1") for path in files)])


def assert_clean(text: str, secret: str = KEY) -> None:
    middle = len(secret) // 2
    encoded = base64.b64encode(f"me:{secret}".encode()).decode().rstrip("=")[6:-2]
    for part in (secret[:middle], secret[middle:], encoded[: len(encoded) // 2], encoded[len(encoded) // 2 :]):
        assert part not in text, text[max(0, text.find(part) - 200) : text.find(part) + 50]


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key's variable has a name that says nothing."""
    monkeypatch.setattr(secret_values, "_registered", set())
    monkeypatch.setenv("OF_MY_SERVERS", KEY)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("how", ["ask", "map"])
def test_the_key_is_nowhere(tmp_path: Path, how: str) -> None:
    asked = questions(*PLACES) + questions("completion, structured", answer=Verdict)

    async def turn(question: Question, ask: Ask) -> list:
        return await ask(question)

    with EchoServer() as server, echoing(Store(tmp_path / "store"), server.url) as teacher:
        answers = [answer for [answer] in (teacher.ask(asked) if how == "ask" else teacher.map(turn, asked))]
        assert server.keys == {f"Bearer {KEY}"}
        again = [answer for [answer] in teacher.ask(asked[-3:])]
    ledger = Ledger("constitution")
    for answer in answers:
        if not answer.ok:
            ledger.fail(answer, "0" * 32)
        assert_clean(answer.text + str(answer.error))
    ledger.tables()["quarantine"].write(tmp_path / "data/quarantine.parquet")
    assert [answer.ok for answer in answers] == [False] * 8 + [True, False, False]
    assert answers[8].text == "I was sent Bearer [redacted] and Bearer [redacted]"
    assert all("[redacted]" in str(answer.error) for answer in answers[:6])
    assert_clean(texts_below(tmp_path))
    assert [(answer.key, answer.text) for answer in again] == [(answer.key, answer.text) for answer in answers[-3:]]


@pytest.mark.usefixtures("key")
def test_the_password_of_a_servers_address_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OF_MY_SERVERS")
    with EchoServer() as server:
        url = server.url.replace("://", f"://me:{PASSWORD}@")
        with echoing(Store(tmp_path / "store"), url) as teacher:
            [[refused], [answer]] = teacher.ask(questions("400 as JSON", "completion"))
        assert server.keys == {"Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()}
        with (
            echoing(Store(tmp_path / "other"), url.replace("/v1", "/v2")) as teacher,
            pytest.raises(Unfinished) as lost,
        ):
            teacher.ask(questions("completion"))
    for text in (str(refused.error), answer.text, str(lost.value), texts_below(tmp_path)):
        assert_clean(text, PASSWORD)
    assert answer.ok and "http://[redacted]@127.0.0.1" in str(lost.value)


def test_answers_without_secrets_are_what_they_were(tmp_path: Path) -> None:
    """A text about keys is data: nothing of it is taken for a secret."""
    text = 'curl -H "Authorization: Bearer sk-abcdefghij0123456789" https://me:hunter2@host\u200b'
    with echoing(Store(tmp_path / "store"), "http://127.0.0.1:9/v1") as teacher:
        [request] = teacher.requests_of(questions("a")[0])
        outcomes = teacher.sender.record([request], [Generation(text, "stop", 1, 1)])
    assert outcomes[request.key] == Generation(text, "stop", 1, 1)
