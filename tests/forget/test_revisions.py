"""What dvc.lock, the run cache and pointers record is read by lines; params.yaml loses a source and no other line."""

from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from reports.forget.objects import TRAINED, add_trained, descend
from reports.forget.revisions import Repository, Revision, Run, pointed_in, runs_in
from reports.forget.source_list import without_sources

LOCK = """schema: '2.0'
stages:
  sft:
    cmd: python -m cultivar.runner sft
    deps:
    - path: data/demonstrations.parquet
      hash: md5
      md5: aaaa
      size: 1
    params:
      params.yaml:
        sft:
          path: no.path
          md5: no-md5
    outs:
    - path: models/sft
      hash: md5
      md5: bbbb.dir
      size: 1
      nfiles: 2
  'evaluate@sft':
    cmd: c
    outs:
    - path: "data/evaluated/sft.parquet"
      md5: cccc
"""


def test_the_runs_of_a_lock_file_and_of_the_run_cache() -> None:
    sft = Run("sft", {"data/demonstrations.parquet": "aaaa"}, {"models/sft": "bbbb.dir"})
    assert list(runs_in(LOCK)) == [sft, Run("evaluate@sft", {}, {"data/evaluated/sft.parquet": "cccc"})]
    one = "cmd: c\ndeps:\n- path: a\n  hash: md5\n  md5: '1'\nparams:\n  params.yaml:\n    x: 1\nouts:\n- path: b\n  md5: '2'\n"
    assert list(runs_in(one)) == [Run("", {"a": "1"}, {"b": "2"})]
    assert list(runs_in("")) == []


def test_pointers_name_what_stands_beside_them() -> None:
    text = "outs:\n- md5: 0123.dir\n  size: 8\n  nfiles: 2\n  hash: md5\n  path: raw\n"
    assert pointed_in({"data/raw.dvc": text}) == {"data/raw": "0123.dir"}


def test_what_is_trained_on_it_goes_through_any_number_of_stages() -> None:
    runs = (
        Run("sft", {"data/d.parquet": "d"}, {"models/sft": "s", "metrics/sft.json": "m"}),
        Run("evaluate", {"models/sft": "s"}, {"data/evaluated/sft.parquet": "e"}),
        Run("base", {"data/p.parquet": "p"}, {"models/base": "b"}),
        Run("filter", {"data/d.parquet": "d"}, {"data/f.parquet": "f"}),
    )
    objects = {"d": "holds its rows or text"}
    add_trained(objects, Repository([Revision("c", "t", runs, {})]))
    assert objects == {"d": "holds its rows or text", "s": TRAINED, "e": TRAINED}


def test_bytes_that_came_of_other_data_as_well_stay() -> None:
    runs = (
        Run("sft", {"data/d.parquet": "d"}, {"models/sft": "s"}),
        Run("sft", {"data/d.parquet": "x"}, {"models/sft": "s"}),
    )
    objects = {"d": "holds its rows or text"}
    add_trained(objects, Repository([Revision("c", "t", runs, {})]))
    assert objects == {"d": "holds its rows or text"}


def test_rows_descend_through_none_that_stays() -> None:
    edges = pl.DataFrame({"id": ["b", "c", "d", "e"], "parent": ["a", "b", "s", "d"]})
    assert descend({"a"}, edges, set()) == {"a", "b", "c"}
    assert descend({"a"}, edges, {"b"}) == {"a"}


PARAMS = """a: 1 # kept
ingest:
  # sources of mine
  sources:
    - name: one # first
      path: x
    - name: two
      path: y

  evaluation:
    - name: held
      path: z
  other: 2
"""


@pytest.mark.parametrize(
    ("names", "gone"),
    [
        ({"one"}, ["    - name: one # first\n      path: x\n"]),
        ({"two"}, ["    - name: two\n      path: y\n\n"]),
        ({"held"}, ["    - name: held\n      path: z\n"]),
    ],
)
def test_a_source_is_cut_out_of_params(
    names: set[str], gone: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    expected = PARAMS.replace(gone[0], "")
    if names == {"held"}:
        expected = expected.replace("  evaluation:\n", "  evaluation: []\n")
    assert without_sources(names) == expected
    assert YAML(typ="safe", pure=True).load(expected)["a"] == 1
