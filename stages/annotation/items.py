"""People's judgements beside the candidates that there are: which count, and what of them does not fit."""

import logging
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from schemas.conversations import text_of
from schemas.faults import Fault
from stages.annotation.rankings import (
    AnnotationError,
    Folded,
    Judgement,
    candidate_hash,
    fold,
    item_hash,
    read_judgements,
)

LOG = logging.getLogger(__name__)


def judged_prompts(candidates: pl.DataFrame, judgements: dict[str, Folded]) -> dict[str, Folded]:
    """Prompt id -> the judgements of exactly its candidates, of the prompts that people ranked.

    How many rankings are of texts that have changed since is said in a line of the log. Raises AnnotationError for all names in
    them that are none of the prompt's candidates.
    """
    found: dict[str, Folded] = {}
    faults: list[Fault] = []
    for prompt_id, item, hashes in items_of(candidates) if judgements else ():
        if (folded := judgements.get(item)) is not None:
            found[prompt_id] = folded
            faults += folded.faults(hashes)
    if faults:
        raise AnnotationError(faults)
    fitting = {id(folded) for folded in found.values()}
    if stale := [folded for folded in judgements.values() if id(folded) not in fitting]:
        first = stale[0].judgements[0].place
        LOG.warning(
            "%s prompts that people ranked have other texts now, first %s; `cultivar check` names all",
            len(stale),
            first,
        )
    return found


def items_of(candidates: pl.DataFrame) -> Iterator[tuple[str, str, list[str]]]:
    """Of every prompt its id, the hash of its item, and the hashes of its candidates in the order of the table."""
    groups = candidates.group_by("prompt_id", maintain_order=True).agg(pl.col("prompt").first(), pl.col("completion"))
    for prompt_id, turns, completions in groups.iter_rows():
        texts = [text_of(completion) for completion in completions]
        yield prompt_id, item_hash(text_of(turns), texts), [candidate_hash(text) for text in texts]


def findings(paths: list[Path], candidates: pl.DataFrame | None) -> tuple[int, list[Fault]]:
    """How many judgements are in force, and what is worth a look. Raises AnnotationError for what is wrong.

    `candidates`: None where there is no table yet.
    """
    remarks = [
        Fault(str(path), 0, "this is not read; rankings stand in files *.jsonl")
        for path in paths
        if path.suffix != ".jsonl" and path.name != "README.md"
    ]
    judgements = read_judgements(paths)
    every = {one.uuid for one in read_judgements(paths, replaced=True)}
    remarks += [
        one.fault(
            f"supersedes: no judgement has the uuid {one.supersedes!r}, so that nothing is replaced; correct it, or null"
        )
        for one in judgements
        if one.supersedes is not None and one.supersedes not in every
    ]
    if candidates is not None:
        folded = fold(judgements)
        judged = judged_prompts(candidates, folded)
        fitting = {one.item for each in judged.values() for one in each.judgements}
        for one in judgements:
            if one.item not in fitting:
                remarks.append(one.fault(f"item: {one.item}: {STALE}"))
        remarks += [
            remark
            for prompt_id, item, hashes in items_of(candidates)
            if prompt_id in judged
            for one in folded[item].judgements
            for remark in left_out(one, hashes)
        ]
    return len(judgements), remarks


STALE = (
    "no prompt of data/candidates.parquet has just these candidates: a text has changed since (or the hash is misspelt), so "
    "this counts no more; rank the prompt anew"
)


def left_out(judgement: Judgement, hashes: list[str]) -> Iterator[Fault]:
    """The candidates that a judgement does not name."""
    named = {name for tied in judgement.full_order for name in tied}
    if missing := [each for each in hashes if each not in named]:
        yield judgement.fault(
            f"order: {', '.join(missing)} of {len(hashes)} candidates left out, which puts them below all others; name them"
        )
