"""Engines as stages see them: order, cache, conversations, kills."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from cultivar.llm.answer import Generation
from cultivar.llm.cache import AnswerCache
from cultivar.llm.engine import Ask, Engine, Failure, open_engine
from cultivar.llm.request import ModelConfig, Question, Request
from cultivar.llm.structured import Unparsable
from cultivar.store.journal import orphaned_records
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams
from tests.llm.fault_server import FaultServer

ROOT = Path(__file__).parents[2]


def engine(store: Store, url: str, concurrency: int = 16, **spec: object) -> Engine:
    runtime = RuntimeParams(servers={"m": [url]}, concurrency=concurrency)
    return open_engine("teacher", RoleParams.model_validate({"engine": "http", "model": "m"} | spec), runtime, store)


def question(text: str, n: int = 1) -> Question:
    return Question([{"role": "user", "content": text}], n=n, seed=1)


def test_answers_keep_the_order_of_the_questions_and_each_is_sent_once(server: FaultServer, store: Store) -> None:
    texts = ["a", "b", "a", "c", "b"]
    seen: list[tuple[int, int, int]] = []
    with engine(store, server.url) as teacher:
        teacher.sender.progress = lambda done, total, tokens: seen.append((done, total, tokens))
        answers = teacher.ask([question(text, n=2) for text in texts])
    assert [[answer.text for answer in answered] for answered in answers] == [[f"{t} #1", f"{t} #2"] for t in texts]
    assert server.attempts == {"a": 1, "b": 1, "c": 1}
    assert seen[-1] == (6, 6, 30)
    usage = teacher.usage
    assert (usage.requests, usage.hits, usage.sent, usage.prompt_tokens) == (6, 0, 6, 21)


def test_what_was_answered_is_not_asked_again_and_what_changed_is(server: FaultServer, store: Store) -> None:
    with engine(store, server.url) as teacher:
        first = teacher.ask([question("a"), question("b")])
    with Store(store.root) as reopened, engine(reopened, server.url) as teacher:
        assert teacher.ask([question("b"), question("a")]) == first[::-1]
        assert teacher.usage.sent == 0
    with Store(store.root) as reopened, engine(reopened, server.url, revision="2") as teacher:
        teacher.ask([question("a")])
        assert teacher.usage.sent == 1


def test_what_changes_the_answers_of_a_vllm_engine_is_part_of_its_requests(store: Store) -> None:
    def key(machine: dict[str, Any], **arguments: object) -> bytes:
        spec = RoleParams(engine="vllm", model="m", vllm=arguments)
        [request] = open_engine("teacher", spec, RuntimeParams(vllm=machine), store).requests_of(question("a"))
        return request.key

    assert key({}) == key({"tensor_parallel_size": 8}) == key({}, max_num_seqs=4)
    assert len({key({}), key({}, dtype="float16"), key({}, dtype="float16", quantization="fp8")}) == 3
    with pytest.raises(ValueError, match=r"quantization: may change answers.*roles\.ROLE\.vllm"):
        RuntimeParams(vllm={"quantization": "fp8"})


def test_of_two_processes_that_ask_at_once_the_first_answer_is_used_by_both(server: FaultServer, store: Store) -> None:
    """The other one's answer is published after this one has looked, and before it has its own."""
    other = AnswerCache(Store(store.root), "http/m@1")
    with engine(store, server.url) as teacher:
        [request] = teacher.requests_of(question("a"))

        def publish() -> None:
            other.add(request, Generation("theirs", "stop", 7, 5))
            other.flush()

        server.before_answer = publish
        [[answer]] = teacher.ask([question("a")])
        assert answer.text == "theirs"
        assert teacher.usage.sent == 1


def test_journals_of_killed_processes_are_recovered_and_those_of_living_ones_are_left_alone(store: Store) -> None:
    config = ModelConfig("http", "m", "1", {"temperature": 0.7})
    requests = [Request(config, [{"role": "user", "content": text}], 1, 0) for text in "ab"]
    living = AnswerCache(store, "http/m@1", journal=True)
    for request in requests:
        living.add(request, Generation(f"answer to {request.messages[0]['content']}", "stop", 7, 5))
    assert not AnswerCache(Store(store.root), "http/m@1").lookup(requests)
    assert living.journals is not None
    journal = living.journals[config.fingerprint]
    os.truncate(journal.path, journal.path.stat().st_size - 3)  # killed in the middle of the second record
    os.close(journal.handle)
    successor = AnswerCache(Store(store.root), "http/m@1")
    assert [generation.text for generation in successor.lookup(requests).values()] == ["answer to a"]
    assert not journal.path.exists()


def test_a_journal_that_its_process_removes_while_one_looks_is_no_error(store: Store, monkeypatch) -> None:
    path = store.folder("kind").path / ".ab.journal"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")
    monkeypatch.setattr("cultivar.store.journal.try_lock", lambda handle: path.unlink() is None)
    assert list(orphaned_records(path.parent)) == []


def test_conversations_replay_their_finished_turns(server: FaultServer, store: Store) -> None:
    async def evolve(row: int, ask: Ask) -> str:
        [first] = await ask(question(f"row {row}"))
        if row == 3 and fail:
            raise Unparsable("three")
        [second] = await ask(question(f"harder than {first.text}"))
        return second.text

    fail = True
    with engine(store, server.url) as teacher:
        results = teacher.map(evolve, list(range(50)))
    expected = [f"harder than row {row} #1 #1" for row in range(50)]
    assert results[3] == Failure("three")
    assert [result for row, result in enumerate(results) if row != 3] == [
        e for row, e in enumerate(expected) if row != 3
    ]
    fail = False
    with Store(store.root) as reopened, engine(reopened, server.url) as teacher:
        assert teacher.map(evolve, list(range(50))) == expected
        assert (teacher.usage.hits, teacher.usage.sent) == (99, 1)
    assert max(server.attempts.values()) == 1


@pytest.mark.parametrize("mistake", [KeyError, OSError, ValueError, ZeroDivisionError])
def test_a_mistake_of_the_stage_ends_it_and_what_is_in_flight_is_kept(
    server: FaultServer, store: Store, mistake: type[Exception]
) -> None:
    async def turn(row: int, ask: Ask) -> str:
        [first] = await ask(question(f"row {row}"))
        if row == 0:
            raise mistake("in the stage")
        return (await ask(question(f"harder than {first.text}")))[0].text

    server.delay_s = 0.01
    with engine(store, server.url, concurrency=4) as teacher, pytest.raises(mistake, match="in the stage"):
        teacher.map(turn, list(range(200)))
    asked = set(server.attempts)
    assert len(asked) < 30  # nothing more was sent
    with Store(store.root) as reopened, engine(reopened, server.url) as teacher:
        teacher.ask([question(text) for text in asked])
        assert teacher.usage.hits == len(asked)


def test_rows_that_ask_the_same_share_one_request(server: FaultServer, store: Store) -> None:
    async def same(row: int, ask: Ask) -> list[str]:
        return [answer.text for answer in await ask(question("same", n=1 + row % 3))]

    with engine(store, server.url) as teacher:
        results = teacher.map(same, list(range(30)))
    assert results == [[f"same #{1 + index}" for index in range(1 + row % 3)] for row in range(30)]
    assert sum(body.get("n", 1) for body in server.bodies) == 3


def test_in_flight_is_bounded(server: FaultServer, store: Store) -> None:
    async def row_turn(row: int, ask: Ask) -> bool:
        return (await ask(question(f"turn {row}")))[0].ok

    server.delay_s = 0.05
    with engine(store, server.url, concurrency=5) as teacher:
        teacher.ask([question(f"ask {number}") for number in range(40)])
        assert all(teacher.map(row_turn, list(range(40))))
    assert server.most_in_flight == 5


ASKER = """
    import sys
    from cultivar.llm.engine import open_engine
    from cultivar.llm.request import Question
    from cultivar.store.store import Store
    from schemas.params.engines import RoleParams, RuntimeParams
    runtime = RuntimeParams(servers={"m": [sys.argv[2]]}, concurrency=8)
    with Store(sys.argv[1]) as store, open_engine("m", RoleParams(engine="http", model="m"), runtime, store) as teacher:
        questions = [Question([{"role": "user", "content": f"row {number}"}], seed=1) for number in range(400)]
        print(sum(answer.ok for [answer] in teacher.ask(questions)))
"""


def start(store: Store, server: FaultServer) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(ASKER), str(store.root), server.url]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_kill_costs_at_most_what_was_in_flight(server: FaultServer, store: Store) -> None:
    server.delay_s = 0.02
    for signal_number, arrived in ((signal.SIGKILL, 100), (signal.SIGINT, 200), (signal.SIGKILL, 300)):
        process = start(store, server)
        while sum(server.attempts.values()) < arrived and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal_number)
        _, words = process.communicate()
        assert process.returncode != 0, words
    process = start(store, server)
    assert process.communicate()[0] == "400\n"
    assert len(server.attempts) == 400
    repeated = sum(server.attempts.values()) - 400
    assert repeated <= 3 * 8
    left = [path.name for path in store.root.rglob(".*")]
    assert left == []
