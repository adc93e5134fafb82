"""Rows of the two products, D (demonstrations) and P (preferences); every stage that makes some builds them here.

A row's id is the hash of its prompt, its completion (or both sides of the pair) and its parents, so that equal texts of
equal origin are one row, whichever stage wrote it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from schemas.conversations import compact, lean_turns
from schemas.ids import content_id
from schemas.rows import Domain, LabelSource, Strategy

Messages = Sequence[Mapping[str, Any]]
"""A conversation: the fields of each message, those that hold nothing may be left out (`schemas.rows.Message`)."""
Completion = str | Messages
"""What answers a prompt: a text, which the assistant says, or its messages."""


def message(role: str, content: str) -> dict[str, str]:
    """One turn of a conversation."""
    return {"role": role, "content": content}


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What the samples of a prompt say: how many could be judged, the share that was right, how many gave this answer.

    Samples count, not distinct texts.
    """

    samples: int
    pass_rate: float
    votes: int


@dataclass(frozen=True, kw_only=True)
class Admission:
    """What a row of D and a row of P of one prompt share (`schemas.rows.Admitted`).

    `engine` and `simulated` are those of the completion that was admitted, `verdicts` the ids of the rows that admitted it.
    `tools` are those of the prompt, `source` is the file and line of the row that people brought. `quality` is that of
    the completion, 0 to 1 (docs/methods.md, section 8.1). `sampled` where the prompt was sampled and checked.
    """

    prompt: Messages
    domain: Domain
    strategy: Strategy
    label_source: LabelSource
    quality: float
    license: str
    engine: str
    simulated: bool
    verdicts: Sequence[str]
    scores: Mapping[str, float]
    source: str
    tags: Sequence[str] = ()
    tools: str | None = None
    sampled: Sampled | None = None

    def fields(self, row_id: str, parents: Sequence[str]) -> dict[str, Any]:
        """The shared columns of the row with this id and these parents."""
        return {
            "id": row_id,
            "parents": list(parents),
            "prompt": lean_turns(self.prompt),
            "tools": self.tools,
            "domain": self.domain,
            "strategy": self.strategy,
            "label_source": self.label_source,
            "quality": float(self.quality),
            **(asdict(self.sampled) if self.sampled else dict.fromkeys(("samples", "pass_rate", "votes"))),
            "tags": list(self.tags),
            "scores": [{"name": name, "value": float(value)} for name, value in self.scores.items()],
            "license": self.license,
            "verdicts": list(self.verdicts),
            "engine": self.engine,
            "simulated": self.simulated,
            "source": self.source,
        }


def distinct(parents: Sequence[str]) -> list[str]:
    """Each parent once: what people wrote has no generation, its own row stands for it."""
    return list(dict.fromkeys(parents))


def turns_of(completion: Completion) -> list[dict[str, Any]]:
    """The messages of a completion."""
    return [message("assistant", completion)] if isinstance(completion, str) else lean_turns(completion)


def demonstration_row(admission: Admission, completion: Completion, parents: Sequence[str]) -> dict[str, Any]:
    """A row of D."""
    turns, parents = turns_of(completion), distinct(parents)
    row_id = content_id("demonstration", [lean_turns(admission.prompt), turns], parents)
    return admission.fields(row_id, parents) | {"completion": turns}


def preference_row(
    admission: Admission,
    chosen: Completion,
    rejected: Completion,
    margin: float,
    parents: Sequence[str],
    *,
    rejected_by: Sequence[str] = (),
    rejected_simulated: bool = False,
    most: float = 1.0,
) -> dict[str, Any] | None:
    """A row of P; None where there is nothing to prefer: equal sides, or a margin that is not above 0.

    `margin` is the chosen score less the rejected one, in the strategy's own unit. `rejected_by` are ids of verdicts on
    the rejected text, beside those that admitted the chosen one. `rejected_simulated`: whether the simulated teacher wrote
    the rejected text, which makes the pair simulated whoever wrote the chosen one. `most` is the greatest margin that the
    strategy's unit allows: the pair's quality is the chosen side's, times the margin's share of it.
    """
    better, worse = turns_of(chosen), turns_of(rejected)
    if better == worse or not margin > 0:
        return None
    parents = distinct(parents)
    sides = [compact(better), compact(worse)]
    row_id = content_id("preference", [lean_turns(admission.prompt), *sides], parents)
    row = admission.fields(row_id, parents)
    return row | {
        "chosen": better,
        "rejected": worse,
        "margin": float(margin),
        "quality": float(admission.quality) * min(1.0, float(margin) / most),
        "simulated": admission.simulated or rejected_simulated,
        "verdicts": [*row["verdicts"], *rejected_by],
    }
