"""At a cap nothing more is sent, everything answered is kept, and the next run goes on from there."""

from pathlib import Path

import pytest

from cultivar.llm.budget import Budget
from cultivar.llm.engine import Ask, Engine, open_engine
from cultivar.llm.request import Question
from cultivar.store.store import Store
from schemas.params.engines import BudgetParams, RoleParams, RuntimeParams
from schemas.stage import BudgetSpent, Unfinished
from tests.llm.fault_server import FaultServer


def engine(root: Path, url: str, budget: Budget, kind: str = "http") -> Engine:
    runtime = RuntimeParams(servers={"m": [url]} if url else {}, concurrency=4)
    return open_engine("teacher", RoleParams(engine=kind, model="m"), runtime, Store(root), budget=budget)


def questions(count: int) -> list[Question]:
    return [Question([{"role": "user", "content": f"row {number}"}], seed=1) for number in range(count)]


async def two_turns(row: int, ask: Ask) -> str:
    [first] = await ask(questions(row + 1)[row])
    [second] = await ask(Question([{"role": "user", "content": f"after {first.text}"}], seed=1))
    return second.text


@pytest.mark.parametrize("kind", ["http", "simulated"])
@pytest.mark.parametrize("how", ["ask", "map", "samples"])
def test_runs_with_a_cap_add_up_to_one_without(server: FaultServer, tmp_path: Path, how: str, kind: str) -> None:
    """`samples`: one question of 50, more than the cap lets through at once."""
    needed, stopped, sent = 100 if how == "map" else 50, 0, 0
    for run in range(20):
        budget = Budget(BudgetParams(requests=15), lambda run=run: tmp_path / f"run-{run}.json")
        with engine(tmp_path / "store", server.url, budget, kind) as teacher:
            try:
                if how == "ask":
                    answers = [bool(answer.text) for [answer] in teacher.ask(questions(50))]
                elif how == "samples":
                    [samples] = teacher.ask([Question([{"role": "user", "content": "row"}], n=50, seed=1)])
                    answers = [bool(sample.text) for sample in samples]
                else:
                    answers = [isinstance(text, str) for text in teacher.map(two_turns, range(50))]
                break
            except BudgetSpent as error:
                assert "15 of 15 requests" in str(error) and "budget.requests" in str(error)
                stopped += 1
            finally:
                sent += teacher.usage.sent
            assert teacher.usage.sent == 15
    assert all(answers) and len(answers) == 50
    assert (sent, stopped) == (needed, needed // 15)
    if kind == "http":
        assert sum(body.get("n", 1) for body in server.bodies) == needed


def test_engines_of_one_run_share_a_budget_and_tokens_and_money_count(server: FaultServer, tmp_path: Path) -> None:
    """The server says 7 + 5 tokens for each answer."""
    prices = {"m": {"prompt": 1e6, "completion": 2e6}}
    for caps, words, sent in (
        ({"tokens": 60}, "of 60 tokens", range(5, 9)),
        ({"cost": 85.0, "prices": prices, "currency": "EUR"}, "of 85.00 EUR", range(5, 9)),
    ):
        ledger = tmp_path / f"{words}.json"
        before = sum(server.attempts.values())
        with engine(tmp_path / "a", server.url, Budget(BudgetParams(**caps), lambda path=ledger: path, "m")) as teacher:
            teacher.ask(questions(3))
        with (
            engine(tmp_path / "b", server.url, Budget(BudgetParams(**caps), lambda path=ledger: path, "m")) as other,
            pytest.raises(BudgetSpent, match=words),
        ):
            other.ask(questions(40))
        assert sum(server.attempts.values()) - before in sent
        for name in "ab":
            for path in (tmp_path / name).rglob("*.parquet"):
                path.unlink()


def test_the_simulated_teacher_keeps_to_it_too(tmp_path: Path) -> None:
    budget = Budget(BudgetParams(requests=10), lambda: tmp_path / "run.json")
    with engine(tmp_path / "store", "", budget, "simulated") as teacher:
        teacher.ask(questions(10))
        with pytest.raises(BudgetSpent):
            teacher.ask(questions(11))


def test_money_without_a_price_is_refused() -> None:
    with pytest.raises(ValueError, match="no price for model 'm'"):
        Budget(BudgetParams(cost=1.0), lambda: Path("x"), "m")


def test_what_was_spent_and_could_not_be_written_counts_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The answers of a full disk stay, and the cap holds all the same."""
    budget = Budget(BudgetParams(tokens=100), lambda: tmp_path / "ledger.json")
    monkeypatch.setattr("cultivar.llm.budget.sum_tokens", lambda requests, outcomes: (40, 10))
    budget.spend([], [])
    with monkeypatch.context() as full:
        full.setattr("os.pwrite", lambda *given: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        budget.spend([], [])
        assert "what was spent cannot be written" in caplog.text
    with pytest.raises(BudgetSpent, match="100 of 100 tokens"):
        budget.claim([])
    (tmp_path / "ledger.json").write_text('{"requests": 1, "tok')
    budget.spend([], [])
    with pytest.raises(Unfinished, match="cannot be read, so nothing more was asked"):
        budget.claim([])
