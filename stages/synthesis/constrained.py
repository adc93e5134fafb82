"""Constrained queries by execution feedback: AutoIF (Dong et al. 2024, arXiv 2406.13542; docs/methods.md, section 5.1).

Real queries are put to the teacher with a constraint added; the constraint's functions verify every response in the
sandbox, and the judge rates those that pass for what they answer. Responses that pass make D, against those that fail P.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import polars as pl
from pydantic import BaseModel, Field

from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Answer
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import MessageDict, Question
from schemas.conversations import last_turn
from schemas.ids import seed_of
from schemas.products import Admission, Sampled, demonstration_row, preference_row
from schemas.rows import Constraint, Instruction
from schemas.table import Table
from stages.synthesis.cross_validation import pass_rate
from stages.synthesis.params import ExecutionParams
from stages.synthesis.queries import draw
from stages.synthesis.verifiers import VerifiedConstraint, run_functions, verified_constraints
from stages.synthesis.workbench import Workbench


class Match(BaseModel):
    """How well a response answers the query."""

    reason: str
    score: Annotated[int, Field(ge=1, le=10)]  # 10 is best


@dataclass
class Response:
    """One response of the teacher, given in so many `samples`.

    `pass_rate`: share of the functions that it passes, 0 to 1, NaN where too few had a verdict. `match`: the judge's
    score, 1 to 10, or 0 where it was not asked or did not answer.
    """

    answer: Answer
    samples: int = 1
    pass_rate: float = math.nan
    match: int = 0

    @property
    def text(self) -> str:
        return self.answer.text.strip()


@dataclass
class ConstrainedQuery:
    """A query with a constraint and its distinct responses."""

    constraint: VerifiedConstraint
    query: Instruction
    responses: list[Response]

    @property
    def text(self) -> str:
        """What the query asks, without the constraint."""
        return last_turn(self.query.prompt)

    @property
    def prompt(self) -> list[MessageDict]:
        return [{"role": "user", "content": compose_prompt(self.text, self.constraint.text)}]


def constraint_feedback(seeds: list[Constraint], instructions: Table[Instruction], bench: Workbench) -> None:
    """Write D and P rows of constrained queries, with verdicts, into the ledger. Raises Unfinished (`Engine.ask`)."""
    constraints = verified_constraints(seeds, bench)
    work = combine(constraints, instructions, bench.params)
    sample_responses(work, bench)
    verify_responses(work, bench)
    match_responses(work, bench)
    for each in work:
        admit_responses(each, bench)


def combine(
    constraints: list[VerifiedConstraint], instructions: Table[Instruction], params: ExecutionParams
) -> list[ConstrainedQuery]:
    """Each constraint with `queries` instructions of fitting length (characters), at random by both ids.

    An instruction with a conversation before it, or with tools, is no query by itself.
    """
    length = pl.col("prompt").list.last().struct.field("content").str.len_chars()
    alone = (pl.col("prompt").list.len() == 1) & pl.col("tools").is_null()
    fitting = Table(
        Instruction,
        instructions.frame.filter(length > params.min_query_chars, length < params.max_query_chars, alone),
    )
    chosen = draw([constraint.id for constraint in constraints], fitting.ids, params.queries)
    used = sorted({position for positions in chosen for position in positions})
    rows = dict(zip(used, Table(Instruction, fitting.frame[used]), strict=True))
    return [
        ConstrainedQuery(constraint, rows[position], [])
        for constraint, positions in zip(constraints, chosen, strict=True)
        for position in positions
    ]


def compose_prompt(query: str, constraint: str) -> str:
    """The query, then the constraint as a sentence. Neither may be empty."""
    query, constraint = query.strip(), constraint.strip().rstrip(".")
    return f"{query}{'' if query[-1] in '?.!' else '.'} {constraint[0].upper()}{constraint[1:]}."


def sample_responses(work: list[ConstrainedQuery], bench: Workbench) -> None:
    """Fill in the distinct responses of the teacher to each query."""
    questions = [
        Question(each.prompt, n=bench.params.responses, seed=seed_of(each.constraint.id, each.query.id, "respond"))
        for each in work
    ]
    for each, answers in zip(work, bench.teacher.ask(questions), strict=True):
        distinct: dict[str, Response] = {}
        for answer in answers:
            if answer.ok:
                distinct.setdefault(answer.text.strip(), Response(answer, 0)).samples += 1
            else:
                bench.ledger.fail(answer, each.query.id)
        each.responses = list(distinct.values())


def verify_responses(work: list[ConstrainedQuery], bench: Workbench) -> None:
    """Fill in the pass rates: every function of a constraint runs on every response to it."""
    outcomes = run_functions(
        {
            f"{index}/{number}": (source, [response.text for response in each.responses])
            for index, each in enumerate(work)
            for number, source in enumerate(each.constraint.functions)
        },
        bench,
    )
    for index, each in enumerate(work):
        by_function = [outcomes[f"{index}/{number}"] for number in range(len(each.constraint.functions))]
        for number, response in enumerate(each.responses):
            outcomes_of = [row[number] for row in by_function]
            response.pass_rate = pass_rate(outcomes_of, each.constraint.votes, bench.params.min_verdicts)


def match_responses(work: list[ConstrainedQuery], bench: Workbench) -> None:
    """Fill in the judge's score of every response that passes its functions."""
    prompt = Prompt("execution/match", "query", "constraint", "response")
    passing = [
        (each, response) for each in work for response in each.responses if response.pass_rate > bench.params.pass_rate
    ]
    questions = [
        Question(
            prompt.messages(query=each.text, constraint=each.constraint.text, response=response.answer.text),
            Match,
            seed=seed_of(response.answer.key, "match"),
        )
        for each, response in passing
    ]
    for (each, response), (answer,) in zip(passing, bench.judge.ask(questions), strict=True):
        if isinstance(answer.value, Match):
            response.match = answer.value.score
        else:
            bench.ledger.fail(answer, each.query.id)


def admit_responses(each: ConstrainedQuery, bench: Workbench) -> None:
    """The rows of one constrained query: up to `constraint_pairs` good and failed responses, in all pairs.

    Good: passes more than `pass_rate` of the functions, and matches; the best first, which are demonstrated. Failed:
    passes no function. Constraints are about form, so texts are one only where they are equal letter by letter.
    """
    constraint, params, ledger = each.constraint, bench.params, bench.ledger
    good = [response for response in each.responses if response.match >= params.min_match]
    good.sort(key=lambda response: (-response.pass_rate, -response.match, response.answer.key))
    failed = [response for response in each.responses if response.pass_rate == 0]
    failed.sort(key=lambda response: response.answer.key)
    verdicts = {
        response.answer.key: ledger.verdict(
            response.answer.key,
            "functions",
            "pass" if response.pass_rate > params.pass_rate else "fail",
            score=response.pass_rate,
            detail=constraint.text,
            parents=[constraint.seed.id],
        )
        for response in [*good, *failed]
    }
    judged = [response for response in each.responses if not math.isnan(response.pass_rate)]
    samples = sum(response.samples for response in judged)
    right = sum(response.samples for response in judged if response.pass_rate > params.pass_rate)
    sides = [*good[: params.constraint_pairs], *failed[: params.constraint_pairs]]
    texts, rates = [side.text for side in sides], [side.pass_rate for side in sides]
    found = pairs(texts, [rates], "verifier", verdicts=[rate > params.pass_rate for rate in rates], keys=texts)
    for position, chosen in enumerate(good[: params.constraint_pairs]):
        answer = chosen.answer
        admission = Admission(
            prompt=each.prompt,
            domain="constraint",
            strategy="execution",
            label_source="verifier",
            quality=chosen.pass_rate * (chosen.match - 1) / 9,
            license=each.query.license,
            source=each.query.source,
            engine=answer.engine,
            simulated=answer.simulated,
            verdicts=[verdicts[answer.key]],
            scores={"pass_rate": chosen.pass_rate, "match": chosen.match},
            sampled=Sampled(samples=samples, pass_rate=right / samples, votes=chosen.samples),
        )
        parents = [constraint.seed.id, constraint.id, each.query.id, *constraint.generations, answer.key]
        ledger.demonstrate(demonstration_row(admission, chosen.text, parents))
        for rejected in (sides[other] for one, other in found if one == position):
            key = rejected.answer.key
            ledger.prefer(
                preference_row(
                    admission,
                    chosen.text,
                    rejected.text,
                    chosen.pass_rate - rejected.pass_rate,
                    [*parents, key],
                    rejected_by=[verdicts[key]],
                    rejected_simulated=rejected.answer.simulated,
                )
            )
