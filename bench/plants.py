"""The changes that bench/causes.py plants: ten kinds, four sizes each, and several at once."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.planted import Project

ARITHMETIC, GENERAL = "data/seeds/arithmetic.jsonl", "data/seeds/general.jsonl"
Names = Mapping[str, Sequence[str]]
"""Name of a change -> texts of the rows that it alone can have touched; no text: any row."""


@dataclass(frozen=True)
class Plant:
    """One planted change. `apply` makes it and names what a right charge is; `environment` is that of the new version."""

    kind: str
    apply: Callable[[Project], Names]
    environment: Callable[[Project], dict[str, str]] = field(default=lambda project: {})


# ---------------------------------------------------------------- source rows


def rows_edited(count: int, project: Project) -> Names:
    records, names = project.lines(ARITHMETIC), {}
    for number in spread(count, len(records)):
        before = records[number]["question"]
        records[number]["question"] = f"Think well. {before}"
        names[f"{ARITHMETIC}:{number + 1}"] = [before]
    project.write_lines(ARITHMETIC, records)
    return names


def rows_added(count: int, project: Project) -> Names:
    records, names = project.lines(ARITHMETIC), {}
    for number in range(count):
        start, more, less = 30 + number, 3 + number % 5, 2 + number % 7
        first, second = start + more, start + more - less
        question = (
            f"Vera has {start} shells. Vera finds {more}. Then Vera sells {less}. How many shells does Vera have now?"
        )
        steps = f"Start {start}. finds {more}: {start}+{more}={first}. sells {less}: {first}-{less}={second}."
        records.append({"question": question, "answer": f"{steps} The answer is {second}.\n#### {second}"})
        names[f"{ARITHMETIC}:{len(records)}"] = [question]
    project.write_lines(ARITHMETIC, records)
    return names


def rows_removed(count: int, project: Project) -> Names:
    records = project.lines(ARITHMETIC)
    gone = spread(count, len(records), 20)
    project.write_lines(ARITHMETIC, [record for number, record in enumerate(records) if number not in gone])
    return {f"{ARITHMETIC}:{number + 1} (removed)": [records[number]["question"]] for number in gone}


def general_edited(number: int, project: Project) -> Names:
    records = project.lines(GENERAL)
    before = records[number]["instruction"]
    records[number]["instruction"] = f"{before} Give a reason for it."
    project.write_lines(GENERAL, records)
    return {f"{GENERAL}:{number + 1}": [before]}


def general_added(project: Project) -> Names:
    records = project.lines(GENERAL)
    records.append({"instruction": "Write a poem about the number seven.", "output": "Seven lamps along the quay."})
    project.write_lines(GENERAL, records)
    return {f"{GENERAL}:{len(records)}": []}


def spread(count: int, among: int, first: int = 7) -> list[int]:
    return sorted({(first + 13 * number) % among for number in range(count)})


# ---------------------------------------------------------------- what stages read beside rows


def text(path: str, old: str, new: str, project: Project) -> Names:
    """An edit of a prompt or a module."""
    project.replace(path, old, new)
    return {path: []}


def parameter(key: str, value: Any, project: Project) -> Names:
    section, *inner, last = key.split(".")

    def edit(params: dict[str, Any]) -> None:
        place = params[section]
        for name in inner:
            place = place[name]
        place[last] = value

    project.params(edit)
    return {key: []}


def model(role: str, revision: str, project: Project) -> Names:
    project.params(lambda params: params["roles"][role].update(revision=revision))
    return {f"roles.{role}": []}


def refinement(tag: str, project: Project) -> Names:
    path = "human/ontology/refinements.yaml"
    project.replace(path, "  - general\n", f"  - general\n  - {tag}\n")
    return {f"{path}#drop {tag}": []}


def principle(project: Project) -> Names:
    path = "human/constitution/principles.yaml"
    project.replace(path, "Treat the person with respect, take", "Treat people with respect, take")
    return {f"{path}#care": []}


def principle_added(project: Project) -> Names:
    path = "human/constitution/principles.yaml"
    place = project.folder / path
    place.write_text(
        place.read_text() + "  - id: plain_words\n    area: tone\n    polarity: follow\n    applies_to: harmful\n"
        "    text: Use plain and short words.\n    critique_request: Quote words that are not plain.\n"
        "    revision_request: Put plain words in their place.\n"
    )
    return {f"{path}#plain_words": []}


RANKING = """
import json, sys
from itertools import groupby
from pathlib import Path
from schemas.conversations import text_of
from schemas.rows import Candidate
from schemas.table import Table
from stages.annotation.rankings import candidate_hash, item_hash
rows = sorted(Table.read(Candidate, Path("data/candidates.parquet")), key=lambda row: row.prompt_id)
groups = [list(group) for _, group in groupby(rows, key=lambda row: row.prompt_id)]
groups = [group for group in groups if len(group) > 2][: int(sys.argv[1])]
for number, group in enumerate(groups):
    texts = [text_of(row.completion) for row in group]
    hashes = [candidate_hash(text) for text in sorted(texts, reverse=True)]
    line = {"uuid": f"u{number}", "annotator": "ada", "item": item_hash(text_of(group[0].prompt), texts),
        "order": [[one] for one in dict.fromkeys(hashes)], "meets_criteria": True, "guideline": "1",
        "time": "2026-11-30T12:00:00Z"}
    print(json.dumps([line, group[0].prompt[-1].content]))
"""


def rankings(count: int, project: Project) -> Names:
    done = subprocess.run(
        [sys.executable, "-c", RANKING, str(count)], cwd=project.folder, capture_output=True, text=True, check=True
    )
    path = "human/annotations/ada.jsonl"
    judged = [json.loads(line) for line in done.stdout.splitlines()]
    (project.folder / path).write_text("".join(json.dumps(line) + "\n" for line, _ in judged))
    return {f"{path}#{line['uuid']}": [prompt] for line, prompt in judged}


# ---------------------------------------------------------------- another version of a library

JINJA_SHIM = """
import jinja2.environment as _environment
_compile = _environment.Environment.compile
def compile(self, source, name=None, filename=None, raw=False, defer_init=False):
    if any(part in (filename or "") for part in {parts!r}) and isinstance(source, str):
        source = source.replace("{{% block user %}}", "{{% block user %}}- ", 1)
    return _compile(self, source, name, filename, raw, defer_init)
_environment.Environment.compile = compile
"""


def library(project: Project) -> Names:
    """Stage `code` reads what is installed when it runs, which the new requirement makes it do."""
    pinned = importlib.metadata.version("jinja2")
    project.replace("requirements.txt", f"jinja2=={pinned}", "jinja2==99.0")
    return {"jinja2": []}


def newer_jinja(parts: Sequence[str], project: Project) -> dict[str, str]:
    """A folder with a jinja2 that says it is 99.0 and reads the templates of some names otherwise."""
    folder = project.folder.with_name(f"{project.folder.name}-jinja2")
    source = Path(str(importlib.metadata.distribution("jinja2").locate_file("jinja2")))
    shutil.copytree(source, folder / "jinja2", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "jinja2/__init__.py").open("a") as file:
        file.write(JINJA_SHIM.format(parts=tuple(parts)))
    about = folder / "jinja2-99.0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: Jinja2\nVersion: 99.0\n")
    return {"PYTHONPATH": str(folder)}


# ---------------------------------------------------------------- the forty, and several at once


def plants() -> dict[str, Plant]:
    """Name -> planted change, of each of ten kinds four of different reach."""
    found = {}
    for count in (1, 3, 8, 20):
        found[f"source edited {count}"] = Plant("source row edited", partial(rows_edited, count))
        found[f"source added {count}"] = Plant("source row added", partial(rows_added, count))
        found[f"source removed {count}"] = Plant("source row removed", partial(rows_removed, count))
    for path, old, new in (
        ("prompts/respond/plan.jinja", "{% block user %}", "{% block user %}Take your time. "),
        ("prompts/constitution/judge.jinja", "{% block user %}", "{% block user %}Read with care. "),
        ("prompts/rejection.jinja", "{% block user %}", "{% block user %}Judge strictly. "),
        ("prompts/tag.jinja", "{% block user %}", "{% block user %}Name only what is there. "),
    ):
        found[f"prompt {path[8:-6]}"] = Plant("prompt", partial(text, path, old, new))
    for key, value in (
        ("assemble.max_per_domain.math", 110),
        ("assemble.heldout_share", 0.2),
        ("filter.near_duplicate.general", 0.35),
        ("rank.min_mean", 4.6),
    ):
        found[f"threshold {key}"] = Plant("parameter of a late stage", partial(parameter, key, value))
    for key, value in (
        ("roles.small.top_p", 0.9),
        ("respond.temperatures", [0.7, 0.9]),
        ("rejection.samples", 6),
        ("roles.teacher.temperature", 0.7),
    ):
        found[f"sampling {key}"] = Plant("sampling of an early stage", partial(parameter, key, value))
    for path, old, new in (
        ("stages/curation/assemble.py", "place <= params.per_prompt", "place <= 1"),
        ("stages/annotation/ranked.py", "return (score - 1) / self.most", "return (score - 1) / (self.most + 1)"),
        ("stages/synthesis/rejection.py", "quality=(path.grade - 1) / 4", "quality=(path.grade - 1) / 5"),
        (
            "schemas/products.py",
            'return {"role": role, "content": content}',
            'return {"role": role, "content": content + " "}',
        ),
    ):
        found[f"module {Path(path).stem}"] = Plant("module", partial(text, path, old, new))
    for name, parts in (
        ("plan", ["prompts/respond/plan"]),
        ("constitution", ["prompts/constitution/"]),
        ("rejection", ["prompts/rejection"]),
        ("all", ["prompts/"]),
    ):
        found[f"library jinja2 {name}"] = Plant("library", library, partial(newer_jinja, parts))
    for role in ("small", "large", "judge", "teacher"):
        found[f"model {role}"] = Plant("model or revision", partial(model, role, "2"))
    found["human principle"] = Plant("human judgement", principle)
    found["human principle added"] = Plant("human judgement", principle_added)
    found["human ranking"] = Plant("human judgement", partial(rankings, 6))
    found["human refinement"] = Plant("human judgement", partial(refinement, "fact recall"))
    return found


SEVERAL: dict[str, tuple[str, ...]] = {
    "row and threshold": ("source edited 1", "threshold assemble.heldout_share"),
    "prompt and model": ("prompt respond/plan", "model small"),
    "ranking and sampling": ("human principle", "sampling rejection.samples"),
    "module and rows": ("source removed 3", "module ranked"),
    "row, threshold and prompt": (
        "source added 1",
        "prompt constitution/judge",
        "threshold assemble.max_per_domain.math",
    ),
    "three of one kind": ("threshold rank.min_mean", "threshold assemble.heldout_share", "sampling rejection.samples"),
}
"""Names of plants that are made at once, in the graph's order."""
