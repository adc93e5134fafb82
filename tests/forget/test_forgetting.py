"""Rows, sources and annotators are forgotten in a project of real stages: nothing of them is left, nothing is asked again."""

import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from forget_project import CONFIG, Project

import reports.forget.applying as applying
import reports.forget.command as command
from bench.forget import change
from cultivar.store.store import Store
from reports.forget.certificate import scan
from reports.forget.plan import make_plan
from reports.forget.probes import Probes
from reports.forget.target import row_target
from schemas.conversations import asked
from schemas.errors import UserError

GENERAL = "data/seeds/general.jsonl"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.start(tmp_path_factory.mktemp("forget") / "base")


@pytest.fixture
def project(built: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    copy = built.copy(tmp_path / "work")
    monkeypatch.chdir(copy.folder)
    monkeypatch.setenv("CULTIVAR_STORE", str(copy.store))
    yield copy


def forget(**options: str | bool | Path) -> int:
    return command.main(**{"reason": "asked to", "who": "t", "date": "2026-11-30"} | options)  # type: ignore[arg-type]


def certificate_of(project: Project) -> Path:
    (path,) = (project.folder / "reports/forgotten").glob("*.json")
    return path.relative_to(project.folder)


def selected_row() -> str:
    """The id of an instruction that candidates were made of."""
    selected = pl.read_parquet("data/selected.parquet")
    longest = selected.filter(pl.col("source").str.starts_with(GENERAL)).sort(asked().str.len_bytes(), "id")
    return str(longest["id"][-1])


def text_of(row: str) -> str:
    return str(pl.read_parquet("data/instructions.parquet").filter(id=row)["prompt"][0][-1]["content"])


TARGETS: dict[str, Callable[[], str]] = {"row": selected_row, "source": lambda: "safety", "annotator": lambda: "chen"}


@dataclass
class Outcome:
    """What forgetting the row did, and the builds afterwards."""

    row: str
    text: str
    gone: set[str]
    recorded: dict[str, str]
    certified: str
    rebuilt: dict[str, bytes]
    clean: dict[str, bytes]
    asked: int
    checked: dict[str, Any]


def go_through(project: Project, clean: Path, kind: str) -> Outcome:
    """Forget, build again from the store alone, build cleanly, check."""
    name = TARGETS[kind]()
    text = text_of(name) if kind == "row" else ""
    before, recorded = project.objects(), project.lock()
    assert forget(**{kind: name}, yes=True) == 0
    gone = before - project.objects()
    certified = certificate_of(project).read_text()
    made = project.clean(clean).build()
    rebuilt = project.build(ask=False)
    asked = project.asked
    assert forget(check=certificate_of(project)) == 0
    checked = json.loads(certificate_of(project).read_text())
    return Outcome(name, text, gone, recorded, certified, rebuilt, made, asked, checked)


@pytest.fixture(scope="module")
def forgotten_row(built: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    folder = tmp_path_factory.mktemp("row")
    copy = built.copy(folder / "work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(copy.folder)
        patch.setenv("CULTIVAR_STORE", str(copy.store))
        yield go_through(copy, folder / "clean", "row")


def check_outcome(outcome: Outcome) -> None:
    assert outcome.asked == 0
    assert json.loads(outcome.certified)["requests_to_come"] == {}
    assert outcome.rebuilt == outcome.clean
    assert outcome.checked["scans"]["when rebuilt"]["found"] == []


def test_a_rebuild_equals_a_build_that_never_had_the_row_and_asks_nothing(forgotten_row: Outcome) -> None:
    check_outcome(forgotten_row)
    assert forgotten_row.checked["scans"]["when rebuilt"]["files"] > 100


@pytest.mark.parametrize("kind", ["source", "annotator"])
def test_the_same_of_a_source_and_of_an_annotator(kind: str, project: Project, tmp_path: Path) -> None:
    check_outcome(go_through(project, tmp_path / "clean", kind))


def test_the_certificate_holds_hashes_and_no_text(forgotten_row: Outcome) -> None:
    assert forgotten_row.text not in forgotten_row.certified
    assert json.dumps(forgotten_row.text)[1:-1] not in forgotten_row.certified
    parsed = json.loads(forgotten_row.certified)
    assert parsed["what"]["name"] == forgotten_row.row
    assert (parsed["why"], parsed["who"], parsed["when"]) == ("asked to", "t", "2026-11-30")
    assert parsed["files"][GENERAL]["before"] != parsed["files"][GENERAL]["after"]
    assert parsed["probes"]["texts"]
    assert "sft" in parsed["rebuild"]
    assert [entry["path"] for entry in parsed["elsewhere"]["git"]][0] == GENERAL
    assert len(parsed["revisions"]) == 2
    after = forgotten_row.checked["outputs"]["data/instructions.parquet"]
    assert after["before"] != after["after"]


def test_models_trained_on_it_go_and_what_others_share_stays(forgotten_row: Outcome) -> None:
    gone, recorded = forgotten_row.gone, forgotten_row.recorded
    assert recorded["models/sft"] in gone
    assert recorded["models/other"] not in gone
    assert hashlib.md5(CONFIG).hexdigest() not in gone
    assert recorded["data/passages.parquet"] not in gone
    assert {"models/sft", "data/instructions.parquet"} <= set(json.loads(forgotten_row.certified)["outputs"])


def test_nothing_is_touched_without_yes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    def state() -> dict[str, int]:
        return {
            str(p): p.stat().st_mtime_ns for p in sorted(Path().rglob("*")) if p.is_file() and ".git/" not in str(p)
        }

    before = state()
    assert forget(row=selected_row()) == 0
    assert state() == before
    said = capsys.readouterr().out
    assert "nothing was touched" in said
    assert said.count("outputs become unavailable") == 2  # both commits hold it


def test_what_another_row_asks_for_or_says_stays_and_is_no_leak(project: Project) -> None:
    row = selected_row()
    place = pl.read_parquet("data/instructions.parquet").filter(id=row)["source"][0]
    record = json.loads(Path(GENERAL).read_bytes().splitlines()[int(place.rpartition(":")[2]) - 1])
    quoted = {"instruction": f"Please do what follows and nothing else. {text_of(row)}", "output": ""}
    Path("data/seeds/twin.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (record, quoted)))
    twin = {"name": "twin", "path": "data/seeds/twin.jsonl", "domain": "general", "license": "CC0-1.0"}
    change(project.folder, lambda params: params["ingest"]["sources"].append(twin))
    project.build()
    keys = stored(project)
    assert forget(row=place, yes=True) == 0  # one record of two that are equal
    assert stored(project) == keys
    certificate = json.loads(certificate_of(project).read_text())
    assert certificate["shared"] == {"texts": 1, "rows": 2}  # the instruction and its answer by people
    assert certificate["judgements"] == 0  # people ranked what is still there
    project.build(ask=False)
    assert project.asked == 0
    assert row in set(pl.read_parquet("data/instructions.parquet")["id"])


def test_a_kill_between_any_two_steps_is_taken_up_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        if folder.is_relative_to(project.store):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    row, before = selected_row(), (project.objects(), stored(project))
    with monkeypatch.context() as patch:
        patch.setattr(applying, "check_folder", refuse)
        assert forget(row=row, yes=True) == 1
    assert "Read-only file system), so nothing was touched" in capsys.readouterr().err
    assert (project.objects(), stored(project)) == before
    assert not list(Path(".cache/forget").glob("*/plan.json"))
    for step in ("remove", "unlink_objects", "remove_output", "cut_files", "scan", "write"):
        with monkeypatch.context() as patch:
            patch.setattr(applying, step, killed)
            with pytest.raises(SystemExit):
                forget(row=row, yes=True)
        assert forget(row=row) == 1  # a dry run says that something is unfinished
    assert forget(row=row, yes=True) == 0
    assert scan(Probes([], {row}), Store(project.store))["found"] == []
    assert not list(Path(".cache/forget").glob("*/plan.json"))
    project.build(ask=False)
    assert project.asked == 0
    assert forget(row=row, yes=True) == 1
    assert "no table of the workspace has a row" in capsys.readouterr().err


def test_rows_made_of_others_and_unbuilt_workspaces_are_refused(project: Project) -> None:
    candidate = pl.read_parquet("data/candidates.parquet").sort("id").row(0, named=True)
    with pytest.raises(UserError, match=r"was made from others.*--answer"):
        row_target(candidate["id"])
    row = selected_row()
    with Path(GENERAL).open("a") as file:
        file.write(json.dumps({"instruction": "Name three rivers of Asia, please.", "output": ""}) + "\n")
    with pytest.raises(UserError, match=r"instructions\.parquet is not what its stage would write now"):
        make_plan(row_target(row), Store(project.store))


def stored(project: Project) -> set[bytes]:
    store = Store(project.store)
    found: set[bytes] = set()
    for kind in store.kinds():
        folder = store.folder(kind)
        folder.refresh()
        found |= set(folder.index["key"])
    return found


def killed(*_: object, **__: object) -> None:
    raise SystemExit(137)
