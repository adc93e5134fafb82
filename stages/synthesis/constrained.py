"""Constrained queries by execution feedback: AutoIF (Dong et al. 2024, arXiv 2406.13542; docs/methods.md, section 5.1).

Real queries are put to the teacher with a constraint added; the constraint's functions verify every response in the
sandbox, and the judge rates those that pass for what they answer. Responses that pass make D, against those that fail P.
"""

import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field

from cultivar.llm.answer import Answer
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import MessageDict, Question
from cultivar.sandbox import NO_VERDICT
from schemas.ids import seed_of, unit_of
from schemas.products import Admission, demonstration_row, preference_row
from schemas.rows import Constraint, Instruction
from stages.synthesis.params import ExecutionParams
from stages.synthesis.verifiers import VerifiedConstraint, run_functions, verified_constraints
from stages.synthesis.workbench import Workbench


class Match(BaseModel):
    """How well a response answers the query."""

    reason: str
    score: Annotated[int, Field(ge=1, le=10)]  # 10 is best


@dataclass
class Response:
    """One response of the teacher.

    `pass_rate`: share of the functions that it passes, 0 to 1, NaN without a verdict. `match`: the judge's score, 1 to
    10, or 0 where it was not asked or did not answer.
    """

    answer: Answer
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
    def prompt(self) -> list[MessageDict]:
        return [{"role": "user", "content": compose_prompt(self.query.prompt, self.constraint.text)}]


def constraint_feedback(seeds: list[Constraint], instructions: list[Instruction], bench: Workbench) -> None:
    """Write D and P rows of constrained queries, with verdicts, into the ledger. Raises Unfinished (`Engine.ask`)."""
    constraints = verified_constraints(seeds, bench)
    work = combine(constraints, instructions, bench.params)
    sample_responses(work, bench)
    verify_responses(work, bench)
    match_responses(work, bench)
    for each in work:
        admit_responses(each, bench)


def combine(
    constraints: list[VerifiedConstraint], instructions: list[Instruction], params: ExecutionParams
) -> list[ConstrainedQuery]:
    """Each constraint with `queries` instructions of fitting length (characters), at random by both ids.

    An instruction with a conversation before it is no query by itself.
    """
    lengths = range(params.min_query_chars + 1, params.max_query_chars)
    fitting = [row for row in instructions if len(row.prompt) in lengths and not row.context]
    return [
        ConstrainedQuery(constraint, query, [])
        for constraint in constraints
        for query in sorted(fitting, key=lambda row: (unit_of(constraint.id, row.id), row.id))[: params.queries]
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
        distinct: dict[str, Answer] = {}
        for answer in answers:
            if answer.ok:
                distinct.setdefault(answer.text.strip(), answer)
            else:
                bench.ledger.fail(answer, each.query.id)
        each.responses = [Response(answer) for answer in distinct.values()]


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
            response.pass_rate = pass_rate([row[number] for row in by_function])


def pass_rate(outcomes: list[str]) -> float:
    """Share of the functions that return true; NaN, which is neither good nor failed, where none had a verdict."""
    decided = [outcome for outcome in outcomes if outcome not in NO_VERDICT]
    return sum(outcome == "true" for outcome in decided) / len(decided) if decided else math.nan


def match_responses(work: list[ConstrainedQuery], bench: Workbench) -> None:
    """Fill in the judge's score of every response that passes its functions."""
    prompt = Prompt("execution/match")
    passing = [
        (each, response) for each in work for response in each.responses if response.pass_rate >= bench.params.pass_rate
    ]
    questions = [
        Question(
            prompt.messages(query=each.query.prompt, constraint=each.constraint.text, response=response.answer.text),
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

    Good: passes and matches; the best first, which are demonstrated. Failed: passes no function.
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
            "pass" if response.pass_rate >= params.pass_rate else "fail",
            score=response.pass_rate,
            detail=constraint.text,
            parents=[constraint.seed.id],
        )
        for response in [*good, *failed]
    }
    for chosen in good[: params.constraint_pairs]:
        answer = chosen.answer
        admission = Admission(
            prompt=each.prompt,
            domain="constraint",
            strategy="execution",
            label_source="verifier",
            quality=chosen.pass_rate * (chosen.match - 1) / 9,
            license=each.query.license,
            engine=answer.engine,
            simulated=answer.simulated,
            verdicts=[verdicts[answer.key]],
            scores={"pass_rate": chosen.pass_rate, "match": chosen.match},
        )
        parents = [constraint.seed.id, constraint.id, each.query.id, *constraint.generations, answer.key]
        parents = list(dict.fromkeys(parents))  # a seed stands for itself
        ledger.demonstrate(demonstration_row(admission, chosen.text, parents))
        for rejected in failed[: params.constraint_pairs]:
            key = rejected.answer.key
            row = preference_row(
                admission,
                chosen.text,
                rejected.text,
                chosen.pass_rate,
                [*parents, key],
                rejected_by=[verdicts[key]],
            )
            ledger.prefer(row)
