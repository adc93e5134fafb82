"""Shapes of records: the fields of Alpaca, ShareGPT, GSM8K, MBPP and the others.

A shape turns one record into an `Item`: the fields of the table row that it stands for. `Misfit` says why a record
does not have the shape; detection collects these reasons.
"""

import ast
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson


class Misfit(ValueError):
    """The record does not have the shape; the message says why."""


class Item(NamedTuple):
    """What a record holds: `kind` names the row, `fields` are its own fields (no source, licence or split).

    `left` counts what the record holds besides: turns of a conversation before and after the first exchange, further
    instances. Ingest reports the sum.
    """

    kind: str
    fields: dict[str, Any]
    left: int = 0


Record = dict[str, Any]
Shape = Callable[[Record], Item]


def text(record: Record, *names: str) -> str:
    """The first of the named fields as clean text. Raises Misfit where none is a text with letters."""
    for name in names:
        if name in record:
            value = record[name]
            if not isinstance(value, str) or not value.strip():
                raise Misfit(f"`{name}` is {'empty' if isinstance(value, str) else type(value).__name__}, not a text")
            return clean(value)
    raise Misfit(f"no field {' or '.join(f'`{name}`' for name in names)}")


def optional(record: Record, *names: str) -> str | None:
    """The first of the named fields that holds a text, or None."""
    found = (record[name] for name in names if isinstance(record.get(name), str) and record[name].strip())
    value = next(found, None)
    return None if value is None else clean(value)


def clean(value: str) -> str:
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def text_list(record: Record, name: str) -> list[str]:
    value = record.get(name) or []
    if isinstance(value, str):  # a CSV cell
        value = parse_list(name, value)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Misfit(f"`{name}` is not a list of texts")
    return [clean(item) for item in value if item.strip()]


def parse_list(name: str, value: str) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Misfit(f"`{name}` is neither a list nor a JSON list: {error}") from error


def gsm8k(record: Record) -> Item:
    """{"question", "answer": "working #### final"} (Cobbe et al. 2021). Calculator marks <<...>> leave the working."""
    question, answer = text(record, "question"), text(record, "answer")
    working, mark, final = answer.rpartition("####")
    if not mark or not final.strip():
        raise Misfit("`answer` has no final answer after ####")
    working = re.sub(r"<<[^<>]*>>", "", working).strip()
    return Item("problem", {"prompt": question, "answer": final.strip().replace(",", ""), "solution": working or None})


def mbpp(record: Record) -> Item:
    """{"text", "code", "test_list", "test_setup_code"} (Austin et al. 2021); the tests name the entry point."""
    prompt, code = text(record, "text", "prompt"), text(record, "code")
    if "test_list" not in record:
        raise Misfit("no field `test_list`")
    tests = text_list(record, "test_list")
    setup = [optional(record, "test_setup_code") or "", *text_list(record, "test_imports")]
    fields: Record = {"prompt": prompt, "entry_point": entry_point(tests, code), "tests": tests}
    return Item("code_task", fields | {"setup": "\n".join(filter(None, setup)), "solution": code})


def entry_point(tests: list[str], code: str) -> str:
    """The function of `code` that the first test calls (innermost call that names one). Raises Misfit."""
    try:
        defined = {node.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        called = [
            node.func.id
            for test in tests
            for node in ast.walk(ast.parse(test))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
    except SyntaxError as error:
        raise Misfit(f"the tests or the code are not Python: {error}") from error
    if not (names := [name for name in called if name in defined]):
        raise Misfit(f"no test calls a function that the code defines ({sorted(defined)})")
    return names[0]


def code_task(record: Record) -> Item:
    """{"prompt", "entry_point", "tests", "setup", "solution"}: the table's own fields."""
    fields: Record = {"prompt": text(record, "prompt"), "entry_point": text(record, "entry_point")}
    fields |= {"tests": text_list(record, "tests"), "setup": optional(record, "setup") or ""}
    return Item("code_task", fields | {"solution": optional(record, "solution", "code")})


def ifeval(record: Record) -> Item:
    """{"prompt", "instruction_id_list", "kwargs"} (Zhou et al. 2023): checks with their arguments."""
    prompt, names = text(record, "prompt"), record.get("instruction_id_list")
    if not isinstance(names, list) or not names:
        raise Misfit("no list `instruction_id_list`")
    arguments = record.get("kwargs", [])
    if not isinstance(arguments, list) or len(arguments) != len(names):
        raise Misfit(f"`kwargs` has {len(arguments)} entries, `instruction_id_list` has {len(names)}")
    given = [{key: value for key, value in (item or {}).items() if value is not None} for item in arguments]
    packed = [orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode() for item in given]
    fields = {"prompt": prompt, "constraints": list(names), "arguments": packed}
    return Item("constrained", fields | {"answer": optional(record, "answer")})


def safety(record: Record) -> Item:
    """{"prompt", "area", "harmful"}."""
    fields = {"prompt": text(record, "prompt"), "area": text(record, "area", "category")}
    harmful = record.get("harmful")
    if isinstance(harmful, str):
        harmful = {"true": True, "false": False}.get(harmful.lower())
    if not isinstance(harmful, bool):
        raise Misfit("`harmful` is not true or false")
    return Item("safety_prompt", fields | {"harmful": harmful})


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
    return Item("character", fields | {"claims": [{k: text(c, k) for k in ("property", "value")} for c in claims]})


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
    instruction, instances = text(record, "instruction"), record.get("instances")
    if not isinstance(instances, list) or not instances or not isinstance(instances[0], dict):
        raise Misfit("no list of objects `instances`")
    item = instruction_item(instruction, instances[0].get("input"), optional(instances[0], "output"))
    return item._replace(left=len(instances) - 1)


def alpaca(record: Record) -> Item:
    """{"instruction", "input", "output"} (Taori et al. 2023)."""
    if "output" not in record and "input" not in record:
        raise Misfit("no field `output` or `input`")
    return instruction_item(text(record, "instruction"), record.get("input"), optional(record, "output"))


def instruction_item(instruction: str, given: Any, reference: str | None) -> Item:
    prompt = f"{instruction}\n\n{clean(given)}" if isinstance(given, str) and given.strip() else instruction
    return Item("instruction", {"prompt": prompt, "reference": reference})


def sharegpt(record: Record) -> Item:
    """{"conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}]}; the first exchange."""
    return first_exchange(record.get("conversations"), "conversations", "from", "value")


def messages(record: Record) -> Item:
    """{"messages": [{"role": "user", "content"}, …]}; the first exchange."""
    return first_exchange(record.get("messages"), "messages", "role", "content")


def first_exchange(turns: Any, name: str, role: str, content: str) -> Item:
    """The first user turn, and the assistant's turn that follows it as reference. Raises Misfit."""
    if not isinstance(turns, list):
        raise Misfit(f"no list `{name}`")
    if not all(isinstance(turn, dict) and role in turn and content in turn for turn in turns):
        raise Misfit(f"`{name}` holds turns without `{role}` and `{content}`")
    for number, turn in enumerate(turns):
        if turn[role] in ("user", "human"):
            after = turns[number + 1] if number + 1 < len(turns) else {}
            reference = optional(after, content) if after.get(role) in ("assistant", "gpt", "model") else None
            taken = 1 if reference is None else 2
            return Item("instruction", {"prompt": text(turn, content), "reference": reference}, len(turns) - taken)
    raise Misfit(f"`{name}` has no user turn")


def prompt_answer(record: Record) -> Item:
    """{"prompt" or "question", "answer"}: a short definitive answer, with the working in `solution` if there is one."""
    prompt = text(record, "prompt", "question", "problem")
    answer = record.get("answer")
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        answer = f"{answer:g}" if isinstance(answer, float) else str(answer)
    if not isinstance(answer, str) or not answer.strip():
        raise Misfit("no field `answer`")
    return Item("problem", {"prompt": prompt, "answer": clean(answer), "solution": optional(record, "solution")})


def prompt_completion(record: Record) -> Item:
    """{"prompt" or "instruction", "completion" or "response" or "output" or "reference"}."""
    prompt = text(record, "prompt", "instruction", "question")
    return Item(
        "instruction", {"prompt": prompt, "reference": text(record, "completion", "response", "output", "reference")}
    )


def prompt(record: Record) -> Item:
    """{"prompt" or "instruction" or "question" or "text"}."""
    return Item("instruction", {"prompt": text(record, "prompt", "instruction", "question", "text"), "reference": None})


SHAPES: dict[str, Shape] = {
    shape.__name__: shape
    for shape in (
        gsm8k,
        mbpp,
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
        prompt_completion,
        prompt,
        constraint,
    )
}
"""In the order in which they are tried: those that ask for more fields first."""
