"""What is said of a row of each table: its kind, a line of facts, its texts, its way through the stages."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from reports.trace.family import Family, Node, is_end
from reports.versions.version import Version
from schemas.conversations import shown, speaker, text_of
from schemas.rows import SOURCE

KINDS = {
    "instructions": "instruction",
    "problems": "problem",
    "code_tasks": "code task",
    "constraints": "constraint",
    "passages": "passage",
    "characters": "character",
    "safety_prompts": "safety prompt",
    "evaluation": "evaluation item",
    "given_demonstrations": "given answer",
    "given_preferences": "given preference",
    "sources": "source",
    "tag_sets": "tag set",
    "ontology": "tag of the ontology",
    "labels": "canonical tags",
    "instruction_scores": "scores",
    "selected": "selected instruction",
    "evolved": "evolved instruction",
    "candidates": "candidate",
    "edited": "corrected candidate",
    "rankings": "ranking",
    "overlaps": "evaluation overlap",
    "rollouts": "rollout",
    "rollout_rewards": "reward of a rollout",
    "online_pairs": "online pair",
}
ENDINGS = {"_demonstrations": "demonstration", "_preferences": "preference", "_verdicts": "verdict"}
PLURALS = {"canonical tags": "canonical tags", "scores": "scores", "reward of a rollout": "rewards of rollouts"}
PRODUCTS = {"data/demonstrations.parquet": "D", "data/preferences.parquet": "P"}


def kind_of(table: str) -> str:
    """What a row of a table is called; "answer" for what stands in no table."""
    path = PurePosixPath(table)
    if not table:
        return "answer"
    if is_end(table):
        return "dropped candidate" if path.parts[-2] == "dropped" else "quarantined row"
    if path.parent.name == "evaluated":
        return "evaluated item"
    if path.stem in ("demonstrations", "preferences"):
        return path.stem[:-1]
    ending = next((word for ending, word in ENDINGS.items() if path.stem.endswith(ending)), None)
    return KINDS.get(path.stem) or ending or path.stem.replace("_", " ").removesuffix("s")


def plural(kind: str, count: int) -> str:
    """ "1 candidate", "12 candidates"."""
    several = PLURALS.get(kind) or (f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s")
    return f"{count:,} {kind if count == 1 else several}"


def more_of(kind: str, count: int) -> str:
    """ "12 more candidates"."""
    return " more ".join(plural(kind, count).split(" ", 1))


def kind_of_node(node: Node) -> str:
    if node.tables:
        return kind_of(node.made_in)
    return "answer" if node.answer is not None else "answer not remembered here"


def facts_of(node: Node, family: Family) -> list[str]:
    """What is known of a row beside its texts, in a few words each."""
    row, facts = node.row, []
    if node.answer is not None:
        facts += [str(node.answer["engine"]), f"finished by {node.answer['finish_reason']}"]
        facts += [f"{node.answer['prompt_tokens']:,}+{node.answer['completion_tokens']:,} tokens"]
    for name in ("strategy", "domain", "area", "work", "split"):
        if isinstance(row.get(name), str) and row[name]:
            facts.append(row[name] if name != "split" else f"split {row[name]}")
    if "role" in row:
        facts.append(f"{row['role']}, strategy {row['response_strategy']}, temperature {row['temperature']:g}")
    if engine := row.get("engine"):
        facts.append("written by people" if engine == SOURCE else str(engine))
    if row.get("simulated"):
        facts.append("simulated")
    if row.get("license"):
        facts.append(str(row["license"]))
    for side in ("chosen", "rejected"):
        if row.get("completion") and words_in(row["completion"]) == words_in(family.row.row.get(side)):
            facts.append(f"the {side} side")
    facts += list(judged_facts(row, family))
    return facts


def words_in(completion: Any) -> str | None:
    """What a completion says, a text or its turns; None for what says nothing."""
    return text_of(completion) if completion and isinstance(completion, list) else completion or None


def judged_facts(row: Mapping[str, Any], family: Family) -> Iterator[str]:
    """What was measured or decided of a row."""
    if "outcome" in row:
        score = "" if row.get("score") is None else f", score {row['score']:g}"
        yield f"{row['verifier']}: {row['outcome']}{score}"
    if isinstance(row.get("quality"), float):
        yield f"quality {row['quality']:.2f}"
    if "margin" in row:
        yield f"margin {row['margin']:g}"
    if row.get("samples"):
        yield f"{row['pass_rate']:.0%} of {row['samples']} samples right, {row['votes']} gave this"
    if "complexity" in row:
        yield (
            f"complexity {row['complexity']:g}, completeness {row['completeness']:g}, richness {row['richness']:.2f}, "
            f"tag idf {row['tag_idf']:.2f}"
        )
    if isinstance(row.get("added"), list):
        yield f"step {row['depth']}, adds: {'; '.join(row['added'])}"
    if isinstance(row.get("scores"), list) and row["scores"] and isinstance(row["scores"][0], dict):
        yield ", ".join(f"{one['name']} {one['value']:g}" for one in row["scores"])
    if row.get("tags"):
        names = [tag["tag"] if isinstance(tag, dict) else tag for tag in row["tags"]]
        yield f"tags {', '.join(names)}"
    if "ngram" in row:
        yield (
            f"shares {row['ngram']} tokens in a row and a subsequence of {row['lcs']} (of {row['row_tokens']} and "
            f"{row['item_tokens']}) with the item's {row['part']}: {'removed' if row['removed'] else 'reported, not removed'}"
        )
    if "annotation" in row:
        yield f"corrected by {', '.join(row['annotators'])} in {row['annotation']}"
    if "episode" in row:
        yield f"episode {row['episode']}"
    if "reward" in row and row["reward"] is not None:
        yield f"reward {row['reward']:.3f}"
    if "correct" in row:
        yield (
            f"{row['model']}, sample {row['sample']}: "
            + {True: "right", False: "wrong", None: "not judged"}[row["correct"]]
        )


def reading_lines(row: Mapping[str, Any]) -> list[str]:
    """A ranking in lines: who ranked, and of each candidate its rank and what each reading gave it."""
    by = ", ".join(row["annotators"]) if row["source"] == "human" else "the judge"
    best = "meets" if row["meets_criteria"] else "does not meet"
    lines = [f"ranked by {by} in {len(row['readings'])} reading(s); the best {best} the criteria"]
    for place in sorted(
        range(len(row["candidates"])), key=lambda place: (row["ranks"][place], row["candidates"][place])
    ):
        given = ", ".join(f"{reading[place]:g}" for reading in row["readings"])
        lines.append(f"rank {row['ranks'][place]}: {row['candidates'][place]} ({given}; mean {row['scores'][place]:g})")
    return lines


def texts_of(node: Node) -> list[tuple[str, str]]:
    """(name, text) of a row's texts, in the order in which they are read."""
    row, texts = node.row, []
    if node.answer is not None:
        texts.append(("answer", str(node.answer["text"])))
    if isinstance(row.get("prompt"), list):
        texts += [
            (f"prompt, {speaker(turn)}" if turn["role"] != "user" else "prompt", shown(turn)) for turn in row["prompt"]
        ]
    for name in (
        "prompt",
        "tools",
        "name",
        "description",
        "text",
        "answer",
        "solution",
        "reference",
        "completion",
        "chosen",
        "rejected",
    ):
        value = row.get(name)
        if isinstance(value, str) and value:
            texts.append((name, value))
        elif isinstance(value, list) and name != "prompt":
            texts += [(name if len(value) == 1 else f"{name}, {speaker(turn)}", shown(turn)) for turn in value]
    if "outcome" in row and row.get("detail"):
        texts.append(("detail", row["detail"]))
    return texts


def way_of(node: Node, version: Version) -> list[str]:
    """A row's way through the stages: which made it, which passed it on, where it ended and why; in the graph's order."""
    recorded, stations = version.recorded(), []
    describe = version.graph().get("stages", {})
    ended = {row["table"]: row for row in node.row.get("ended", [])}
    for number, table in enumerate(node.tables):
        stage = recorded[table].stage if table in recorded else PurePosixPath(table).stem
        if table in ended:
            stations.append(end_of(ended[table]))
            continue
        what = describe.get(stage.partition("@")[0], {}).get("desc", "")
        verb = "made it" if number == 0 else "passed it on"
        product = f", a row of {PRODUCTS[table]}" if table in PRODUCTS else ""
        stations.append(f"{stage} {verb}: {table}{product}" + (f" ({what})" if what else ""))
    return stations


def end_of(row: Mapping[str, Any]) -> str:
    """Where and why a row was dropped or quarantined."""
    if "rule" in row:
        detail = f" ({row['detail']})" if row.get("detail") else ""
        return f"{row['stage']} dropped it: {row['rule']}{detail}"
    return f"{row['stage']} quarantined it: {row['error']}"


def raw_of(node: Node) -> Sequence[str]:
    """The raw texts that quarantined a row."""
    return [row["raw"] for row in node.row.get("ended", []) if row.get("raw")]
