"""Rows whose id is a hash over one answer, so that the answer is known without leaving others out; and what programs gave.

The forms are those of the stages (stages/synthesis/rejection.py, ledger.py, solutions.py; stages/annotation/evolve.py): where
a stage changes one, nothing matches and the row's answer is found by replay, or not at all.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cultivar.llm.answer import Generation
from cultivar.sandbox import Job, Verdict
from reports.trace.family import Node
from schemas.ids import content_id

BY_KEY = ("failed answer", "failed step", "failed grade", "solution")
"""Kinds of rows whose id is that of an answer's key and their first parent."""


@dataclass(frozen=True)
class Output:
    """What a program gave: a verification function on a response, or a solution on a test."""

    program: str
    subject: str
    outcome: str


def answers_of(node: Node, known: Mapping[bytes, Generation]) -> list[bytes]:
    """Keys of the answers whose hash the node's id is."""
    parents = node.parents[:1]
    return [key for key, answer in known.items() if parents and node.id in ids_of_answer(key, answer, parents)]


def ids_of_answer(key: bytes, answer: Generation, parents: list[str]) -> Iterator[str]:
    """Ids of the rows that stages make of an answer about `parents`."""
    yield content_id("path", answer.text.strip(), parents)
    for kind in BY_KEY:
        yield content_id(kind, key.hex(), parents)


def outputs_of(verdict: Node, known: Mapping[bytes, Generation], jobs: list[tuple[Job, Verdict]]) -> list[Output]:
    """What the programs gave that a verdict of `functions` or `sandbox` sums up; [] for other verdicts.

    `jobs`: those of the stage with the verdicts that the store remembers.
    """
    verifier = str(verdict.row.get("verifier", ""))
    if not verdict.parents or not verifier.startswith(("functions", "sandbox")):
        return []
    subject = verdict.parents[0]
    texts = [
        answer.text.strip()
        for key, answer in known.items()
        if key.hex() == subject or content_id("solution", key.hex(), verdict.parents[1:2]) == subject
    ]
    found: dict[Output, None] = {}
    for job, result in jobs:
        if verifier.startswith("functions"):
            pairs = zip(job.inputs, result.results, strict=False)
            found |= {Output(job.code, text, outcome): None for text, outcome in pairs if text in texts}
        elif any(job.code.strip() in text for text in texts):
            found[Output(job.code, "\n".join(job.tests), result.outcome)] = None
    return list(found)
