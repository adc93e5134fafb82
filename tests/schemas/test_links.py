"""What a stage reads lies where it says: `..` and links that lead out of a declared folder are refused by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cultivar.runner.guard.origin import Origin
from schemas.links import Links, normal
from schemas.stage import Files, UndeclaredRead

SEEDS = (Path("data/seeds"),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with files inside and outside of data/seeds."""
    for name in ("data/seeds/a.jsonl", "data/seeds/b/c.jsonl", "data/raw/x.jsonl", "elsewhere/y.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def link(name: str, target: str) -> None:
    Path(name).symlink_to(target, target_is_directory=Path(name).parent.joinpath(target).is_dir())


@pytest.mark.parametrize(
    "pattern",
    [
        "data/seeds/../../elsewhere/y.jsonl",
        "data/seeds/../raw/x.jsonl",
        "data/seeds/../../data/raw/*.jsonl",
        "data/seeds/b/../../raw/x.jsonl",
    ],
)
def test_dots_that_leave_the_declared_folder_are_undeclared(folder: Path, pattern: str) -> None:
    with pytest.raises(UndeclaredRead, match="which dvc.yaml does not list for it; add to dvc.yaml"):
        Files("ingest", SEEDS).find(pattern)


@pytest.mark.parametrize(
    ("path", "dep", "below"),
    [
        ("data/seeds/x", "data/seeds", True),
        ("data/seeds", "./data/raw/../seeds", True),
        ("data/seeds/../../x", "data/seeds", False),
        ("data/seeds2/x", "data/seeds", False),
        ("../x", "..", True),
        ("x", ".", True),
        ("../x", ".", False),
    ],
)
def test_a_path_is_below_another_without_its_dots(path: str, dep: str, below: bool) -> None:
    assert Links([Path(dep)]).holds(normal(path)) is below


@pytest.mark.parametrize("pattern", ["data/seeds/../seeds/a.jsonl", "./data/seeds/b/../a.jsonl"])
def test_dots_that_stay_are_the_file_itself(folder: Path, pattern: str) -> None:
    assert Files("ingest", SEEDS).find(pattern) == [Path("data/seeds/a.jsonl")]


@pytest.mark.parametrize(
    ("name", "target", "pattern"),
    [
        ("data/seeds/l.jsonl", "../raw/x.jsonl", "data/seeds"),
        ("data/seeds/l.jsonl", "../../elsewhere/y.jsonl", "data/seeds/*.jsonl"),
        ("data/seeds/l.jsonl", "/etc/hostname", "data/seeds/l.jsonl"),
        ("data/seeds/l", "../raw", "data/seeds/l/x.jsonl"),
        ("data/seeds/l", "../raw", "data/seeds/**/*.jsonl"),
    ],
)
def test_a_link_that_leaves_is_refused_with_its_real_place(folder: Path, name: str, target: str, pattern: str) -> None:
    link(name, target)
    with pytest.raises(UndeclaredRead) as error:
        Files("ingest", SEEDS).find(pattern)
    real = os.path.realpath(Path(name) / "x.jsonl" if Path(name).is_dir() else name)
    assert str(error.value).startswith(f"stage ingest reads {name}") and f"a link to {real}, outside of" in str(
        error.value
    )
    assert "copy it to its place, or list" in str(error.value)


def test_a_link_that_leaves_may_be_declared_where_it_leads(folder: Path) -> None:
    assert Files("ingest", (*SEEDS, Path("data/raw"))).find("data/raw/x.jsonl") == [Path("data/raw/x.jsonl")]
    link("data/seeds/l.jsonl", "../raw/x.jsonl")  # where the link stands, its target could change
    with pytest.raises(UndeclaredRead):
        Files("ingest", (*SEEDS, Path("data/raw"))).find("data/seeds/l.jsonl")


def test_a_link_within_the_declared_folder_is_a_file_of_it(folder: Path) -> None:
    link("data/seeds/l.jsonl", "b/c.jsonl")
    assert Files("ingest", SEEDS).find("data/seeds/l.jsonl") == [Path("data/seeds/l.jsonl")]
    Origin(SEEDS, None).check_links("ingest")


def test_dvc_does_not_follow_a_link_to_a_folder(folder: Path) -> None:
    """So nothing would run again when the link leads to another folder."""
    link("data/seeds/latest", "b")
    with pytest.raises(UndeclaredRead, match=r"data/seeds/b behind a link to a folder; DVC does not follow it"):
        Files("ingest", SEEDS).find("data/seeds/latest/c.jsonl")


@pytest.mark.parametrize("pattern", ["data/seeds/**/*.jsonl", "data/seeds/**"])
def test_links_in_circles_end(folder: Path, pattern: str) -> None:
    """Two of them make 2^40 paths."""
    link("data/seeds/here", ".")
    link("data/seeds/up", "..")
    with pytest.raises(UndeclaredRead, match="behind a link to a folder|a link to"):
        Files("ingest", SEEDS).find(pattern)
    assert len(Files("ingest", SEEDS).find("data/seeds")) == 2


def test_dots_behind_a_link_lead_elsewhere_than_they_say(folder: Path) -> None:
    link("data/seeds/l", "../../elsewhere")
    (folder / "a.jsonl").touch()  # what data/seeds/l/../a.jsonl really is
    with pytest.raises(UndeclaredRead, match=r"its `\.\.` stands behind a link"):
        Files("ingest", SEEDS).find("data/seeds/l/../a.jsonl")


def test_a_declared_path_may_itself_be_a_link(folder: Path) -> None:
    link("data/big", "../elsewhere")
    link("data/one.jsonl", "../elsewhere/y.jsonl")
    files = Files("ingest", (Path("data/big"), Path("data/one.jsonl"), Path("./data/seeds/../raw")))
    assert files.find("data/big") == [Path("data/big/y.jsonl")]
    assert files.find("data/one.jsonl") == [Path("data/one.jsonl")]
    assert files.find("data/raw/x.jsonl") == [Path("data/raw/x.jsonl")]


@pytest.mark.parametrize(
    "store", ["cache/files/md5/ab/" + "0" * 30, "hub/models--m/blobs/" + "a" * 40, "hub/blobs/" + "a" * 64]
)
def test_content_by_its_hash_may_lie_anywhere(folder: Path, store: str) -> None:
    (folder / store).parent.mkdir(parents=True)
    (folder / store).touch()
    link("data/seeds/l.jsonl", str(folder / store))
    assert Path("data/seeds/l.jsonl") in Files("ingest", SEEDS).find("data/seeds")
    Origin(SEEDS, None).check_links("ingest")


def test_the_guard_refuses_links_that_no_pattern_asked_for(folder: Path) -> None:
    """Prompts and models are not found through Files."""
    link("data/seeds/l.jsonl", "../raw/x.jsonl")
    with pytest.raises(UndeclaredRead, match="stage tag reads data/seeds/l.jsonl, which is a link to"):
        Origin(SEEDS, None).check_links("tag")


def test_dvcs_own_links_into_its_cache_go_on_working(folder: Path) -> None:
    def dvc(*arguments: str) -> None:
        environment = os.environ | {"DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(folder), "HOME": str(folder)}
        subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, env=environment, capture_output=True)

    dvc("init", "--no-scm")
    (folder / ".dvc/config").write_text(
        "[core]\n    no_scm = true\n[cache]\n    type = symlink\n    dir = ../shared-cache\n"
    )
    Path("data/seeds/a.jsonl").write_text("{}\n")
    dvc("add", "data/seeds", "data/raw/x.jsonl")
    assert Path("data/seeds/a.jsonl").is_symlink() and Path("data/raw/x.jsonl").is_symlink()
    assert len(Files("ingest", SEEDS).find("data/seeds")) == 2
    assert Files("ingest", (Path("data/raw/x.jsonl"),)).find("data/raw/*.jsonl") == [Path("data/raw/x.jsonl")]
    Origin(SEEDS, None).check_links("ingest")
