"""filter: quality rules, exact duplicates, decontamination, near duplicates; a named rule for every row it removes.

Demonstrations and preferences are filtered together where it matters: near-duplicate prompts are clustered over both,
so that one prompt stands for a cluster in D and in P.
"""

from dataclasses import asdict, fields
from typing import Any, Literal, NamedTuple

import polars as pl

from cultivar.text.tokens import comparison_key
from schemas.conversations import asked, message_texts, of_role
from schemas.ids import content_id
from schemas.rows import DeclaredSource, Demonstration, Dropped, EvaluationItem, Overlap, Preference
from schemas.table import Context, Table, concat
from stages.curation.by_source import rows_by_source
from stages.curation.decontamination import Items, OverlapRule, overlaps
from stages.curation.duplicates import NearDuplicate, find_duplicates
from stages.curation.params import FilterParams
from stages.curation.quality import quality
from stages.curation.worth import DESCENDING, WORTH, authority


class Filtered(NamedTuple):
    filtered_demonstrations: Table[Demonstration]
    filtered_preferences: Table[Preference]
    overlaps: Table[Overlap]
    dropped: Table[Dropped]
    metrics: dict[str, Any]


Removed = pl.DataFrame
"""(id, rule, detail) of rows that a step removes."""
LENGTHS = ("lcs", "row_tokens", "item_tokens")


def filter(  # noqa: A001  (the stage's name in the recipe)
    annotation_demonstrations: Table[Demonstration],
    rejection_demonstrations: Table[Demonstration],
    execution_demonstrations: Table[Demonstration],
    repurpose_demonstrations: Table[Demonstration],
    constitution_demonstrations: Table[Demonstration],
    given_demonstrations: Table[Demonstration],
    annotation_preferences: Table[Preference],
    rejection_preferences: Table[Preference],
    execution_preferences: Table[Preference],
    repurpose_preferences: Table[Preference],
    constitution_preferences: Table[Preference],
    given_preferences: Table[Preference],
    evaluation: Context[EvaluationItem],
    sources: Context[DeclaredSource],
    params: FilterParams,
) -> Filtered:
    """Drop what no product may hold. Steps in order: quality, duplicates, contradictions, decontamination, near duplicates."""
    demonstrations = concat(
        Demonstration,
        [
            annotation_demonstrations,
            rejection_demonstrations,
            execution_demonstrations,
            repurpose_demonstrations,
            constitution_demonstrations,
            given_demonstrations,
        ],
    )
    preferences = concat(
        Preference,
        [
            annotation_preferences,
            rejection_preferences,
            execution_preferences,
            repurpose_preferences,
            constitution_preferences,
            given_preferences,
        ],
    )
    rows = pl.concat([product_texts(demonstrations, "D"), product_texts(preferences, "P")])
    removed = [quality(rows, params)]
    rows = without(rows, removed[-1])
    removed.append(exact_duplicates(rows))
    rows = without(rows, removed[-1])
    removed.append(contradictions(rows))
    rows = without(rows, removed[-1])
    items = read_items(evaluation.frame, params)
    evidence = find_overlaps(rows, items)
    removed.append(contaminated_rows(evidence))
    rows = without(rows, removed[-1])
    removed.append(near_duplicate_prompts(rows, params))
    rows = without(rows, removed[-1])
    kept = [table.frame.join(rows.select("id"), on="id", how="semi") for table in (demonstrations, preferences)]
    return Filtered(
        Table(Demonstration, kept[0]),
        Table(Preference, kept[1]),
        overlap_table(evidence),
        Table.of(
            Dropped,
            [
                {"id": key, "stage": "filter", "rule": rule, "detail": detail}
                for key, rule, detail in pl.concat(removed).iter_rows()
            ],
        ),
        metrics={
            "overlaps_removed": int(evidence["removed"].sum()),
            "overlaps_reported": int((~evidence["removed"]).sum()),
            "evaluation_items": items.ids.len(),
            "evaluation_items_not_found": items.texts.blind_spots()._asdict(),
            "kept_by_strategy": dict(sorted(rows.group_by("strategy").len().iter_rows())),
            "kept_by_source": rows_by_source(pl.concat([frame.select("source") for frame in kept]), sources.frame),
        },
    )


def product_texts(table: Table, product: Literal["D", "P"]) -> pl.DataFrame:
    """What the rules look at, and what the row is worth.

    `prompt`, `completion` and `rejected` (null in D) are all that is said, calls and results of tools included; `beside`
    is what stands beside it, the tools and the reasoning; `asked` is what the user asks, `answer` the assistant's own text;
    `turns` are the texts of all messages, each by itself, `unanswered` those of the assistant's that are no answer here: its
    earlier turns, and its reasoning.
    """
    completion = "completion" if product == "D" else "chosen"
    sides = [completion] if product == "D" else ["chosen", "rejected"]
    conversation = ["prompt", *sides]
    reasoning = [of_role(column, "assistant", "reasoning") for column in conversation]
    return table.frame.select(
        "id",
        "domain",
        "strategy",
        product=pl.lit(product),
        prompt=message_texts("prompt").list.join("\n"),
        completion=message_texts(completion).list.join("\n"),
        rejected=pl.lit(None, pl.String) if product == "D" else message_texts("rejected").list.join("\n"),
        beside=pl.concat_str(pl.col("tools").fill_null(""), pl.concat_list(reasoning).list.join("\n"), separator="\n"),
        asked=asked(),
        answer=of_role(completion, "assistant").list.join("\n"),
        turns=pl.concat_list(*[message_texts(column) for column in conversation], *reasoning),
        unanswered=pl.concat_list(of_role("prompt", "assistant"), *reasoning[:2]),
        authority=authority(),
        quality=pl.col("quality"),
    )


def without(rows: pl.DataFrame, removed: Removed) -> pl.DataFrame:
    return rows.join(removed.select("id"), on="id", how="anti", maintain_order="left")


def exact_duplicates(rows: pl.DataFrame) -> Removed:
    """Rows of one product with the same prompt and completion(s), as `comparison_key` reads them: the worthiest stays.

    Tools and reasoning tell rows apart letter by letter.
    """
    ranked = compared(rows).sort(WORTH, descending=DESCENDING)
    first = pl.col("id").first().over("product", "prompt", "completion", "rejected", "beside")
    duplicates = ranked.select("id", first=first).filter(pl.col("id") != pl.col("first"))
    return duplicates.select("id", rule=pl.lit("exact duplicate"), detail=pl.format("same text as row {}", "first"))


def contradictions(rows: pl.DataFrame) -> Removed:
    """Pairs of P of which another prefers the rejected side: that of the better label source stays; of equal ones none.

    Sides that differ only in what `comparison_key` leaves out, as capitals, contradict no other pair.
    """
    pairs = compared(rows.filter(pl.col("product") == "P")).select(
        "id", "prompt", "completion", "rejected", "authority"
    )
    pairs = pairs.filter(pl.col("completion") != pl.col("rejected"))
    both = pairs.join(
        pairs,
        left_on=["prompt", "completion", "rejected"],
        right_on=["prompt", "rejected", "completion"],
        suffix="_other",
    )
    loses = both.filter(pl.col("authority") >= pl.col("authority_other")).sort("id", "authority_other", "id_other")
    detail = pl.format("row {} prefers the rejected side", "id_other")
    return loses.unique("id", keep="first", maintain_order=True).select(
        "id", rule=pl.lit("contradicted preference"), detail=detail
    )


def compared(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with their texts as texts are compared."""
    return rows.with_columns(
        comparison_key(rows[column]).fill_null("") for column in ("prompt", "completion", "rejected")
    )


class EvaluationItems(NamedTuple):
    """Ids of the evaluation items, and their texts as decontamination reads them, in the same order."""

    ids: pl.Series
    texts: Items


def read_items(evaluation: pl.DataFrame, params: FilterParams) -> EvaluationItems:
    """The evaluation items by their ids. A solution is the source's, else an answer long enough to be one."""
    items = evaluation.sort("id").with_columns(solution=pl.coalesce("solution", "answer"))
    rule = OverlapRule(**{field.name: getattr(params, field.name) for field in fields(OverlapRule)})
    return EvaluationItems(items["id"], Items(items["prompt"], items["solution"], rule))


def find_overlaps(rows: pl.DataFrame, items: EvaluationItems) -> pl.DataFrame:
    """Evidence: one row per (row, item) pair. Every turn is a sequence of its own, and so is its reasoning."""
    sequences = rows.select("id", text="turns").explode("text", empty_as_null=False).unique(maintain_order=True)
    distinct = sequences["text"].unique().sort()
    hits = list(overlaps(distinct, items.texts))
    evidence = pl.DataFrame(
        [
            {"sequence": text, "item": item, "removed": hit.removed, **asdict(hit.evidence)}
            for hit, text, item in zip(
                hits,
                distinct.gather([hit.row for hit in hits]),
                items.ids.gather([hit.item for hit in hits]),
                strict=True,
            )
        ],
        schema=EVIDENCE,
    )
    return (
        sequences.rename({"text": "sequence"})
        .join(evidence, on="sequence")
        .drop("sequence")
        # A row that is removed has one piece of evidence: the longest.
        .sort(["id", "removed", "lcs", "item"], descending=[False, True, True, False])
        .filter((pl.col("id").cum_count().over("id") == 1) | ~pl.col("removed").any().over("id"))
        .unique(["id", "item"], keep="first", maintain_order=True)
    )


EVIDENCE = {
    "sequence": pl.String,
    "item": pl.String,
    "ngram": pl.Int64,
    "lcs": pl.Int64,
    "row_tokens": pl.Int64,
    "item_tokens": pl.Int64,
    "removed": pl.Boolean,
    "text": pl.String,
    "part": pl.String,
}
"""Columns of the evidence; `text` is the first shared n-gram, `part` what of the item was found."""


def contaminated_rows(evidence: pl.DataFrame) -> Removed:
    """The rows with evidence that removes them."""
    prompt = pl.format("overlaps evaluation item {}: LCS {} of {} and {} tokens", "item", *LENGTHS)
    solution = pl.format("holds the solution of evaluation item {}: {} tokens", "item", "item_tokens")
    return evidence.filter("removed").select(
        "id",
        rule=pl.lit("evaluation overlap"),
        detail=pl.when(pl.col("part") == "prompt").then(prompt).otherwise(solution),
    )


def overlap_table(evidence: pl.DataFrame) -> Table[Overlap]:
    """The evidence as rows of their own, with the row and the evaluation item as parents."""
    rows = []
    for found in evidence.iter_rows(named=True):
        parents = [found.pop("id"), found.pop("item")]
        rows.append(found | {"id": content_id("overlap", found, parents), "parents": parents})
    return Table.of(Overlap, rows)


def near_duplicate_prompts(rows: pl.DataFrame, params: FilterParams) -> Removed:
    """Rows whose user asks nearly what the user of another prompt of the same domain asks, one that stays.

    A long system prompt, which many conversations share, makes no two of them alike. Rows in which the user asks exactly the
    same are no duplicates of each other. Prompts are looked at by worth: the best label source of
    their rows, then those in both products, then the worthiest row, then the least id.
    """
    removed = [pl.DataFrame(schema={"id": pl.String, "rule": pl.String, "detail": pl.String})]
    rows = rows.with_columns(key=comparison_key(rows["asked"]))
    for domain, threshold in sorted(params.near_duplicate.items()):
        members = rows.filter(pl.col("domain") == domain)
        prompts = (
            members.sort(WORTH, descending=DESCENDING)
            .group_by("key", maintain_order=True)
            .agg(pl.col("product").n_unique(), pl.col("authority", "quality").first(), pl.col("id").min())
            .sort("authority", "product", "quality", "id", descending=[False, True, True, False])
        )
        rule = NearDuplicate(threshold, params.shingle_words, params.bands, params.rows_per_band)
        duplicates = find_duplicates(prompts["key"], rule)
        kept_of = pl.DataFrame(
            {
                "key": prompts["key"].gather([goes for goes, _ in duplicates]),
                "kept": prompts["id"].gather([stays for _, stays in duplicates]),
            }
        )
        removed.append(
            members.join(kept_of, on="key").select(
                "id",
                rule=pl.lit("near duplicate"),
                detail=pl.format("its prompt is a near duplicate of that of row {}", "kept"),
            )
        )
    return pl.concat(removed)
