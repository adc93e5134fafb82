"""What touched rows have in common, counted by hand over two small versions."""

import dataclasses

import polars as pl
import pytest
from handmade import Handmade
from sample_review import review

from reports.causes.change import Why
from reports.diff.model import DEMONSTRATIONS, Diff
from reports.page.traits import find_traits
from reports.versions.version import open_version


def rows(numbers: range, domain: str, tags: list[str], source: str = "") -> pl.DataFrame:
    return pl.DataFrame(
        {"id": [f"{n:032x}" for n in numbers], "domain": domain, "tags": [tags] * len(numbers), "source": source},
        schema_overrides={"tags": pl.List(pl.String)},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """40 rows of maths; then six of them go, and of ten new ones eight are code with a tag that nothing else has."""
    made = Handmade(tmp_path_factory.mktemp("traits") / "project")
    old = pl.concat([rows(range(6), "math", ["sums"], "a.jsonl:1"), rows(range(6, 40), "math", [])])
    new = pl.concat(
        [rows(range(6, 40), "math", []), rows(range(40, 48), "code", ["lists"]), rows(range(48, 50), "math", [])]
    )
    for frame, words in ((old, "old"), (new, "new")):
        made.put({"assemble": {DEMONSTRATIONS: frame}})
        made.commit(words)
    return made


@pytest.fixture
def diff(project, monkeypatch) -> Diff:
    monkeypatch.chdir(project.folder)
    kinds = [("removed", n, None) for n in range(6)] + [("added", None, n) for n in range(40, 50)]
    lines = [(kind, *(None if n is None else f"{n:032x}" for n in pair)) for kind, *pair in kinds]
    ids = pl.DataFrame(lines, schema={"kind": pl.String, "id_old": pl.String, "id_new": pl.String}, orient="row")
    (table,) = (one for one in review().tables if one.table == DEMONSTRATIONS)
    table = dataclasses.replace(table, added=10, removed=6, changed=0, ids=ids)
    why = Why(ids.with_columns(table=pl.lit(DEMONSTRATIONS), cause=pl.lit("p"), marks=pl.lit([])), (), ())
    return dataclasses.replace(review(), old=open_version("HEAD~1"), new=open_version("HEAD"), tables=(table,), why=why)


def test_shares_bases_and_lifts(diff):
    found = {
        (t.group, t.column, t.value): (t.rows, t.share, t.base)
        for t in find_traits(dataclasses.replace(diff, why=None))
    }
    assert found == {
        ("added", "domain", "code"): (8, 0.8, 8 / 44),
        ("removed", "source", "a.jsonl"): (6, 1.0, 6 / 40),
    }  # of equally many rows one value stands for all: not tags = lists, tags = sums too


def test_rows_of_a_cause_are_compared_with_both_versions(diff):
    (trait,) = (t for t in find_traits(diff) if t.group == "p")
    assert (trait.column, trait.value, trait.rows, trait.share) == ("domain", "code", 8, 0.5)
    assert trait.base == pytest.approx(10 * (8 / 44) / 16)


def test_without_the_tables_nothing_is_said(diff, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert find_traits(review()) == ()
