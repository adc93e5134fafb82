"""Texts, ids and values are found by their hashes, wherever they stand, and nothing else is."""

import csv
import io
import json
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reports.forget.probes import DAMAGED, WINDOW, Probe, Probes, digest_of, probes_of, strings_of, windows

TEXT = 'He said "no" —\nand left for good, quite early'


def test_a_text_is_found_inside_another_and_an_edited_one_is_not() -> None:
    (probe,) = [one for one in [Probe.of(TEXT)] if one]
    assert Probes([probe]).in_bytes(b"xx " + TEXT.encode() + b" yy") == {probe.sha}
    assert Probes([probe]).in_bytes(TEXT.replace("quite", "quiet").encode()) == set()
    assert Probes([probe]).in_bytes(TEXT.encode()[:-1]) == set()


def test_texts_below_a_window_are_not_looked_for() -> None:
    assert Probe.of("x" * (WINDOW - 1)) is None
    assert Probe.of("x" * WINDOW) is not None


def test_a_text_is_found_in_json_inside_a_table_and_in_csv() -> None:
    probes = Probes(probes_of([TEXT]))
    for raw in (json.dumps({"a": TEXT}), json.dumps({"a": TEXT}, ensure_ascii=False)):
        assert probes.in_frame(pl.DataFrame({"a": [[{"raw": raw}]]}))
        assert probes.in_content(raw.encode())
    doubled = io.StringIO()
    csv.writer(doubled).writerow(["1", TEXT])
    assert probes.in_content(doubled.getvalue().encode())


def test_tables_are_decoded_and_damage_is_told(tmp_path: Path) -> None:
    path = tmp_path / "object"
    pl.DataFrame({"a": [TEXT] * 100, "key": [bytes(16)] * 100}).write_parquet(path)
    probes = Probes(probes_of([TEXT]), {"0" * 32})
    assert probes.in_file(path) == {Probe.of(TEXT).sha, "0" * 32}  # type: ignore[union-attr]
    path.write_bytes(path.read_bytes()[:-9])
    assert probes.in_file(path) == {DAMAGED}
    assert probes.in_file(tmp_path / "gone") == set()


def test_a_value_counts_only_where_it_is_all_of_a_field() -> None:
    probes = Probes(values={(3, digest_of(b"ada"))})
    assert probes.in_frame(pl.DataFrame({"annotators": [["bob", "ada"]]})) == {digest_of(b"ada")}
    assert probes.in_frame(pl.DataFrame({"annotators": [["adam", "adb"]]})) == set()
    assert probes.in_content(b'{"annotator": "ada"}\n{"annotator": "bob"}\n{}') == {digest_of(b"ada")}


def test_strings_at_any_depth() -> None:
    frame = pl.DataFrame({"a": [{"b": [{"c": "deep"}], "d": "flat"}], "e": [b"\x01\xff"], "f": [1]})
    assert sorted(value for series in strings_of(frame) for value in series) == ["01ff", "deep", "flat"]


@given(before=st.binary(max_size=60), text=st.text(min_size=WINDOW, max_size=80), after=st.binary(max_size=60))
def test_a_text_is_found_between_any_bytes(before: bytes, text: str, after: bytes) -> None:
    probe = Probe.of(text)
    if probe is not None:
        content = text.strip().encode("utf-8", "surrogatepass")
        assert Probes([probe]).texts_in(before + content + after) == {probe.sha}


@given(content=st.binary(min_size=WINDOW, max_size=200), shift=st.integers(0, 50))
def test_a_window_has_one_hash_wherever_it_stands(content: bytes, shift: int) -> None:
    assert windows(bytes(shift) + content)[shift:].tolist() == windows(content).tolist()


def test_probes_survive_json() -> None:
    probes = Probes(probes_of([TEXT, "another text that is long enough"]), {"a" * 32}, {(3, digest_of(b"ada"))})
    assert Probes.from_json(json.loads(json.dumps(probes.as_json()))) == probes
