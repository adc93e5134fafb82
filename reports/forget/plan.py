"""The plan of a forgetting: everything that goes, found before anything is touched; a draft of the certificate."""

import datetime
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cultivar.runlog.folders import cache_folder
from cultivar.runlog.previous import objects_folder
from cultivar.store.store import Store
from reports.forget.answers import REWARDS, asked_alone, damaged_segments, shared_texts, stored_keys, telling
from reports.forget.elsewhere import history
from reports.forget.objects import Answers, Holders, find_holders
from reports.forget.probes import Probes, digest_of
from reports.forget.recording import Edits, Recording, record
from reports.forget.revisions import Repository, members_of, with_members
from reports.forget.target import Target
from schemas.errors import UserError
from schemas.table import Table, TableError
from schemas.writing import Drafts

DRAFT = "plan.json"
REWARD_MODEL = "models/reward"


@dataclass
class Plan:
    """What goes, as plain values; `probes` is what a scan looks for afterwards. Hashes are sha256 unless they are md5."""

    id: str
    kind: str
    name: str
    asked: str = ""
    reason: str = ""
    who: str = ""
    date: str = ""
    records: list[list[Any]] = field(default_factory=list)
    files: dict[str, dict[str, str | None]] = field(default_factory=dict)
    judgements: int = 0
    rows: int = 0
    answers: dict[str, list[str]] = field(default_factory=dict)
    kept_answers: int = 0
    unclaimed: dict[str, int] = field(default_factory=dict)
    segments: dict[str, list[str]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    rebuild: list[str] = field(default_factory=list)
    revisions: list[dict[str, Any]] = field(default_factory=list)
    to_ask: dict[str, int] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    shared: dict[str, int] = field(default_factory=dict)
    probes: dict[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the draft and the new contents of files wait until everything is done."""
        return folder_of(self.id)

    def save(self, contents: dict[Path, bytes | None]) -> None:
        """Write the draft, last of all, so that what it names is there."""
        shutil.rmtree(self.folder, ignore_errors=True)
        for path, content in contents.items():
            if content is not None:
                place = self.folder / "files" / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
        with Drafts() as drafts:
            text = json.dumps(asdict(self), indent=1, sort_keys=True)
            drafts.add(self.folder / DRAFT).write_text(text, encoding="utf-8")
            drafts.publish()


def folder_of(plan: str) -> Path:
    return cache_folder() / "forget" / plan


def unfinished() -> list[Plan]:
    """Drafts of what was begun and did not end."""
    found = sorted((cache_folder() / "forget").glob(f"*/{DRAFT}"))
    return [Plan(**json.loads(path.read_text(encoding="utf-8"))) for path in found]


def make_plan(target: Target, store: Store, unclaimed: bool = False) -> Plan:
    """Find everything that goes with a target. `unclaimed`: also answers that nothing at this version asks for.

    Raises UserError where the tables in the workspace are not what its stages would write.
    """
    forgotten = frozenset(bytes.fromhex(key) for key in target.keys)
    workplace = cache_folder() / "forget"
    before = record(workplace / "with", Edits())
    check_current(before)
    after = record(workplace / "without", Edits(target.files, forgotten), before)
    staying = after.ids()
    repository = Repository.read()
    kept = after.keys()
    probes = target.probes()
    remaining = [table.frame for table in after.tables.values()]
    shared = shared_texts(remaining, probes) | {
        found for content in target.files.values() if content is not None for found in probes.in_content(content)
    }
    for kind, keys in kept.items():
        rows = store.get(kind, sorted(keys)) if keys else None
        if rows is not None and rows.height:
            shared |= probes.in_frame(rows.drop("key", "time", strict=False))
    alone = probes.without(shared)
    going = asked_alone(before.keys(), kept, store)
    answers = Answers(*(hexed(keys) for keys in (all_keys(store), going.values(), kept.values())))
    holders = find_holders(target, alone, repository, staying, answers)
    alone.ids = holders.rows | holders.keys | target.keys
    plan = Plan(id_of(target), target.kind, target.name, records=[list(one) for one in target.records])
    plan.shared = {"texts": len(shared - probes.ids), "rows": len(target.rows & staying)}
    plan.rows, plan.judgements = len(holders.rows), target.people
    plan.to_ask = {stage: asked for stage, asked in after.to_ask.items() if asked}
    plan_answers(plan, target, store, before, after, holders, repository, alone, unclaimed)
    plan.objects = dict(sorted(holders.objects.items()))
    if not is_own_cache():  # other projects may hold the same row: what nothing here names is theirs
        ours = set().union(*(revision.objects for revision in repository.revisions))
        ours |= with_members(md5 for run in repository.runs for md5 in run.outs.values())
        plan.foreign = sorted(set(plan.objects) - ours)
        plan.objects = {md5: why for md5, why in plan.objects.items() if md5 in ours}
    plan.unreadable = sorted(holders.damaged)
    add_places(plan, target, repository, alone)
    plan.probes = alone.as_json()
    return plan


def all_keys(store: Store) -> Iterator[set[bytes]]:
    """The keys of every kind."""
    return (stored_keys(store, kind) for kind in store.kinds())


def hexed(keys: Iterable[set[bytes]]) -> set[str]:
    """Keys of several kinds as 32 hex characters each."""
    return {key.hex() for of_kind in keys for key in of_kind}


def id_of(target: Target) -> str:
    """12 hex characters over what is forgotten and the records that it stood in."""
    return digest_of(json.dumps([target.kind, target.name, sorted(map(list, target.records))]).encode())[:12]


def check_current(before: Recording) -> None:
    """Raise UserError where a table on disk is not what its stage would write: what was asked for it is not known then."""
    for path, table in before.tables.items():
        if path.is_file():
            try:
                same = Table.read(table.model, path).frame.equals(table.frame)
            except TableError:
                same = False
            if not same:
                raise UserError(
                    f"{path} is not what its stage would write now: `dvc repro {path}` (or `dvc checkout`) first, so that all "
                    "that was asked for it is known"
                )


def plan_answers(
    plan: Plan,
    target: Target,
    store: Store,
    before: Recording,
    after: Recording,
    holders: Holders,
    repository: Repository,
    alone: Probes,
    unclaimed: bool,
) -> None:
    """The entries of the store that go, by kind: of this version, of other versions by lineage, and by their text."""
    kept, asked = after.keys(), before.keys()
    going = {bytes.fromhex(key) for key in holders.keys}
    needed = set().union(*kept.values()) if kept else set()
    by_text = telling(store, alone, kept)
    trained = any(run.outs.get(REWARD_MODEL) in holders.objects for run in repository.runs)
    for kind in store.kinds():
        stored = stored_keys(store, kind)
        keys = (going & stored) | by_text.get(kind, set())
        keys |= {bytes.fromhex(key) for key in target.keys} & stored
        if kind == REWARDS and trained:
            keys = stored
        rest = stored - keys - needed
        if unclaimed and kind != REWARDS:
            keys, rest = keys | rest, set()
        if keys:
            plan.answers[kind] = sorted(key.hex() for key in keys)
            folder = store.folder(kind)
            numbers = folder.index.filter(folder.index["key"].is_in(list(keys)))["segment"].unique()
            plan.segments[kind] = sorted(folder.names[number] for number in numbers)
        if rest:
            plan.unclaimed[kind] = len(rest)
    plan.kept_answers = sum(len(keys & needed) for keys in asked.values())
    plan.damaged = [str(path) for path in damaged_segments(store.root)]
    alone.ids |= {key for kind, keys in plan.answers.items() if kind != REWARDS for key in keys}


def add_places(plan: Plan, target: Target, repository: Repository, alone: Probes) -> None:
    """Files of the workspace that change or go, stages to run again, revisions that lose outputs, git's history."""
    for path, content in sorted(target.files.items()):
        old = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        plan.files[str(path)] = {
            "before": old,
            "after": None if content is None else hashlib.sha256(content).hexdigest(),
        }
    workspace = repository.revisions[0]
    for run in workspace.runs:
        going = {path: md5 for path, md5 in run.outs.items() if md5 in plan.objects}
        going |= {
            path: md5
            for path, md5 in run.outs.items()
            if path not in going and Path(path).is_file() and path.startswith("reports/") and alone.in_file(Path(path))
        }
        plan.outputs |= going
        if going:
            plan.rebuild.append(run.stage)
    gone = set(plan.objects)
    for revision in repository.revisions[1:]:
        named = {path: md5 for run in revision.runs for path, md5 in run.outs.items()} | revision.pointed
        if lost := sorted(path for path, md5 in named.items() if {md5, *members_of(md5).values()} & gone):
            plan.revisions.append({"commit": revision.commit[:12], "title": revision.title, "outputs": lost})
    plan.runs = sorted(
        str(path) for path, run in repository.cached_runs.items() if gone & {*run.deps.values(), *run.outs.values()}
    )
    reports = [Path(path) for path in plan.outputs if path.startswith("reports/")]
    plan.history = history([path for path in (*target.files, *reports) if path.name != "params.yaml"], alone)


def today() -> str:
    """The ISO day."""
    return datetime.date.today().isoformat()


def is_own_cache() -> bool:
    """Whether DVC's cache lies in the project, so that no other project uses it."""
    return objects_folder().resolve().is_relative_to(Path.cwd())
