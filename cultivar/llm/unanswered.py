"""Which requests an engine could not get answered, and whether its stage may go on without them.

A table that lacks a row because a server was down would be recorded as finished and never be completed. So requests
that are unanswered for a transient reason (Unanswered.transient) fail the stage, once the others are answered and
stored. A role with `unanswered: quarantine` goes on instead: its tables then depend on when it ran, which is why it has
to be declared.

Where a server refuses every request alike, the fault is in what they share: sending stops after the first few, and
under `quarantine`, which sends the rest all the same, the stage fails where nothing at all was answered.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from cultivar.outgoing.redaction import redacted
from schemas.stage import BudgetSpent, Unfinished

SUSPICIOUS = 20
"""So many requests of one configuration that all failed were not refused each for a reason of its own."""
SHOWN_CHARS = 80  # of a request, in errors


@dataclass
class Tally:
    """Outcomes of the requests of one configuration (model, sampling, schema). `cached` came from the store."""

    cached: int = 0
    answered: int = 0
    refused: int = 0  # for what the request itself holds
    server_errors: int = 0  # transient failures to which a server replied
    unreached: int = 0  # no server was reached, or none replied
    first_error: str = ""

    def record(self, outcome: Generation | Unanswered) -> None:
        """Count the outcome of a request that was sent."""
        if isinstance(outcome, Generation):
            self.answered += 1
            return
        self.first_error = self.first_error or outcome.error
        self.refused += not outcome.transient
        self.server_errors += outcome.transient and outcome.server_replied
        self.unreached += outcome.transient and not outcome.server_replied

    @property
    def is_all_transient(self) -> bool:
        """Whether every request failed for a transient reason."""
        return not (self.cached or self.answered or self.refused)


class UnansweredRequests:
    """The unanswered requests of one role. `fail` is whether transient ones fail the stage."""

    def __init__(self, role: str, fail: bool) -> None:
        self.role, self.fail = role, fail
        self.total = self.answered = 0
        self.blocking: dict[bytes, tuple[Request, str]] = {}
        self.tallies: dict[str, Tally] = {}
        self.fatal: str | None = None  # why sending had stopped before a request was sent

    def count(self, requests: Iterable[Request], cached: Container[bytes]) -> int:
        """Count requests, of which the store answers those with `cached` keys; the number of the latter."""
        hits = 0
        for request in requests:
            self.total += 1
            if request.key in cached:
                hits += 1
                self.tally(request).cached += 1
        self.answered += hits
        return hits

    def record(self, request: Request, outcome: Generation | Unanswered) -> None:
        """Take in the outcome of a request that was sent."""
        self.tally(request).record(outcome)
        if isinstance(outcome, Generation):
            self.answered += 1
        elif outcome.fatal:
            self.fatal = self.fatal or outcome.error
        elif self.is_blocking(outcome):
            self.blocking[request.key] = (request, outcome.error)

    def tally(self, request: Request) -> Tally:
        return self.tallies.setdefault(request.fingerprint, Tally())

    def is_blocking(self, outcome: Generation | Unanswered) -> bool:
        """Whether the stage fails for want of an answer in the place of this outcome."""
        return isinstance(outcome, Unanswered) and (outcome.fatal or (outcome.transient and self.fail))

    def check_all_refused(self, request: Request) -> None:
        """Raise Unfinished where all of many requests of this configuration failed at a server, and few are cached."""
        tally = self.tally(request)
        refused = tally.refused + tally.server_errors
        if self.fail and not tally.answered and refused >= max(SUSPICIOUS, tally.cached):
            raise Unfinished(
                f"all {refused:,} requests that were sent were refused, the first: {tally.first_error}; fix what they "
                "have in common: model, max_tokens, structured, the key, the server's own settings. Else "
                f"{self.remedy()}"
            )

    def check(self) -> None:
        """Raise Unfinished where requests are unanswered for a transient reason, or, under quarantine, all of them."""
        if self.fatal:
            raise self.stopped_error(Unfinished(self.fatal))
        if self.blocking:
            request, error = next(iter(self.blocking.values()))
            text = redacted(str(request.messages[-1]["content"]).strip())
            raise Unfinished(
                f"{self.role}: {len(self.blocking):,} of {self.total:,} requests unanswered ({error}), the first: "
                f"{text[:SHOWN_CHARS] + '…' * (len(text) > SHOWN_CHARS)!r}; everything else is kept, run `dvc repro` "
                f"again. Where one is never answered, {self.remedy()}"
            )
        all_transient = all(tally.is_all_transient for tally in self.tallies.values())
        failed = sum(tally.server_errors + tally.unreached for tally in self.tallies.values())
        for tally in self.tallies.values():
            none_replied = tally.is_all_transient and not tally.server_errors
            unreached = none_replied and tally.unreached >= (1 if all_transient else SUSPICIOUS)
            if unreached or (all_transient and failed >= SUSPICIOUS):
                raise self.stopped_error(Unfinished(f"not one was answered, the first: {tally.first_error}"))

    def remedy(self) -> str:
        return f"`roles.{self.role}.unanswered: quarantine` in params.yaml goes on without such rows"

    def stopped_error(self, error: Unfinished) -> Unfinished:
        """The error of sending that has stopped, with how much is unanswered; a spent budget has a text of its own."""
        if isinstance(error, BudgetSpent):
            return error
        return Unfinished(
            f"{self.role}: {self.total - self.answered:,} of {self.total:,} requests unanswered ({error}), and nothing "
            "more is sent; everything else is kept, run `dvc repro` again when this is fixed"
        )
