"""Shapes of records: the fields of Alpaca, ShareGPT, GSM8K, MBPP and the others.

A shape turns one record into an `Item`: the fields of the table row that it stands for. `Misfit` says why a record
does not have the shape; detection collects these reasons.
"""

from typing import Final

import orjson

from schemas.products import message
from stages.curation.readers.apps import apps
from stages.curation.readers.calls import TOOLS
from stages.curation.readers.comparisons import arena, helpsteer, helpsteer_preference
from stages.curation.readers.conversations import MEDIA_FIELDS, asked_turns, conversation, instruction, with_tools
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    Refused,
    Shape,
    count,
    counted,
    field_name,
    first_of,
    holds,
    listed,
    optional,
    peek,
    text,
    text_list,
)
from stages.curation.readers.preferences import preference
from stages.curation.readers.problems import gsm8k, math, prompt_answer
from stages.curation.readers.programs import code_task, humaneval, mbpp
from stages.curation.readers.ratings import rated, ultrafeedback
from stages.curation.readers.tool_records import chatml, glaive, xlam
from stages.curation.readers.trees import oasst, oasst_tree
from stages.curation.readers.turns import ROLES, THOUGHTS, Turn, add_reasoning

__all__ = ["SHAPES", "Item", "Misfit", "Record", "Refused", "Shape", "shape_of"]

PLAIN: Final = frozenset({*TOOLS, *MEDIA_FIELDS, *THOUGHTS})
"""Fields beside which a prompt and an answer are more than their texts."""


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
    asked, instances = text(record, "instruction"), listed(record, "instances")
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


def dolly(record: Record) -> Item:
    """{"instruction", "context", "response", "category"} (Conover et al. 2023)."""
    if "context" not in record or not isinstance(peek(record, "context") or "", str):
        raise Misfit("no text `context`")
    text(record, "response")
    return instruction_item(record, text(record, "instruction"), "response")


def instruction_item(record: Record, asked: str, *references: str) -> Item:
    """The instruction with the record's `input` (Dolly: `context`) below it, behind its system prompt and history.

    The first of the named fields that is a text is the reference, with the record's reasoning. A record's `prompt` is whole
    without its input.
    """
    given = None if "prompt" in record else optional(record, "input", "context")
    prompt = asked_turns(record, f"{asked}\n\n{given}" if given else asked)
    reference, left = optional(record, *references), dict[str, int]()
    is_plain = PLAIN.isdisjoint(record)
    if reference is None and is_plain:
        return instruction(prompt, [], left)
    if reference is not None and is_plain and "<" not in reference:
        return instruction(prompt, [message("assistant", reference)], left)
    answer = [] if reference is None else [answer_turn(record, reference, left)]
    turns, tools = with_tools(record, [*prompt, *answer], left)
    end = len(turns) - len(answer)
    return instruction(turns[:end], turns[end:], left, tools)


def answer_turn(record: Record, reference: str, left: Left) -> Turn:
    """The assistant's turn of a reference answer, with what the record says that it thought before."""
    turn = message("assistant", reference)
    thoughts = {name: peek(record, name) for name in THOUGHTS if isinstance(peek(record, name), str)}
    for name in thoughts:
        record[name]  # taken, or counted by this:
    add_reasoning(turn, thoughts, "record", left)
    return turn if turn["content"] else message("assistant", reference)


def sharegpt(record: Record) -> Item:
    """{"conversations": [{"from": "human", "value"}, {"from": "gpt", "value"}]}, maybe `system`."""
    return conversation(record, record.get("conversations"), "conversations")


def messages(record: Record) -> Item:
    """{"messages": [{"role": "user", "content"}, …]}; or {"prompt", "completion"} as such lists (TRL)."""
    if record.get("messages") or not isinstance(prompt := listed(record, "prompt"), list):
        return conversation(record, record.get("messages"), "messages")
    completion = listed(record, "completion") or []
    if not isinstance(completion, list):
        raise Misfit("`prompt` is a list of messages, `completion` is none")
    return without_bad_reply(record, conversation(record, [*prompt, *completion], "prompt"))


def without_bad_reply(record: Record, item: Item) -> Item:
    """The item without its reference where the record's `label` says that this is a bad one (TRL's unpaired preferences)."""
    label = str(dict.get(record, "label")).lower()
    if label not in ("true", "false"):  # some other label
        return item
    record["label"]  # taken
    if label == "true" or not item.fields["reference"]:
        return item
    return Item(item.kind, item.fields | {"reference": []}, {**item.left, "completions labelled false": 1})


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
    asked = asked_turns(record, text(record, "prompt", "instruction", "question", "text"))
    left: Left = {}
    turns, tools = with_tools(record, asked, left)
    return instruction(turns, [], left, tools)


SHAPES: dict[str, Shape] = {
    shape.__name__: counted(shape)
    for shape in (
        preference,
        ultrafeedback,
        arena,
        helpsteer_preference,
        helpsteer,
        rated,
        oasst_tree,
        oasst,
        xlam,
        glaive,
        chatml,
        gsm8k,
        mbpp,
        humaneval,
        code_task,
        apps,
        ifeval,
        safety,
        character,
        passage,
        self_instruct,
        alpaca,
        dolly,
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
ALIASES = {
    "tulu": "messages",
    "hermes": "sharegpt",
    "hh_rlhf": "preference",
    "ultrafeedback_binarized": "preference",
}
"""Names of data sets -> the shape that their records have."""


def shape_of(name: str) -> Shape:
    """The shape of a format that a source names, or that was detected."""
    return SHAPES[ALIASES.get(name, name)]
