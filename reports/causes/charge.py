"""Why rows of D and P differ between two versions: each is charged to exactly one change.

By lineage first (walk.py), then by replay where it is cheap (proof.py): what one change alone moves is proved, what only
several move together is an interaction. Where no replay can be made the charge by lineage stands, and the notes say why.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import polars as pl

from reports.causes.atomic import atomic_changes
from reports.causes.change import KINDS, MARKS, Cause, Change, Counts, Why
from reports.causes.deltas import Tables, by_id
from reports.causes.proof import Proof, groups_of, prove
from reports.causes.stages import DataStage, data_stages
from reports.causes.walk import UNEXPLAINED, Walk
from reports.diff.model import PRODUCTS, Diff
from reports.versions.database import connect

EXAMPLES = 3
"""Rows shown of a cause."""
REPLAYED_ROWS = 200_000
"""Rows of D and P of a version up to which its data stages are run again."""
NO_CAUSE = Change("unexplained", "unexplained", "no change explains it: a fault of this report", (), "")
CHARGED = {
    "table": pl.String(),
    "id": pl.String(),
    "cause": pl.Int64(),
    "via": pl.Int64(),
    "marks": pl.List(pl.String()),
    "together": pl.List(pl.Int64()),
}


def charge(diff: Diff, replay: bool = True, database: duckdb.DuckDBPyConnection | None = None) -> Why:
    """The cause of every changed row of D and P. `replay`: apply the changes alone, where that is cheap.

    Raises MissingObject where bytes of a version's tables are not to be had.
    """
    database = database or connect()
    stages = data_stages(diff.old, diff.new)
    changes = atomic_changes(diff.old, diff.new, stages)
    products = [table for table in PRODUCTS if by_id(diff, table).height]
    if not products:
        return Why(pl.DataFrame(schema=ROWS), (), tuple(changes))
    walk = Walk(diff, changes, stages, Tables(diff.old, diff.new, database))
    charged = pl.concat(
        [
            walk.state[table].select(
                pl.lit(table).alias("table"),
                "id",
                "cause",
                "via",
                marks=pl.when(pl.col("mark") == "")
                .then(pl.lit([], pl.List(pl.String)))
                .otherwise(pl.concat_list("mark")),
                together=pl.lit([], pl.List(pl.Int64)),
            )
            for table in products
        ]
    ).cast(CHARGED)  # type: ignore[arg-type]
    proof = proof_of(diff, changes, stages, charged, database) if replay else Proof([])
    charged = settle(charged, proof, changes)
    return summary(diff, changes, stages, charged, proof)


def proof_of(
    diff: Diff,
    changes: Sequence[Change],
    stages: dict[str, DataStage],
    charged: pl.DataFrame,
    database: duckdb.DuckDBPyConnection,
) -> Proof:
    """What replays say; a note where none is made."""
    used = sorted(set(charged["cause"].to_list()) - {UNEXPLAINED})
    groups = groups_of(changes, used)
    size = max(found.rows_new for table in PRODUCTS if (found := diff.table(table)))
    if groups is None:
        return Proof([], notes=[f"{len(changes):,} changes at once: too many to apply each alone; charged by lineage"])
    if size > REPLAYED_ROWS:
        return Proof([], notes=[f"{size:,} rows: too many to replay the data stages; charged by lineage"])
    if not groups:
        return Proof([])
    rows = {str(table): frame["id"] for (table,), frame in charged.group_by("table", maintain_order=True)}
    return prove(diff, changes, stages, rows, groups, database)


# ---------------------------------------------------------------- lineage and replay together


def settle(charged: pl.DataFrame, proof: Proof, changes: Sequence[Change]) -> pl.DataFrame:
    """The charges after the replays: proved, corrected, or named as interactions."""
    if not proof.moves and not proof.failed:
        return charged
    group_of = {place: number for number, group in enumerate(proof.groups) for place in group}
    moving = rows_moved(proof)
    rows = charged.join(moving, on=["table", "id"], how="left", maintain_order="left")
    unreplayed = [number for number, group in enumerate(proof.groups) if (group,) in proof.failed]
    settled = [
        settle_row(row, group_of, proof, unreplayed, changes)
        for row in rows.select("cause", "marks", "alone", "reached", "pairs").iter_rows(named=True)
    ]
    return charged.with_columns(
        cause=pl.Series([cause for cause, _, _ in settled], dtype=pl.Int64),
        marks=pl.Series([marks for _, marks, _ in settled], dtype=pl.List(pl.String)),
        together=pl.Series([together for _, _, together in settled], dtype=pl.List(pl.Int64)),
    )


def rows_moved(proof: Proof) -> pl.DataFrame:
    """(table, id): groups that move the row `alone`, of these such as bring it to its new state (`reached`), and `pairs`."""
    number = {group: place for place, group in enumerate(proof.groups)}
    schema = {"table": pl.String(), "id": pl.String(), "reached": pl.Boolean(), "group": pl.Int64(), "pair": pl.Int64()}
    frames = [pl.DataFrame(schema=schema)]
    for place, (together, found) in enumerate(proof.moves.items()):
        alone = number[together[0]] if len(together) == 1 else None
        frames.append(
            found.with_columns(group=pl.lit(alone, pl.Int64), pair=pl.lit(place, pl.Int64)).select(list(schema))
        )
    every = pl.concat(frames)
    is_alone = pl.col("group").is_not_null()
    return every.group_by("table", "id").agg(
        alone=pl.col("group").filter(is_alone).sort(),
        reached=pl.col("group").filter(is_alone & pl.col("reached")).sort(),
        pairs=pl.col("pair").filter(~is_alone).sort(),
    )


def settle_row(
    row: Mapping[str, object],
    group_of: Mapping[int, int],
    proof: Proof,
    unreplayed: list[int],
    changes: Sequence[Change],
) -> tuple[int, list[str], list[int]]:
    """(cause, marks, together) of one row after the replays."""
    cause, marks = int(row["cause"]), list(row["marks"])  # type: ignore[call-overload]
    own = group_of.get(cause)
    alone, reached, pairs = (list(row[name] or []) for name in ("alone", "reached", "pairs"))  # type: ignore[call-overload]
    movers = reached or alone
    if movers:
        if own not in movers:
            cause, marks = proof.groups[movers[0]][0], []
        return cause, [*marks, "proved", *(["also"] if len(movers) > 1 else [])], []
    if own in unreplayed or len(group_of) < len(changes):  # those that were not applied may have to do with it
        return cause, marks, []
    if unreplayed:
        # nothing that was replayed moves it: what was not replayed does, alone or together with this cause
        if len(unreplayed) == 1 and own is not None and changes[cause].kind != "source row":
            return proof.groups[unreplayed[0]][0], marks, []
        return cause, marks, []
    chosen = [list(proof.moves)[place] for place in pairs]
    if not chosen:  # nothing moves it, unless it is what could not be applied together
        return (cause, marks, []) if proof.failed else (UNEXPLAINED, [], [])
    found = next((together for together in chosen if own is not None and proof.groups[own] in together), chosen[0])
    if own is None or proof.groups[own] not in found:
        cause = found[0][0]
    return cause, [*marks, "interaction"], [group[0] for group in found]


# ---------------------------------------------------------------- what is told


ROWS = {
    "table": pl.String(),
    "kind": pl.String(),
    "id_old": pl.String(),
    "id_new": pl.String(),
    "cause": pl.String(),
    "marks": pl.List(pl.String()),
    "via": pl.String(),
    "together": pl.List(pl.String()),
}


def summary(
    diff: Diff, changes: Sequence[Change], stages: dict[str, DataStage], charged: pl.DataFrame, proof: Proof
) -> Why:
    """The charges by row and by cause, as the diff pairs rows."""
    rows = paired(diff, charged)
    names = {place: change.name for place, change in enumerate(changes)} | {UNEXPLAINED: NO_CAUSE.name}
    order = {stage.order: stage.name for stage in stages.values()}
    rows = rows.with_columns(
        place=pl.col("cause"),
        cause=pl.col("cause").replace_strict(names, return_dtype=pl.String),
        via=pl.col("via").replace_strict(order, default="", return_dtype=pl.String),
        together=pl.col("together").list.eval(pl.element().replace_strict(names, return_dtype=pl.String)),
    )
    causes = causes_of(rows, dict(enumerate(changes)) | {UNEXPLAINED: NO_CAUSE}, proof)
    causes.sort(key=lambda cause: (-cause.rows, KINDS.index(cause.change.kind), cause.change.name))
    used = {cause.change.name for cause in causes}
    idle = tuple(change for change in changes if change.name not in used)
    return Why(rows.select(list(ROWS)), tuple(causes), idle, tuple(notes_of(proof, changes, rows)))


def paired(diff: Diff, charged: pl.DataFrame) -> pl.DataFrame:
    """One line for each row that the diff names: of two ids of one natural key the cause that began first."""
    parts = []
    for table in PRODUCTS:
        found = diff.table(table)
        if found is None or not found.ids.height:
            continue
        own = charged.filter(pl.col("table") == table).drop("table")
        lines = found.ids.select("kind", "id_old", "id_new").with_row_index("line")
        sides = pl.concat(
            [lines.select("line", id=side, side=pl.lit(number)) for number, side in enumerate(("id_new", "id_old"))]
        ).drop_nulls("id")
        sides = sides.join(own, on="id").with_columns(open=pl.col("cause") == UNEXPLAINED)
        best = sides.sort("line", "open", "via", "side", "cause").unique("line", keep="first", maintain_order=True)
        parts.append(
            lines.join(best.drop("id", "side", "open"), on="line", how="left", maintain_order="left").select(
                pl.lit(table).alias("table"),
                "kind",
                "id_old",
                "id_new",
                pl.col("cause").fill_null(UNEXPLAINED),
                pl.col("via").fill_null(-1),
                pl.col("marks").fill_null(pl.lit([], pl.List(pl.String))),
                pl.col("together").fill_null(pl.lit([], pl.List(pl.Int64))),
            )
        )
    return pl.concat(parts)


def causes_of(rows: pl.DataFrame, changes: Mapping[int, Change], proof: Proof) -> list[Cause]:
    """The causes that rows are charged to; there may be thousands of edited source rows, so all are counted at once."""
    counts, marks, stages = (
        rows.group_by("place", "table", "kind", maintain_order=True).len(),
        rows.explode("marks").drop_nulls("marks").group_by("place", "marks").len(),
        rows.group_by("place", "via", maintain_order=True).len(),
    )
    drawn = rows.select("place", "table", id=pl.coalesce("id_new", "id_old")).sort("place", "id")
    drawn = drawn.group_by("place", maintain_order=True).head(EXAMPLES)
    by_kind: dict[int, dict[str, dict[str, int]]] = {}
    for place, table, kind, count in counts.iter_rows():
        by_kind.setdefault(place, {}).setdefault(PRODUCTS[table], {})[kind] = count
    marked, began, examples = (pairs_of(frame) for frame in (marks, stages, drawn))
    return [
        Cause(
            change=changes[place],
            counts={letter: Counts(**kinds.get(letter, {})) for letter in PRODUCTS.values()},
            marks=dict(sorted(marked.get(place, []), key=lambda pair: MARKS.index(pair[0]))),
            stages=dict(began[place]),
            examples=tuple(examples[place]),
            replay=replay_of(place, proof),
        )
        for place, kinds in by_kind.items()
    ]


def pairs_of(frame: pl.DataFrame) -> dict[int, list[tuple[str, Any]]]:
    """Place of a change -> the other two columns of its rows."""
    found: dict[int, list[tuple[str, Any]]] = {}
    for place, name, value in frame.iter_rows():
        found.setdefault(place, []).append((name, value))
    return found


def replay_of(place: int, proof: Proof) -> str:
    """How far a change was proved, in words."""
    group = next((group for group in proof.groups if place in group), None)
    if group is None:
        return ""
    if (group,) in proof.failed:
        return f"not replayed: {proof.failed[group,]}"
    return "applied alone" if len(group) == 1 else f"applied alone, with {len(group) - 1} more of the same file"


def notes_of(proof: Proof, changes: Sequence[Change], rows: pl.DataFrame) -> list[str]:
    notes = list(proof.notes)
    for together, why in proof.failed.items():
        names = " and ".join(changes[group[0]].name for group in together)
        notes.append(f"{names}: not replayed: {why}")
    if unexplained := rows.filter(pl.col("place") == UNEXPLAINED).height:
        notes.append(f"{unexplained:,} rows are explained by no change: a bug of ours, please report it")
    return notes


__all__ = ["Why", "charge"]
