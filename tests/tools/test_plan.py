"""What a plan makes of a rehearsal: each role's later requests at its own tokens and price, by the rows there are now."""

from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace as Made

import pytest

from cultivar.llm.prompt import check_declared
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.tools import plan
from cultivar.tools.dry_run import Unasked, rehearsal
from schemas.params.engines import BudgetParams, Price
from schemas.stage import UndeclaredRead

PROMPT = "x" * 400
"""100 tokens."""


def counted(monkeypatch, last_run, rows: int, exact: bool = True, **roles: tuple[int, int]) -> plan.Planned:
    """The plan of a stage that reads so many rows; roles: requests put and requests that nobody has answered."""
    monkeypatch.setattr(plan, "last_run", lambda name: last_run)
    engines = {}
    for role, (asked, missing) in roles.items():
        backend = Unasked(Made(simulated=False, extra={}))
        backend.requests = [Made(messages=[{"content": PROMPT}]) for _ in range(missing)]
        usage, cache, spec = Made(requests=asked), Made(known={}), Made(model=role, max_tokens=1000)
        sender = Made(cache=cache)
        engines[role] = Made(usage=usage, backend=backend, sender=sender, simulated=False, spec=spec)
    one = plan.Planned("stage", exact=exact)
    prices = {"teacher": Price(prompt=1000, completion=1000), "judge": Price(prompt=1, completion=1)}
    run = Made(engines=engines, consumed={"rows": range(rows)})
    plan.count_requests(one, run, BudgetParams(prices=prices))
    return one


LAST_RUN = {
    "rows": 100,
    "usage": {"teacher": {"requests": 100}, "judge": {"requests": 9_900}},
    "prompt_tokens": {"teacher": 100.0, "judge": 10.0},
    "completion_tokens": {"teacher": 900.0, "judge": 10.0},
}


def test_later_requests_of_a_role_have_its_own_tokens_and_price(monkeypatch):
    one = counted(monkeypatch, LAST_RUN, 100, teacher=(100, 10), judge=(100, 0))
    assert (one.requests, one.to_ask, one.tokens) == (10_000, 10 + 9_800, 10 * 1000 + 9_800 * 20)
    assert one.cost == pytest.approx(10 * 1.0 + 9_800 * 20e-6)


def test_samples_of_one_question_share_their_prompt():
    backend = Unasked(Made(simulated=False, extra={}))
    for text in (PROMPT, PROMPT):
        messages = [{"content": text}]
        backend.requests += [Made(messages=messages)] * 8
    assert backend.prompt_tokens == 200


def test_a_shorter_input_asks_less_and_one_that_is_not_there_yet_as_much_as_before(monkeypatch):
    half = counted(monkeypatch, LAST_RUN, 50, teacher=(50, 10), judge=(50, 0))
    assert (half.requests, half.to_ask) == (5_000, 10 + 4_900)
    unknown = counted(monkeypatch, LAST_RUN, 0, exact=False, teacher=(0, 0), judge=(0, 0))
    assert (unknown.requests, unknown.to_ask) == (10_000, 10_000)
    done = counted(monkeypatch, LAST_RUN, 100, teacher=(100, 0), judge=(100, 0))
    assert (done.to_ask, done.cost, done.exact) == (0, 0.0, True)


def test_what_nobody_knows_has_no_cost(monkeypatch):
    last_run = LAST_RUN | {"prompt_tokens": {"teacher": 100.0}}
    assert counted(monkeypatch, last_run, 100, teacher=(100, 10), judge=(100, 0)).cost is None


def test_a_rehearsal_leaves_no_bound_on_what_is_read_next(monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    with ExitStack() as stack:
        rehearsal("rank", load_yaml(GRAPH), load_yaml(PARAMS), stack)
        with pytest.raises(UndeclaredRead):
            check_declared(Path("prompts/tag.jinja"))
    check_declared(Path("prompts/tag.jinja"))
