"""A record is cut out of a file and every other one is read as before, or the file is refused with what to do."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.forget.cutting import Uncut, cut, records_at
from schemas.errors import UserError
from stages.curation.readers.records import read_records


def test_lines_keep_their_bytes_and_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"prompt": "one"}\r\n\n{"prompt":  "tw\\u00f6"}\n{"prompt": "three"}')
    assert cut(path, [1]) == b'\n{"prompt":  "tw\\u00f6"}\n{"prompt": "three"}'
    assert cut(path, [4]) == b'{"prompt": "one"}\r\n\n{"prompt":  "tw\\u00f6"}\n'
    assert cut(path, [1, 3, 4]) is None
    path.with_suffix(".txt").write_bytes(b"one\ntwo\nthree\n")
    assert cut(path.with_suffix(".txt"), [2]) == b"one\nthree\n"


def test_a_csv_field_may_hold_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'prompt,answer\n"two\nlines",1\nnext,2\n')
    assert cut(path, [2]) == b"prompt,answer\nnext,2\n"
    assert cut(path, [4]) == b'prompt,answer\n"two\nlines",1\n'
    path.write_bytes(b'prompt,answer\n"open,1\nnext,2\n')
    with pytest.raises(Uncut, match="no CSV"):
        cut(path, [3])


def test_an_array_keeps_its_form(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [{"prompt": "ä"}, {"prompt": "b"}, {"prompt": "c"}]
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=2))
    assert cut(path, [2]) == (json.dumps([rows[0], rows[2]], ensure_ascii=False, indent=2) + "\n").encode()
    path.write_text(json.dumps({"version": 1, "data": rows}))
    assert json.loads(cut(path, [1]) or b"") == {"version": 1, "data": rows[1:]}


def test_rows_of_parquet_are_counted_from_one(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"prompt": ["a", "b", "c"], "n": [1, 2, None]}).write_parquet(path)
    path.write_bytes(cut(path, [2]) or b"")
    assert pl.read_parquet(path).rows() == [("a", 1), ("c", None)]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.arrow", "a.xlsx", "a"])
def test_what_cannot_be_cut_is_refused_with_the_remedy(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(Uncut, match="by hand"):
        cut(tmp_path / name, [1])


def test_utf_16_links_and_missing_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "b"}\n', encoding="utf-16")
    with pytest.raises(Uncut, match="utf-16"):
        cut(path, [1])
    path.write_text('{"prompt": "a"}\n')
    (tmp_path / "b.jsonl").symlink_to(path)
    with pytest.raises(Uncut, match="link"):
        cut(tmp_path / "b.jsonl", [1])
    with pytest.raises(UserError, match=":2: no record begins there"):
        records_at(path, [2])


@settings(max_examples=25)
@given(rows=st.lists(st.text(min_size=1).filter(str.strip), min_size=2, max_size=6, unique=True), data=st.data())
def test_every_other_record_stays(
    rows: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.jsonl"
    path.write_bytes(b"".join(json.dumps({"prompt": row}).encode() + b"\n" for row in rows))
    gone = data.draw(st.integers(1, len(rows)))
    path.write_bytes(cut(path, [gone]) or b"")
    left = [record.value for record in read_records(path)]
    assert left == [{"prompt": row} for number, row in enumerate(rows, 1) if number != gone]
