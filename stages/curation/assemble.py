"""assemble: the two products D and P. Least margins, rows per prompt, the mix by strategy and domain, the split.

A split is drawn from what the user asks, so that all rows of one prompt, in D and in P, stand on the same side. Prompts
that are near duplicates stand on the same side too: a cluster has the coin of its first prompt, so that a new row moves
no row beyond its own cluster.
"""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from cultivar.text.tokens import comparison_key
from schemas.conversations import asked, message_texts, of_role
from schemas.errors import UserError
from schemas.ids import content_id, unit_of
from schemas.rows import (
    DeclaredSource,
    Demonstration,
    Dropped,
    EvaluationItem,
    FinalDemonstration,
    FinalPreference,
    Preference,
)
from schemas.table import Context, Table
from stages.curation.by_source import rows_by_source
from stages.curation.duplicates import NearDuplicate, find_clusters
from stages.curation.params import AssembleParams
from stages.curation.worth import DESCENDING, WORTH, authority


class AssembleTables(NamedTuple):
    demonstrations: Table[FinalDemonstration]
    preferences: Table[FinalPreference]
    dropped: Table[Dropped]
    metrics: dict[str, Any]


class EvaluationLeak(UserError, AssertionError):
    """A row that was to enter D or P asks what an evaluation item asks."""


def assemble(
    filtered_demonstrations: Table[Demonstration],
    filtered_preferences: Table[Preference],
    evaluation: Context[EvaluationItem],
    sources: Context[DeclaredSource],
    params: AssembleParams,
) -> AssembleTables:
    """Choose the rows of D and P. Raises EvaluationLeak when a chosen prompt equals an evaluation prompt."""
    dropped: list[pl.DataFrame] = []
    demonstrations = mix(with_key(filtered_demonstrations.frame), params, dropped)
    preferences = with_key(filtered_preferences.frame)
    preferences = mix(require_margin(preferences, params, dropped), params, dropped)
    for name, rows in (("D", demonstrations), ("P", preferences)):
        refuse_evaluation(name, rows, evaluation)
    heldout = draw_heldout(pl.concat([demonstrations["asked"], preferences["asked"]]).unique(), params)
    rows = pl.concat(dropped)
    return AssembleTables(
        Table(FinalDemonstration, split(demonstrations, heldout)),
        Table(FinalPreference, split(preferences, heldout)),
        Table.of(Dropped, [{"id": key, "stage": "assemble", "rule": rule} for key, rule in rows.iter_rows()]),
        metrics={
            f"{product}_by_{column}": dict(sorted(frame.group_by(column).len().iter_rows()))
            for product, frame in (("demonstrations", demonstrations), ("preferences", preferences))
            for column in ("strategy", "domain")
        }
        | {
            f"{product}_by_source": rows_by_source(frame, sources.frame)
            for product, frame in (("demonstrations", demonstrations), ("preferences", preferences))
        },
    )


def with_key(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows with `key` and `asked`, and `authority`, the first of what ranks rows of a prompt.

    `key` is all that the prompt says and `asked` what its user asks, as texts are compared.
    """
    texts = frame.select(key=message_texts("prompt").list.join("\n"), asked=asked())
    keys = {name: comparison_key(texts[name]) for name in texts.columns}
    return frame.with_columns(**keys, authority=authority())


def require_margin(rows: pl.DataFrame, params: AssembleParams, dropped: list[pl.DataFrame]) -> pl.DataFrame:
    """The pairs with the least margin of their strategy; people's count however close, and in ranks, not in ratings."""
    least = pl.col("strategy").replace_strict(params.min_margin, default=0.0, return_dtype=pl.Float64)
    by_people = pl.col("label_source") == "human"
    return keep(rows, by_people | (pl.col("margin") >= least), "margin below minimum", dropped)


def mix(rows: pl.DataFrame, params: AssembleParams, dropped: list[pl.DataFrame]) -> pl.DataFrame:
    """At most `per_prompt` rows a prompt, the worthiest; then the caps.

    Under a cap the better label source comes first, of equal ones prompts in an order drawn from each prompt, and of a
    prompt the worthiest rows: by quality alone easy prompts would fill the cap.
    """
    rows = rows.sort(WORTH, descending=DESCENDING)
    place = pl.col("id").cum_count().over("key")
    rows = keep(rows, place <= params.per_prompt, "rows per prompt", dropped)
    caps: list[tuple[str, dict[Any, int]]] = [
        ("strategy", dict(params.max_per_strategy)),
        ("domain", dict(params.max_per_domain)),
    ]
    for column, most in caps:
        if most:
            drawn = {key: unit_of(prompt_id(key), "mix") for key in rows["key"].unique()}
            order = pl.col("key").replace_strict(drawn, default=0.0, return_dtype=pl.Float64)
            rows = (
                rows.with_columns(coin=order)
                .sort("authority", "coin", "quality", "id", descending=[False, False, True, False])
                .drop("coin")
            )
            limit = pl.col(column).replace_strict(most, default=None, return_dtype=pl.Int64)
            place = pl.col("id").cum_count().over(column)
            rows = keep(rows, (place <= limit).fill_null(True), f"{column} cap", dropped)
    return rows


def keep(rows: pl.DataFrame, condition: pl.Expr, rule: str, dropped: list[pl.DataFrame]) -> pl.DataFrame:
    """The rows for which `condition` holds; the others are dropped by `rule`."""
    marked = rows.with_columns(stays=condition)
    dropped.append(marked.filter(~pl.col("stays")).select("id", rule=pl.lit(rule)))
    return marked.filter("stays").drop("stays")


def refuse_evaluation(product: str, rows: pl.DataFrame, evaluation: Context[EvaluationItem]) -> None:
    """Raises EvaluationLeak where a whole prompt, or a turn of its user's, is that of an evaluation item."""
    items = evaluation.frame.select(item="id", key=comparison_key(evaluation.frame["prompt"]))
    turns = rows.select("id", turn=of_role("prompt", "user")).explode("turn", empty_as_null=False)
    asking = pl.concat([rows.select("id", "key"), turns.select("id", key=comparison_key(turns["turn"]))])
    leaks = asking.join(items, on="key").unique("id", keep="first").sort("id")
    if leaks.height:
        row, _, item = leaks.row(0)
        raise EvaluationLeak(
            f"{leaks.height} rows of {product} ask what an evaluation item asks, first row {row} and item {item}; "
            "the filter stage should have removed them: look at its params and at data/overlaps.parquet"
        )


def prompt_id(key: str) -> str:
    return content_id("prompt", key)


def draw_heldout(keys: pl.Series, params: AssembleParams) -> pl.Series:
    """The prompts of the held-out split, of distinct `keys`: whole clusters of near duplicates.

    A cluster is drawn by its prompt with the least id. One of more prompts than the share has in all is trained on.
    """
    ids = {key: prompt_id(key) for key in keys}
    ordered = pl.Series("key", sorted(ids, key=lambda key: ids[key]), dtype=pl.String)
    clusters = find_clusters(ordered, NearDuplicate(params.heldout_near_duplicate))
    _, first, size = np.unique(clusters, return_inverse=True, return_counts=True)
    most = max(1, params.heldout_share * len(ordered))
    coins = {root: unit_of(ids[ordered[root]], "split") for root in set(clusters.tolist())}
    drawn = [coins[root] < params.heldout_share for root in clusters.tolist()]
    return ordered.filter(pl.Series(drawn, dtype=pl.Boolean) & pl.Series(size[first] <= most, dtype=pl.Boolean))


def split(rows: pl.DataFrame, heldout: pl.Series) -> pl.DataFrame:
    side = pl.when(pl.col("asked").is_in(heldout.implode())).then(pl.lit("heldout")).otherwise(pl.lit("train"))
    return rows.with_columns(split=side).drop("key", "asked", "authority")
