"""The requests behind a family, as they were sent, where that can be proved.

The store keeps an answer under the key of its request, a hash of everything that was sent, but not the messages. So the
stage is run again over the family's rows from remembered answers (replay.py), and what it asks is shown with its proof:

* `key`: the request's key is a generation id among a row's parents: exactly this was sent;
* `derived`: the stage makes this very row (equal id) with the remembered answer to this request, and not without it;
* `asked`: the store holds an answer to exactly this request, which the stage asks about the row's parents; the row itself
  depends on other rows as well, so it was not derived.

Everything else is known by its answer alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cultivar.llm.answer import Generation
from cultivar.llm.request import Request
from cultivar.store.store import Store, project_store_folder
from reports.trace.family import Family, Node, Tracer, is_end
from reports.trace.identities import Output, answers_of, outputs_of
from reports.trace.replay import FAULTS, Replay, asks_models, is_current

Proof = Literal["key", "derived", "asked"]
ABLATIONS = 64
"""Answers of a stage that are left out, one at a time, to see which rows need them."""
ALL_CHARACTERS = 50
"""Characters that are all given to role-play where a row names one alone: whom it is contrasted with is drawn among all."""


@dataclass(frozen=True)
class Asked:
    """A request as it was sent, with its answer. `stage` sent it to `role`; `proof` is explained above."""

    request: Request
    stage: str
    role: str
    engine: str
    answer: Generation
    proof: Proof

    @property
    def key(self) -> str:
        return self.request.key.hex()

    @property
    def sampling(self) -> str:
        """How the answer was sampled, in words."""
        config = self.request.config
        parts = [
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in config.sampling.items()
        ]
        parts += [f"seed {self.request.seed}", f"sample {self.request.sample}"]
        if config.schema is not None:
            parts.append(f"answer in the form {config.schema.get('title', 'of a schema')}")
        return ", ".join(parts)


@dataclass
class Requests:
    """Requests, and outputs of programs, by the row that they led to, and why some could not be rebuilt. A generation's own id is such a row too."""

    of_row: dict[str, list[Asked]] = field(default_factory=dict)
    outputs: dict[str, list[Output]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, row_id: str, asked: Asked) -> None:
        there = self.of_row.setdefault(row_id, [])
        if asked.key not in (one.key for one in there):
            there.append(asked)


def rebuild(family: Family, tracer: Tracer) -> Requests:
    """The requests of a family, by replay of every stage that made a row of it and asks models; fills in the answers of
    its nodes.
    """
    found = Requests()
    version = family.version
    stages = dict.fromkeys(
        version.recorded()[table].stage
        for node in family.nodes.values()
        for table in [node.made_in, *node.ends]
        if table in version.recorded()
    )
    for stage in stages:
        if "@" in stage or not asks_models(stage):
            continue
        rows = inputs_of(stage, family, tracer)
        if not rows:
            continue
        try:
            is_same_code = is_current(version, stage)
            with Replay(version, stage, rows) as replay:
                attach(stage, replay, family, is_same_code, found)
        except FAULTS as error:
            found.notes.append(
                f"{stage}: its requests cannot be rebuilt ({type(error).__name__}: {str(error).splitlines()[0]})"
            )
    remember(family, found)
    return found


def inputs_of(stage: str, family: Family, tracer: Tracer) -> dict[str, list[dict[str, Any]]]:
    """Input table of a stage -> its rows that belong to the family: its nodes, their parents, and the other candidates of a
    prompt, which the judge reads together.
    """
    deps = [
        name
        for name in (family.version.graph()["stages"].get(stage) or {}).get("deps", [])
        if name in tracer.index.tables
    ]
    ids = dict.fromkeys(one for node in family.nodes.values() for one in [node.id, *node.parents])
    if "data/candidates.parquet" in deps:
        prompts = [node.row["prompt_id"] for node in family.nodes.values() if "prompt_id" in node.row]
        prompts += [up for node in family.nodes.values() if node.ends for up in node.parents]
        ids |= dict.fromkeys(tracer.index.descendants(prompts).ids("data/candidates.parquet")) if prompts else {}
    places = tracer.index.places(ids)
    found: dict[str, list[int]] = {}
    for one in ids:
        for table, position in places[one]:
            if table in deps:
                found.setdefault(table, []).append(position)
    characters = "data/characters.parquet"
    if len(found.get(characters, [])) == 1 and len(tracer.index.tables[characters]) <= ALL_CHARACTERS:
        found[characters] = list(range(len(tracer.index.tables[characters])))
    return {table: tracer.reader.read(table, sorted(set(positions))) for table, positions in found.items()}


def attach(stage: str, replay: Replay, family: Family, is_same_code: bool, found: Requests) -> None:
    """Run the stage over the family's rows and note which of its requests led to which row."""
    made = replay.run()
    notes = replay.notes

    def asked(key: bytes, proof: Proof) -> Asked:
        role, engine, request = notes.asked[key]
        return Asked(request, stage, role, engine, notes.known[key], proof)

    named = {parent for node in family.nodes.values() for parent in node.parents} | set(family.nodes)
    proved = [key for key in notes.known if key.hex() in named]
    for key in proved:
        found.add(key.hex(), asked(key, "key"))
    for node in family.nodes.values():
        if outputs := outputs_of(node, notes.known, notes.jobs):
            found.outputs[node.id] = outputs
    wanted = targets(family, stage, made)
    for target, (_, row_id, _) in list(wanted.items()):
        if keys := answers_of(family.nodes[row_id], notes.known):
            del wanted[target]
            for key in keys:
                found.add(row_id, asked(key, "derived"))
    rest = [key for key in notes.known if key not in set(proved)]
    if not is_same_code or not wanted or not rest:
        if wanted and not is_same_code:
            found.notes.append(
                f"{stage}: its code is not that of {family.version.name}; only what a key proves is shown"
            )
        return
    if len(rest) > ABLATIONS:
        found.notes.append(
            f"{stage}: {len(rest) - ABLATIONS} of {len(rest)} requests of judges were not assigned to rows"
        )
    for key in rest[:ABLATIONS]:
        without = replay.run({key})
        gone = {
            target: (row_id, is_derived)
            for target, (table, row_id, is_derived) in wanted.items()
            if without.get(table, {}).get(target) != made[table][target]
            and (is_end(table) or target not in without.get(table, {}))
        }
        ids = {row_id for row_id, _ in gone.values()}
        for row_id, is_derived in gone.values():
            node = family.nodes[row_id]
            if not ids & {
                *node.parents,
                *node.row.get("verdicts", []),
            }:  # else it is the request of what it was made from
                found.add(row_id, asked(key, "derived" if is_derived else "asked"))


def targets(family: Family, stage: str, made: Mapping[str, Mapping[str, dict]]) -> dict[str, tuple[str, str, bool]]:
    """Rows of the replay that stand for the traced row and what it was made from: id in the replay -> (table, id of the node,
    equal ids).

    Where no row has a node's id, one of the same table and parents stands for it.
    """
    found: dict[str, tuple[str, str, bool]] = {}
    for node in family.nodes.values():
        for table in node.tables if node.depth <= 0 else ():
            rows = made.get(table, {})
            if node.id in rows:
                found[node.id] = (table, node.id, True)
            elif rows and node.parents and not is_end(table):
                alike = [one for one, row in rows.items() if list(row["parents"]) == node.parents]
                if len(alike) == 1 and alike[0] not in found:
                    found[alike[0]] = (table, node.id, False)
    return found


def remember(family: Family, found: Requests) -> None:
    """Fill in the answers of nodes that stand in no table: from the rebuilt requests, else from the store by their keys."""
    bare = [node for node in family.nodes.values() if not node.tables]
    for node in bare:
        for asked in found.of_row.get(node.id, []):
            if asked.key == node.id:
                node.answer = {**answer_columns(asked.answer), "engine": asked.engine}
    fill_answers([node for node in bare if node.answer is None])


def answer_columns(answer: Generation) -> dict[str, Any]:
    names = ("text", "finish_reason", "prompt_tokens", "completion_tokens")
    return {name: getattr(answer, name) for name in names}


def fill_answers(nodes: Iterable[Node]) -> None:
    """Answers of the store by their keys, for rows that stand in no table."""
    lacking = {node.id: node for node in nodes}
    if not lacking:
        return
    try:
        store = Store(project_store_folder())
    except ValueError:
        return
    for kind in store.kinds():
        if "/" in kind or not lacking or kind in ("verdicts", "embeddings", "rewards"):
            continue
        likely = store.folder(kind).filter_likely([bytes.fromhex(one) for one in lacking])
        frame = store.get(kind, likely) if likely else None
        if frame is None or not frame.height or "text" not in frame.columns:
            continue
        for row in frame.drop("time", strict=False).iter_rows(named=True):
            lacking.pop(row.pop("key").hex()).answer = row
