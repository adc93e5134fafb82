"""rejection: rejection sampling for problems with a definitive answer (Qwen2 report, section 4.1.2; RFT, Yuan et al. 2023).

k paths per problem, and the source's own solution where there is one (engine `source`); a path is admitted when its final
answer is right, every equation in it holds and the judge finds the reasoning sound. Distinct admitted paths become
demonstrations; the best admitted path against a path with a wrong final answer becomes a preference, for problems that
are solved sometimes but not always.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field

from cultivar.grading.answers import Judgement, agrees, judge_answers, last_answer, parse_value
from cultivar.grading.equations import find_equations, is_consistent, select_distinct
from cultivar.llm.answer import Answer, source_answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, message, preference_row
from schemas.rows import SOURCE, Demonstration, Dropped, Preference, Problem, Quarantined, VerdictRow
from schemas.table import Table
from stages.synthesis.params import RejectionParams

STAGE: Literal["rejection"] = "rejection"
WRONG = "wrong answer"
UNREAD = frozenset({"no final answer", "answer cannot be compared"})
"""Rules of paths whose answer says neither that it is right nor that it is wrong."""


class Reasoning(BaseModel):
    """The judge's grade of a path."""

    reason: str
    grade: Annotated[int, Field(ge=1, le=5)]


class RejectionTables(NamedTuple):
    rejection_demonstrations: Table[Demonstration]
    rejection_preferences: Table[Preference]
    rejection_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


@dataclass
class Path:
    """One sampled path; `rule` is why it is not admitted, empty while it may be."""

    problem: Problem
    answer: Answer
    id: str
    rule: str = ""
    grade: int = 0
    verdict: str = ""

    @property
    def text(self) -> str:
        return self.answer.text.strip()


def rejection(problems: Table[Problem], params: RejectionParams, teacher: Engine, judge: Engine) -> RejectionTables:
    """Admitted paths of every problem as D, best against wrong as P, a verdict per graded path."""
    rows = list(problems)
    quarantine: list[dict] = []
    paths = sample_paths(rows, params, teacher, quarantine)
    verdicts = grade([path for path in paths if not path.rule], params, judge, quarantine)
    by_problem: dict[str, list[Path]] = {problem.id: [] for problem in rows}
    for path in paths:
        by_problem[path.problem.id].append(path)
    demonstrations: list[dict] = []
    preferences: list[dict] = []
    dropped: list[dict] = []
    for problem in rows:
        own = by_problem[problem.id]
        right = [path for path in own if not path.rule]
        distinct = [right[position] for position in select_distinct([path.text for path in right])]
        chosen = distinct[: params.paths]
        demonstrations += [demonstration(path) for path in chosen]
        preferences += filter(None, (preference(*pair) for pair in contrast(chosen, own, params)))
        if not chosen:
            rules = Counter(path.rule for path in own)
            rule = "no path is admitted" if own else "no path was finished"
            detail = ", ".join(f"{name} {count}" for name, count in sorted(rules.items()))
            dropped.append({"id": problem.id, "stage": STAGE, "rule": rule, "detail": detail})
        beyond = {path.id for path in distinct[params.paths :]}
        taken = {path.id for path in chosen}
        dropped += [
            {"id": path.id, "parents": [problem.id], "stage": STAGE, "rule": path.rule or rule}
            for path in own
            if path.id not in taken
            for rule in ["paths per problem" if path.id in beyond else "repeated path"]
        ]
    return RejectionTables(
        Table.of(Demonstration, demonstrations),
        Table.of(Preference, preferences),
        Table.of(VerdictRow, verdicts),
        Table.of(Dropped, dropped),
        Table.of(Quarantined, quarantine),
    )


def sample_paths(
    problems: list[Problem], params: RejectionParams, teacher: Engine, quarantine: list[dict]
) -> list[Path]:
    """k paths per problem, checked for the final answer and the arithmetic; equal texts of one problem count once.

    The source's solution is checked in the same way. Where it disagrees with the source's own answer, nobody knows which of
    the two is right: it is no wrong path.
    """
    questions = [
        Question(
            [{"role": "user", "content": problem.prompt}],
            n=params.samples,
            seed=seed_of(problem.id, "rejection"),
            sampling={"max_tokens": params.max_new_tokens},
        )
        for problem in problems
    ]
    paths: dict[str, Path] = {}
    for problem, answers in zip(problems, teacher.ask(questions), strict=True):
        if problem.solution:
            gold = source_answer(problem.id, solution_text(problem.solution, problem.answer))
            row_id = content_id("path", gold.text.strip(), [problem.id])
            paths[row_id] = Path(problem, gold, row_id)
        for sample, answer in enumerate(answers):
            row_id = content_id("path", answer.text.strip(), [problem.id])
            if not answer.ok:
                failed = content_id("failed path", [sample, answer.key], [problem.id])
                quarantine.append(failed_row(failed, answer, problem.id))
            elif row_id not in paths:
                paths[row_id] = Path(problem, answer, row_id)
    judgements = judge_answers([(path.answer.text, path.problem.answer) for path in paths.values()])
    for path, judgement in zip(paths.values(), judgements, strict=True):
        path.rule = rule_of(path.answer.text, judgement)
        if path.rule == WRONG and path.answer.engine == SOURCE:
            path.rule = "solution contradicts answer"
    return list(paths.values())


def solution_text(solution: str, answer: str) -> str:
    """The source's solution as a path: with its answer below it, as GSM8K writes it, where the solution names none."""
    named = last_answer(solution)
    return solution if agrees(named, answer) or parse_value(named) else f"{solution}\n#### {answer}"


def rule_of(path: str, judgement: Judgement) -> str:
    """Why a path is not admitted, by its final answer and its equations; empty where it may be.

    Only a path whose answer is shown to be another one is wrong.
    """
    if judgement == "right":
        return "" if is_consistent(path) else "an equation does not hold"
    return {"wrong": WRONG, "none": "no final answer", "undecided": "answer cannot be compared"}[judgement]


def grade(paths: list[Path], params: RejectionParams, judge: Engine, quarantine: list[dict]) -> list[dict]:
    """Let the judge grade right paths; below `min_grade` is a rule, an unusable grade quarantines the judgement."""
    prompt = Prompt("rejection")
    questions = [
        Question(
            prompt.messages(problem=path.problem.prompt, solution=path.text), Reasoning, seed=seed_of(path.id, "grade")
        )
        for path in paths
    ]
    verdicts = []
    for path, (answer,) in zip(paths, judge.ask(questions), strict=True):
        if isinstance(answer.value, Reasoning):
            path.grade = answer.value.grade
            sound = path.grade >= params.min_grade
            path.rule = "" if sound else "reasoning is not sound"
            path.verdict = content_id("verdict", [answer.key, path.grade], [path.id])
            verdicts.append(
                {
                    "id": path.verdict,
                    "parents": [path.id, path.problem.id],
                    "stage": STAGE,
                    "verifier": answer.engine,
                    "outcome": "sound" if sound else "unsound",
                    "score": float(path.grade),
                    "detail": answer.value.reason,
                }
            )
        else:
            path.rule = "grade is unusable"
            failed = content_id("failed grade", answer.key, [path.id])
            quarantine.append(failed_row(failed, answer, path.id))
    return verdicts


def failed_row(row_id: str, answer: Answer, parent: str) -> dict:
    """The quarantine row of an unusable answer about `parent`."""
    return {"id": row_id, "parents": [parent], "stage": STAGE, "error": str(answer.error), "raw": answer.text}


def contrast(chosen: list[Path], own: list[Path], params: RejectionParams) -> list[tuple[Path, Path, float]]:
    """(right, wrong, margin) of the pairs of one problem, from its chosen paths and all of its own.

    The right path is the best graded one, then the one with most equations. Wrong paths come by how often their answer
    was given, the most frequent first. The margin is the share of right answers among the paths whose answer could be
    read.
    """
    wrong = [path for path in own if path.rule == WRONG]
    if not chosen or not wrong:
        return []
    best = min(chosen, key=lambda path: (-path.grade, -len(find_equations(path.text)), path.id))
    votes = Counter(answer_of(path) for path in wrong)
    wrong.sort(key=lambda path: (-votes[answer_of(path)], path.id))
    read = sum(path.rule not in UNREAD for path in own)
    right = (read - len(wrong)) / read
    fitting = [path for path in wrong if is_close(best.text, path.text, params.max_length_ratio)]
    return [(best, path, right) for path in fitting[: params.pairs]]


def answer_of(path: Path) -> Fraction | str:
    """What a wrong path votes for: the number that it gives, or else the words."""
    words = last_answer(path.text)
    value = parse_value(words)
    return words if value is None else value.text if value.number is None else value.number


def is_close(first: str, second: str, ratio: float | None) -> bool:
    """Whether the longer text has at most `ratio` times the characters of the shorter, which must have some."""
    shorter, longer = sorted((len(first), len(second)))
    return shorter > 0 and (ratio is None or longer <= ratio * shorter)


def admission(path: Path) -> Admission:
    """What the rows of D and P share whose completion, or chosen side, is this path."""
    return Admission(
        prompt=[message("user", path.problem.prompt)],
        domain="math",
        strategy=STAGE,
        label_source="verifier",
        quality=(path.grade - 1) / 4,
        license=path.problem.license,
        engine=path.answer.engine,
        simulated=path.answer.simulated,
        verdicts=[path.verdict],
        scores={"reasoning": path.grade},
    )


def demonstration(path: Path) -> dict:
    return demonstration_row(admission(path), path.text, [path.problem.id, path.answer.key])


def preference(right: Path, wrong: Path, margin: float) -> dict | None:
    parents = [right.problem.id, right.answer.key, wrong.answer.key]
    simulated = wrong.answer.simulated
    return preference_row(admission(right), right.text, wrong.text, margin, parents, rejected_simulated=simulated)
