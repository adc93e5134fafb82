"""The execution stage on constrained queries alone, with answers of models and functions by hand."""

from schemas.rows import CodeTask, Constraint, Instruction
from schemas.table import Context
from stages.synthesis.execution import execution
from stages.synthesis.params import ExecutionParams
from tests.admission.rows_synthesis import HandSandbox, closing, engines, id_of, table

SEED, QUERY = "Answer in upper case", "What colour is coal?"
COMPOSED = f"{QUERY} {SEED}."
GOOD, BAD, HALF = "BLACK.", "It is black.", "Black."
CASES = [{"input": "A", "output": True}, {"input": "a", "output": False}, {"input": "Aa", "output": False}]
"""Two that UPPER and FIRST agree on, one that tells them apart."""


def function(name: str) -> str:
    return f"def evaluate(response):\n    return {name}"


LOOSE = {"min_proposed": 1, "min_cases": 1, "min_verdicts": 1}
"""A few functions and cases are enough, in tests of other rules."""
UPPER, FIRST, TURNED = function("upper"), function("first"), function("turned")
BEHAVIOUR = {
    "upper": lambda text: text.isupper(),
    "first": lambda text: text[0].isupper() and text != BAD,
    "turned": lambda text: not text.isupper(),
    "always": lambda text: True,
    "never": lambda text: False,
    "broken": lambda text: "error",
    "lost": lambda text: "sandbox_error",
    "lost_on_half": lambda text: "refused" if text == HALF else text.isupper(),
}


def judged(code: str, text: str, turn: int) -> str:
    return str(BEHAVIOUR[code.split("return ")[1]](text)).lower()


def constrain(
    replies=(GOOD,),
    codes=(UPPER,),
    match=10,
    label="neutral",
    cases=CASES,
    asked=(QUERY,),
    seeds=(SEED,),
    rewritten=(),
    outcome=judged,
    asked_for=None,
    judged_by=None,
    **params,
):
    """The stage on constraints alone. `match`: the judge's score, or {reply: score}; a text is sent as it is.

    `asked_for` collects the prompts that ask for rewrites, `judged_by` those that ask for a match.
    """

    def teacher(request):
        prompt = prompt_of(request)
        if "Write new constraints" in prompt:
            (asked_for if asked_for is not None else []).append(prompt)
            return rewritten if isinstance(rewritten, str) else {"constraints": list(rewritten)}
        if "You write checks" in prompt:
            code = codes[request.sample]
            return {"function": code, "cases": cases} if code != "no JSON" else code
        return replies[request.sample]

    def judge(request):
        prompt = prompt_of(request)
        if "which constraint" in prompt:
            return "no words" if "# unsaid" in prompt else {"constraint": prompt.split("return ")[1].split()[0]}
        if "how the hypothesis" in prompt:
            found = label(prompt) if callable(label) else label
            return {"label": found} if found in ("neutral", "contradiction", "entailment") else found
        (judged_by if judged_by is not None else []).append(prompt)
        scores = match if isinstance(match, dict) else {"": match}
        score = next(score for reply, score in scores.items() if reply in prompt)
        return score if isinstance(score, str) else {"reason": "", "score": score}

    constraints = table(Constraint, *({"text": text} for text in seeds))
    instructions = table(Instruction, *({"prompt": text, "license": "CC0-1.0"} for text in asked))
    sizes = LOOSE | {"rewrites": len(rewritten) if rewritten else 0, "functions": len(codes), "responses": len(replies)}
    sandbox = HandSandbox(outcome)
    with engines(teacher, judge) as both:
        found = execution(
            table(CodeTask),
            constraints,
            Context(Instruction, instructions.frame),
            ExecutionParams(**(sizes | params)),
            *both,
            sandbox,
        )
    closing("execution", found, constraints=constraints)
    assert {job.limits.cpu_s for job in sandbox.jobs} <= {params.get("cpu_s", 2.0)}
    return found


def prompt_of(request) -> str:
    return "\n".join(message["content"] for message in request.messages)


def origin() -> tuple[str, str]:
    """Ids of the seed constraint and of the query."""
    return id_of(Constraint, {"text": SEED}), id_of(Instruction, {"prompt": QUERY, "license": "CC0-1.0"})
