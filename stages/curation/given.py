"""What people brought that is a row of P, or of D, as it is: pairs and rated responses (reference answers: references.py).

Nobody asked a model for these rows and no verdict admits them: they have engine and label source of what was brought, and
go through the same filters as all others.
"""

from typing import Any

from cultivar.grading.pairs import pairs
from schemas.conversations import text_of
from schemas.products import Admission, demonstration_row, preference_row
from schemas.rows import SOURCE, Strategy
from stages.curation.params import SourceFile

Rows = list[tuple[str, dict[str, Any]]]
"""Rows by the kind of their table."""


def given_preference(fields: dict[str, Any], place: str, source: SourceFile) -> dict[str, Any]:
    """The row of P that a pair of a source is; it is worth the most, whatever its margin."""
    scores = {} if fields["score"] is None else {"given": fields["score"]}
    shared = admission(fields, place, source, "given", 1.0, scores)
    row = preference_row(shared, fields["chosen"], fields["rejected"], fields["margin"], [], most=fields["margin"])
    assert row is not None  # the shape refuses equal sides and a margin that is not above 0
    return row


def rated_rows(fields: dict[str, Any], place: str, source: SourceFile, limit: int) -> Rows:
    """Rows of P of responses with scores, at most `limit`, the widest margins first; maybe one of D, the best response.

    The margin is the difference of two scores, in the source's unit. A pair's quality is the margin's share of the greatest
    that the scale allows (`best`), or, of an unknown scale, of the greatest of this prompt. Empty where no response is
    preferred to another one.
    """
    responses, scores = fields["responses"], [float(score) for score in fields["scores"]]
    texts = [text_of(response) for response in responses]
    found = pairs(texts, [scores], "all_pairs", limit=limit)
    if not found:
        return []
    most = fields.get("best") or max(scores[chosen] - scores[rejected] for chosen, rejected in found)
    rows: Rows = []
    for chosen, rejected in found:
        shared = admission(fields, place, source, "given", 1.0, {"given": scores[chosen]})
        margin = scores[chosen] - scores[rejected]
        row = preference_row(shared, responses[chosen], responses[rejected], margin, [], most=most)
        if row is not None:
            rows.append(("preference", row))
    if strategy := source.demonstrates("rated"):
        best = found[0][0]  # the widest margin is the best response's, of several the first by text
        below, tied = (sum(test(score) for score in scores) for test in (scores[best].__gt__, scores[best].__eq__))
        quality = (below + (tied - 1) / 2) / (
            len(scores) - 1
        )  # the share of the others below it, ties half, as in rank
        shared = admission(fields, place, source, strategy, quality, {"given": scores[best]})
        rows.append(("demonstration", demonstration_row(shared, responses[best], [])))
    return rows


def admission(
    fields: dict[str, Any],
    place: str,
    source: SourceFile,
    strategy: Strategy,
    quality: float,
    scores: dict[str, float],
) -> Admission:
    """What rows of D and P share that people brought as they are."""
    return Admission(
        prompt=fields["prompt"],
        tools=fields.get("tools"),
        domain=source.domain,
        strategy=strategy,
        label_source="given",
        quality=quality,
        license=source.license,
        engine=SOURCE,
        simulated=False,
        verdicts=[],
        scores=scores,
        source=place,
    )
