"""The folder of an export: splits apart, whole or not at all, over an earlier one only, of any data version."""

import json
import os
import subprocess
import sys
from pathlib import Path

import orjson
import polars as pl
import pytest
from export_project import (
    CALLED,
    PAIR,
    PLAIN,
    SHARED,
    THOUGHT,
    TURNS,
    D,
    demonstration,
    make_project,
    read_lines,
    table_bytes,
)

from reports.export import files, folder, rows
from reports.export.command import main
from schemas.rows import FinalDemonstration

ROOT = Path(__file__).parents[2]
ROWS = [
    demonstration(1, PLAIN, quality=0.9, domain="math"),
    demonstration(2, TURNS, split="heldout"),
    demonstration(3, THOUGHT),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    made = make_project(tmp_path, ROWS, [demonstration(1, PAIR)])
    monkeypatch.chdir(made.folder)
    return made


def ids(path: Path) -> list[int]:
    return [int(row["id"], 16) for row in read_lines(path)]


def contents(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir()}


def test_train_and_heldout_are_files_of_their_own(project, capsys):
    assert main("demonstrations") == 0
    assert ids(Path("exports/demonstrations-trl/train.jsonl")) == [1, 3]
    assert ids(Path("exports/demonstrations-trl/heldout.jsonl")) == [2]
    assert "exports/demonstrations-trl: train 2 and heldout 1 rows" in capsys.readouterr().out


def test_a_split_without_rows_has_no_file(project):
    assert main("P", out=Path("out")) == 0
    assert not Path("out/heldout.jsonl").exists()
    header = Path("out/README.md").read_text().split("---")[1]
    assert "heldout" not in header


def test_equal_rows_give_equal_bytes(project):
    for form in ("hf", "sharegpt"):
        assert main("D", form, Path("one")) == main("D", form, Path("two")) == 0
        assert contents(Path("one")) == contents(Path("two"))


def test_many_batches_are_one_file(project, monkeypatch):
    assert main("D", out=Path("whole")) == 0
    monkeypatch.setattr(rows, "BATCH", 1)
    assert main("D", out=Path("parts")) == 0
    assert contents(Path("whole")) == contents(Path("parts"))
    for kind in ("csv", "parquet"):
        assert main("D", out=Path(kind), file=kind) == 0
        read = pl.read_csv if kind == "csv" else pl.read_parquet
        assert read(Path(kind) / f"train.{kind}").height == 2


def test_where_chooses_rows_and_the_others_are_counted(project, capsys):
    assert main("D", out=Path("out"), where="quality >= 0.8 AND domain = 'math'") == 0
    assert ids(Path("out/train.jsonl")) == [1]
    assert "2 of 3 not asked for" in capsys.readouterr().out
    assert json.loads(Path("out/export.json").read_bytes())["rows"]["chosen"] == 1


@pytest.mark.parametrize(
    ("where", "chosen"),
    [
        ("quality > AVG(quality)", [1]),
        ("COUNT(*) > 2", [1, 3]),
        ("pass_rate > 0", []),
        ("domain IN ('math', 'code') OR source LIKE '%:8'", [1]),
        ("TRUE", [1, 3]),
    ],
)
def test_a_condition_is_of_the_whole_table(project, monkeypatch, where, chosen):
    monkeypatch.setattr(rows, "BATCH", 1)
    assert main("D", out=Path("out"), where=where) == 0
    assert ids(Path("out/train.jsonl")) == chosen


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"where": "qualty > 1"}, "no column qualty; did you mean quality?"),
        ({"where": "quality +"}, "write a condition as in SQL"),
        ({"where": "quality"}, "it is no condition"),
        ({"where": "quality > (SELECT 1)"}, "write a condition as in SQL"),
        ({"where": "read_csv('/etc/passwd') = 1"}, "unsupported function"),
        ({"form": "sharegtp"}, "did you mean sharegpt?"),
        ({"columns": "qualty"}, "did you mean quality?"),
        ({"form": "hf", "file": "csv"}, "hf is written as parquet"),
        ({"table": "Q"}, "neither D"),
        ({"rev": "v9"}, "v9 is no revision"),
    ],
)
def test_a_wrong_word_is_named_with_the_right_one(project, capsys, options, words):
    assert main(**{"table": "D", "out": Path("out"), **options}) == 1
    assert words in capsys.readouterr().err
    assert not Path("out").exists()


def test_an_earlier_export_is_replaced_as_a_whole(project):
    assert main("D", out=Path("out"), file="parquet") == 0
    assert main("D", out=Path("out")) == 0
    assert set(contents(Path("out"))) == {"README.md", "croissant.json", "export.json", "heldout.jsonl", "train.jsonl"}


@pytest.mark.parametrize("name", ["notes.txt", "sub/notes.txt"])
def test_what_no_export_wrote_is_not_removed(project, capsys, name):
    place = Path("out") / name
    place.parent.mkdir(parents=True)
    place.write_text("mine")
    assert main("D", out=Path("out")) == 1
    assert "holds something that is no export" in capsys.readouterr().err
    place.rename(place.with_suffix(".md"))
    assert main("D", out=Path("out"), force=True) == 0
    assert not place.with_suffix(".md").exists()
    Path("out/mine.txt").write_text("mine")
    assert main("D", out=Path("out")) == 1
    assert "mine.txt, which no export wrote" in capsys.readouterr().err


def test_a_file_in_the_place_is_named(project, capsys):
    Path("out").write_text("mine")
    assert main("D", out=Path("out"), force=True) == 1
    assert "is no folder" in capsys.readouterr().err


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt(), 130), (OSError(28, "No space left"), 1)])
def test_an_export_that_is_broken_off_leaves_what_was_there(project, monkeypatch, error, status):
    assert main("D", out=Path("out")) == 0
    before = contents(Path("out"))

    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(folder, "describe", fail)
    assert main("D", "alpaca", Path("out")) == status
    assert contents(Path("out")) == before
    assert main("D", "alpaca", Path("other")) == status
    assert not Path("other").exists()
    assert not list(Path().glob(".*.tmp"))


def test_a_revision_is_read_without_a_checkout(project):
    project.put({"assemble": {D: table_bytes(FinalDemonstration, [demonstration(9, PLAIN)], project.folder)}})
    project.commit("v2")
    assert main("D", out=Path("old"), rev="HEAD~1") == main("D", out=Path("new")) == 0
    assert ids(Path("old/train.jsonl")) == [1, 3]
    assert ids(Path("new/train.jsonl")) == [9]
    told = json.loads(Path("old/export.json").read_bytes())["provenance"]
    assert told["revision"] == project.git("rev-parse", "HEAD~1")
    assert told["recorded"] is True


def test_a_table_that_was_changed_by_hand_is_said_to_be(project):
    (project.folder / D).write_bytes(table_bytes(FinalDemonstration, [demonstration(9, PLAIN)], project.folder))
    assert main("D", out=Path("out")) == 0
    assert json.loads(Path("out/export.json").read_bytes())["provenance"]["recorded"] is False
    assert "does not record" in Path("out/README.md").read_text()


def test_a_version_from_before_conversations_had_tools_is_exported(project):
    plain = pl.DataFrame([SHARED | {"id": f"{1:032x}", "parents": ["a" * 32]} | PLAIN])
    project.put({"assemble": {D: plain.drop("source")}})
    project.commit("old")
    for form in ("trl", "hf", "alpaca", "sharegpt", "messages", "verifiers"):
        assert main("D", form, Path(form)) == 0
    assert read_lines(Path("trl/train.jsonl"))[0]["completion"] == PLAIN["completion"]


def test_a_missing_table_is_named_with_the_remedy(project, capsys):
    (project.folder / D).unlink()
    assert main("D", out=Path("out")) == 1
    assert "`dvc repro` makes it" in capsys.readouterr().err


def test_an_empty_table_is_an_export_without_rows(project):
    project.put({"assemble": {D: table_bytes(FinalDemonstration, [], project.folder)}})
    for form in ("trl", "hf", "alpaca", "sharegpt", "messages", "verifiers"):
        assert main("D", form, Path(form)) == 0
        assert not list(Path(form).glob("train.*"))


@pytest.mark.parametrize(
    ("table", "form", "columns"),
    [
        ("D", "sharegpt", {"messages": "conversations", "system": "system"}),
        ("P", "alpaca", {"prompt": "instruction", "chosen": "chosen", "rejected": "rejected"}),
    ],
)
def test_llama_factory_finds_the_rows(project, table, form, columns):
    assert main(table, form, Path("out")) == 0
    told = json.loads(Path("out/dataset_info.json").read_bytes())
    one = told["demonstrations_heldout" if table == "D" else "preferences_train"]
    assert Path("out", one["file_name"]).is_file()
    assert (one["formatting"], one.get("ranking", False)) == (form, table == "P")
    assert columns.items() <= one["columns"].items()
    assert set(one["columns"].values()) <= set(read_lines(Path("out/train.jsonl"))[0])


def test_every_row_is_written_or_refused(tmp_path, monkeypatch):
    mixed = [demonstration(number, [PLAIN, TURNS, THOUGHT, CALLED][number % 4]) for number in range(40)]
    monkeypatch.chdir(make_project(tmp_path, mixed).folder)
    monkeypatch.setattr(rows, "BATCH", 7)
    assert main("D", "alpaca", Path("out")) == 0
    refused = {int(one["id"], 16) for one in read_lines(Path("out/left_out.jsonl"))}
    assert refused == {number for number in range(40) if number % 4 == 3}
    assert set(ids(Path("out/train.jsonl"))) == set(range(40)) - refused


def test_a_full_disk_names_the_folder(project, monkeypatch, capsys):
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    assert main("D", out=Path("out")) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_the_command_line_has_it(project):
    done = subprocess.run(
        [sys.executable, "-m", "cultivar", "export", "D", "--format", "alpaca", "--out", "out", "--columns", "source"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert orjson.loads(Path("out/train.jsonl").read_bytes().split(b"\n")[0])["source"] == "data/raw/chats.jsonl:7"
