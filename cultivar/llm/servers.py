"""Which server gets the next request, and how many requests each may have in flight.

Least in flight first. The limit of a server rises by one per limit's worth of good answers and halves on 429 and 5xx
(additive increase, multiplicative decrease), so it settles at what the server can bear. A server that asked for a
pause (Retry-After) or cannot be reached gets nothing until the pause is over; one that would refuse everything (wrong
key, address or model) gets nothing more, and when no other is left, sending stops.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

from cultivar.outgoing.redaction import redacted
from schemas.stage import Unfinished

FailureKind = Literal["unreached", "lost", "late", "busy", "error"]
"""How an attempt failed: no connection, a broken one, no reply in time, 429 or Retry-After, any other error."""


@dataclass
class Server:
    """One base URL and its state."""

    url: str
    max_in_flight: int
    limit: float = 0.0
    sent: list[float] = field(default_factory=list)  # loop times of the requests in flight, oldest first
    paused_until: float = 0.0
    halved_at: float = 0.0
    unreachable: int = 0  # connections that failed in a row
    has_answered: bool = False
    excluded: bool = False  # gets nothing more

    def __post_init__(self) -> None:
        self.limit = float(self.max_in_flight)

    @property
    def in_flight(self) -> int:
        return len(self.sent)


class CircuitBreaker:
    """Tells when sending has become pointless: no server has been of any use for too long.

    Failed connections and errors count from the first after the last answer, up to `give_up_s`, and on while a request
    that was sent in the first half of that time still waits for its answer: a healthy server may think for longer.
    Servers that reply too late or ask for a pause (429, Retry-After) have `patience_s`. With `errors_answer` an error
    shows that a server is there. Times are seconds of the event loop's clock.
    """

    def __init__(self, give_up_s: float, patience_s: float, errors_answer: bool) -> None:
        self.give_up_s, self.patience_s, self.errors_answer = give_up_s, patience_s, errors_answer
        self.failing_since: float | None = None
        self.waiting_since: float | None = None

    def record_success(self) -> None:
        """A server answered, or refused one request for what it holds."""
        self.failing_since = self.waiting_since = None

    def record_failure(self, now: float, kind: FailureKind, oldest_sent: float | None) -> bool:
        """Count a failed attempt; whether to stop. `oldest_sent` is when the request that waits longest was sent."""
        if kind in ("busy", "late"):
            self.failing_since = None
            self.waiting_since = now if self.waiting_since is None else self.waiting_since
            return now - self.waiting_since >= self.patience_s
        if kind == "error" and self.errors_answer:
            self.failing_since = None
            return False
        self.failing_since = now if self.failing_since is None else self.failing_since
        waits = oldest_sent is not None and oldest_sent <= self.failing_since + self.give_up_s / 2
        return now - self.failing_since >= self.give_up_s and not waits


class Balancer:
    """The servers of one engine. Lives on the event loop."""

    def __init__(self, urls: list[str], concurrency: int) -> None:
        if not urls:
            raise ValueError("a Balancer needs at least one server")
        each = -(-concurrency // len(urls))
        self.servers = [Server(url.rstrip("/"), max_in_flight=each) for url in urls]
        self.queue: deque[asyncio.Future[None]] = deque()
        self.wake_timer: asyncio.TimerHandle | None = None
        self.wake_at = 0.0  # when it fires
        self.stop_reason: str | None = None  # why nothing more is sent
        self.stopped = asyncio.Event()

    def stop(self, reason: str) -> Unfinished:
        """Send nothing more and wake everybody who waits; the error with the reason, without secrets."""
        self.stop_reason = self.stop_reason or redacted(reason)
        self.stopped.set()
        self.wake_all()
        return Unfinished(self.stop_reason)

    def exclude(self, server: Server, reason: str) -> None:
        """Send this server nothing more; where it was the last one, stop."""
        server.excluded = True
        if all(one.excluded for one in self.servers):
            self.stop(reason)

    async def pause(self, seconds: float) -> None:
        """Sleep, but not beyond `stop`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopped.wait(), seconds)

    def oldest_sent(self) -> float | None:
        """When the request that waits longest was sent, of those at servers that can be reached."""
        return min((server.sent[0] for server in self.servers if server.sent and not server.unreachable), default=None)

    def next_free(self, now: float) -> Server | None:
        """The server with the fewest requests in flight of those that may have another."""
        best: Server | None = None
        for server in self.servers:
            if not server.excluded and server.in_flight < max(1, int(server.limit)) and now >= server.paused_until:
                load = server.in_flight
                if best is None or load < best.in_flight:
                    best = server
        return best

    async def acquire(self) -> tuple[Server, float]:
        """Wait for a server that may have another request; the caller must `release` it, with the time it got here.

        Raises Unfinished where nothing more is sent.
        """
        loop = asyncio.get_running_loop()
        while self.stop_reason is None and (server := self.next_free(now := loop.time())) is None:
            waiter = loop.create_future()
            self.queue.append(waiter)
            self.schedule_wake(loop, now)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self.wake()  # this one was woken: wake another in its place
                raise
        if self.stop_reason is not None:
            raise Unfinished(self.stop_reason)
        assert server is not None
        server.sent.append(sent := loop.time())
        return server, sent

    def release(self, server: Server, sent: float) -> None:
        server.sent.remove(sent)
        self.wake()

    def wake(self) -> None:
        """Let the next one in the queue look again."""
        while self.queue:
            waiter = self.queue.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def schedule_wake(self, loop: asyncio.AbstractEventLoop, now: float) -> None:
        """Wake everybody when the first pause is over.

        `now` is when no server was free: by a later clock a pause may just be over, and nobody would be woken.
        """
        ends = [one.paused_until for one in self.servers if not one.excluded and one.paused_until > now]
        if ends and (self.wake_timer is None or self.wake_at > min(ends)):
            if self.wake_timer is not None:
                self.wake_timer.cancel()
            self.wake_at = min(ends)
            self.wake_timer = loop.call_at(self.wake_at, self.wake_all)

    def wake_all(self) -> None:
        self.wake_timer = None
        waiting, self.queue = self.queue, deque()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    def record_success(self, server: Server) -> None:
        """A good answer: a little more may be sent."""
        server.unreachable = 0
        if server.limit < server.max_in_flight:
            server.limit = min(server.max_in_flight, server.limit + 1 / server.limit)
            self.wake()

    def record_overload(self, server: Server, now: float, sent: float, pause_s: float = 0.0) -> None:
        """429 or 5xx at `now` to a request of `sent`: half as much from now on, and nothing for `pause_s`.

        One overload answers many requests at once: only those sent since the last halving count.
        """
        server.unreachable = 0
        if sent >= server.halved_at:
            server.limit = max(1.0, server.limit / 2)
            server.halved_at = now
        server.paused_until = max(server.paused_until, now + pause_s)

    def record_unreachable(self, server: Server, now: float) -> None:
        """No connection: leave it alone for a while, longer each time (at most 30 s), while others serve."""
        server.unreachable += 1
        if len(self.servers) > 1:
            server.paused_until = max(server.paused_until, now + min(30.0, 0.25 * 2**server.unreachable))
