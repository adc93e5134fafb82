"""A small real project built in this process: real stages, simulated teacher, DVC's cache and dvc.lock as `dvc repro` leaves them."""

import hashlib
import json
import os
import shutil
import subprocess
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.forget import rank_by_people, small_project
from cultivar.runner.graph import load_yaml, stage_spec
from cultivar.tools.dry_run import rehearsal
from reports.forget.recording import data_stages
from schemas.table import Table

STAGES = ("ingest", "tag", "ontology", "score", "select", "evolve", "respond", "rank", "constitution")
CONFIG = b'{"hidden_size": 8, "architectures": ["one that two models share"]}'


class Project:
    """The project in `folder`. `build` runs its data stages and a stand-in for training; `asked` counts its requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / ".cache" / "generations"
        self.asked = 0

    @classmethod
    def start(cls, folder: Path) -> "Project":
        """A first version, people's rankings, and a second version; two commits."""
        small_project(folder, (*STAGES, "sft"))
        graph = load_yaml(folder / "dvc.yaml")
        graph["stages"]["sft"] = {
            "cmd": "python -m cultivar.runner sft",
            "deps": ["data/annotation_demonstrations.parquet"],
            "outs": ["models/sft"],
        }
        graph["stages"]["other"] = {
            "cmd": "python -m cultivar.runner other",
            "deps": ["data/passages.parquet"],
            "outs": ["models/other"],
        }
        write_yaml(folder / "dvc.yaml", graph)
        project = cls(folder)
        project.build()
        project.commit("first version")
        rank_by_people(folder)
        project.build()
        project.commit("people have ranked")
        return project

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def clean(self, folder: Path) -> "Project":
        """The same sources where nothing was ever built or asked."""
        built = {"data": {"seeds"}, ".dvc": {"config"}}

        def ignored(place: str, names: list[str]) -> set[str]:
            here = str(Path(place).relative_to(self.folder))
            if here == ".":
                return {".cache", ".git", "dvc.lock", "models"} & set(names)
            return set(names) - built[here] if here in built else set()

        shutil.copytree(self.folder, folder, ignore=ignored)
        return Project(folder)

    def build(self, ask: bool = True) -> dict[str, bytes]:
        """Run every stage from the sources on and write its tables; path -> bytes. `asked` counts what the store lacked."""
        with chdir(self.folder), ExitStack() as outer:
            patch_store(outer, self.store)
            graph, params = load_yaml(Path("dvc.yaml")), load_yaml(Path("params.yaml"))
            tables: dict[Path, Table] = {}
            entries: dict[str, Any] = {}
            self.asked = 0
            for name in data_stages(graph):
                with ExitStack() as stack:
                    run = rehearsal(name, graph, params, stack, replacements=tables, ask=ask, judge_programs=ask)
                    outputs = run.outputs()
                    self.asked += sum(
                        engine.usage.sent if ask else len(engine.backend.requests) for engine in run.engines.values()
                    )
                made = {run.spec.targets[key]: value for key, value in outputs.items() if isinstance(value, Table)}
                tables |= made
                for path, table in made.items():
                    path.unlink(missing_ok=True)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    table.write(path)
                spec = stage_spec(name, {}, graph)
                entries[name] = entry(
                    name, [str(dep) for dep in spec.deps if dep.is_file()], [str(path) for path in made]
                )
            self.train(entries, "sft", "data/annotation_demonstrations.parquet")
            self.train(entries, "other", "data/passages.parquet")
            write_yaml(Path("dvc.lock"), {"schema": "2.0", "stages": entries})
            return {str(path): path.read_bytes() for path in tables}

    def train(self, entries: dict[str, Any], name: str, dep: str) -> None:
        """A model whose weights are a hash of what it was trained on; its config is that of every model."""
        weights = hashlib.sha256(Path(dep).read_bytes()).digest() * 8
        folder = Path("models", name)
        folder.mkdir(parents=True, exist_ok=True)
        files = {"config.json": CONFIG, "model.bin": weights}
        listing = []
        for file, content in files.items():
            (folder / file).unlink(missing_ok=True)
            (folder / file).write_bytes(content)
            listing.append({"md5": cached(content), "relpath": file})
        entries[name] = entry(name, [dep], [])
        md5 = cached(json.dumps(listing).encode(), ".dir")
        entries[name]["outs"] = [{"path": str(folder), "hash": "md5", "md5": md5, "size": 1, "nfiles": 2}]

    def commit(self, title: str) -> None:
        for arguments in (["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", title]):
            subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True)

    def objects(self) -> set[str]:
        """md5 of every object in the cache."""
        return {path.parent.name + path.name for path in (self.folder / ".dvc/cache/files/md5").glob("??/*")}

    def lock(self) -> dict[str, str]:
        """Path -> md5 of every output."""
        stages = load_yaml(self.folder / "dvc.lock")["stages"].values()
        return {out["path"]: out["md5"] for stage in stages for out in stage["outs"]}


def patch_store(stack: ExitStack, store: Path) -> None:
    """Let everything within use this store."""
    before = os.environ.get("CULTIVAR_STORE")
    os.environ["CULTIVAR_STORE"] = str(store)
    stack.callback(
        lambda: os.environ.pop("CULTIVAR_STORE") if before is None else os.environ.update(CULTIVAR_STORE=before)
    )


def entry(name: str, deps: list[str], outs: list[str]) -> dict[str, Any]:
    """A stage of dvc.lock, its outputs linked into the cache."""
    found: dict[str, Any] = {"cmd": f"python -m cultivar.runner {name}"}
    for key, paths in (("deps", deps), ("outs", outs)):
        found[key] = []
        for path in paths:
            content = Path(path).read_bytes()
            md5 = cached(content) if key == "outs" else hashlib.md5(content).hexdigest()
            found[key].append({"path": path, "hash": "md5", "md5": md5, "size": len(content)})
    return found


def cached(content: bytes, suffix: str = "") -> str:
    """Put bytes into DVC's cache; their md5."""
    md5 = hashlib.md5(content).hexdigest() + suffix
    path = Path(".dvc/cache/files/md5", md5[:2], md5[2:])
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(content)
        path.chmod(0o444)
    return md5


def write_yaml(path: Path, value: Any) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    with path.open("w") as file:
        yaml.dump(value, file)
