"""A project whose graph is a chain of real stages (ingest … evolve) on http roles, over 200 instructions."""

import json
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from workspace import Workspace

STAGES = ("code", "ingest", "tag", "ontology", "score", "select", "evolve")
ROLES = ("tagger", "teacher", "judge")
SOURCE = "data/seeds/general.jsonl"
ROWS = 200


def reduced(folder: Path, url: str, client: str, rows: int = ROWS) -> Workspace:
    """The project with the stages of the chain alone; what its models are asked goes to `url` as `client`."""

    def edit(params: dict[str, Any]) -> None:
        general = next(source for source in params["ingest"]["sources"] if source["name"] == "general")
        params["ingest"] |= {"sources": [general], "evaluation": []}
        for role in ROLES:
            params["roles"][role] |= {"engine": "http", "faults": None}
        params["select"]["target_size"] = 60
        params["runtime"] |= {"concurrency": 16, "timeout_s": 60.0}

    work = Workspace(folder, edit, commit=False)
    graph = read(folder / "dvc.yaml")
    graph = {"stages": {name: graph["stages"][name] for name in STAGES}}
    tag = graph["stages"]["tag"]["deps"]  # the template of one prompt is split, so that there is an include
    tag.insert(tag.index("prompts/tag.jinja"), "prompts/tag_rules.jinja")
    write(folder / "dvc.yaml", graph)
    template = (folder / "prompts/tag.jinja").read_text()
    rules = "Name the main intentions"
    assert template.count(rules) == 1
    (folder / "prompts/tag.jinja").write_text(template.replace(rules, '{% include "tag_rules.jinja" %}'))
    (folder / "prompts/tag_rules.jinja").write_text(rules)
    seeds = rows_of(work)
    longer = [row | {"instruction": f"{row['instruction']} Use {index + 20} words."} for index, row in enumerate(seeds)]
    write_rows(work, [*seeds, *longer][:rows])
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
    point(work, url, client)
    commit(work, "start")
    return work


def point(work: Workspace, url: str, client: str) -> None:
    """Send what the models are asked to `url`."""
    work.change(lambda params: params["runtime"].update(servers={role: [f"{url}/{client}/v1"] for role in ROLES}))


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def write(path: Path, value: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(value, path)


def rows_of(work: Workspace) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (work.folder / SOURCE).read_text().splitlines()]


def write_rows(work: Workspace, rows: list[dict[str, Any]]) -> None:
    (work.folder / SOURCE).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def commit(work: Workspace, words: str) -> str:
    """Commit everything; the commit's name."""
    git(work, "add", "-A")
    git(work, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", words, "--allow-empty")
    return git(work, "rev-parse", "HEAD").strip()


def git(work: Workspace, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=work.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def contents(work: Workspace) -> dict[str, bytes]:
    """Every file that the graph made, by path."""
    graph = read(work.folder / "dvc.yaml")["stages"]
    paths = [
        next(iter(out)) if isinstance(out, dict) else out
        for entry in graph.values()
        for out in [*entry.get("outs", []), *entry.get("metrics", [])]
    ]
    places = [work.folder / path for path in paths]
    files = [file for place in places for file in (sorted(place.glob("*")) if place.is_dir() else [place])]
    return {str(file.relative_to(work.folder)): file.read_bytes() for file in files}
