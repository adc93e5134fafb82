"""rejection: which paths become demonstrations, which are dropped by which rule, and what is set against what."""

import pytest

from cultivar.llm.answer import Generation
from schemas.rows import Problem
from schemas.table import Table
from stages.synthesis.params import RejectionParams
from stages.synthesis.rejection import rejection
from tests.admission.rows_synthesis import (
    JUDGE,
    TEACHER,
    closing,
    completions,
    engines,
    errors,
    pairs_of,
    rules,
    table,
)

PROMPT = "Two and two?"
RIGHT, OTHER, PLAIN = "2+2=4. The answer is 4.", "1+3=4. The answer is 4.", "Surely the answer is 4."
LONG = "1+1=2, 2+2=4. The answer is 4."
WRONG, WORSE, WORST = "2+3=5. The answer is 5.", "2+4=6. The answer is 6.", "Really 5+1=6. The answer is 6."


def reject(paths, grades=None, /, solution=None, **params):
    """The stage on one problem; the judge grades 5 where `grades` gives a path no other."""
    problems = table(Problem, {"prompt": PROMPT, "answer": "4"} | ({"solution": solution} if solution else {}))

    def judge(request):
        prompt = "\n".join(message["content"] for message in request.messages)
        grade = next((grade for path, grade in (grades or {}).items() if f"\n{path}\n" in prompt), 5)
        return grade if isinstance(grade, str) else {"reason": "why", "grade": grade}

    with engines({PROMPT: list(paths)}, judge) as both:
        found = rejection(problems, RejectionParams(samples=len(paths), **params), *both)
    closing("rejection", found, problems=problems)
    return found


@pytest.mark.parametrize(
    ("path", "grade", "rule"),
    [
        (RIGHT, 5, ""),
        (PLAIN, 5, ""),
        (RIGHT, 4, ""),
        (RIGHT, 3, "reasoning is not sound"),
        ("2+2=5. The answer is 4.", 5, "an equation does not hold"),
        (WRONG, 5, "wrong answer"),
        ("It is 5.", 5, "no final answer"),
        ("It is 4.", 5, ""),
        (r"The answer is $\sqrt{16}$.", 5, ""),
        ("The answer is IV.", 5, "answer cannot be compared"),
        (RIGHT, "no JSON", "grade is unusable"),
    ],
)
def test_a_path_is_admitted_or_dropped_by_the_rule_that_names_why(path, grade, rule):
    found = reject([path], {path: grade}, min_grade=4)
    assert completions(found.rejection_demonstrations) == ([] if rule else [path])
    assert rules(found.dropped) == ({rule: 1, "no path is admitted": 1} if rule else {})
    assert {row.stage for row in found.dropped} <= {"rejection"}
    if rule:
        (problem,) = (row for row in found.dropped if row.rule == "no path is admitted")
        assert problem.detail == f"{rule} 1" and not problem.parents
        assert [row.parents for row in found.dropped if row.rule == rule] == [[problem.id]]


def test_the_least_grade_is_the_parameter_s():
    assert completions(reject([RIGHT], {RIGHT: 3}, min_grade=3).rejection_demonstrations) == [RIGHT]
    assert completions(reject([RIGHT], {RIGHT: 4}, min_grade=5).rejection_demonstrations) == []


def test_only_paths_that_are_right_so_far_are_put_to_the_judge():
    found = reject([RIGHT, WRONG, "2+2=5. The answer is 4.", "It is 5."])
    assert [(v.outcome, v.score) for v in found.rejection_verdicts] == [("sound", 5.0)]


def test_the_judge_is_shown_the_problem_and_the_path_each_in_its_place():
    seen = []
    with engines({PROMPT: [RIGHT]}, lambda request: seen.append(request) or {"reason": "", "grade": 5}) as both:
        rejection(table(Problem, {"prompt": PROMPT, "answer": "4"}), RejectionParams(samples=1), *both)
    assert f"<problem>\n{PROMPT}\n" in seen[0].messages[1]["content"]
    assert f"<solution>\n{RIGHT}\n" in seen[0].messages[1]["content"]


def test_a_demonstration_names_its_problem_its_answer_and_its_verdict():
    found = reject([f"  {RIGHT}\n"])
    (row,), (verdict,) = found.rejection_demonstrations, found.rejection_verdicts
    (problem,) = table(Problem, {"prompt": PROMPT, "answer": "4"})
    assert completions(found.rejection_demonstrations) == [RIGHT]
    assert [(m.role, m.content) for m in row.prompt] == [("user", PROMPT)]
    assert row.parents[0] == problem.id and len(row.parents) == 2
    assert (row.domain, row.strategy, row.license) == ("math", "rejection", "MIT")
    assert (row.engine, row.simulated) == (TEACHER, False)
    assert row.verdicts == [verdict.id] and [(s.name, s.value) for s in row.scores] == [("reasoning", 5.0)]
    assert verdict.parents[1] == problem.id and verdict.stage == "rejection"
    assert (verdict.verifier, verdict.outcome, verdict.score, verdict.detail) == (JUDGE, "sound", 5.0, "why")


def test_an_unsound_path_leaves_a_verdict_that_says_so():
    (verdict,) = reject([RIGHT], {RIGHT: 2}).rejection_verdicts
    assert (verdict.outcome, verdict.score) == ("unsound", 2.0)


def test_a_grade_that_cannot_be_read_is_quarantined_with_its_text():
    found = reject([RIGHT], {RIGHT: "no JSON"})
    (row,) = found.quarantine
    (path,) = (row for row in found.dropped if row.rule == "grade is unusable")
    assert row.raw == "no JSON" and row.error.startswith("invalid") and row.parents == [path.id]


def test_a_path_that_was_cut_off_is_quarantined_and_the_others_stand():
    found = reject([Generation("2+2=4. The ans", "length", 1, 9), RIGHT])
    assert errors(found.quarantine) == ["length"] and completions(found.rejection_demonstrations) == [RIGHT]
    (row,) = found.quarantine
    assert row.raw == "2+2=4. The ans" and row.parents == [found.rejection_demonstrations.frame["parents"][0][0]]
    assert rules(found.dropped) == {}


def test_a_problem_of_which_no_path_was_finished_says_so():
    found = reject([Generation("2+2", "length", 1, 9)] * 2)
    assert rules(found.dropped) == {"no path was finished": 1} and len(found.quarantine) == 2


def test_one_path_of_each_list_of_equations_is_kept_and_equal_texts_count_once():
    found = reject([RIGHT, OTHER, f"So {RIGHT}", RIGHT])
    assert len(found.rejection_demonstrations) == 2 and OTHER in completions(found.rejection_demonstrations)
    assert rules(found.dropped) == {"repeated path": 1}


def test_at_most_so_many_paths_are_kept_the_first_ones_first():
    assert completions(reject([RIGHT, OTHER, LONG], paths=2).rejection_demonstrations) == sorted([RIGHT, OTHER])
    assert len(reject([RIGHT, OTHER, LONG], paths=3).rejection_demonstrations) == 3


def test_the_teacher_is_asked_as_often_and_for_as_many_tokens_as_params_say():
    problems = table(Problem, {"prompt": PROMPT, "answer": "4"}, {"prompt": "Three and one?", "answer": "4"})
    asked = []
    with engines(lambda request: asked.append(request) or RIGHT, lambda _: {"reason": "", "grade": 5}) as both:
        found = rejection(problems, RejectionParams(samples=3, max_new_tokens=77), *both)
    assert sorted((request.messages[0]["content"], request.sample) for request in asked) == [
        (prompt, sample) for prompt in ("Three and one?", PROMPT) for sample in range(3)
    ]
    assert {request.config.sampling["max_tokens"] for request in asked} == {77}
    assert len({request.seed for request in asked}) == 2, "problems have seeds of their own"
    assert len(found.rejection_demonstrations) == 2, "the same text is a path of each problem"


# ---------------------------------------------------------------- pairs


def test_a_pair_sets_the_right_path_against_the_wrong_one():
    found = reject([RIGHT, WRONG])
    assert pairs_of(found.rejection_preferences) == [(RIGHT, WRONG, 1.0)]
    (row,), (shown,) = found.rejection_preferences, found.rejection_demonstrations
    assert row.parents[:2] == shown.parents and len(set(row.parents)) == 3
    assert (row.verdicts, row.scores, row.engine, row.simulated) == (shown.verdicts, shown.scores, TEACHER, False)
    assert (row.prompt, row.domain, row.strategy, row.license) == (shown.prompt, "math", "rejection", "MIT")
    assert rules(found.dropped) == {"wrong answer": 1}


@pytest.mark.parametrize(
    "paths",
    [[RIGHT, OTHER], [WRONG, WORSE], [RIGHT, "It is 5.", "The answer is IV.", "2+2=5. The answer is 4."]],
)
def test_without_a_right_and_a_wrong_path_there_is_no_pair(paths):
    assert len(reject(paths).rejection_preferences) == 0


@pytest.mark.parametrize(
    ("paths", "grades", "best"),
    [
        ([RIGHT, LONG], {RIGHT: 5, LONG: 4}, RIGHT),
        ([RIGHT, LONG], {RIGHT: 4, LONG: 5}, LONG),
        ([RIGHT, LONG], {}, LONG),
        ([PLAIN, RIGHT], {}, RIGHT),
    ],
)
def test_chosen_is_the_best_graded_then_the_one_with_most_equations(paths, grades, best):
    for order in (paths, paths[::-1]):
        assert [pair[0] for pair in pairs_of(reject([*order, WRONG], grades).rejection_preferences)] == [best]


def test_a_path_that_is_not_kept_is_never_chosen():
    found = reject([RIGHT, LONG, WRONG], {RIGHT: 4, LONG: 5}, paths=1)
    assert pairs_of(found.rejection_preferences)[0][0] == RIGHT
    found = reject([RIGHT, "2+2=5. The answer is 4.", OTHER, WRONG], {RIGHT: 1})
    assert pairs_of(found.rejection_preferences) == [(OTHER, WRONG, 1.0)]


GOLD = "Two twos: 2*2=4."
UNREAD = ["It is 5.", "The answer is IV.", "The answer is 4 or 5.", "The answer is 5 or 7."]
FALSE = "2+2=5. The answer is 4."


@pytest.mark.parametrize(
    ("paths", "samples", "pass_rate", "votes"),
    [
        ([RIGHT, WRONG], 2, 0.5, 1),
        ([RIGHT, WRONG, *UNREAD], 2, 0.5, 1),  # what could not be read is in neither count
        ([RIGHT, WRONG, WORSE, "2+3=5. The answer is 5.0.", *UNREAD], 4, 0.25, 1),
        ([RIGHT, RIGHT, OTHER, WRONG], 4, 0.75, 3),  # samples count, not texts
        ([RIGHT, WRONG, WRONG, WRONG], 4, 0.25, 1),
        ([RIGHT, FALSE, WRONG, WORSE], 4, 0.5, 2),  # right, whatever its equations say
        ([RIGHT, RIGHT], 2, 1.0, 2),
        ([RIGHT, Generation("2+2=4. The answer is 5", "length", 1, 9)], 1, 1.0, 1),
    ],
)
def test_the_pass_rate_is_over_the_samples_whose_answer_could_be_read(paths, samples, pass_rate, votes):
    found = reject(paths)
    rows = [*found.rejection_demonstrations, *found.rejection_preferences]
    assert {(row.samples, row.pass_rate, row.votes) for row in rows} == {(samples, pass_rate, votes)}
    assert {row.margin for row in found.rejection_preferences} == ({1.0} if pass_rate < 1 else set())
    assert not {FALSE} & {side for pair in pairs_of(found.rejection_preferences) for side in pair[:2]}


def test_the_solution_of_the_source_is_no_sample():
    (row,) = reject([UNREAD[0]], solution=GOLD).rejection_demonstrations
    assert (row.samples, row.pass_rate, row.votes) == (None, None, None)
    for paths, expected in (([RIGHT, WRONG], (2, 0.5, 1)), ([f"{GOLD}\n#### 4", WRONG, WORSE, WORSE], (4, 0.25, 1))):
        rows = reject(paths, solution=GOLD).rejection_demonstrations
        assert {(row.samples, row.pass_rate, row.votes) for row in rows} == {expected}


def test_a_wrong_answer_has_the_votes_of_its_samples():
    """Two texts say 6, one text that was given three times says 5."""
    found = reject([WRONG, WORSE, WORST, WRONG, RIGHT, WRONG], pairs=1)
    assert pairs_of(found.rejection_preferences) == [(RIGHT, WRONG, 1.0)]


def test_the_wrong_answer_that_most_paths_give_is_rejected_first():
    for paths in ([WRONG, WORSE, WORST, RIGHT], [WORSE, RIGHT, WORST, WRONG]):
        ((chosen, rejected, margin),) = pairs_of(reject(paths, pairs=1).rejection_preferences)
        assert chosen == RIGHT and rejected in (WORSE, WORST) and margin == 1
    assert len(reject([WRONG, WORSE, WORST, RIGHT], pairs=2).rejection_preferences) == 2
    assert len(reject([WRONG, WORSE, WORST, RIGHT], pairs=9).rejection_preferences) == 3
    assert {pair[1] for pair in pairs_of(reject([WRONG, WORSE, WORST, RIGHT], pairs=2).rejection_preferences)} == {
        WORSE,
        WORST,
    }


def test_texts_of_too_different_length_make_no_pair():
    right, wrong = "Four: the answer is 4.", "The answer is 5"
    ratio = len(right) / len(wrong)
    assert pairs_of(reject([right, wrong], max_length_ratio=ratio).rejection_preferences) == [(right, wrong, 1.0)]
    assert pairs_of(reject([right, wrong], max_length_ratio=ratio - 0.01).rejection_preferences) == []
    assert len(reject([right, "The answer is 5" + " " * 9 + "because" * 30]).rejection_preferences) == 1


def test_pairs_that_are_too_different_in_length_give_way_to_the_next():
    long = "I have thought about this for quite some time, and therefore I say: the answer is 6."
    found = reject([RIGHT, WRONG, long, f"Well. {long}"], max_length_ratio=2, pairs=1)
    assert pairs_of(found.rejection_preferences) == [(RIGHT, WRONG, 1.0)]


def test_rows_are_the_same_in_whatever_order_the_problems_come():
    contents = [{"prompt": f"{n} and {n}?", "answer": str(2 * n)} for n in (1, 2, 3)]
    script = {f"{n} and": [f"{n}+{n}={2 * n}. The answer is {2 * n}.", "The answer is 99."] for n in (1, 2, 3)}
    frames = []
    for order in (contents, contents[::-1]):
        with engines(script, lambda _: {"reason": "", "grade": 5}) as both:
            found = rejection(table(Problem, *order), RejectionParams(samples=2), *both)
        frames.append([value.frame.sort("id") for value in found if isinstance(value, Table)])
    assert all(a.equals(b) for a, b in zip(*frames, strict=True)) and len(frames[0][1]) == 3


@pytest.mark.parametrize(
    ("solution", "admitted", "rule"),
    [
        (GOLD, [f"{GOLD}\n#### 4", RIGHT], None),
        ("So \\boxed{4}.", ["So \\boxed{4}.", RIGHT], None),
        ("So the answer is what two twos make.", ["So the answer is what two twos make.\n#### 4", RIGHT], None),
        (RIGHT, [RIGHT], None),
        ("2*2=5. The answer is 4.", [RIGHT], "an equation does not hold"),
        ("2*2=4. The answer is 5.", [RIGHT], "solution contradicts answer"),
    ],
)
def test_the_solution_of_the_source_is_one_more_path_by_the_same_rules(solution, admitted, rule):
    found = reject([RIGHT, WRONG], solution=solution)
    assert completions(found.rejection_demonstrations) == sorted(admitted)
    assert rules(found.dropped) == ({"wrong answer": 1} | ({rule: 1} if rule else {}))
    assert [pair[1] for pair in pairs_of(found.rejection_preferences)] == [WRONG], "a contradiction is no wrong path"
    by_text = {row.completion[0].content: row for row in found.rejection_demonstrations}
    gold = by_text.get(admitted[0]) if rule is None else None
    if gold is not None:
        assert (gold.engine, gold.simulated, gold.license) == ("source", False, "MIT")
        assert len(gold.parents) == 1


def test_the_judge_grades_the_solution_of_the_source_too():
    found = reject([RIGHT], {f"{GOLD}\n#### 4": 3}, solution=GOLD)
    assert completions(found.rejection_demonstrations) == [RIGHT]
    assert rules(found.dropped) == {"reasoning is not sound": 1}


def test_a_problem_that_no_sample_solves_makes_no_pair():
    found = reject([WRONG, WORSE, WORSE], solution=GOLD)
    assert completions(found.rejection_demonstrations) == [f"{GOLD}\n#### 4"] and not len(found.rejection_preferences)
    found = reject([WRONG, RIGHT, WORSE], {RIGHT: 4}, solution=GOLD)
    ((chosen, *_),) = pairs_of(found.rejection_preferences)
    assert chosen == f"{GOLD}\n#### 4", "better graded"
