"""What an engine could not get answered, and whether its stage may go on without it.

A table that lacks a row because a server was down would be recorded as finished and never mended. So requests that are
unanswered for a passing reason (Unanswered.passing) end the stage, once the others are answered and kept. A role with
`unanswered: quarantine` goes on instead: its tables then depend on the hour, which is why it has to be declared.

Where a server refuses every request alike, the fault is in what they share: asking ends after the first few, and under
`quarantine`, which asks the rest all the same, the stage fails where nothing at all was answered.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass

from cultivar.llm.answer import Generation, Unanswered
from cultivar.llm.request import Request
from schemas.stage import BudgetSpent, Unfinished

ENOUGH = 20
"""Requests of one source that came to the same: no longer each one's own affair."""
SHOWN = 80  # characters of a request


@dataclass
class Tally:
    """What became of the requests of one source (model, sampling, schema). `known` came from the store."""

    known: int = 0
    answered: int = 0
    own: int = 0  # refused for what they say
    heard: int = 0  # refused for a passing reason by a server
    silent: int = 0  # no server was reached, or none replied
    words: str = ""  # of the first that was not answered

    def note(self, outcome: Generation | Unanswered) -> None:
        """Count what was sent."""
        if isinstance(outcome, Generation):
            self.answered += 1
            return
        self.words = self.words or outcome.error
        self.own += not outcome.passing
        self.heard += outcome.passing and outcome.heard
        self.silent += outcome.passing and not outcome.heard

    @property
    def passing(self) -> bool:
        """Whether nothing was answered or known, or refused for what it says."""
        return not (self.known or self.answered or self.own)


class Gaps:
    """The unanswered requests of one engine. `fail` is whether they end the stage."""

    def __init__(self, role: str, fail: bool) -> None:
        self.role, self.fail = role, fail
        self.asked = self.got = 0
        self.unanswered: dict[bytes, tuple[Request, str]] = {}
        self.tallies: dict[str, Tally] = {}
        self.ended: str | None = None  # why asking has ended before a request was put

    def count(self, requests: Iterable[Request], known: Container[bytes]) -> int:
        """These requests were put, and the store answers the `known` ones. The number of those."""
        hits = 0
        for request in requests:
            self.asked += 1
            if request.key in known:
                hits += 1
                self.tally(request).known += 1
        self.got += hits
        return hits

    def note(self, request: Request, outcome: Generation | Unanswered) -> None:
        """Take in what became of a request that was sent."""
        self.tally(request).note(outcome)
        if isinstance(outcome, Generation):
            self.got += 1
        elif outcome.ends:
            self.ended = self.ended or outcome.error
        elif self.ends(outcome):
            self.unanswered[request.key] = (request, outcome.error)

    def tally(self, request: Request) -> Tally:
        return self.tallies.setdefault(request.fingerprint, Tally())

    def ends(self, outcome: Generation | Unanswered) -> bool:
        """Whether the stage cannot end well without an answer in the place of this."""
        return isinstance(outcome, Unanswered) and (outcome.ends or (outcome.passing and self.fail))

    def suspect(self, request: Request) -> None:
        """Raise Unfinished where servers have refused all of many requests of this one's source, and few are known."""
        tally = self.tally(request)
        refused = tally.own + tally.heard
        if self.fail and not tally.answered and refused >= max(ENOUGH, tally.known):
            raise Unfinished(
                f"all {refused:,} requests that were sent were refused, the first: {tally.words}; mend what they have in "
                f"common: model, max_tokens, structured, the key, the server's own settings. Else {self.remedy()}"
            )

    def settle(self) -> None:
        """Raise Unfinished where requests are unanswered for a passing reason, or, under quarantine, all of them."""
        if self.ended:
            raise self.stopped(Unfinished(self.ended))
        if self.unanswered:
            request, words = next(iter(self.unanswered.values()))
            said = str(request.messages[-1]["content"]).strip()
            raise Unfinished(
                f"{self.role}: {len(self.unanswered):,} of {self.asked:,} requests unanswered ({words}), the first: "
                f"{said[:SHOWN] + '…' * (len(said) > SHOWN)!r}; everything else is kept, run `dvc repro` again. "
                f"Where one is never answered, {self.remedy()}"
            )
        barren = all(tally.passing for tally in self.tallies.values())
        lost = sum(tally.heard + tally.silent for tally in self.tallies.values())
        for tally in self.tallies.values():
            unreached = tally.passing and not tally.heard and tally.silent >= (1 if barren else ENOUGH)
            if unreached or (barren and lost >= ENOUGH):
                raise self.stopped(Unfinished(f"not one was answered, the first: {tally.words}"))

    def remedy(self) -> str:
        return f"`roles.{self.role}.unanswered: quarantine` in params.yaml goes on without such rows"

    def stopped(self, error: Unfinished) -> Unfinished:
        """The error of asking that has ended, with how much is unanswered; a spent budget says it itself."""
        if isinstance(error, BudgetSpent):
            return error
        return Unfinished(
            f"{self.role}: {self.asked - self.got:,} of {self.asked:,} requests unanswered ({error}), and nothing more "
            "is sent; everything else is kept, run `dvc repro` again when this is mended"
        )
