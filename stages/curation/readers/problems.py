"""Problems with a final answer: GSM8K, MATH, and any prompt with an `answer`."""

import re

from stages.curation.readers.answers import NoAnswer, answer_text, without_thousands
from stages.curation.readers.fields import Item, Misfit, Record, clean, optional, text


def gsm8k(record: Record) -> Item:
    """{"question", "answer": "working #### final"} (Cobbe et al. 2021). Calculator marks <<...>> leave the working."""
    question, answer = text(record, "question"), text(record, "answer")
    working, mark, final = answer.rpartition("####")
    if not mark or not final.strip():
        raise Misfit("`answer` has no final answer after ####")
    working = re.sub(r"<<[^<>]*>>", "", working).strip()
    final = without_thousands(final.strip())
    return Item("problem", {"prompt": question, "answer": final, "solution": working or None})


def prompt_answer(record: Record) -> Item:
    """{"prompt" or "question", "answer"}: a short definitive answer, with the working in `solution` if there is one."""
    prompt = text(record, "prompt", "question", "problem")
    if "answer" not in record:
        raise Misfit("no field `answer`")
    try:
        answer = answer_text(record["answer"])
    except NoAnswer as error:
        raise Misfit(f"`answer` {error}") from error
    return Item("problem", {"prompt": prompt, "answer": clean(answer), "solution": optional(record, "solution")})


def math(record: Record) -> Item:
    """{"problem", "solution", "level", "type"} (MATH, Hendrycks et al. 2021): the answer is the solution's last box."""
    prompt, solution = text(record, "problem", "question", "prompt"), text(record, "solution")
    answer = last_box(solution)
    if not answer:
        raise Misfit("`solution` has no answer in \\boxed{}")
    return Item("problem", {"prompt": prompt, "answer": answer, "solution": solution})


def last_box(solution: str) -> str:
    """What stands in the last \\boxed{} or \\fbox{}, with balanced braces, or behind one without braces; "" for none."""
    *_, start = [None, *BOX.finditer(solution)]
    if start is None:
        return ""
    if not start[1]:
        return clean(start[2]).rstrip(".,")
    depth = 1
    for brace in BRACE.finditer(solution, start.end()):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return clean(solution[start.end() : brace.start()])
    return ""


BOX = re.compile(r"\\(?:boxed|fbox)(?:\s*(\{)| +([^${}\\\n]+))")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
"""A brace, or an escaped character, which is none."""
