"""Tables of verdicts against the rules as they are defined: nothing is let in that a definition keeps out."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cultivar.llm.answer import source_answer
from schemas.ids import content_id
from schemas.rows import CodeTask, Problem, SafetyPrompt
from stages.synthesis.consensus import NOBODY, Solution, trust
from stages.synthesis.constitution import Compared, Revision, admit_revision
from stages.synthesis.cross_validation import pass_rate, select_functions
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams, RejectionParams
from stages.synthesis.rejection import WRONG, Path, contrast, count_samples
from tests.admission.constrained import BAD, FIRST, GOOD, UPPER, constrain, function
from tests.admission.rows_synthesis import completions, rules

UNKNOWN = ("sandbox_error", "refused", "unsupported")
PARAMS = ExecutionParams()
TEN = ["true"] * 5 + ["false"] * 5
WELL, TURNED, ALWAYS, LOST = TEN, TEN[::-1], ["true"] * 10, ["sandbox_error"] * 10


def but(row: list[str], *places: int, by: str = "error") -> list[str]:
    """A row with another outcome in some places."""
    return [by if place in places else outcome for place, outcome in enumerate(row)]


# ---------------------------------------------------------------- functions and cases


@pytest.mark.parametrize(
    ("outcomes", "kept"),
    [
        ([WELL] * 3, {0: 3}),
        ([WELL] * 2, {}),  # too few functions
        ([WELL, WELL, LOST], {}),  # one that ended in a sandbox error is none
        ([WELL, *[LOST] * 7], {}),  # and does not validate itself
        ([WELL, WELL, but(LOST, 0, 1, by="true")], {}),  # two verdicts are too few
        ([WELL, WELL, but(LOST, 0, 1, 9, by="true")], {}),  # seven cases have two verdicts each
        ([WELL, WELL, WELL, but(LOST, 0, 1, 9, by="true")], {0: 3}),  # it is constant on what it could be asked
        ([WELL, WELL, TURNED], {0: 2}),
        ([WELL, TURNED, TURNED], {}),  # 2 of 3 agree with no case of both kinds as it is labelled
        ([WELL, WELL, WELL, ALWAYS], {0: 3}),
        ([WELL, WELL, but(WELL, 0, 1)], {0: 2, 2: 1}),  # 8 of 10
        ([WELL, WELL, but(WELL, 0, 1, 2)], {0: 2}),  # 7 of 10
        ([WELL, WELL, WELL, but(WELL, 0, 1, by="unsupported")], {0: 4}),  # all of 8; no case tells it from the first
        ([but(WELL, 9, by="refused")] * 3, {}),  # nine cases with verdicts
        ([*[but(WELL, 9, by="refused")] * 2, WELL, WELL], {}),  # two of four have one on the tenth
        ([but(WELL, 9, by="refused"), WELL, WELL, WELL], {0: 4}),
    ],
)
def test_functions_and_cases_check_each_other_from_three_and_ten_on(outcomes, kept):
    assert select_functions(outcomes, [1] * len(outcomes), TEN, PARAMS) == kept


def test_a_function_s_own_cases_are_none_where_no_other_has_a_verdict_on_them():
    lost, own = ["sandbox_error"] * 5, ["true"] * 5
    rows = [*[WELL + lost] * 3, but(WELL, 0, 1, 2) + own]
    assert select_functions(rows, [1] * 4, TEN + own, PARAMS) == {0: 3}, "7 of 10, not 12 of 15"


def test_a_function_that_was_sampled_often_does_not_validate_itself_where_the_others_were_lost():
    """Each of the others has a verdict on three of the cases, and the first has as many votes as a share needs."""
    few = [outcome if place in (0, 1, 9) else "sandbox_error" for place, outcome in enumerate(WELL)]
    assert select_functions([WELL, few, few], [6, 1, 1], TEN, PARAMS) == {}
    assert select_functions([WELL, WELL, few], [6, 6, 1], TEN, PARAMS) == {}
    assert select_functions([WELL, WELL, WELL], [6, 1, 1], TEN, PARAMS) == {0: 8}


def test_a_function_needs_verdicts_on_cases_that_stayed():
    """The last case is labelled wrongly and goes; without it the fourth function has two."""
    rows = [*[[*WELL, "true"]] * 3, [*but(["refused"] * 10, 0, by="true")[:9], "false", "true"]]
    assert select_functions(rows, [1] * 4, [*TEN, "false"], PARAMS) == {0: 3}
    rows[3][1] = "true"
    assert select_functions(rows, [1] * 4, [*TEN, "false"], PARAMS) == {0: 4}


@pytest.mark.parametrize(
    ("expected", "kept"), [(["true"] * 10, {}), (["true"] * 9, {}), (TEN, {0: 3}), (["true", "false"] * 5, {0: 3})]
)
def test_both_kinds_of_case_must_remain(expected, kept):
    assert select_functions([list(expected)] * 3, [1] * 3, expected, PARAMS) == kept


def test_a_function_that_was_sampled_often_has_so_many_votes():
    assert select_functions([WELL, TURNED, ALWAYS], [3, 1, 1], TEN, PARAMS) == {0: 3}
    assert select_functions([WELL, TURNED, ALWAYS], [1, 1, 1], TEN, PARAMS) == {}, "cases of one outcome are left"
    assert select_functions([WELL], [9], TEN, PARAMS) == {}, "one function, however often"


@pytest.mark.parametrize(
    ("outcomes", "votes", "rate"),
    [
        (["true"] * 3, [1, 1, 1], 1.0),
        (["true", "true", "false"], [1, 1, 1], 2 / 3),
        (["true", "false"], [2, 2], 0.5),
        (["true"], [2], None),  # too few
        (["true", "sandbox_error"], [2, 5], None),
        (["true", "unsupported"], [3, 5], 1.0),
        (["false", "refused"], [3, 5], 0.0),
        (["error", "timeout_cpu", "memory"], [1, 1, 1], 0.0),  # a function's own failure
        (["true", "crash"], [1, 2], 1 / 3),
        ([], [], None),
    ],
)
def test_the_pass_rate_of_a_response_is_over_three_functions_with_a_verdict(outcomes, votes, rate):
    found = pass_rate(outcomes, votes, PARAMS.min_verdicts)
    assert math.isnan(found) if rate is None else found == rate


CASES = [{"input": letter * n, "output": letter == "A"} for letter in "Aa" for n in (1, 2, 3, 4, 5)]
PUBLISHED = {"min_proposed": 3, "min_cases": 10, "min_verdicts": 3}
AGAIN = [UPPER, function("upper or 0"), function("upper or 1")]


def by_first_name(code: str, text: str, turn: int) -> str:
    name = code.split("return ")[1].split()[0]
    if name == "lost":
        return "sandbox_error"
    return str(text.isupper() if name == "upper" else text[0].isupper() and text != BAD).lower()


@pytest.mark.parametrize(
    ("codes", "cases", "rule"),
    [
        (AGAIN, CASES, None),
        (AGAIN, CASES[1:], "too few functions or cases to check each other"),
        (AGAIN, [*CASES[1:], CASES[1]], "too few functions or cases to check each other"),
        (AGAIN[:2], CASES, "too few functions or cases to check each other"),
        ([UPPER, f"{UPPER}  # again", UPPER.replace(":\n", ':\n    "As told."\n')], CASES, "too few functions"),
        ([UPPER, function("lost"), function("lost or 1")], CASES, "the sandbox gave no verdict on cross-validation"),
        ([*AGAIN[:2], FIRST], CASES, None),
        ([*AGAIN, function("lost")], CASES, None),
    ],
)
def test_a_constraint_needs_so_many_functions_and_cases(codes, cases, rule):
    found = constrain([GOOD, BAD], codes, cases=cases, outcome=by_first_name, **PUBLISHED)
    assert completions(found.execution_demonstrations) == ([] if rule else [GOOD])
    assert all(name.startswith(rule) for name in rules(found.dropped)) if rule else not len(found.dropped)


OUTCOMES = st.sampled_from(["true", "false", "true", "false", "error", "sandbox_error", "unsupported"])


@st.composite
def function_tables(draw):
    functions, cases = draw(st.integers(0, 6)), draw(st.integers(0, 8))
    expected = draw(st.lists(st.sampled_from(["true", "false"]), min_size=cases, max_size=cases))
    right = st.just(None) | OUTCOMES  # None: as expected, so that functions survive now and then
    rows = [draw(st.lists(right, min_size=cases, max_size=cases)) for _ in range(functions)]
    outcomes = [[expected[n] if each is None else each for n, each in enumerate(row)] for row in rows]
    votes = draw(st.lists(st.integers(1, 3), min_size=functions, max_size=functions))
    params = ExecutionParams(
        min_proposed=draw(st.integers(1, 3)),
        min_cases=draw(st.integers(1, 6)),
        min_verdicts=draw(st.integers(1, 3)),
        case_agreement=draw(st.sampled_from([0.0, 0.5, 0.8])),
        function_accuracy=draw(st.sampled_from([0.5, 0.8, 1.0])),
    )
    return outcomes, votes, expected, params


@given(function_tables())
def test_a_function_is_kept_where_the_definition_keeps_it(table):
    outcomes, votes, expected, params = table
    is_known = [[outcome not in UNKNOWN for outcome in row] for row in outcomes]
    members = {number for number, row in enumerate(is_known) if sum(row) >= params.min_verdicts}
    shares = {}  # (agreeing, voting) samples of each case that has enough
    for case, right in enumerate(expected):
        voters = [number for number in members if is_known[number][case]]
        voting = sum(votes[number] for number in voters)
        if voting >= params.min_verdicts:
            shares[case] = Fraction(sum(votes[n] for n in voters if outcomes[n][case] == right), voting)
    stay = {case for case, share in shares.items() if share > Fraction(str(params.case_agreement))}
    is_possible = len(members) >= params.min_proposed and len(shares) >= params.min_cases
    is_possible = is_possible and len({expected[case] for case in stay}) == 2
    good = set()
    for number in members if is_possible else ():
        own = [case for case in stay if is_known[number][case]]
        said = {outcomes[number][case] for case in own}
        agreeing = sum(outcomes[number][case] == expected[case] for case in own)
        is_varied = len(own) >= params.min_verdicts and {"true", "false"} <= said
        if is_varied and Fraction(agreeing, len(own)) >= Fraction(str(params.function_accuracy)):
            good.add(number)
    found = select_functions(outcomes, votes, expected, params)
    assert set(found) <= good and bool(found) == bool(good)
    assert sum(found.values()) == sum(votes[number] for number in good), "each vote counts once"
    for number in good - set(found):  # a function that is left out is like one that stays
        pairs = [list(zip(outcomes[number], outcomes[other], strict=True)) for other in found]
        assert any(all(a == b or a in UNKNOWN or b in UNKNOWN for a, b in pair) for pair in pairs)


@given(st.lists(st.tuples(OUTCOMES, st.integers(1, 4)), max_size=6), st.integers(1, 6))
def test_a_pass_rate_is_the_share_of_true_over_enough_verdicts(rows, least):
    outcomes, votes = [row[0] for row in rows], [row[1] for row in rows]
    known = [outcome for outcome, count in rows for _ in range(count) if outcome not in UNKNOWN]
    found = pass_rate(outcomes, votes, least)
    if len(known) < least:
        assert math.isnan(found)
    else:
        assert found == known.count("true") / len(known)


# ---------------------------------------------------------------- solutions and tests

TASK = CodeTask(id="0" * 32, source="s", license="MIT", prompt="p", entry_point="f")
TESTS = ["a", "b", "c"]


@st.composite
def solution_tables(draw):
    solutions = []
    rows = [["pass"] * 3, ["pass", "pass", "fail"], ["fail", "pass", "pass"], ["fail"] * 3, ["pass", "fail", "error"]]
    outcome = st.sampled_from(["pass", "fail", "error", "sandbox_error", "unsupported"])
    for number in range(draw(st.integers(0, 6))):
        row = draw(st.sampled_from(rows) | st.lists(outcome, min_size=3, max_size=3))
        name = content_id("s", number)
        samples = draw(st.integers(0, 3))
        solutions.append(Solution(TASK, None, name, name, samples, dict(zip(TESTS, row, strict=True))))
    least, share = draw(st.integers(1, 3)), draw(st.sampled_from([0.0, 0.34, 0.5, 1.0]))
    return solutions, ExecutionParams(consensus_samples=least, consensus_share=share)


@given(solution_tables(), st.randoms())
def test_what_samples_agree_on_is_what_the_definition_says(table, random):
    solutions, params = table
    samples = [solution for solution in solutions for _ in range(solution.samples)]
    known = {solution.id: {t for t in TESTS if solution.outcomes[t] not in UNKNOWN} for solution in solutions}
    ran = [solution for solution in samples if known[solution.id]]
    tests = [test for test in TESTS if sum(test in known[s.id] for s in ran) * 2 > len(ran)]
    voting = [solution for solution in ran if set(tests) <= known[solution.id]]

    def passed(solution):
        return frozenset(test for test in tests if solution.outcomes[test] == "pass")

    groups = [passed(solution) for solution in voting if passed(solution)]
    size = {group: groups.count(group) * len(group) for group in groups}
    agreeing = [group for group in size if groups.count(group) >= params.consensus_samples]
    best = [group for group in agreeing if size[group] == max(size[one] for one in agreeing)]
    found = trust(solutions, [], TESTS, params)
    shuffled = random.sample(solutions, len(solutions))
    again = trust(shuffled, [], TESTS[::-1], params)
    assert set(again.tests) == set(found.tests) and again.share == found.share, "no order has a say"
    if len(best) != 1 or Fraction(groups.count(best[0]), len(voting)) < Fraction(str(params.consensus_share)):
        assert found == NOBODY
        return
    (winner,) = best
    assert found.share == groups.count(winner) / len(voting)
    assert {id(s) for s in found.solutions} == {
        id(s) for s in solutions if known[s.id] and set(tests) <= known[s.id] and passed(s) == winner
    }
    second = max([size[group] for group in size if group != winner], default=None)
    rivals = [group for group in groups if group == winner or size[group] == second]
    assert set(found.tests) == {test for test in winner if 2 * sum(test in group for group in rivals) >= len(rivals)}


@given(solution_tables())
def test_the_tests_of_the_source_decide_alone(table):
    solutions, params = table
    found = trust(solutions, ["a", "b"], TESTS, params)
    right = [s for s in solutions if s.outcomes["a"] == s.outcomes["b"] == "pass"]
    assert found == (["a", "b"], right, 1.0)


# ---------------------------------------------------------------- paths

PROBLEM = Problem(id="0" * 32, source="s", license="MIT", prompt="p", answer="4")


class Text:
    """An answer, as far as pairs look at it."""

    def __init__(self, text: str):
        self.text = text


@st.composite
def problem_paths(draw):
    paths = []
    for number in range(draw(st.integers(2, 7))):
        judgement = draw(st.sampled_from(["right", "right", "wrong", "wrong", "none", "undecided"]))
        value = 4 if judgement == "right" else draw(st.sampled_from([5, 6]))
        rule = {"right": "", "wrong": WRONG}.get(judgement, "unread")
        rule = draw(st.sampled_from([rule, rule, rule, "other rule"]))
        text = f"{'x' * draw(st.integers(1, 60))} {number}: the answer is {value}."
        samples, grade = draw(st.sampled_from([1, 1, 2, 3, 0])), draw(st.integers(4, 5))
        path = Path(PROBLEM, Text(text), content_id("p", number), samples, judgement, rule, grade)
        paths.append(path)
    return paths, draw(st.integers(1, 3)), draw(st.sampled_from([None, 1.0, 1.5, 3.0]))


@given(problem_paths())
def test_pairs_of_paths_are_those_of_the_definition(table):
    own, most, ratio = table
    chosen = [path for path in own if not path.rule]
    found = contrast(chosen, own, RejectionParams(pairs=most, max_length_ratio=ratio))
    right = sum(path.samples for path in own if path.judgement == "right")
    wrong = sum(path.samples for path in own if path.judgement == "wrong")
    sampled = count_samples(own)
    decided = right + wrong
    assert (sampled and (sampled.samples, sampled.votes, sampled.pass_rate)) == (
        (decided, right, right / decided) if decided else None
    )
    if not (right and wrong and chosen):
        assert not found
        return
    best = max(path.grade for path in chosen)
    votes = {
        value: sum(path.samples for path in own if path.rule == WRONG and path.text.endswith(f" {value}."))
        for value in (5, 6)
    }
    fits = []
    for one, other in found:
        assert one in chosen and one.grade == best and one.judgement == "right"
        assert other.judgement == "wrong" and other.rule == WRONG
    for path in own:
        lengths = sorted((len(path.text), len(found[0][0].text))) if found else (1, 1)
        if found and path.rule == WRONG and (ratio is None or lengths[1] <= ratio * lengths[0]):
            fits.append(path)
    assert len(found) == min(most, len(fits))
    counts = sorted((votes[int(path.text[-2])] for path in fits), reverse=True)
    assert [votes[int(other.text[-2])] for _, other in found] == counts[: len(found)], "most votes first"


# ---------------------------------------------------------------- principles


@st.composite
def judgements(draw):
    """By order, per principle: whether revision and other follow it, None where that cannot be read."""
    count = draw(st.integers(1, 3))
    each = st.sampled_from([(True, False)] * 5 + [(True, True), (True, True), (False, True), (False, False), None])
    return [[draw(each) for _ in range(count)] for _ in range(2)]


@given(st.lists(judgements(), min_size=0, max_size=2))
def test_a_revision_and_its_pairs_are_those_of_the_definition(tables):
    texts = ["Like this.", "No."]
    answers = [source_answer(content_id("a", text), text) for text in [*texts, "Ask a locksmith."]]
    row = SafetyPrompt(id="0" * 32, source="s", license="MIT", prompt="p", area="a", harmful=True)
    compared = [
        Compared(answers[n], table, [content_id("v", [n, order, place]) for order in (0, 1) for place in range(9)])
        for n, table in enumerate(tables)
    ]
    ledger = Ledger("constitution")
    admit_revision(row, Revision(*answers, [], answers), compared, ledger)
    confirmed = [all(each is not None and each[0] for order in table for each in order) for table in tables]
    (shown,) = ledger.demonstrations.values() or [None]
    assert (shown is not None) == (bool(tables) and all(confirmed))
    assert shown is None or shown["verdicts"] == [verdict for each in compared for verdict in each.verdicts]
    margins = {}
    for text, table, follows in zip(texts, tables, confirmed, strict=False):
        both = [not first[1] and not second[1] for first, second in zip(*table, strict=True)] if follows else []
        if any(both):
            margins[text] = sum(both) / len(both)
    assert {pair["rejected"][0]["content"]: pair["margin"] for pair in ledger.preferences.values()} == margins
    assert all(pair["quality"] == pair["margin"] for pair in ledger.preferences.values())
