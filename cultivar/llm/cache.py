"""What has been answered before: generations by request, over the store.

Fresh answers wait here until they are worth a segment (`flush_rows`, `flush_s`); lookups find them meanwhile.
"""

import time
from collections.abc import Iterable, Sequence

import polars as pl

from cultivar.llm.answer import Generation
from cultivar.llm.request import Request
from cultivar.store.journal import Journal, orphaned_records
from cultivar.store.store import Store

COLUMNS = {
    "key": pl.Binary(),
    "sample": pl.Int32(),
    "text": pl.String(),
    "finish_reason": pl.String(),
    "prompt_tokens": pl.Int32(),
    "completion_tokens": pl.Int32(),
    "engine": pl.String(),
}
VALUES = ["text", "finish_reason", "prompt_tokens", "completion_tokens"]
SMALL_LOOKUP = 256  # up to so many keys are first looked for without touching the index
CachedRow = tuple[bytes, int, str, str, int, int, str]
"""The values of COLUMNS."""


class AnswerCache:
    """Generations of one engine (`label`) in a store."""

    def __init__(self, store: Store, label: str, journal: bool = False) -> None:
        """With `journal` every answer survives a kill at once: for engines whose answers are expensive."""
        self.store = store
        self.label = label
        self.journals: dict[str, Journal] | None = {} if journal else None
        self.recovered: set[str] = set()  # fingerprints whose orphaned journals were published
        self.waiting: dict[str, dict[bytes, CachedRow]] = {}  # by fingerprint: not yet in a segment
        self.count = 0  # of the rows that wait
        self.waiting_since = 0.0

    def lookup(self, requests: Iterable[Request]) -> dict[bytes, Generation]:
        """The generations that are cached, by request key."""
        by_fingerprint: dict[str, list[bytes]] = {}
        for request in requests:
            by_fingerprint.setdefault(request.fingerprint, []).append(request.key)
        cached: dict[bytes, Generation] = {}
        for fingerprint, keys in by_fingerprint.items():
            if waiting := self.waiting.get(fingerprint):
                cached.update({key: Generation(*waiting[key][2:6]) for key in keys if key in waiting})
            self.recover_journals(fingerprint)
            if len(keys) <= SMALL_LOOKUP:
                keys = self.store.folder(fingerprint).filter_likely(keys)
            rows = self.store.get(fingerprint, keys, VALUES) if keys else pl.DataFrame()
            if rows.height:
                cached.update(
                    zip(rows["key"], map(Generation, *(rows[name] for name in VALUES)), strict=True)  # earliest wins
                )
        return cached

    def add(self, request: Request, generation: Generation) -> None:
        """Store a generation; it is published with others when enough are waiting."""
        if not self.count:
            self.waiting_since = time.monotonic()
        waiting = self.waiting.setdefault(request.fingerprint, {})
        if request.key not in waiting:
            self.count += 1
            waiting[request.key] = row = self.row_of(request, generation)
            if self.journals is not None:
                if request.fingerprint not in self.journals:
                    self.journals[request.fingerprint] = Journal(self.store.folder(request.fingerprint).path)
                self.journals[request.fingerprint].append(row)
        if self.count >= self.store.flush_rows:
            self.flush()

    def row_of(self, request: Request, generation: Generation) -> CachedRow:
        return (
            request.key,
            request.sample,
            generation.text,
            generation.finish_reason,
            generation.prompt_tokens,
            generation.completion_tokens,
            self.label,
        )

    def flush_due(self) -> None:
        """Publish what is waiting if the oldest has waited for the store's `flush_s`."""
        if self.count and time.monotonic() - self.waiting_since >= self.store.flush_s:
            self.flush()

    def flush(self) -> None:
        """Publish what is waiting. Raises OSError (disk full); what was not written is still waiting then."""
        for fingerprint in list(self.waiting):
            self.store.publish(fingerprint, cached_frame(list(self.waiting[fingerprint].values())))
            self.count -= len(self.waiting.pop(fingerprint))
            if self.journals and fingerprint in self.journals:
                self.journals[fingerprint].clear()

    def recover_journals(self, fingerprint: str) -> None:
        """Publish what killed processes have left in their journals; once per folder."""
        if fingerprint not in self.recovered:
            self.recovered.add(fingerprint)
            for records in orphaned_records(self.store.folder(fingerprint).path):
                if records:
                    self.store.publish(fingerprint, cached_frame(records))

    def close(self) -> None:
        """Publish everything and remove the journals."""
        self.flush()
        for journal in (self.journals or {}).values():
            journal.close()
        if self.journals:
            self.journals.clear()

    def foreign_segments(self) -> dict[str, int]:
        """How many segments of other processes each folder is known to hold: what `reconcile` compares with."""
        return {name: self.store.folder(name).foreign_segments for name in self.recovered}

    def reconcile(self, requests: Sequence[Request], before: dict[str, int]) -> dict[bytes, Generation]:
        """Publish; then what others published first for the same requests since `before` (of `foreign_segments`).

        Publications of one folder are ordered (Store.publish), so of two processes that ask the same thing at once
        both use the answer that a later rebuild will find.
        """
        self.flush()
        changed = set()
        for name in {request.fingerprint for request in requests}:
            folder = self.store.folder(name)
            folder.refresh()
            if folder.foreign_segments != before.get(name, 0):
                changed.add(name)
        return self.lookup([request for request in requests if request.fingerprint in changed])


def cached_frame(rows: Sequence[CachedRow]) -> pl.DataFrame:
    """Rows as a frame of the store."""
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")
