"""Constraints by execution feedback: AutoIF (Dong et al. 2024, arXiv 2406.13542; methods 5.1).

Several verification functions with test cases per constraint are checked against each other in the sandbox; what
survives is translated back and compared with the constraint; responses to real queries are then judged by the functions.
"""

import ast
import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import MessageDict, Question
from cultivar.sandbox import NO_VERDICT, Job, Limits, Sandbox
from schemas.ids import content_id, seed_of, unit_of
from schemas.rows import Constraint, Instruction
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams

ENTRY = "evaluate"
IMPORTS = {"re", "string", "math", "collections", "itertools", "json", "unicodedata", "datetime", "statistics"}


class NewConstraints(BaseModel):
    """Rewrites of a seed."""

    constraints: list[str]


class Case(BaseModel):
    """A response and whether it satisfies the constraint."""

    input: str
    output: bool | Literal["true", "false", "True", "False"]

    @property
    def expected(self) -> str:
        return str(self.output).lower()


class Verifier(BaseModel):
    """A verification function and its cases."""

    function: str
    cases: list[Case]


class BackTranslation(BaseModel):
    """What a function checks, in words."""

    constraint: str


class Entailment(BaseModel):
    """How two constraints relate."""

    label: Literal["entailment", "neutral", "contradiction"]


class Match(BaseModel):
    """How well a response answers the query."""

    reason: str
    score: Annotated[int, Field(ge=1, le=10)]


@dataclass
class Rule:
    """A constraint (a seed, or a rewrite of one) with the functions that judge it."""

    seed: Constraint
    text: str
    id: str
    functions: list[str] = field(default_factory=list)
    generations: list[str] = field(default_factory=list)


def constraint_feedback(
    constraints: list[Constraint],
    instructions: list[Instruction],
    params: ExecutionParams,
    teacher: Engine,
    judge: Engine,
    sandbox: Sandbox,
    ledger: Ledger,
) -> None:
    """D and P rows of constrained queries, with verdicts, into the ledger."""
    rules = augment(constraints, params, teacher, ledger)
    rules = cross_validate(rules, params, teacher, sandbox, ledger)
    rules = back_translate(rules, params, judge, ledger)
    respond(rules, instructions, params, teacher, judge, sandbox, ledger)


def augment(constraints: list[Constraint], params: ExecutionParams, teacher: Engine, ledger: Ledger) -> list[Rule]:
    """The seeds and `rewrites` new constraints for each, every text once."""
    rules = {seed.text.strip().lower(): Rule(seed, seed.text.strip(), seed.id) for seed in constraints}
    if params.rewrites:
        prompt = Prompt("execution/rewrite")
        asked = teacher.ask([
            Question(prompt.messages(constraint=seed.text, count=params.rewrites), NewConstraints,
                     seed=seed_of(seed.id, "rewrite"))
            for seed in constraints
        ])  # fmt: skip
        for seed, (answer,) in zip(constraints, asked, strict=True):
            if not isinstance(answer.value, NewConstraints):
                ledger.fail(answer, seed.id)
                continue
            for text in answer.value.constraints[: params.rewrites]:
                name = text.strip().rstrip(".").lower()
                if name and name not in rules:
                    rules[name] = Rule(
                        seed, text.strip().rstrip("."), content_id("constraint", text, [seed.id, answer.key])
                    )
    return sorted(rules.values(), key=lambda rule: rule.id)


def cross_validate(
    rules: list[Rule], params: ExecutionParams, teacher: Engine, sandbox: Sandbox, ledger: Ledger
) -> list[Rule]:
    """Rules with functions that agree with the cases most functions agree on (AutoIF, 3.2; thresholds in params)."""
    prompt = Prompt("execution/verifier")
    asked = teacher.ask([
        Question(prompt.messages(constraint=rule.text), Verifier, n=params.functions, seed=seed_of(rule.id, "verifier"))
        for rule in rules
    ])  # fmt: skip
    functions: dict[str, list[tuple[str, str]]] = {}
    cases: dict[str, list[tuple[str, str]]] = {}
    for rule, answers in zip(rules, asked, strict=True):
        good: dict[str, str] = {}
        pool: dict[tuple[str, str], None] = {}
        for answer in answers:
            if not isinstance(answer.value, Verifier):
                ledger.fail(answer, rule.id)
                continue
            pool |= dict.fromkeys((case.input, case.expected) for case in answer.value.cases)
            if allowed(answer.value.function):
                good.setdefault(answer.value.function.strip(), answer.key)
        functions[rule.id], cases[rule.id] = list(good.items()), list(pool)
    outcomes = judge_all(
        {f"{rule.id}/{number}": (code, [text for text, _ in cases[rule.id]])
         for rule in rules for number, (code, _) in enumerate(functions[rule.id])}, params, sandbox,
    )  # fmt: skip
    kept = []
    for rule in rules:
        said = [outcomes[f"{rule.id}/{number}"] for number in range(len(functions[rule.id]))]
        chosen = agreeing(said, [expected for _, expected in cases[rule.id]], params)
        rule.functions = [functions[rule.id][number][0] for number in chosen]
        rule.generations = [functions[rule.id][number][1] for number in chosen]
        if len(chosen) >= params.min_functions:
            kept.append(rule)
        else:
            unknown = any(answer in NO_VERDICT for row in said for answer in row)
            why = "the sandbox gave no verdict on" if unknown else "no verification function survives"
            ledger.drop(rule.id, f"{why} cross-validation", rule_parent(rule))
    return kept


def allowed(function: str) -> bool:
    """Whether the source parses, defines `evaluate` and imports nothing but a few modules."""
    try:
        tree = ast.parse(function)
    except (SyntaxError, ValueError, RecursionError):
        return False
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return ENTRY in defined and imported <= IMPORTS


def agreeing(said: list[list[str]], expected: list[str], params: ExecutionParams) -> list[int]:
    """Positions of the functions to keep.

    A case stays if more than `case_agreement` of the functions agree with it; a function stays if it agrees with at least
    `function_accuracy` of those. Both kinds of case must remain, constant functions go, and of functions that say the
    same on all cases the first stays. An answer that the sandbox could not get counts neither for nor against.
    """
    cases = []
    for at, want in enumerate(expected):
        found = [row[at] == want for row in said if row[at] not in NO_VERDICT]
        if sum(found) > params.case_agreement * len(found):
            cases.append(at)
    if {expected[at] for at in cases} != {"true", "false"}:
        return []
    kept: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(said):
        judged = [at for at in cases if row[at] not in NO_VERDICT]
        right = sum(row[at] == expected[at] for at in judged)
        answers = {row[at] for at in judged}
        if right >= params.function_accuracy * len(judged) and {"true", "false"} <= answers:
            kept.setdefault(tuple(row), number)
    return sorted(kept.values())


def judge_all(
    work: dict[str, tuple[str, list[str]]], params: ExecutionParams, sandbox: Sandbox
) -> dict[str, list[str]]:
    """name -> ("true", "false" or an error outcome) for each input of each (function, inputs)."""
    jobs = (
        Job(name, "verifier", code, entry_point=ENTRY, inputs=inputs, limits=Limits(cpu_s=params.cpu_s))
        for name, (code, inputs) in work.items()
        if inputs
    )
    outcomes = {verdict.id: list(verdict.results) for verdict in sandbox.run(jobs)}
    return {
        name: (outcomes.get(name, []) + ["sandbox_error"] * len(inputs))[: len(inputs)]
        for name, (_, inputs) in work.items()
    }


def pass_rate(outcomes: list[str]) -> float:
    """Share of the functions that say true; NaN, which is neither good nor failed, where none could be asked."""
    said = [outcome for outcome in outcomes if outcome not in NO_VERDICT]
    return sum(outcome == "true" for outcome in said) / len(said) if said else math.nan


def back_translate(rules: list[Rule], params: ExecutionParams, judge: Engine, ledger: Ledger) -> list[Rule]:
    """Rules none of whose functions, put into words, contradicts the constraint."""
    prompt, compare = Prompt("execution/back_translate"), Prompt("execution/entail")
    work = [(rule, code) for rule in rules for code in rule.functions[: params.back_translations]]
    asked = judge.ask([
        Question(prompt.messages(function=code), BackTranslation, seed=seed_of(content_id("function", code), "back"))
        for _, code in work
    ])  # fmt: skip
    said = [(rule, answer.value.constraint) for (rule, _), (answer,) in zip(work, asked, strict=True)
            if isinstance(answer.value, BackTranslation)]  # fmt: skip
    asked = judge.ask([
        Question(compare.messages(premise=rule.text, hypothesis=text), Entailment, seed=seed_of(rule.id, "entail", text))
        for rule, text in said
    ])  # fmt: skip
    against = set()
    for (rule, text), (answer,) in zip(said, asked, strict=True):
        if isinstance(answer.value, Entailment):
            ledger.verdict(rule.id, "entailment", answer.value.label, None, text, rule.seed.id)
            if answer.value.label == "contradiction":
                against.add(rule.id)
        else:
            ledger.fail(answer, rule.id)
    for rule in rules:
        if rule.id in against:
            ledger.drop(rule.id, "a function contradicts the constraint", rule_parent(rule))
    return [rule for rule in rules if rule.id not in against]


def respond(
    rules: list[Rule], instructions: list[Instruction], params: ExecutionParams, teacher: Engine, judge: Engine,
    sandbox: Sandbox, ledger: Ledger,
) -> None:  # fmt: skip
    """Sample responses to (constraint, query), judge them by the functions and for substance, write D and P."""
    fit = [row for row in instructions if params.min_query_chars < len(row.prompt) < params.max_query_chars]
    work = [
        (rule, query)
        for rule in rules
        for query in sorted(fit, key=lambda row: (unit_of(rule.id, row.id), row.id))[: params.queries]
    ]
    prompts: list[list[MessageDict]] = [
        [{"role": "user", "content": composed(query.prompt, rule.text)}] for rule, query in work
    ]
    asked = teacher.ask([
        Question(prompt, n=params.responses, seed=seed_of(rule.id, query.id, "respond"))
        for prompt, (rule, query) in zip(prompts, work, strict=True)
    ])  # fmt: skip
    answers = []
    for (_, query), several in zip(work, asked, strict=True):
        kept: dict[str, Answer] = {}
        for answer in several:
            if answer.ok:
                kept.setdefault(answer.text.strip(), answer)
            else:
                ledger.fail(answer, query.id)
        answers.append(list(kept.values()))
    outcomes = judge_all(
        {f"{at}/{number}": (code, [answer.text.strip() for answer in answers[at]])
         for at, (rule, _) in enumerate(work) for number, code in enumerate(rule.functions)}, params, sandbox,
    )  # fmt: skip
    rates = []
    for at, (rule, _) in enumerate(work):
        rows = [outcomes[f"{at}/{number}"] for number in range(len(rule.functions))]
        rates.append([pass_rate([row[k] for row in rows]) for k in range(len(answers[at]))])
    matched = match(work, answers, rates, params, judge, ledger)
    for at, (rule, query) in enumerate(work):
        admit(rule, query, prompts[at], answers[at], rates[at], matched, at, params, ledger)


def match(
    work: list[tuple[Rule, Instruction]],
    answers: list[list[Answer]],
    rates: list[list[float]],
    params: ExecutionParams,
    judge: Engine,
    ledger: Ledger,
) -> dict[tuple[int, int], int]:
    """Judge's score of every response that passes its functions, by (position of the query, of the answer)."""
    prompt = Prompt("execution/match")
    places = [(at, k) for at in range(len(work)) for k, rate in enumerate(rates[at]) if rate >= params.pass_rate]
    asked = judge.ask([
        Question(prompt.messages(query=work[at][1].prompt, constraint=work[at][0].text, response=answers[at][k].text),
                 Match, seed=seed_of(answers[at][k].key, "match"))
        for at, k in places
    ])  # fmt: skip
    scores = {}
    for place, (answer,) in zip(places, asked, strict=True):
        if isinstance(answer.value, Match):
            scores[place] = answer.value.score
        else:
            ledger.fail(answer, work[place[0]][1].id)
    return scores


def admit(
    rule: Rule,
    query: Instruction,
    prompt: list[MessageDict],
    answers: list[Answer],
    rates: list[float],
    matched: dict[tuple[int, int], int],
    at: int,
    params: ExecutionParams,
    ledger: Ledger,
) -> None:
    """The rows of one constrained query: up to `constraint_pairs` good and failed responses, all combinations."""
    good = [k for k in range(len(answers)) if matched.get((at, k), 0) >= params.min_match]
    good.sort(key=lambda k: (-rates[k], -matched[(at, k)], answers[k].key))
    failed = sorted((k for k in range(len(answers)) if rates[k] == 0), key=lambda k: answers[k].key)
    verdicts = {k: ledger.verdict(answers[k].key, "functions", "pass" if rates[k] >= params.pass_rate else "fail", rates[k],
                                  rule.text, rule.seed.id) for k in {*good, *failed}}  # fmt: skip
    for k in good[: params.constraint_pairs]:
        shared = {"prompt": prompt, "domain": "constraint", "license": query.license, "engine": answers[k].engine,
                  "simulated": answers[k].simulated, "verdicts": [verdicts[k]],
                  "scores": [{"name": "pass_rate", "value": rates[k]},
                             {"name": "match", "value": float(matched[(at, k)])}]}  # fmt: skip
        parents = list(dict.fromkeys([rule.seed.id, rule.id, query.id, *rule.generations, answers[k].key]))
        ledger.demonstrate(shared, answers[k].text.strip(), parents)
        for other in failed[: params.constraint_pairs]:
            ledger.prefer(shared, answers[k].text.strip(), answers[other].text.strip(), rates[k],
                          [*parents, answers[other].key], verdicts[other])  # fmt: skip


def composed(query: str, constraint: str) -> str:
    """Query first, then the constraint as a sentence."""
    query, constraint = query.strip(), constraint.strip().rstrip(".")
    return f"{query}{'' if query[-1] in '?.!' else '.'} {constraint[0].upper()}{constraint[1:]}."


def rule_parent(rule: Rule) -> str | None:
    return rule.seed.id if rule.id != rule.seed.id else None
