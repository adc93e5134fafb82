"""What every model answered to the same held-out items, side by side."""

from typing import Any

import polars as pl

from cultivar.outgoing.redaction import redacted
from schemas.rows import EvaluatedItem, EvaluationItem
from schemas.table import Context

Lines = list[dict[str, Any]]


def side_by_side(
    models: dict[str, Context[EvaluatedItem]], evaluation: Context[EvaluationItem], items: int, most: int
) -> Lines:
    """Of each task `items` items with the greedy answer of each model, cut to `most` characters.

    Those come first on which the models disagree, then the least ids: the same ones on every machine. `correct` is None
    where an answer could not be judged; a model that was not evaluated on an item has no answer.
    """
    answers = [
        table.frame.filter(pl.col("sample") == 0).select(
            item=pl.col("parents").list.first(), model=pl.lit(name), completion="completion", correct="correct"
        )
        for name, table in models.items()
    ]
    every = pl.concat(answers)
    changed = every.group_by("item").agg(differs=pl.col("correct").drop_nulls().n_unique() > 1)
    asked = evaluation.frame.select("task", "prompt", "answer", item="id")
    chosen = (
        asked.join(changed, on="item")
        .sort("differs", "item", descending=[True, False])
        .group_by("task", maintain_order=True)
        .head(items)
    )
    given = {
        (row["item"], row["model"]): row for row in every.join(chosen, on="item", how="semi").iter_rows(named=True)
    }
    return [
        {
            "task": row["task"],
            "id": row["item"],
            "prompt": cut(row["prompt"], most),
            "answer": row["answer"],
            "given": [
                {"model": name, "text": cut(found["completion"], most), "correct": found["correct"]}
                for name in models
                if (found := given.get((row["item"], name)))
            ],
        }
        for row in chosen.sort("task", "item").iter_rows(named=True)
    ]


def cut(text: str, most: int) -> str:
    text = redacted(text)
    return text if len(text) <= most else text[: most - 1] + "…"
