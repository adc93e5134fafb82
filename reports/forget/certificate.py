"""The certificate of a forgetting, and the scan that completes it. It holds hashes of what is forgotten, never the text."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cultivar.runlog.folders import cache_folder
from cultivar.runlog.previous import objects_folder
from cultivar.store.store import Store
from reports.forget.plan import Plan
from reports.forget.probes import DAMAGED, Probes
from reports.forget.revisions import Repository, git
from schemas.errors import UserError
from schemas.writing import Drafts

FOLDER = Path("reports/forgotten")
DATA = ("data", "human", "reports", "metrics", "plots", "models", "params.yaml")
"""What stages read and write, at the top of the project."""
LEFT_OUT = (".git", "__pycache__", "node_modules")
"""Folders that no scan enters: git's history is told of by `elsewhere.history`."""


def certificate_path(plan: str) -> Path:
    return FOLDER / f"{plan}.json"


def first_certificate(
    plan: Plan, segments: dict[str, list[str]], elsewhere: dict[str, Any], scan: dict[str, Any]
) -> dict[str, Any]:
    """What was done, before anything was built again. `segments`: names after, by kind of the store."""
    return {
        "id": plan.id,
        "what": {"kind": plan.kind, "name": plan.name, "records": plan.records, "rows": plan.rows},
        "why": plan.reason,
        "who": plan.who,
        "when": plan.date,
        "files": plan.files,
        "judgements": plan.judgements,
        "answers": {kind: len(keys) for kind, keys in plan.answers.items()},
        "answers_kept": plan.kept_answers,
        "answers_of_no_stage": plan.unclaimed,
        "segments": {kind: {"before": names, "after": segments.get(kind, [])} for kind, names in plan.segments.items()},
        "objects": plan.objects,
        "objects_of_others": plan.foreign,
        "objects_not_readable": plan.unreadable,
        "outputs": {path: {"before": md5, "after": None} for path, md5 in plan.outputs.items()},
        "rebuild": plan.rebuild,
        "revisions": plan.revisions,
        "requests_to_come": plan.to_ask,
        "shared": plan.shared,
        "elsewhere": {"git": plan.history, **elsewhere},
        "probes": plan.probes,
        "scans": {"when forgotten": scan},
    }


def write(certificate: dict[str, Any]) -> Path:
    """Write a certificate to its place."""
    path = certificate_path(certificate["id"])
    with Drafts() as drafts:
        text = json.dumps(certificate, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        drafts.add(path).write_text(text, encoding="utf-8")
        drafts.publish()
    return path


def read(path: Path) -> dict[str, Any]:
    """A certificate. Raises UserError where the file is none."""
    try:
        certificate = json.loads(path.read_text(encoding="utf-8"))
        Probes.from_json(certificate["probes"])
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; certificates are in {FOLDER}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no certificate of `cultivar forget`: {type(error).__name__}") from error
    return certificate


def complete(certificate: dict[str, Any], store: Store) -> dict[str, Any]:
    """Scan once more, and note the hashes of what was built since. Raises UserError where that is not done yet."""
    built = {path: md5 for run in Repository.read().revisions[0].runs for path, md5 in run.outs.items()}
    missing = [path for path in certificate["outputs"] if path in built and not Path(path).exists()]
    same = [path for path, md5 in certificate["outputs"].items() if built.get(path) == md5["before"]]
    if missing or same:
        first = (missing + same)[0]
        raise UserError(f"{first} was not built again yet: `dvc repro`, then check the certificate")
    for path, md5 in certificate["outputs"].items():
        md5["after"] = built.get(path)
    certificate["scans"]["when rebuilt"] = scan(Probes.from_json(certificate["probes"]), store)
    return certificate


def scan(probes: Probes, store: Store) -> dict[str, Any]:
    """Look for the forgotten in the store, DVC's cache and temporary files, `.cache` and the workspace.

    Tables are decoded. Files with something in them are named, with how much; code and documents in git apart.
    """
    files = 0
    found: list[dict[str, Any]] = []
    mentioned: list[str] = []
    unreadable: list[str] = []
    written_by_hand = tracked()
    for path in tqdm(list(places(store.root)), desc="scan", unit=" files", leave=False, disable=None):
        files += 1
        hits = probes.in_file(path)
        if DAMAGED in hits:
            unreadable.append(str(path))
        elif hits and str(path) in written_by_hand:
            mentioned.append(str(path))
        elif hits:
            found.append({"path": str(path), "hits": len(hits)})
    return {"files": files, "found": found, "mentioned": mentioned, "not_readable": unreadable}


def tracked() -> set[str]:
    """Files of git that no stage reads as data or writes: code and documents, which may say the same by themselves."""
    listed = git("ls-files", "-z").split("\0")
    return {name for name in listed if name and name.split("/")[0] not in DATA}


def places(store: Path) -> Iterator[Path]:
    """Every file that a scan reads, once."""
    seen: set[tuple[int, int]] = set()
    skipped = {(cache_folder() / "forget").resolve(), FOLDER.resolve()}
    for root in (store, objects_folder().parent.parent, Path(".dvc/tmp"), cache_folder(), Path()):
        for folder, names, files in os.walk(root):
            names[:] = sorted(
                name
                for name in names
                if name not in LEFT_OUT and not name.startswith(".venv") and Path(folder, name).resolve() not in skipped
            )
            for name in sorted(files):
                path = Path(folder, name)
                if not path.is_file():
                    continue
                about = path.stat()
                if (about.st_dev, about.st_ino) not in seen:  # DVC's outputs are links to its objects
                    seen.add((about.st_dev, about.st_ino))
                    yield path
