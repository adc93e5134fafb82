"""Rows that went, or came back, although nothing of their own changed: another row took or left their place."""

from typing import Any

import polars as pl

from reports.causes.deltas import Tables
from schemas.conversations import shown_in

EMPTY = {"id": pl.String(), "cause": pl.Int64(), "via": pl.Int64(), "mark": pl.String()}
NAMED = r"\b[0-9a-f]{32}\b"
GROUPS = {"per prompt": "prompt", "domain cap": "domain", "strategy cap": "strategy"}
"""Words of a rule that limits rows of a group -> the column of the group."""


def displaced_by_name(rows: pl.DataFrame, ended: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    """Rows that a rule removed in one version, in favour of a row that its detail names and that came, went or changed."""
    # a row that went is dropped in the new version, one that came was dropped in the old one
    side = pl.when(pl.col("kind") == "removed").then(1).otherwise(0)
    named = (
        rows.join(ended, on="id")
        .filter(pl.col("version") == side)
        .select("id", parent=pl.col("detail").str.extract_all(NAMED))
        .explode("parent")
        .drop_nulls()
    )
    return earliest(named, read)


def displaced_by_sibling(
    rows: pl.DataFrame,
    links: pl.DataFrame,
    charged: pl.DataFrame,
    ended: pl.DataFrame,
    read: pl.DataFrame,
    table: str,
    tables: Tables,
) -> pl.DataFrame:
    """Rows that share a parent with rows of the same table whose cause is known: these took or left their place."""
    siblings = links.join(charged, on="id").select("parent", "cause", "via", "mark").unique()
    found = rows.select("id").join(links, on="id").join(siblings, on="parent")
    return marked(found)


def displaced_by_group(
    rows: pl.DataFrame,
    links: pl.DataFrame,
    charged: pl.DataFrame,
    ended: pl.DataFrame,
    read: pl.DataFrame,
    table: str,
    tables: Tables,
) -> pl.DataFrame:
    """Rows under a limit on rows of one prompt, domain or strategy that others of the group, which came or went, push out."""
    found = [pl.DataFrame(schema=EMPTY)]
    moved = read.filter(pl.col("kind") != "changed")
    for words, column in GROUPS.items():
        limited = rows.join(ended.filter(pl.col("rule").str.contains(words, literal=True)), on="id", how="semi")
        if not limited.height or not moved.height:
            continue
        groups = group_of(table, pl.concat([limited["id"], moved["id"]]), column, tables)
        others = moved.join(groups, on="id").select("group", "cause", "via", "mark")
        most = (
            others.group_by("group", "cause")
            .agg(pl.len(), pl.col("via").min(), pl.col("mark").min())
            .sort("group", "len", "cause", descending=[False, True, False])
            .unique("group", keep="first", maintain_order=True)
        )
        found.append(marked(limited.select("id").join(groups, on="id").join(most, on="group")))
    return pl.concat(found).unique("id", keep="first", maintain_order=True)


def group_of(table: str, ids: pl.Series, column: str, tables: Tables) -> pl.DataFrame:
    """`id` and `group` of rows of a product's table, and of the table that it was chosen from."""
    product = table.removeprefix("data/")
    frames = []
    for path in (table, f"data/filtered_{product}"):
        frame = tables.both(path, ids, [column])
        if column in frame.columns:
            value: Any = pl.col(column)
            if column == "prompt":
                value = shown_in(column).list.join("\n")
            frames.append(frame.select("id", group=value.cast(pl.String)))
    schema = {"id": pl.String(), "group": pl.String()}
    return pl.concat([pl.DataFrame(schema=schema), *frames]).unique("id", keep="first", maintain_order=True)


def earliest(links: pl.DataFrame, read: pl.DataFrame) -> pl.DataFrame:
    before = read.select(parent="id", cause="cause", via="via", mark="mark")
    return marked(links.join(before, on="parent"))


def marked(found: pl.DataFrame) -> pl.DataFrame:
    """One cause a row, of several that which began first, marked as displaced."""
    ordered = (
        found.filter(pl.col("cause") >= 0).sort("id", "via", "cause").unique("id", keep="first", maintain_order=True)
    )
    return ordered.select("id", "cause", "via", mark=pl.lit("displaced")).cast(EMPTY)  # type: ignore[arg-type]
