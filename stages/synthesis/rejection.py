"""rejection: rejection sampling for problems with a definitive answer (Qwen2 report, section 4.1.2; RFT, Yuan et al. 2023).

k paths per problem, and the source's own solution where there is one (engine `source`, no sample); a path is admitted when
its final answer is right, every equation in it holds and the judge finds the reasoning sound. Distinct admitted paths become
demonstrations; the best admitted path against a path with a wrong final answer becomes a preference, for problems that
are solved sometimes but not always.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, Field

from cultivar.grading.answers import Judgement, agrees, judge_answers, last_answer, parse_value
from cultivar.grading.equations import find_equations, is_consistent, select_distinct
from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Answer, source_answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.products import Admission, Sampled, demonstration_row, message, preference_row
from schemas.rows import SOURCE, Demonstration, Dropped, Preference, Problem, Quarantined, VerdictRow
from schemas.table import Table
from stages.synthesis.ledger import TableBuilder
from stages.synthesis.params import RejectionParams

STAGE: Literal["rejection"] = "rejection"
WRONG = "wrong answer"
TOGETHER = 1_000
"""Problems whose answers are compared in one go."""


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


@dataclass(slots=True)
class Path:
    """A distinct path of a problem. `rule` is why it is not admitted, empty while it may be.

    `samples`: how many of the teacher's answers are this text; 0 for one that only the source gives.
    """

    problem: Problem
    answer: Answer
    id: str
    samples: int = 0
    judgement: Judgement = "none"
    rule: str = ""
    grade: int = 0
    verdict: str = ""

    @property
    def text(self) -> str:
        return self.answer.text.strip()


def rejection(problems: Table[Problem], params: RejectionParams, teacher: Engine, judge: Engine) -> RejectionTables:
    """Admitted paths of every problem as D, best against wrong as P, a verdict per graded path."""
    rows = list(problems)
    quarantine = TableBuilder(Quarantined)
    paths = sample_paths(rows, params, teacher, quarantine)
    verdicts = grade([path for path in chain(*paths) if not path.rule], params, judge, quarantine)
    demonstrations, preferences = TableBuilder(Demonstration), TableBuilder(Preference)
    dropped = TableBuilder(Dropped)
    for problem, own in zip(rows, paths, strict=True):
        right = [path for path in own if not path.rule]
        distinct = [right[position] for position in select_distinct([path.text for path in right])]
        chosen, sampled = distinct[: params.paths], count_samples(own)
        demonstrations.extend(demonstration(path, sampled) for path in chosen)
        preferences.extend(preference(*pair, sampled) for pair in contrast(chosen, own, params))
        dropped.extend(dropped_rows(problem, own, chosen, {path.id for path in distinct[params.paths :]}))
    return RejectionTables(
        demonstrations.table(), preferences.table(), verdicts.table(), dropped.table(), quarantine.table()
    )


def dropped_rows(problem: Problem, own: list[Path], chosen: list[Path], beyond: set[str]) -> Iterable[dict]:
    """Rows of Dropped of a problem: itself where nothing is chosen, and each path that is not; `beyond`: too many."""
    if not chosen:
        rules = Counter(path.rule for path in own)
        rule = "no path is admitted" if own else "no path was finished"
        detail = ", ".join(f"{name} {count}" for name, count in sorted(rules.items()))
        yield {"id": problem.id, "stage": STAGE, "rule": rule, "detail": detail}
    taken = {path.id for path in chosen}
    for path in own:
        if path.id not in taken:
            rule = path.rule or ("paths per problem" if path.id in beyond else "repeated path")
            yield {"id": path.id, "parents": [problem.id], "stage": STAGE, "rule": rule}


def sample_paths(
    problems: list[Problem], params: RejectionParams, teacher: Engine, quarantine: TableBuilder[Quarantined]
) -> list[list[Path]]:
    """The paths of each problem, checked for the final answer and the arithmetic; equal texts of one problem are one.

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
    paths = [
        list(distinct_paths(problem, answers, quarantine).values())
        for problem, answers in zip(problems, teacher.ask(questions), strict=True)
    ]
    for start in range(0, len(paths), TOGETHER):
        check_paths(list(chain(*paths[start : start + TOGETHER])))
    return paths


def distinct_paths(problem: Problem, answers: list[Answer], quarantine: TableBuilder[Quarantined]) -> dict[str, Path]:
    """The source's solution and the finished answers of one problem, by id of the path."""
    paths: dict[str, Path] = {}
    if problem.solution:
        gold = source_answer(problem.id, solution_text(problem.solution, problem.answer))
        row_id = content_id("path", gold.text.strip(), [problem.id])
        paths[row_id] = Path(problem, gold, row_id)
    for sample, answer in enumerate(answers):
        if answer.ok:
            row_id = content_id("path", answer.text.strip(), [problem.id])
            paths.setdefault(row_id, Path(problem, answer, row_id)).samples += 1
        else:
            failed = content_id("failed path", [sample, answer.key], [problem.id])
            quarantine.extend([failed_row(failed, answer, problem.id)])
    return paths


def check_paths(paths: list[Path]) -> None:
    """Note what the final answer of each path is, and the rule that it breaks."""
    judgements = judge_answers([(path.answer.text, path.problem.answer) for path in paths])
    for path, judgement in zip(paths, judgements, strict=True):
        path.judgement = judgement
        path.rule = rule_of(path.answer.text, judgement)
        if path.rule == WRONG and path.answer.engine == SOURCE:
            path.rule = "solution contradicts answer"


def count_samples(own: list[Path]) -> Sampled | None:
    """The samples of a problem whose answer could be read and compared, and how many were right; None without one.

    A right answer is right whatever stands before it. Only right paths are ever chosen, so all right samples give what a
    row's completion gives.
    """
    right = sum(path.samples for path in own if path.judgement == "right")
    read = right + sum(path.samples for path in own if path.judgement == "wrong")
    return Sampled(samples=read, pass_rate=right / read, votes=right) if read else None


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


def grade(
    paths: list[Path], params: RejectionParams, judge: Engine, quarantine: TableBuilder[Quarantined]
) -> TableBuilder[VerdictRow]:
    """Let the judge grade right paths; below `min_grade` is a rule, an unusable grade quarantines the judgement."""
    prompt = Prompt("rejection", "problem", "solution")
    questions = [
        Question(
            prompt.messages(problem=path.problem.prompt, solution=path.text), Reasoning, seed=seed_of(path.id, "grade")
        )
        for path in paths
    ]
    verdicts = TableBuilder(VerdictRow)
    for path, (answer,) in zip(paths, judge.ask(questions), strict=True):
        if isinstance(answer.value, Reasoning):
            path.grade = answer.value.grade
            sound = path.grade >= params.min_grade
            path.rule = "" if sound else "reasoning is not sound"
            path.verdict = content_id("verdict", [answer.key, path.grade], [path.id])
            verdict = {
                "id": path.verdict,
                "parents": [path.id, path.problem.id],
                "stage": STAGE,
                "verifier": answer.engine,
                "outcome": "sound" if sound else "unsound",
                "score": float(path.grade),
                "detail": answer.value.reason,
            }
            verdicts.extend([verdict])
        else:
            path.rule = "grade is unusable"
            failed = content_id("failed grade", answer.key, [path.id])
            quarantine.extend([failed_row(failed, answer, path.id)])
    return verdicts


def failed_row(row_id: str, answer: Answer, parent: str) -> dict:
    """The quarantine row of an unusable answer about `parent`."""
    return {"id": row_id, "parents": [parent], "stage": STAGE, "error": str(answer.error), "raw": answer.text}


def contrast(chosen: list[Path], own: list[Path], params: RejectionParams) -> list[tuple[Path, Path]]:
    """(right, wrong) of the pairs of one problem, from its chosen paths and all of its own.

    None where all samples that could be read were right, or none. The right path is the best graded one, then the one
    with most equations. Wrong paths come by how many samples gave their answer, the most frequent first.
    """
    sampled = count_samples(own)
    if not chosen or sampled is None or not 0 < sampled.pass_rate < 1:
        return []
    best = min(chosen, key=lambda path: (-path.grade, -len(find_equations(path.text)), path.id))
    votes: Counter[Fraction | str] = Counter()
    wrong = [path for path in own if path.rule == WRONG]
    for path in wrong:
        votes[answer_of(path)] += path.samples
    wrong.sort(key=lambda path: (-votes[answer_of(path)], path.id))
    sides = [best, *wrong]
    is_right = [path.judgement == "right" for path in sides]
    found = pairs(
        [path.text for path in sides],
        [is_right],
        "verifier",
        verdicts=is_right,
        max_length_ratio=params.max_length_ratio,
        limit=params.pairs,
    )
    return [(sides[one], sides[other]) for one, other in found]


def answer_of(path: Path) -> Fraction | str:
    """What a wrong path votes for: the number that it gives, or else the words."""
    words = last_answer(path.text)
    value = parse_value(words)
    return words if value is None else value.text if value.number is None else value.number


def admission(path: Path, sampled: Sampled | None) -> Admission:
    """What the rows of D and P share whose completion, or chosen side, is this path."""
    return Admission(
        prompt=[message("user", path.problem.prompt)],
        domain="math",
        strategy=STAGE,
        label_source="verifier",
        quality=(path.grade - 1) / 4,
        license=path.problem.license,
        source=path.problem.source,
        engine=path.answer.engine,
        simulated=path.answer.simulated,
        verdicts=[path.verdict],
        scores={"reasoning": path.grade},
        sampled=sampled,
    )


def demonstration(path: Path, sampled: Sampled | None) -> dict:
    return demonstration_row(admission(path, sampled), path.text, [path.problem.id, path.answer.key])


def preference(right: Path, wrong: Path, sampled: Sampled | None) -> dict:
    """The margin is that of the verifier's scores: 1 for right less 0 for wrong, however often the problem is solved."""
    parents = [right.problem.id, right.answer.key, wrong.answer.key]
    simulated = wrong.answer.simulated
    row = preference_row(admission(right, sampled), right.text, wrong.text, 1.0, parents, rejected_simulated=simulated)
    assert row is not None, "a right text is no wrong one"
    return row
