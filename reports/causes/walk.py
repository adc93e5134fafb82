"""Lineage, stage by stage: where the change of a row began, and which change of that stage, or of what it read, it is.

A row inherits the cause of what its stage read of it: of its own earlier state, of a parent, of what is attached to one. Where
nothing of that differs, the change began at the stage: it is displaced by another row, or comes from one of the stage's own
changes, or is the stage's own churn. All steps are joins over the rows that differ.
"""

from collections.abc import Sequence

import polars as pl

from reports.causes.change import Change
from reports.causes.deltas import EVIDENCE, Tables, by_id
from reports.causes.displacement import displaced_by_group, displaced_by_name, displaced_by_sibling
from reports.causes.evidence import choose, key_words
from reports.causes.sources import charge_sources
from reports.causes.stages import DataStage
from reports.diff.model import Diff

STATE = {
    "id": pl.String(),
    "kind": pl.String(),
    "columns": pl.List(pl.String()),
    "cause": pl.Int64(),
    "via": pl.Int64(),
    "mark": pl.String(),
}
"""A row that differs with its cause (place among the changes, UNEXPLAINED for none), the order of the stage where its change
began, and its mark ("" for none)."""
UNEXPLAINED = -1
EARLIEST = ["via", "cause"]
"""By which one of several inherited causes is taken: the one that began first."""


class Walk:
    """The walk through the graph. `state`: table -> its rows that differ, once the walk has passed its stage."""

    def __init__(self, diff: Diff, changes: Sequence[Change], stages: dict[str, DataStage], tables: Tables) -> None:
        self.diff, self.changes, self.stages, self.tables = diff, changes, stages, tables
        self.state: dict[str, pl.DataFrame] = {}
        for stage in stages.values():
            self.pass_stage(stage)

    def pass_stage(self, stage: DataStage) -> None:
        """Charge the rows of all tables that a stage writes."""
        inputs = [self.state[path] for path in sorted(stage.deps) if path in self.state]
        read = pl.concat(inputs) if inputs else pl.DataFrame(schema=STATE)
        rows = {table: by_id(self.diff, table) for table in stage.tables}
        rows = {table: frame for table, frame in rows.items() if frame.height}
        own = [place for place, change in enumerate(self.changes) if stage.name in change.stages]
        if not any(dep in self.stages_tables for dep in stage.deps):
            for table, frame in rows.items():
                charged = charge_sources(table, frame, own, self.changes, self.diff, self.tables, stage)
                self.state[table] = self.as_state(charged, stage)
            return
        edges = {table: self.tables.parents(table, frame["id"]) for table, frame in rows.items()}
        for table, frame in rows.items():
            links = with_siblings(edges[table], [other for name, other in edges.items() if name != table])
            self.state[table] = self.charge(stage, table, frame, links, read, own)

    @property
    def stages_tables(self) -> set[str]:
        """Tables that any stage writes."""
        return {table for stage in self.stages.values() for table in stage.tables}

    def charge(
        self, stage: DataStage, table: str, rows: pl.DataFrame, links: pl.DataFrame, read: pl.DataFrame, own: list[int]
    ) -> pl.DataFrame:
        """The rows of one table with their causes."""
        strong, weak = inherited(rows, links, self.attached(stage, links, rows, read), read)
        found = [strong]
        left = without(rows, strong)
        if left.height:
            ended = self.tables.ended(stage, left["id"])
            displaced = displaced_by_name(left, ended, read)
            found.append(displaced)
            left = without(left, displaced)
        if left.height and own and not any(self.limits(change, ended) for change in map(self.changes.__getitem__, own)):
            displaced = displaced_by_group(left, links, strong, ended, read, table, self.tables)
            found.append(displaced)
            left = without(left, displaced)
        if left.height and own:
            found.append(self.began_here(stage, table, left, ended, own))
            left = left.clear()
        if left.height:
            found.append(semi(weak, left))
            left = without(left, weak)
        for displace in (displaced_by_sibling, displaced_by_group):
            if left.height:
                displaced = displace(left, links, strong, ended, read, table, self.tables)
                found.append(displaced)
                left = without(left, displaced)
        if left.height:
            found.append(self.churn(stage, left, read))
        charged = pl.concat([frame.select(CHARGED) for frame in found])
        return self.as_state(rows.join(charged, on="id", how="left", maintain_order="left"), stage)

    @staticmethod
    def limits(change: Change, ended: pl.DataFrame) -> bool:
        """Whether a stage's own change may be what a rule that dropped rows comes from: code, or a key with the rule's words."""
        if change.kind != "parameter":
            return True
        words = key_words(change.name)
        return any(word in rule for rule in ended["rule"].unique().to_list() for word in words)

    def attached(self, stage: DataStage, links: pl.DataFrame, rows: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
        """Edges from rows to what is attached to them or to their parents: other tables that name these as parents."""
        keys = pl.concat([links, rows.select("id", parent="id")]).rename({"parent": "key"})
        found = [pl.DataFrame(schema={"key": pl.String(), "parent": pl.String()})]
        for path in sorted(stage.deps):
            if path in self.state and self.state[path].height:
                edges = self.tables.parents(path, self.state[path]["id"])
                found.append(edges.select(key="parent", parent="id"))
        return keys.join(pl.concat(found), on="key").select("id", "parent").unique()

    def began_here(
        self, stage: DataStage, table: str, rows: pl.DataFrame, ended: pl.DataFrame, own: list[int]
    ) -> pl.DataFrame:
        """Rows charged to one of the stage's own changes."""
        if len(own) == 1:
            return rows.select("id", cause=pl.lit(own[0], pl.Int64), via=pl.lit(stage.order, pl.Int64), mark=pl.lit(""))
        evidence = self.tables.both(table, rows["id"], EVIDENCE)
        rules = ended.group_by("id").agg(pl.col("rule").unique().sort().str.join(" "))
        evidence = rows.join(evidence, on="id", how="left", maintain_order="left").join(
            rules, on="id", how="left", maintain_order="left"
        )
        chosen = choose(evidence, {place: self.changes[place] for place in own}, self.diff, self.tables, stage)
        return evidence.select("id", cause=chosen, via=pl.lit(stage.order, pl.Int64), mark=pl.lit(""))

    def churn(self, stage: DataStage, rows: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
        """Rows of which a stage that looks at all rows decided otherwise: from the cause of most of what it read."""
        most = (
            read.filter(pl.col("cause") != UNEXPLAINED)
            .group_by("cause")
            .len()
            .sort("len", "cause", descending=[True, False])
        )
        cause = int(most["cause"][0]) if most.height else UNEXPLAINED
        return rows.select(
            "id",
            cause=pl.lit(cause, pl.Int64),
            via=pl.lit(stage.order, pl.Int64),
            mark=pl.lit("churn" if most.height else ""),
        )

    @staticmethod
    def as_state(charged: pl.DataFrame, stage: DataStage) -> pl.DataFrame:
        return charged.with_columns(
            cause=pl.col("cause").fill_null(UNEXPLAINED),
            via=pl.col("via").fill_null(stage.order),
            mark=pl.col("mark").fill_null(""),
        ).select([pl.col(name).cast(kind) for name, kind in STATE.items()])


CHARGED = ["id", "cause", "via", "mark"]


def inherited(
    rows: pl.DataFrame, links: pl.DataFrame, attached: pl.DataFrame, read: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(strong, weak): rows with the cause that they inherit for certain, and rows with one that they may inherit.

    Certain: from the same row of an earlier table that came, went or changed in the same columns, and from a parent that came
    or went. Uncertain: from a parent that kept its id and changed in other columns, and from what is attached to a parent.
    """
    before = read.select(parent="id", p_kind="kind", p_columns="columns", cause="cause", via="via", mark="mark")
    itself = rows.select("id", parent="id")
    edges = pl.concat([links.with_columns(how=pl.lit("parent")), itself.with_columns(how=pl.lit("itself"))])
    found = rows.join(edges, on="id").join(before, on="parent")
    shared = pl.col("columns").list.set_intersection("p_columns").list.len() > 0
    parent_moved = (pl.col("how") == "parent") & (pl.col("p_kind") != "changed")
    itself_moved = (pl.col("how") == "itself") & (pl.col("p_kind") == pl.col("kind")) & (pl.col("kind") != "changed")
    changed_alike = (pl.col("kind") == "changed") & (pl.col("p_kind") == "changed") & shared
    certain = parent_moved | itself_moved | changed_alike
    strong = first(found.filter(certain))
    others = rows.join(attached, on="id").join(before, on="parent")
    weak = first(pl.concat([found.filter(~certain).select(CHARGED), others.select(CHARGED)]))
    return strong, without(weak, strong)


def first(found: pl.DataFrame) -> pl.DataFrame:
    """One cause for each row: that which began first; what is explained before what is not."""
    ordered = found.select(CHARGED).with_columns(open=pl.col("cause") == UNEXPLAINED)
    return ordered.sort("id", "open", *EARLIEST, "mark").unique("id", keep="first", maintain_order=True).drop("open")


def without(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return rows.join(found.select("id"), on="id", how="anti", maintain_order="left")


def semi(rows: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    return rows.join(found.select("id"), on="id", how="semi", maintain_order="left")


def with_siblings(edges: pl.DataFrame, siblings: list[pl.DataFrame]) -> pl.DataFrame:
    """Edges with those of parents that stand in another table of the same stage, as a pair's ranking of all candidates."""
    if not siblings:
        return edges
    others = pl.concat(siblings).rename({"id": "parent", "parent": "further"})
    further = edges.join(others, on="parent").select("id", parent="further")
    return pl.concat([edges, further]).unique()
