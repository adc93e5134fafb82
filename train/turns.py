"""Conversations as the pieces of text that a trainer sees, each with whether it carries loss.

Every turn is trained on behind the text that it would be generated from: the template's rendering of all before it and
of the beginning of a turn. Templates write a turn differently once others follow (Qwen3 leaves out the reasoning of
answered questions, and marks an answer without reasoning by an empty block), so a conversation is not always one text:

* where the rendering of the next turn's beginning continues the text so far, the next turn is trained in the same text;
* behind a tool's result, what the assistant wrote stays as it wrote it, as a program has it that calls tools for a model;
* otherwise the turn begins a text of its own.

A template that knows no reasoning has it as `<think>` block at the beginning of the turn, until the next question.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from cultivar.llm.markup import break_markup, token_pattern
from train.chat_template import THINK_END, THINK_MARKS, ChatTemplate, Refused

Turns = Literal["all", "last"]
Reasoning = Literal["train", "mask", "remove"]
THINK = "<think>\n{}\n</think>\n\n"
THINK_PATTERN = token_pattern(THINK_MARKS)


class Conversation(NamedTuple):
    """Prompt and completion as the tables hold them (`arguments` is JSON text), and the functions as JSON text."""

    prompt: Sequence[Mapping[str, Any]]
    completion: Sequence[Mapping[str, Any]] = ()
    tools: str | None = None


class Loss(NamedTuple):
    """What carries loss: assistant turns of prompt and completion (`all`), or of the completion (`last`).

    `reasoning` of these turns carries loss (`train`), stands there without (`mask`), or is left out (`remove`).
    """

    turns: Turns = "last"
    reasoning: Reasoning = "train"


class Piece(NamedTuple):
    """A part of a text, whose tokens all carry loss or none; no token of generation spans two."""

    text: str
    trained: bool


class Turn(NamedTuple):
    """An assistant turn: the text that it is generated from, what stands before the answer (reasoning, an empty block
    of it), whether that carries loss, and the answer with its calls and stop token."""

    opening: str
    head: str
    learns_head: bool
    answer: str

    @property
    def pieces(self) -> list[Piece]:
        if self.learns_head or not self.head:
            return [Piece(self.head + self.answer, True)]  # generated in one go
        return [Piece(self.head, False), Piece(self.answer, True)]


def prompt_text(template: ChatTemplate, conversation: Conversation, thinks: bool) -> str:
    """The text that the next turn is generated from; `thinks`: whether with reasoning. Raises Refused."""
    messages = plain_messages(template, conversation.prompt, "train" if thinks else "remove")
    check_tools(template, messages, conversation.tools)
    tools = plain_tools(template, conversation.tools)
    return template.render(visible(template, messages), tools, opening=True, thinks=thinks)


def training_texts(template: ChatTemplate, conversation: Conversation, loss: Loss) -> list[list[Piece]]:
    """The texts of a conversation, in which each turn that carries loss stands once. The first piece of each is what
    its first such turn is generated from; each ends with a stop token.

    Raises Refused where a turn cannot be trained on as it would be generated.
    """
    messages = plain_messages(template, (*conversation.prompt, *conversation.completion), loss.reasoning)
    check_tools(template, messages, conversation.tools)
    tools = plain_tools(template, conversation.tools)
    texts: list[list[Piece]] = []
    before: tuple[int, Turn] | None = None
    for index in trained_turns(messages, len(conversation.prompt), loss.turns):
        turn = render_turn(template, messages[: index + 1], tools, loss)
        if before is None:
            texts.append([Piece(turn.opening, False)])
        elif turn.opening.startswith(so_far := "".join(piece.text for piece in texts[-1])):
            texts[-1].append(Piece(turn.opening[len(so_far) :], False))
        elif messages[index - 1]["role"] == "user":
            texts.append([Piece(turn.opening, False)])
        else:
            stem = template.render(visible(template, messages[: before[0]]), tools)
            texts[-1].append(Piece(text_behind(turn.opening, stem, before[1].answer), False))
        texts[-1] += turn.pieces
        before = index, turn
    if not texts:
        raise Refused("it has no assistant turn behind a user's")
    return texts


def trained_turns(messages: Sequence[Mapping[str, Any]], prompt: int, turns: Turns) -> list[int]:
    """Positions of the turns that carry loss. A greeting before the first question answers nothing."""
    first = next((index for index, message in enumerate(messages) if message["role"] == "user"), len(messages))
    first = first if turns == "all" else max(first, prompt)
    return [index for index, message in enumerate(messages) if index >= first and message["role"] == "assistant"]


def render_turn(
    template: ChatTemplate, messages: Sequence[dict[str, Any]], tools: Sequence[Any] | None, loss: Loss
) -> Turn:
    """The last of the messages as an assistant's turn. Raises Refused where the template writes something else."""
    turn = messages[-1]
    reasoning: str = turn.get("reasoning", "")
    shown, thinks = visible(template, messages), bool(reasoning)
    opening = template.render(shown[:-1], tools, opening=True, thinks=thinks)
    whole = template.render(shown, tools, thinks=thinks)
    if not whole.startswith(opening):
        raise Refused("the chat template begins the turn otherwise than generation does")
    text = whole[len(opening) :]
    text = text[: template.stop_end(text)]
    check_answer(text, turn)
    if template.reasoning_key is None:
        return Turn(opening, THINK.format(reasoning) if thinks else "", loss.reasoning == "train", text)
    if thinks and reasoning.strip() not in text:
        raise Refused("the chat template leaves out the turn's reasoning")
    head, answer = split_reasoning(text)
    if thinks and not head:
        raise Refused(f"the chat template ends reasoning without {THINK_END}, so it cannot be told from the answer")
    return Turn(opening, head, thinks and loss.reasoning == "train", answer)


def split_reasoning(text: str) -> tuple[str, str]:
    """A turn's block of reasoning, which the template has written, and what follows it."""
    _, mark, answer = text.rpartition(THINK_END)
    if not mark:
        return "", text
    answer = answer.lstrip("\n")
    return text[: len(text) - len(answer)], answer


def text_behind(opening: str, stem: str, said: str) -> str:
    """What stands in `opening` behind what the assistant said last; `stem`: the text before that turn."""
    position = opening.find(said, len(stem)) if opening.startswith(stem) else -1
    if position < 0:
        raise Refused("the chat template rewrites a turn once its tools have answered")
    return opening[position + len(said) :]


def visible(template: ChatTemplate, messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages as the template takes them: reasoning under its own key, or left out where it knows none."""
    shown = []
    for message in messages:
        taken = {key: value for key, value in message.items() if key != "reasoning"}
        if template.reasoning_key and message["role"] == "assistant":
            taken[template.reasoning_key] = message.get("reasoning") or ""
        shown.append(taken)
    return shown


def plain_messages(
    template: ChatTemplate, messages: Iterable[Mapping[str, Any]], reasoning: Reasoning
) -> list[dict[str, Any]]:
    """Messages with arguments as objects, without marks of the template in their texts. Raises Refused."""
    plain = []
    for message in messages:
        taken = {
            key: template.plain(value) for key, value in message.items() if key != "tool_calls" and value is not None
        }
        if calls := message.get("tool_calls"):
            taken["tool_calls"] = [plain_call(template, call) for call in calls]
        thought = taken.pop("reasoning", "").strip("\n")
        if reasoning != "remove" and thought.strip():
            taken["reasoning"] = thought
            if template.reasoning_key is None:  # its block is ours
                taken |= {key: break_markup(taken[key], THINK_PATTERN) for key in ("content", "reasoning")}
        plain.append(taken)
    return plain


def plain_call(template: ChatTemplate, call: Mapping[str, Any]) -> dict[str, Any]:
    """A call with its arguments as an object. Raises Refused where they are none."""
    function = call["function"]
    arguments = parse_json(function["arguments"], dict, "the arguments of a call are no JSON object")
    plain = template.plain({"name": function["name"], "arguments": arguments})
    named = {"id": call["id"]} if call.get("id") is not None else {}
    return template.plain(named) | {"type": "function", "function": plain}


def plain_tools(template: ChatTemplate, tools: str | None) -> list[Any] | None:
    """The functions of a conversation as objects; None where there are none. Raises Refused."""
    return template.plain(parse_json(tools, list, "its tools are no JSON list")) or None if tools else None


def parse_json(text: str, kind: type, problem: str) -> Any:
    """The object in a JSON text. Raises Refused with `problem`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Refused(problem) from error
    if not isinstance(value, kind):
        raise Refused(problem)
    return value


def check_tools(template: ChatTemplate, messages: Iterable[Mapping[str, Any]], tools: str | None) -> None:
    """Raise Refused where a conversation has tools and the template does not write all of them."""
    has_tools = tools not in (None, "", "[]") or any("tool_calls" in m or m["role"] == "tool" for m in messages)
    if has_tools and not template.knows_tools:
        raise Refused("the model's chat template knows no tools")


def check_answer(text: str, turn: Mapping[str, Any]) -> None:
    """Raise Refused where the template leaves out what the turn says or calls."""
    if turn["content"].strip() not in text:
        raise Refused("the chat template changes what the turn says, or leaves it out beside a call")
    functions = [call["function"] for call in turn.get("tool_calls", ())]
    for function in functions:
        calls = sum(other["name"] == function["name"] for other in functions)
        if text.count(function["name"]) < calls or not all(key in text for key in function["arguments"]):
            raise Refused("the chat template leaves out calls")
