"""What has been answered before: generations by request, over the store.

Fresh answers wait here until they are worth a segment (`flush_rows`, `flush_s`) and are found by the next lookup all
the same.
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
FEW = 256  # keys: so few are first looked for without touching the index
Recorded = tuple[bytes, int, str, str, int, int, str]


class AnswerCache:
    """Generations of one engine (`label`) in a store."""

    def __init__(self, store: Store, label: str, journal: bool = False) -> None:
        """With `journal` every answer is safe from a kill at once: for engines whose answers are dear."""
        self.store = store
        self.label = label
        self.journals: dict[str, Journal] | None = {} if journal else None
        self.inherited: set[str] = set()
        self.fresh: dict[str, dict[bytes, Recorded]] = {}
        self.count = 0
        self.since = 0.0

    def lookup(self, requests: Iterable[Request]) -> dict[bytes, Generation]:
        """The generations that are known, by request key."""
        by_fingerprint: dict[str, list[bytes]] = {}
        for request in requests:
            by_fingerprint.setdefault(request.fingerprint, []).append(request.key)
        known: dict[bytes, Generation] = {}
        for fingerprint, keys in by_fingerprint.items():
            if fresh := self.fresh.get(fingerprint):
                known.update({key: Generation(*fresh[key][2:6]) for key in keys if key in fresh})
            self.inherit(fingerprint)
            if len(keys) <= FEW:
                keys = self.store.folder(fingerprint).likely(keys)
            rows = self.store.get(fingerprint, keys, VALUES) if keys else pl.DataFrame()
            if rows.height:
                known.update(
                    zip(rows["key"], map(Generation, *(rows[name] for name in VALUES)), strict=True)  # earliest wins
                )
        return known

    def add(self, request: Request, generation: Generation) -> None:
        """Keep a generation; published with the others when enough are waiting."""
        if not self.count:
            self.since = time.monotonic()
        fresh = self.fresh.setdefault(request.fingerprint, {})
        if request.key not in fresh:
            self.count += 1
            fresh[request.key] = record = (
                request.key,
                request.sample,
                generation.text,
                generation.finish_reason,
                generation.prompt_tokens,
                generation.completion_tokens,
                self.label,
            )
            if self.journals is not None:
                if request.fingerprint not in self.journals:
                    self.journals[request.fingerprint] = Journal(self.store.folder(request.fingerprint).path)
                self.journals[request.fingerprint].append(record)
        if self.count >= self.store.flush_rows:
            self.flush()

    def flush_due(self) -> None:
        """Publish what is waiting if the oldest has waited for the store's `flush_s`."""
        if self.count and time.monotonic() - self.since >= self.store.flush_s:
            self.flush()

    def flush(self) -> None:
        """Publish what is waiting. Raises OSError (disk full); what was not written is still waiting then."""
        for fingerprint in list(self.fresh):
            self.store.publish(fingerprint, as_rows(list(self.fresh[fingerprint].values())))
            self.count -= len(self.fresh.pop(fingerprint))
            if self.journals and fingerprint in self.journals:
                self.journals[fingerprint].clear()

    def inherit(self, fingerprint: str) -> None:
        """Publish what killed processes have left in their journals; once per folder."""
        if fingerprint not in self.inherited:
            self.inherited.add(fingerprint)
            for records in orphaned_records(self.store.folder(fingerprint).path):
                if records:
                    self.store.publish(fingerprint, as_rows(records))

    def close(self) -> None:
        """Publish everything and remove the journals."""
        self.flush()
        for journal in (self.journals or {}).values():
            journal.close()
        if self.journals:
            self.journals.clear()

    def others(self) -> dict[str, int]:
        """How many segments of others each folder is known to hold: what `agree` compares with."""
        return {name: self.store.folder(name).others for name in self.inherited}

    def agree(self, requests: Sequence[Request], since: dict[str, int]) -> dict[bytes, Generation]:
        """Publish, then what others answered since `since` to the same requests, where theirs were published earlier.

        Publications of one folder are ordered (Store.publish), so of two processes that ask the same thing at once
        both use the answer that a later rebuild will find.
        """
        self.flush()
        changed = set()
        for name in {request.fingerprint for request in requests}:
            folder = self.store.folder(name)
            folder.refresh()
            if folder.others != since.get(name, 0):
                changed.add(name)
        return self.lookup([request for request in requests if request.fingerprint in changed])


def as_rows(records: Sequence[Recorded]) -> pl.DataFrame:
    """Records as a frame of the store."""
    return pl.DataFrame(records, schema=COLUMNS, orient="row")
