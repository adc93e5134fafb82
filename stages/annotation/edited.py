"""Texts that people corrected while they ranked: candidates beside those that models wrote."""

from typing import Any

import polars as pl

from cultivar.text.tokens import comparison_key
from schemas.conversations import lean_turns, text_of
from schemas.ids import content_id
from schemas.products import message
from schemas.rows import SOURCE
from stages.annotation.ranked import Group
from stages.annotation.rankings import Folded, candidate_hash

EDITED = "edited"
"""The response strategy of such a candidate."""


def with_edits(group: Group, judged: Folded) -> tuple[Group, list[str], list[dict[str, Any]]]:
    """The group with the texts that people wrote, the hashes by which judgements name its candidates, and the rows of these texts.

    A text that another candidate has already is no new one.
    """
    hashes = [candidate_hash(text) for text in group.texts]
    rows, originals, names = [], {}, list(hashes)
    for name, (of, judgement) in judged.edits.items():
        if name not in hashes:
            place = hashes.index(of)
            originals[len(names)] = place
            names.append(name)
            authors = {one.annotator for one in judged.judgements if judgement.edited[of] in one.edited.values()}
            annotation = {"annotation": judgement.place, "annotators": sorted(authors)}
            rows.append(edited_row(group.candidates[place], judgement.edited[of]) | annotation)
    if not rows:
        return group, hashes, []
    keys = comparison_key(pl.Series([text_of(row["completion"]) for row in rows], dtype=pl.String)).to_list()
    return Group(group.candidates + rows, group.keys + keys, originals), names, rows


def edited_row(of: dict[str, Any], text: str) -> dict[str, Any]:
    """A candidate with the text that a person gave it; of several messages the last is theirs.

    No model was asked, so the candidate that was corrected stands for the generation. What a model thought before its own text
    is not kept.
    """
    parents = [of["prompt_id"], of["id"]]
    return of | {
        "id": content_id("edited", text, parents),
        "parents": parents,
        "completion": [*lean_turns(of["completion"][:-1]), message("assistant", text.strip())],
        "role": SOURCE,
        "response_strategy": EDITED,
        "temperature": 0.0,
        "generation": of["id"],
        "engine": SOURCE,
        "simulated": False,
    }
