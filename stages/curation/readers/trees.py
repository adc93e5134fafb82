"""Trees of messages (OpenAssistant, Köpf et al. 2023): nested, a tree in a record, or flat, a message in a record.

The conversation along the best-ranked replies is an instruction with its last answer as reference; replies of the assistant
to one message that people ranked are rated responses. Messages that are deleted or failed their review are counted with all
that answers them, and so are messages that no item holds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from schemas.products import message
from stages.curation.readers.conversations import exchange
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    Refused,
    count,
    count_others,
    finite,
    text,
)
from stages.curation.readers.ratings import Rated, rated_item
from stages.curation.readers.turns import ROLES, Turns

OFF_PATH = "messages off the best-ranked replies"
DELETED, FAILED = "messages that are deleted", "messages that failed their review"
BEHIND = "messages that answer one left out"
DEEPEST = 200
"""Messages of a conversation that are followed."""
TOO_DEEP = f"messages behind the first {DEEPEST} of a conversation"
READ = ("text", "role", "rank", "deleted", "review_result", "replies", "message_id", "parent_id", "message_tree_id")


class Fault(NamedTuple):
    """Messages that make no item: the error, and what they hold."""

    error: str
    fields: Mapping[str, Any]


class Node:
    """A message and those that answer it, in the order of the file; `line` is that of its record."""

    __slots__ = ("line", "rank", "replies", "role", "taken", "text", "why")

    def __init__(self, line: int, role: str, said: str, rank: float | None, why: str) -> None:
        self.line, self.role, self.text, self.rank, self.why = line, role, said, rank, why
        self.replies: list[Node] = []
        self.taken = False


def oasst(record: Record) -> Item:
    """{"message_id", "parent_id", "text", "role", "rank"}: a message; `gathering.py` makes trees of all of a file."""
    if not is_id(record.get("message_id")) or "parent_id" not in record:
        raise Misfit("no fields `message_id` and `parent_id`")
    read = node_fields(record)
    for name in ("deleted", "review_result", "message_tree_id"):
        record.get(name)  # taken
    parent = record["parent_id"]
    if parent not in (None, "") and not is_id(parent):
        raise Misfit("`parent_id` is no id")
    own = {"id": str(record["message_id"]), "parent": None if parent in (None, "") else str(parent)}
    return Item("tree message", own | read)


def is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def node_fields(value: Record) -> dict[str, Any]:
    """Role, text, rank and why it is left out of one message. Raises Misfit."""
    role = ROLES.get(str(value.get("role")).strip().lower())
    if role not in ("user", "assistant"):
        raise Misfit(f"a message of `{value.get('role')}`, neither prompter nor assistant")
    why = DELETED if value.get("deleted") in (True, "True", "true") else ""
    why = why or (FAILED if value.get("review_result") in (False, "False", "false") else "")
    said = value.get("text")
    if why and not (isinstance(said, str) and said.strip()):
        value["text"]  # taken
        return {"role": role, "text": "", "rank": finite(value.get("rank")), "why": why}
    return {"role": role, "text": text(value, "text"), "rank": finite(value.get("rank")), "why": why}


def oasst_tree(record: Record) -> Item:
    """{"message_tree_id", "prompt": {"text", "role", "replies": [{…}]}}: a tree."""
    root = record.get("prompt")
    if not isinstance(root, dict) or not isinstance(root.get("replies"), list):
        raise Misfit("no object with `replies` in `prompt`")
    record.get("message_tree_id")  # taken
    left: Left = {}
    nodes: list[dict[str, Any]] = []
    waiting: list[tuple[Any, int | None]] = [(root, None)]
    while waiting:
        value, parent = waiting.pop()
        if not isinstance(value, dict):
            raise Misfit("`replies` holds what is no message")
        nodes.append({"id": len(nodes), "parent": parent, **node_fields(dict(value))})
        count_others(left, "prompt", value, READ)
        replies = value.get("replies") or []
        if not isinstance(replies, list):
            raise Misfit("`replies` is no list")
        waiting += [(reply, nodes[-1]["id"]) for reply in reversed(replies)]
    return Item("tree", {"nodes": nodes}, left)


def nested_items(line: int, item: Item) -> Iterator[tuple[int, Item | Refused | Fault]]:
    """The items of one tree."""
    parts = [(line, Item("tree message", fields, {})) for fields in item.fields["nodes"]]
    found = list(flat_items(parts))
    for place, (at, value) in enumerate(found):
        if isinstance(value, Item):
            left = dict(value.left)
            for name, times in item.left.items():
                count(left, name, times)
            found[place] = (at, value._replace(left=left))
            break
    yield from found


def flat_items(parts: list[tuple[int, Item]]) -> Iterator[tuple[int, Item | Refused | Fault]]:
    """The items of all trees of a file, and the faults of messages that belong to none."""
    nodes: dict[Any, Node] = {}
    sound: list[tuple[Node, Item]] = []
    for line, item in parts:
        fields = item.fields
        if fields["id"] in nodes:
            yield line, Fault(f"the message_id {fields['id']} stands twice in the file", {**fields, **item.left})
            continue
        node = Node(line, fields["role"], fields["text"], fields["rank"], fields["why"])
        nodes[fields["id"]] = node
        sound.append((node, item))
    for node, item in sound:
        if (parent := item.fields["parent"]) in nodes:
            nodes[parent].replies.append(node)
    lefts = {id(node): item.left for node, item in sound}
    reached: set[int] = set()
    for node, item in sound:
        if item.fields["parent"] is None:
            yield from tree_items(node, lefts, reached)
    for node, item in sound:
        if id(node) not in reached:
            parent = item.fields["parent"]
            yield (
                node.line,
                Fault(
                    f"no path of replies leads to it from a first message: parent_id {parent}",
                    {**item.fields, **item.left},
                ),
            )


def tree_items(
    root: Node, lefts: Mapping[int, Mapping[str, int]], reached: set[int]
) -> Iterator[tuple[int, Item | Refused | Fault]]:
    """The conversation of a tree, with the counts of what no item holds, and its rated replies."""
    left: Left = {}
    found: list[tuple[int, Item | Refused | Fault]] = []
    if best := best_path(root):
        turns = taken_turns(best)
        found.append((best[0].line, outcome(lambda: exchange({}, turns, "the tree", {}), turns)))
    for node, path, _ in walk(root):
        reached.add(id(node))
        for name, times in lefts.get(id(node), {}).items():
            count(left, name, times)
        replies = ranked_replies(node) if path else []
        if len({one.rank for one in replies}) > 1:
            prompt = taken_turns(path)
            rated = [Rated(taken_turns([one]), -float(one.rank or 0)) for one in replies]
            most = float(len(rated) - 1)
            found.append((node.line, outcome(partial(rated_item, {}, prompt, rated, most, {}), prompt)))
    for node, _, why in walk(root):
        if why or not node.taken:
            count(left, why or OFF_PATH)
    first = next((place for place, one in enumerate(found) if isinstance(one[1], Item)), None)
    if first is None:
        yield from found or [(root.line, Refused(root.why or "tree without a prompt", "its first message is left out"))]
        return
    line, item = found[first]
    assert isinstance(item, Item)
    merged = dict(item.left)
    for name, times in left.items():
        count(merged, name, times)
    found[first] = (line, item._replace(left=merged))
    yield from found


def outcome(make: Callable[[], Item], turns: Turns) -> Item | Refused | Fault:
    try:
        return make()
    except Misfit as error:
        return Fault(str(error), {"turns": turns})
    except Refused as error:
        return error


def taken_turns(nodes: Sequence[Node]) -> Turns:
    """The messages of nodes, which an item holds from now on."""
    for node in nodes:
        node.taken = True
    return [message(node.role, node.text) for node in nodes]


def ranked_replies(node: Node) -> list[Node]:
    """The assistant's replies to a user's message that people ranked."""
    if node.role != "user":
        return []
    return [one for one in node.replies if not one.why and one.role == "assistant" and one.rank is not None]


def best_path(root: Node) -> list[Node]:
    """The messages along the best-ranked replies; without a rank a reply stands behind those with one, by its place."""
    path: list[Node] = []
    node: Node | None = root if not root.why and root.role == "user" else None
    while node is not None and len(path) < DEEPEST:
        path.append(node)
        other = "assistant" if node.role == "user" else "user"
        answers = [one for one in node.replies if not one.why and one.role == other]
        node = min(answers, key=lambda one: float("inf") if one.rank is None else one.rank, default=None)
    return path


def walk(root: Node) -> Iterator[tuple[Node, list[Node], str]]:
    """Every message with the path to it, itself included; no path but a reason where it cannot be in a conversation."""
    waiting: list[tuple[Node, list[Node], str]] = [(root, [], "")]
    while waiting:
        node, before, why = waiting.pop()
        behind = why
        if not why:
            behind = BEHIND if node.why else TOO_DEEP if len(before) >= DEEPEST else ""
            why = node.why or behind
        path = [] if why else [*before, node]
        yield node, path, why
        waiting += [(reply, path, behind) for reply in reversed(node.replies)]
