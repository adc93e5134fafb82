"""Gates over rows: each rule names the rows of D and P that should not be there, and why.

A rule gives a frame `table`, `id`, `what`, `weight` (the worst first) and, where it has read it, `text` with the `values`
that it found there; None where a table that it needs is absent from the version.
"""

from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from cultivar.text.tokens import comparison_key
from reports.gates.declared import (
    DuplicateGate,
    LeakGate,
    LicenseGate,
    PersonalGate,
    ReportedOverlapGate,
    RowGate,
    SplitGate,
)
from reports.gates.licences import license_conflicts
from reports.gates.products import TEXTS, Products
from reports.gates.scan import find_personal
from stages.curation.decontamination import Items, OverlapRule, overlaps

FINDINGS = {
    "table": pl.String(),
    "id": pl.String(),
    "what": pl.String(),
    "weight": pl.Float64(),
    "text": pl.String(),
    "values": pl.List(pl.String()),
}
Found = pl.DataFrame | None


def findings(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The frames as one, a line for a row of a table: with its heaviest finding."""
    filled = [pl.DataFrame(schema=FINDINGS)]
    for frame in frames:
        absent = [pl.lit(None, dtype).alias(name) for name, dtype in FINDINGS.items() if name not in frame.columns]
        filled.append(frame.with_columns(absent).select(pl.col(name).cast(dtype) for name, dtype in FINDINGS.items()))
    together = pl.concat(filled).sort("weight", "table", "id", "what", descending=[True, False, False, False])
    return together.unique(["table", "id"], keep="first", maintain_order=True)


def path_of(name: str) -> pl.Expr:
    return pl.lit(f"data/{name}.parquet")


def leaks(products: Products, gate: LeakGate) -> Found:
    """Rows that hold an evaluation item or its solution by the gate's own lengths, and what the filter took for removed."""
    if not products.has("evaluation", *gate.tables):
        return None
    items = products.read("evaluation", ["id", "prompt", "solution", "answer"]).sort("id")
    solutions = items.select(pl.coalesce("solution", "answer")).to_series()
    rule = OverlapRule(
        ngram=gate.ngram,
        lcs_tokens=gate.lcs_tokens,
        lcs_share=gate.lcs_share,
        report_ngram=gate.ngram,
        report_items=0,
        least_ngram=5,
        solution_tokens=gate.solution_tokens,
        nearest=16,
    )
    index = Items(items["prompt"], solutions, rule)
    frames = [still_there(products, name) for name in gate.tables]
    for name in gate.tables:
        texts = products.texts(name)
        texts = texts.with_columns(text=comparison_key(texts["text"])).unique()
        distinct = texts["text"].unique().sort()
        hits = [
            (distinct[hit.row], items["id"][hit.item], hit.evidence.part, hit.evidence.lcs)
            for hit in overlaps(distinct, index)
            if hit.removed
        ]
        found = pl.DataFrame(
            hits, schema={"text": pl.String, "item": pl.String, "part": pl.String, "lcs": pl.Int64}, orient="row"
        )
        what = pl.format("holds the {} of evaluation item {}: {} tokens in common", "part", "item", "lcs")
        frames.append(texts.join(found, on="text").select("id", table=path_of(name), what=what, weight="lcs"))
    return findings(frames)


def still_there(products: Products, name: str) -> pl.DataFrame:
    """Rows that data/overlaps.parquet calls removed."""
    evidence = overlap_rows(products, removed=True)
    what = pl.format("overlaps evaluation item {}, for which the filter removed it", "item")
    return evidence.join(products.labels(name).select("id"), on="id", how="semi").select(
        "id", table=path_of(name), what=what, weight="lcs"
    )


def overlap_rows(products: Products, removed: bool) -> pl.DataFrame:
    """`id`, `item`, `lcs` of the evidence of the filter."""
    if not products.has("overlaps"):
        return pl.DataFrame(schema={"id": pl.String, "item": pl.String, "lcs": pl.Int64})
    evidence = products.read("overlaps", ["parents", "removed", "lcs"]).filter(pl.col("removed") == removed)
    return evidence.select(id=pl.col("parents").list.get(0), item=pl.col("parents").list.get(1), lcs="lcs")


def reported_overlaps(products: Products, gate: ReportedOverlapGate) -> Found:
    """Rows with evidence that is too weak for the filter."""
    if not products.has("overlaps", *gate.tables):
        return None
    evidence = overlap_rows(products, removed=False)
    what = pl.format("shares {} tokens with evaluation item {}", "lcs", "item")
    return findings(
        [
            evidence.join(products.labels(name).select("id"), on="id", how="semi").select(
                "id", table=path_of(name), what=what, weight="lcs"
            )
            for name in gate.tables
        ]
    )


def split_leaks(products: Products, gate: SplitGate) -> Found:
    """Held-out rows whose prompt is trained on as well, in either product."""
    if not products.has(*gate.tables):
        return None
    parts = [products.conversations(name).select("id", "prompt", "split", table=path_of(name)) for name in gate.tables]
    rows = pl.concat(parts).with_columns(key=pl.col("prompt").hash())
    trained = rows.filter(pl.col("split") != "heldout").group_by("key").agg(other=pl.col("id").min())
    both = rows.filter(pl.col("split") == "heldout").join(trained, on="key")
    what = pl.format("is held out, and its prompt is trained on in row {}", "other")
    return findings([both.select("id", "table", what=what, weight=1.0)])


def duplicates(products: Products, gate: DuplicateGate) -> Found:
    """All rows but the first by id of those with equal texts; both of two pairs that contradict each other."""
    if not products.has(*gate.tables):
        return None
    frames = []
    for name in gate.tables:
        rows = products.conversations(name).with_columns(pl.col(column).hash() for column in TEXTS[name])
        same = pl.col("id").min().over(TEXTS[name])
        again = rows.with_columns(first=same).filter(pl.col("first") != pl.col("id"))
        what = pl.format("has the texts of row {}", "first")
        frames.append(again.select("id", table=path_of(name), what=what, weight=1.0))
        if name == "preferences":
            apart = rows.filter(pl.col("chosen") != pl.col("rejected"))
            turned = apart.select("prompt", chosen="rejected", rejected="chosen", other="id")
            contrary = apart.join(turned, on=["prompt", "chosen", "rejected"])
            what = pl.format("prefers what row {} rejects", "other")
            frames.append(contrary.select("id", table=path_of(name), what=what, weight=2.0))
    return findings(frames)


def personal_data(products: Products, gate: PersonalGate) -> Found:
    """Rows that hold personal data or secrets; weighed by how many names of things stand in one."""
    if not products.has(*gate.tables):
        return None
    frames = []
    for name in gate.tables:
        texts = products.texts(name)
        found = find_personal(texts["text"], gate.kinds, gate.allow)
        by_text = found.group_by("text", maintain_order=True).agg(
            what=pl.col("name").str.join(", "), weight=pl.len(), values=pl.col("values").list.explode()
        )
        frames.append(
            texts.join(by_text, on="text").select("id", "what", "weight", "text", "values", table=path_of(name))
        )
    found_rows = findings(frames)
    return found_rows.with_columns(what=pl.format("holds {}", "what"))


def licenses(products: Products, gate: LicenseGate) -> Found:
    """Rows with a licence that the gate refuses, of their own or of what they were made from."""
    if not products.has(*gate.tables):
        return None
    return findings([license_conflicts(products, gate)])


ROW_RULES: dict[str, Callable[[Products, Any], Found]] = {
    "leaks": leaks,
    "reported_overlaps": reported_overlaps,
    "split_leaks": split_leaks,
    "duplicates": duplicates,
    "personal_data": personal_data,
    "licenses": licenses,
}


def find_rows(products: Products, gate: RowGate) -> Found:
    """What a gate's rule finds in a version. Raises MissingObject."""
    rule: str = gate.rule  # type: ignore[attr-defined]
    return ROW_RULES[rule](products, gate)
