"""Constraints with functions that verify them: AutoIF (Dong et al. 2024, arXiv 2406.13542; docs/methods.md, section 5.1).

Each seed constraint is rewritten into new ones; for each the teacher writes several verification functions with test
cases. Functions and cases are checked against each other in the sandbox, and what survives is put into words again and
compared with the constraint. stages/synthesis/constrained.py puts the constraints to use.
"""

import ast
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import BaseModel

from cultivar.grading.code import find_program
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.sandbox import UNDECIDED, Job, Limits
from schemas.ids import content_id, seed_of
from schemas.parsing import parse_code
from schemas.rows import Constraint
from stages.synthesis.cross_validation import select_functions
from stages.synthesis.params import ExecutionParams
from stages.synthesis.programs import syntax_key
from stages.synthesis.workbench import Workbench

ENTRY_POINT = "evaluate"
"""The name of a verification function; it takes a response and returns whether it keeps the constraint."""
ALLOWED_IMPORTS = frozenset(
    """
    __future__ abc ast bisect calendar collections copy dataclasses datetime decimal difflib enum fractions functools heapq
    html itertools json math numbers operator re statistics string textwrap types typing unicodedata
    """.split()
)
"""Modules that work on values: what they are used for needs no file, process, network or chance, and is the same again."""


class NewConstraints(BaseModel):
    """Rewrites of a seed."""

    constraints: list[str]


class VerifierCase(BaseModel):
    """A response and whether it satisfies the constraint."""

    input: str
    output: bool | Literal["true", "false", "True", "False"]

    @property
    def expected_outcome(self) -> str:
        """ "true" or "false", as the sandbox reports what a function returns."""
        return str(self.output).lower()


class Verifier(BaseModel):
    """A verification function and its cases."""

    function: str
    cases: list[VerifierCase]


class BackTranslation(BaseModel):
    """What a function checks, in words."""

    constraint: str


class Entailment(BaseModel):
    """How two constraints relate."""

    label: Literal["entailment", "neutral", "contradiction"]


@dataclass
class VerifiedConstraint:
    """A constraint (a seed, or a rewrite of one) with the functions that verify it and the answers that wrote these.

    `votes`: how many samples each function stands for, its own and those that behave alike.
    """

    seed: Constraint
    text: str
    id: str
    functions: list[str] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)
    votes: list[int] = field(default_factory=list)

    @property
    def parent(self) -> str | None:
        """The seed of a rewrite; None for a seed."""
        return self.seed.id if self.id != self.seed.id else None


@dataclass
class ProposedFunction:
    """Source of a verification function. `generation`: the id of the first answer that wrote it, of `votes` that did."""

    source: str
    generation: str
    votes: int = 0


class ExpectedCase(NamedTuple):
    """A response and "true" or "false", as the sandbox should report a function's result on it."""

    input: str
    expected_outcome: str


class ProposedVerifiers(NamedTuple):
    """What the teacher wrote for one constraint: functions to be checked against the cases, all distinct.

    Functions of one syntax tree are one; docstrings are no difference.
    """

    functions: list[ProposedFunction]
    cases: list[ExpectedCase]

    def are_enough(self, params: ExecutionParams) -> bool:
        """Whether they can say anything of each other."""
        return len(self.functions) >= params.min_proposed and len(self.cases) >= params.min_cases


def verified_constraints(seeds: list[Constraint], bench: Workbench) -> list[VerifiedConstraint]:
    """The seeds and their rewrites whose functions survive; the others are dropped by name."""
    constraints = augment(seeds, bench)
    constraints = cross_validate(constraints, bench)
    return back_translate(constraints, bench)


# ---------------------------------------------------------------- rewrites of the seeds


def augment(seeds: list[Constraint], bench: Workbench) -> list[VerifiedConstraint]:
    """The seeds and `rewrites` new constraints for each, every text once, whatever its case and its full stop."""
    found = {name_of(seed.text): VerifiedConstraint(seed, seed.text.strip(), seed.id) for seed in seeds}
    count = bench.params.rewrites
    if count:
        prompt = Prompt("execution/rewrite", "constraint", "count")
        asked = ((prompt.messages(constraint=seed.text, count=count), seed_of(seed.id, "rewrite")) for seed in seeds)
        questions = [Question(messages, NewConstraints, seed=seed) for messages, seed in asked]
        for seed, (answer,) in zip(seeds, bench.teacher.ask(questions), strict=True):
            if not isinstance(answer.value, NewConstraints):
                bench.ledger.fail(answer, seed.id)
                continue
            for text in answer.value.constraints[:count]:
                name = name_of(text)
                if name and name not in found:
                    row_id = content_id("constraint", text, [seed.id, answer.key])
                    found[name] = VerifiedConstraint(seed, text.strip().rstrip("."), row_id)
    return sorted(found.values(), key=lambda constraint: constraint.id)


def name_of(text: str) -> str:
    return text.strip().rstrip(".").lower()


# ---------------------------------------------------------------- functions and cases against each other


def cross_validate(constraints: list[VerifiedConstraint], bench: Workbench) -> list[VerifiedConstraint]:
    """Constraints with functions that agree with the cases most functions agree on (AutoIF, section 3.2).

    Fills in `functions`, `generations` and `votes`; constraints with fewer than `min_functions` functions are dropped.
    """
    proposals = propose_verifiers(constraints, bench)
    outcomes = run_functions(
        {
            f"{constraint.id}/{number}": (function.source, [case.input for case in proposal.cases])
            for constraint, proposal in zip(constraints, proposals, strict=True)
            if proposal.are_enough(bench.params)
            for number, function in enumerate(proposal.functions)
        },
        bench,
    )
    validated = []
    for constraint, proposal in zip(constraints, proposals, strict=True):
        if not proposal.are_enough(bench.params):
            bench.ledger.drop(constraint.id, "too few functions or cases to check each other", constraint.parent)
            continue
        by_function = [outcomes[f"{constraint.id}/{number}"] for number in range(len(proposal.functions))]
        expected = [case.expected_outcome for case in proposal.cases]
        votes = [function.votes for function in proposal.functions]
        chosen = select_functions(by_function, votes, expected, bench.params)
        constraint.functions = [proposal.functions[number].source for number in chosen]
        constraint.generations = [proposal.functions[number].generation for number in chosen]
        constraint.votes = list(chosen.values())
        if len(chosen) >= bench.params.min_functions:
            validated.append(constraint)
        else:
            drop_unverified(constraint, by_function, bench)
    return validated


def propose_verifiers(constraints: list[VerifiedConstraint], bench: Workbench) -> list[ProposedVerifiers]:
    """One entry per constraint: the distinct functions and cases of `params.functions` answers of the teacher."""
    prompt = Prompt("execution/verifier", "constraint")
    questions = [
        Question(
            prompt.messages(constraint=constraint.text),
            Verifier,
            n=bench.params.functions,
            seed=seed_of(constraint.id, "verifier"),
        )
        for constraint in constraints
    ]
    proposals = []
    for constraint, answers in zip(constraints, bench.teacher.ask(questions), strict=True):
        functions: dict[str, ProposedFunction] = {}  # by syntax tree
        cases: dict[ExpectedCase, None] = {}
        for answer in answers:
            if not isinstance(answer.value, Verifier):
                bench.ledger.fail(answer, constraint.id)
                continue
            cases |= dict.fromkeys(ExpectedCase(case.input, case.expected_outcome) for case in answer.value.cases)
            if (source := verifier_source(answer.value.function)) is not None:
                functions.setdefault(syntax_key(source), ProposedFunction(source, answer.key)).votes += 1
        proposals.append(ProposedVerifiers(list(functions.values()), list(cases)))
    return proposals


def drop_unverified(constraint: VerifiedConstraint, outcomes: list[list[str]], bench: Workbench) -> None:
    """Drop a constraint with too few functions. `outcomes`: functions × cases."""
    unknown = any(outcome in UNDECIDED for row in outcomes for outcome in row)
    why = "the sandbox gave no verdict on" if unknown else "no verification function survives"
    bench.ledger.drop(constraint.id, f"{why} cross-validation", constraint.parent)


def verifier_source(text: str) -> str | None:
    """The program of a text that defines `evaluate`; None without one, or where it imports what is not allowed."""
    source = find_program(text, ENTRY_POINT)
    if source is None:
        return None
    nodes = list(ast.walk(parse_code(source)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return source if {name.split(".")[0] for name in imported} <= ALLOWED_IMPORTS else None


def run_functions(work: dict[str, tuple[str, list[str]]], bench: Workbench) -> dict[str, list[str]]:
    """Run functions on their inputs in the sandbox. `work`: name -> (source, inputs).

    Returns name -> one outcome per input: "true", "false" or an error outcome; "sandbox_error" where none came.
    """
    limits = Limits(cpu_s=bench.params.cpu_s)
    jobs = (
        Job(name, "verifier", source, entry_point=ENTRY_POINT, inputs=inputs, limits=limits)
        for name, (source, inputs) in work.items()
        if inputs
    )
    outcomes = {verdict.id: list(verdict.results) for verdict in bench.sandbox.run(jobs)}
    return {
        name: (outcomes.get(name, []) + ["sandbox_error"] * len(inputs))[: len(inputs)]
        for name, (_, inputs) in work.items()
    }


# ---------------------------------------------------------------- functions put into words


def back_translate(constraints: list[VerifiedConstraint], bench: Workbench) -> list[VerifiedConstraint]:
    """Constraints that none of their functions, put into words, contradicts (AutoIF, section 3.2); drops the others."""
    prompt = Prompt("execution/back_translate", "function")
    compare = Prompt("execution/entail", "premise", "hypothesis")
    work = [(each, source) for each in constraints for source in each.functions[: bench.params.back_translations]]
    questions = [
        Question(
            prompt.messages(function=source), BackTranslation, seed=seed_of(content_id("function", source), "back")
        )
        for _, source in work
    ]
    in_words = [
        (constraint, answer.value.constraint)
        for (constraint, _), (answer,) in zip(work, bench.judge.ask(questions), strict=True)
        if isinstance(answer.value, BackTranslation)
    ]
    questions = [
        Question(
            compare.messages(premise=constraint.text, hypothesis=text),
            Entailment,
            seed=seed_of(constraint.id, "entail", text),
        )
        for constraint, text in in_words
    ]
    contradicted = set()
    for (constraint, text), (answer,) in zip(in_words, bench.judge.ask(questions), strict=True):
        if isinstance(answer.value, Entailment):
            label = answer.value.label
            bench.ledger.verdict(constraint.id, "entailment", label, detail=text, parents=[constraint.seed.id])
            if label == "contradiction":
                contradicted.add(constraint.id)
        else:
            bench.ledger.fail(answer, constraint.id)
    for constraint in constraints:
        if constraint.id in contradicted:
            bench.ledger.drop(constraint.id, "a function contradicts the constraint", constraint.parent)
    return [constraint for constraint in constraints if constraint.id not in contradicted]
