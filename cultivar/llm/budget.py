"""What may be spent: requests, tokens, money. At a cap nothing more is sent, and every answer is stored.

What one run has spent stands in a small file that the processes of the run share under a lock, so stages side by side
have one budget. The number of requests is exact (what the http engine sends again after a fault is not counted); tokens
and money are known only when an answer has come, so they can pass their cap by what was in flight.
"""

import fcntl
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from schemas.params.engines import BudgetParams
from schemas.stage import BudgetSpent, Unfinished

LOG = logging.getLogger("cultivar.llm")


@dataclass
class Spent:
    """What a run has spent: requests sent, tokens of prompts and completions, money."""

    requests: int = 0
    tokens: int = 0
    cost: float = 0.0


class Budget:
    """The caps of `params` over what the run that owns `ledger` spends. Without a cap nothing is counted."""

    def __init__(
        self, params: BudgetParams | None = None, ledger: Callable[[], Path] | None = None, model: str = ""
    ) -> None:
        """`ledger` is asked for the file where there is a cap; `model` is the name in the price table.

        Raises ValueError where money is capped and the model has no price.
        """
        self.params = params or BudgetParams()
        caps = (self.params.requests, self.params.tokens, self.params.cost)
        self.capped = ledger is not None and any(cap is not None for cap in caps)
        self.ledger = ledger() if ledger is not None and self.capped else None
        self.uncounted = Spent()  # tokens and money that could not be written to the ledger yet
        self.price = self.params.prices.get(model)
        if self.capped and self.params.cost is not None and self.price is None:
            raise ValueError(
                f"budget.cost is capped, but budget.prices has no price for model {model!r}; add to params.yaml: "
                f"budget: {{prices: {{{model}: {{prompt: 0.0, completion: 0.0}}}}}} (per million tokens)"
            )

    def claim(self, requests: Sequence[Request]) -> int:
        """How many of these requests, from the first on, may be sent; they count as sent.

        All of them, or as many as are left. Raises BudgetSpent where none may.
        """
        return self.add(Spent(requests=len(requests)), check=True) if self.capped else len(requests)

    def spend(self, requests: Sequence[Request], outcomes: Sequence[Generation | Unanswered]) -> None:
        """Count the tokens of answers. Where that cannot be written the answers stay, and the next `claim` counts them."""
        if self.capped:
            prompt, completion = sum_tokens(requests, outcomes)
            cost = self.price.of(prompt, completion) if self.price else 0.0
            before = self.uncounted
            self.uncounted = Spent(0, before.tokens + prompt + completion, before.cost + cost)
            try:
                self.add(Spent())
            except (OSError, Unfinished) as error:
                LOG.warning("budget: what was spent cannot be written, nothing more is asked meanwhile: %s", error)

    def add(self, more: Spent, check: bool = False) -> int:
        """Count what is spent; with `check` only as many requests as may be sent. Returns the number of requests counted."""
        assert self.ledger is not None
        self.ledger.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.ledger, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            written = os.pread(handle, 4096, 0)
            spent = self.read(written)
            spent.tokens, spent.cost = spent.tokens + self.uncounted.tokens, spent.cost + self.uncounted.cost
            if check:
                more.requests = min(more.requests, self.requests_left(spent))
            total = Spent(spent.requests + more.requests, spent.tokens + more.tokens, spent.cost + more.cost)
            line = json.dumps(vars(total)).encode()
            os.pwrite(handle, line.ljust(len(written)), 0)  # trailing blanks are no part of the JSON
            self.uncounted = Spent()
        finally:
            os.close(handle)
        return more.requests

    def read(self, written: bytes) -> Spent:
        """What the ledger says. Raises Unfinished where it is torn: what was spent is not known then."""
        try:
            return Spent(**json.loads(written)) if written else Spent()
        except (ValueError, TypeError) as error:
            raise Unfinished(
                f"budget: {self.ledger} cannot be read, so nothing more was asked; every answer is kept. Run `dvc repro` "
                "again: it has a budget of its own"
            ) from error

    def requests_left(self, spent: Spent) -> int:
        """How many requests may be sent after what was spent. Raises BudgetSpent where none may."""
        caps = self.params
        if caps.requests is not None and spent.requests >= caps.requests:
            raise self.stop_error("requests", f"{spent.requests:,} of {caps.requests:,} requests")
        if caps.tokens is not None and spent.tokens >= caps.tokens:
            raise self.stop_error("tokens", f"{spent.tokens:,} of {caps.tokens:,} tokens")
        if caps.cost is not None and spent.cost >= caps.cost:
            raise self.stop_error("cost", f"{spent.cost:.2f} of {caps.cost:.2f} {caps.currency}")
        return sys.maxsize if caps.requests is None else caps.requests - spent.requests

    def stop_error(self, cap: str, spent: str) -> BudgetSpent:
        return BudgetSpent(
            f"budget: {spent} of this run are spent, so nothing more was asked; every answer is kept. Raise "
            f"budget.{cap} in params.yaml, or run `dvc repro` again: it goes on from here with a budget of its own"
        )


def sum_tokens(requests: Sequence[Request], outcomes: Sequence[Generation | Unanswered]) -> tuple[int, int]:
    """Prompt and completion tokens of outcomes; samples of one question share their prompt."""
    prompt = completion = 0
    shared: object = None
    for request, outcome in zip(requests, outcomes, strict=True):
        if isinstance(outcome, Generation):
            if request.messages is not shared:
                prompt, shared = prompt + outcome.prompt_tokens, request.messages
            completion += outcome.completion_tokens
    return prompt, completion
