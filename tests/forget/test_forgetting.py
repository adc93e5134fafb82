"""Rows, sources and annotators are forgotten in a project of real stages: nothing of them is left, nothing is asked again."""

import errno
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from forget_project import Project

import reports.forget.applying as applying
import reports.forget.command as command
from cultivar.store.store import Store
from reports.forget.certificate import scan
from reports.forget.plan import make_plan
from reports.forget.probes import Probe, Probes
from reports.forget.target import row_target
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
    return str(selected.filter(pl.col("source").str.starts_with(GENERAL))["id"].sort()[0])


def text_of(row: str) -> str:
    return str(pl.read_parquet("data/instructions.parquet").filter(id=row)["prompt"][0])


TARGETS: dict[str, Callable[[], str]] = {"row": selected_row, "source": lambda: "safety", "annotator": lambda: "chen"}


@pytest.mark.parametrize("kind", TARGETS)
def test_a_rebuild_equals_a_build_that_never_had_it_and_asks_nothing(
    kind: str, project: Project, tmp_path: Path
) -> None:
    name = TARGETS[kind]()
    assert forget(**{kind: name}, yes=True) == 0
    certificate = json.loads(certificate_of(project).read_text())
    assert certificate["requests_to_come"] == {}
    clean = project.clean(tmp_path / "clean").build()
    rebuilt = project.build(ask=False)
    assert project.asked == 0
    assert rebuilt == clean
    assert forget(check=certificate_of(project)) == 0
    assert json.loads(certificate_of(project).read_text())["scans"]["when rebuilt"]["found"] == []


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


def test_the_certificate_holds_hashes_and_no_text(project: Project) -> None:
    row = selected_row()
    text = text_of(row)
    forget(row=row, yes=True)
    certified = certificate_of(project).read_text()
    assert text not in certified
    assert json.dumps(text)[1:-1] not in certified
    parsed = json.loads(certified)
    assert (parsed["what"]["name"], parsed["why"], parsed["who"], parsed["when"]) == (
        row,
        "asked to",
        "t",
        "2026-11-30",
    )
    assert parsed["files"][GENERAL]["before"] != parsed["files"][GENERAL]["after"]
    assert "models/sft" in parsed["outputs"]
    assert "sft" in parsed["rebuild"]


def test_models_trained_on_it_go_and_what_others_share_stays(project: Project) -> None:
    before, lock = project.objects(), project.lock()
    forget(row=selected_row(), yes=True)
    gone = before - project.objects()
    assert lock["models/sft"] in gone
    assert lock["models/other"] not in gone
    assert not Path("models/sft").exists()
    config = next(
        path for path in Path(".dvc/cache/files/md5").glob("??/*") if b"two models share" in path.read_bytes()
    )
    assert config.is_file()
    assert lock["data/problems.parquet"] not in gone


def test_answers_that_another_row_asks_for_stay(project: Project) -> None:
    first, *_ = Path(GENERAL).read_bytes().splitlines()
    twin = json.loads(first) | {"note": "the same text in a record of its own"}
    Path("data/seeds/twin.jsonl").write_text(json.dumps(twin) + "\n")
    row = pl.read_parquet("data/instructions.parquet").filter(source=f"{GENERAL}:1")["id"][0]
    add_source("twin", "data/seeds/twin.jsonl")
    project.build()
    keys = len(stored(project))
    assert forget(row=f"{GENERAL}:1", yes=True) == 0  # the record; its twin in another file is another record
    assert row in set(project_ids(project))
    assert project.asked == 0
    assert len(stored(project)) == keys


def test_a_text_of_another_row_is_shared_and_no_leak(project: Project) -> None:
    row = selected_row()
    quoted = f"Please do what follows and nothing else. {text_of(row)}"
    with Path(GENERAL).open("a") as file:
        file.write(json.dumps({"instruction": quoted, "output": ""}) + "\n")
    project.build()
    assert forget(row=row, yes=True) == 0
    assert json.loads(certificate_of(project).read_text())["shared"]["texts"] >= 1


@pytest.mark.parametrize("step", ["remove", "unlink_objects", "remove_output", "cut_files", "scan", "write"])
def test_a_kill_between_steps_is_taken_up_again(step: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    row = selected_row()
    with monkeypatch.context() as patch:
        patch.setattr(applying, step, killed)
        with pytest.raises(SystemExit):
            forget(row=row, yes=True)
    assert forget(row=row) == 1  # a dry run says that something is unfinished
    assert forget(row=row, yes=True) == 0
    assert scan_for(project, row) == []
    assert not list(Path(".cache/forget").glob("*/plan.json"))


def test_a_store_that_cannot_be_written_stops_it_before_anything_went(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        if folder.is_relative_to(project.store):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    row, objects, rows = selected_row(), project.objects(), stored(project)
    with monkeypatch.context() as patch:
        patch.setattr(applying, "check_folder", refuse)
        assert forget(row=row, yes=True) == 1
    assert "Read-only file system" in capsys.readouterr().err
    assert (project.objects(), stored(project)) == (objects, rows)
    assert forget(row=row, yes=True) == 0


def test_a_row_made_of_others_is_refused_with_the_rows_behind_it(project: Project) -> None:
    candidate = pl.read_parquet("data/candidates.parquet").sort("id").row(0, named=True)
    with pytest.raises(UserError, match=r"was made from others.*--answer"):
        row_target(candidate["id"])


def test_a_second_run_finds_nothing_left_to_forget(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    row = selected_row()
    forget(row=row, yes=True)
    project.build(ask=False)
    assert forget(row=row, yes=True) == 1
    assert "no table of the workspace has a row" in capsys.readouterr().err


def test_a_workspace_that_is_not_built_is_refused(project: Project) -> None:
    with Path(GENERAL).open("a") as file:
        file.write(json.dumps({"instruction": "Name three rivers of Asia, please.", "output": ""}) + "\n")
    with pytest.raises(UserError, match=r"instructions\.parquet is not what its stage would write now"):
        make_plan(row_target(selected_row()), Store(project.store))


def add_source(name: str, path: str) -> None:
    text = Path("params.yaml").read_text()
    head, mark, rest = text.partition("  sources:\n")
    new = f"  - domain: general\n    format: auto\n    license: CC0-1.0\n    name: {name}\n    path: {path}\n"
    Path("params.yaml").write_text(head + mark + new + rest)


def stored(project: Project) -> set[bytes]:
    store = Store(project.store)
    found: set[bytes] = set()
    for kind in store.kinds():
        folder = store.folder(kind)
        folder.refresh()
        found |= set(folder.index["key"])
    return found


def project_ids(project: Project) -> list[str]:
    project.build(ask=False)
    return pl.read_parquet("data/instructions.parquet")["id"].to_list()


def scan_for(project: Project, row: str) -> list[dict[str, object]]:
    return scan(Probes([], {row}), Store(project.store))["found"]


def killed(*_: object, **__: object) -> None:
    raise SystemExit(137)


def test_probes_find_a_text_inside_another_and_escaped() -> None:
    text = 'He said "no" —\nand left for good, quite early'
    probe = Probe.of(text)
    assert probe is not None
    assert Probes([probe]).in_bytes(b"xx " + text.encode() + b" yy") == {probe.sha}
    assert Probes([probe]).in_bytes(text.replace("quite", "quiet").encode()) == set()
