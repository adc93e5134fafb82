"""Shapes of records: the fields of Alpaca, ShareGPT, GSM8K, MBPP and the others.

A shape turns one record into an `Item`: the fields of the table row that it stands for. `Misfit` says why a record
does not have the shape; detection collects these reasons.
"""

import re

import orjson

from schemas.products import message
from stages.curation.readers.answers import NoAnswer, answer_text, without_thousands
from stages.curation.readers.conversations import ROLES, asked_turns, conversation, instruction
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    Shape,
    clean,
    count,
    counted,
    field_name,
    first_of,
    holds,
    optional,
    peek,
    text,
    text_list,
)
from stages.curation.readers.preferences import preference
from stages.curation.readers.programs import code_task, humaneval, mbpp

__all__ = ["SHAPES", "Item", "Misfit", "Record", "Shape"]


def gsm8k(record: Record) -> Item:
    """{"question", "answer": "working #### final"} (Cobbe et al. 2021). Calculator marks <<...>> leave the working."""
    question, answer = text(record, "question"), text(record, "answer")
    working, mark, final = answer.rpartition("####")
    if not mark or not final.strip():
        raise Misfit("`answer` has no final answer after ####")
    working = re.sub(r"<<[^<>]*>>", "", working).strip()
    final = without_thousands(final.strip())
    return Item("problem", {"prompt": question, "answer": final, "solution": working or None})


def ifeval(record: Record) -> Item:
    """{"prompt", "instruction_id_list", "kwargs"} (Zhou et al. 2023): checks with their arguments."""
    prompt, names = text(record, "prompt"), record.get("instruction_id_list")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Misfit("no list of names `instruction_id_list`")
    arguments = record.get("kwargs", [])
    if not isinstance(arguments, list) or len(arguments) != len(names):
        size = len(arguments) if isinstance(arguments, list) else "no"
        raise Misfit(f"`kwargs` has {size} entries, `instruction_id_list` has {len(names)}")
    if not all(item is None or isinstance(item, dict) for item in arguments):
        raise Misfit("`kwargs` is not a list of objects")
    given = [{key: value for key, value in (item or {}).items() if value is not None} for item in arguments]
    packed = [orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode() for item in given]
    fields = {"prompt": prompt, "constraints": list(names), "arguments": packed}
    return Item("constrained", fields | {"answer": optional(record, "answer")})


def safety(record: Record) -> Item:
    """{"prompt", "area", "harmful"}, maybe an answer to it: `response`, `completion`, `output` or `reference`."""
    fields = {"prompt": text(record, "prompt"), "area": text(record, "area", "category")}
    harmful = record.get("harmful")
    if isinstance(harmful, str):
        harmful = {"true": True, "false": False}.get(harmful.lower())
    if not isinstance(harmful, bool):
        raise Misfit("`harmful` is not true or false")
    answer = optional(record, "response", "completion", "output", "reference")
    reference = [] if answer is None else [message("assistant", answer)]
    return Item("safety_prompt", fields | {"harmful": harmful, "reference": reference})


def character(record: Record) -> Item:
    """{"name", "description", "aliases", "claims": [{"property", "value"}], "article"}."""
    if "claims" not in record and "article" not in record:
        raise Misfit("no field `claims` or `article`")
    claims = record.get("claims") or []
    if isinstance(claims, dict):
        claims = [{"property": name, "value": str(value)} for name, value in claims.items()]
    if not isinstance(claims, list) or not all(isinstance(c, dict) and {"property", "value"} <= set(c) for c in claims):
        raise Misfit("`claims` is not a list of {property, value}")
    fields: Record = {"name": text(record, "name"), "description": optional(record, "description") or ""}
    fields |= {"aliases": text_list(record, "aliases"), "article": optional(record, "article") or ""}
    left: Left = {}
    for key in (key for claim in claims for key in claim if key not in ("property", "value") and holds(claim[key])):
        count(left, field_name(f"claims.{key}"))
    taken = [{key: text(claim, key) for key in ("property", "value")} for claim in claims]
    return Item("character", fields | {"claims": taken}, left)


def passage(record: Record) -> Item:
    """{"work", "author", "section", "text"}."""
    fields = {"work": text(record, "work", "title"), "text": text(record, "text")}
    return Item(
        "passage", fields | {"author": optional(record, "author") or "", "section": optional(record, "section") or ""}
    )


def constraint(record: Record) -> Item:
    """{"constraint"} or {"text"}: one atomic constraint (AutoIF seed)."""
    return Item("constraint", {"text": text(record, "constraint", "text")})


def self_instruct(record: Record) -> Item:
    """{"instruction", "instances": [{"input", "output"}]} (Wang et al. 2023); the first instance."""
    asked, instances = text(record, "instruction"), record.get("instances")
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], dict):
        raise Misfit("no list of objects `instances`")
    first = counted(lambda fields: instruction_item(fields, asked, "output"))(instances[0])
    left = {name.replace("field ", "field instances."): times for name, times in first.left.items()}
    prompt = asked_turns(record, first.fields["prompt"][-1]["content"])
    left |= {"instances after the first": len(instances) - 1}
    return Item("instruction", first.fields | {"prompt": prompt}, left)


def alpaca(record: Record) -> Item:
    """{"instruction", "input", "output"} (Taori et al. 2023), maybe `system` and `history` ([[user, assistant], …])."""
    if "output" not in record and "input" not in record:
        raise Misfit("no field `output` or `input`")
    return instruction_item(record, text(record, "instruction"), "output")


def instruction_item(record: Record, asked: str, *references: str) -> Item:
    """The instruction with the record's `input` (Dolly: `context`) below it, behind its system prompt and history.

    The first of the named fields that is a text is the reference. A record's `prompt` is whole without its input.
    """
    given = None if "prompt" in record else optional(record, "input", "context")
    prompt = f"{asked}\n\n{given}" if given else asked
    reference = optional(record, *references)
    answer = [] if reference is None else [message("assistant", reference)]
    return instruction(asked_turns(record, prompt), answer, {})


def sharegpt(record: Record) -> Item:
    """{"conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}]}, maybe `system`."""
    return conversation(record, record.get("conversations"), "conversations")


def messages(record: Record) -> Item:
    """{"messages": [{"role": "user", "content"}, …]}; or {"prompt", "completion"} as such lists (TRL)."""
    if record.get("messages") or not isinstance(record.get("prompt"), list):
        return conversation(record, record.get("messages"), "messages")
    completion = record.get("completion") or []
    if not isinstance(completion, list):
        raise Misfit("`prompt` is a list of messages, `completion` is none")
    return without_bad_reply(record, conversation(record, [*record["prompt"], *completion], "prompt"))


def without_bad_reply(record: Record, item: Item) -> Item:
    """The item without its reference where the record's `label` says that this is a bad one (TRL's unpaired preferences)."""
    label = str(dict.get(record, "label")).lower()
    if label not in ("true", "false"):  # some other label
        return item
    record["label"]  # taken
    if label == "true" or not item.fields["reference"]:
        return item
    return Item(item.kind, item.fields | {"reference": []}, {**item.left, "completions labelled false": 1})


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


def prompt_completion(record: Record) -> Item:
    """{"prompt" or "instruction", "completion" or "response" or "output" or "reference"}, maybe `system`, `history`."""
    prompt = text(record, "prompt", "instruction", "question")
    item = instruction_item(record, prompt, "completion", "response", "output", "reference")
    if not item.fields["reference"]:
        raise Misfit("no text in `completion`, `response`, `output` or `reference`")
    return without_bad_reply(record, item)


def prompt(record: Record) -> Item:
    """{"prompt" or "instruction" or "question" or "text"}, maybe `system`, `history`; no single messages of others."""
    role = ROLES.get(str(peek(record, "role")).strip().lower(), "user")
    if role != "user" and first_of(record, "prompt", "instruction", "question") is None:
        raise Misfit(f"a message of `{record['role']}` is no prompt; a record holds a whole conversation in `messages`")
    prompt = text(record, "prompt", "instruction", "question", "text")
    return instruction(asked_turns(record, prompt), [], {})


SHAPES: dict[str, Shape] = {
    shape.__name__: counted(shape)
    for shape in (
        preference,
        gsm8k,
        mbpp,
        humaneval,
        code_task,
        ifeval,
        safety,
        character,
        passage,
        self_instruct,
        alpaca,
        sharegpt,
        messages,
        prompt_answer,
        math,
        prompt_completion,
        prompt,
        constraint,
    )
}
"""In the order in which they are tried: those that ask for more fields first."""
