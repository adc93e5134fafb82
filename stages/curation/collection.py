"""Rows while their sources are read: by kind, as frames, in the order of the sources; the first of equal rows stays."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from cultivar.outgoing.redaction import without_secrets
from cultivar.outgoing.secret_values import SecretValues, secret_values
from schemas.ids import content_id
from schemas.rows import Dropped, Quarantined, Row
from schemas.table import Table, polars_schema, rows_frame
from stages.curation.held_out import evaluation_prompts

WAITING = 4096
"""Rows that are kept as dicts until they become a frame."""


class Rows:
    """Rows of one model, in the order in which they were added: as frames, of which one may have many rows."""

    def __init__(self, model: type[Row]):
        self.model = model
        self.frames: list[pl.DataFrame] = []
        self.waiting: list[dict[str, Any]] = []

    def add(self, row: dict[str, Any]) -> None:
        """A row; it may leave out fields that have a default."""
        self.waiting.append(row)
        if len(self.waiting) >= WAITING:
            self.settle()

    def extend(self, frame: pl.DataFrame) -> None:
        """Rows with all columns of the model; structs may lack fields, which are null."""
        self.settle()
        self.frames.append(frame)

    def settle(self) -> None:
        if self.waiting:
            self.frames.append(rows_frame(self.model, self.waiting))
            self.waiting = []

    def __len__(self) -> int:
        return sum(map(len, self.frames)) + len(self.waiting)

    def frame(self) -> pl.DataFrame:
        """All rows. Structs lack what no row has."""
        self.settle()
        schema = polars_schema(self.model)
        if not self.frames:
            return pl.DataFrame(schema=schema)
        if any(frame.schema != self.frames[0].schema for frame in self.frames):
            self.frames = [frame.cast(pl.Schema(schema)) for frame in self.frames]
        return pl.concat(self.frames)

    def table(self, name: str = "") -> Table[Any]:
        """All rows; of several with one id the last."""
        frame = self.frame()
        if frame["id"].n_unique() < len(frame):
            frame = frame.unique("id", keep="last", maintain_order=True)
        return Table(self.model, frame, name)


class Collection:
    """What all sources hold: rows by kind, what was dropped, quarantined and not taken; and of each source, one after the
    other, its files, its rows by table, and how many of its rows ended otherwise. `skipped`: files that are no data, each
    with the reason.
    """

    def __init__(self, models: Mapping[str, type[Row]]):
        """`models`: of the rows of each kind."""
        self.models = models
        self.rows = {kind: Rows(model) for kind, model in models.items()}
        self.dropped, self.quarantined = Rows(Dropped), Rows(Quarantined)
        self.not_taken = Counter[str]()
        self.taken: dict[str, Counter[str]] = {}
        self.ends: dict[str, dict[str, int]] = {}
        self.files: dict[str, set[str]] = {}
        self.skipped: list[str] = []
        self.secrets: SecretValues = secret_values()
        self.source, self.before = "", (0, 0)

    def begin(self, source: str) -> None:
        """What follows is of the source of this name."""
        self.source, self.before = source, (len(self.dropped), len(self.quarantined))
        self.files[source], self.taken[source] = set(), Counter()

    def keep(self, kind: str, frame: pl.DataFrame, table: str) -> None:
        """Rows of the source that stay."""
        if len(frame):
            self.rows[kind].extend(frame)
            self.taken[self.source][table] += len(frame)

    def end(self, not_taken: Mapping[str, int]) -> None:
        """The source is read; `not_taken` counts what it holds besides."""
        self.not_taken.update({f"{self.source}: {name}": times for name, times in not_taken.items()})
        dropped, quarantined = self.before
        ends = {
            "dropped": len(self.dropped) - dropped,
            "quarantined": len(self.quarantined) - quarantined,
            "not_taken": sum(not_taken.values()),
        }
        self.ends[self.source] = {name: number for name, number in ends.items() if number}

    def drop(self, kind: str, place: str, rule: str, detail: str, parents: tuple[str, ...] = ()) -> None:
        row_id = content_id("dropped", [kind, place, rule], parents)
        row = {"id": row_id, "parents": list(parents), "stage": "ingest", "rule": rule, "detail": f"{place}: {detail}"}
        self.dropped.add(row)

    def quarantine(self, place: str, error: str, raw: str) -> None:
        error, raw = without_secrets(error, self.secrets), without_secrets(raw, self.secrets)  # the rest is data
        row_id = content_id("quarantined", [place, error, raw])
        self.quarantined.add(
            {"id": row_id, "parents": [], "stage": "ingest", "error": error, "source": place, "raw": raw}
        )

    def without_duplicates(self, kind: str, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of one source that stand neither before them in it nor in an earlier source; the others are dropped."""
        places = pl.concat(
            [*(earlier.select("id", "source") for earlier in self.rows[kind].frames), frame.select("id", "source")]
        )
        is_repeated = ~places["id"].is_first_distinct().tail(len(frame))
        if not is_repeated.any():
            return frame
        repeated = frame.filter(is_repeated).select("id", "source")
        first = places.join(repeated.select("id").unique(), on="id", how="semi").unique(
            "id", keep="first", maintain_order=True
        )
        found = repeated.join(first.rename({"source": "first"}), on="id", how="left", maintain_order="left")
        for row_id, place, earlier in found.iter_rows():
            self.drop(kind, place, "exact duplicate", f"the same {kind} stands at {earlier}", (row_id,))
        return frame.filter(~is_repeated)

    def without_evaluation(self, kind: str, frame: pl.DataFrame, held_out: pl.DataFrame) -> pl.DataFrame:
        """The rows that ask nothing that an evaluation item asks; the others are dropped. `held_out` is of `asked_by`."""
        met = evaluation_prompts(frame, held_out)
        if met.is_empty():
            return frame
        places = met.join(frame.select("id", "source"), on="id", maintain_order="left")
        for item, place in places.select("item", "source").iter_rows():
            self.drop(kind, place, "evaluation prompt", "its prompt is an evaluation item", (item,))
        return frame.join(met, on="id", how="anti", maintain_order="left")
