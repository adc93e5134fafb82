"""Texts are read without loss: compression, encodings, line ends."""

import codecs
import gzip
import json
from random import Random

import pytest
from read_files import COMPRESS, TWO, asks, prompts, read, take, zst

from stages.curation.readers import lines as line_reader
from stages.curation.readers.encodings import wide
from stages.curation.readers.lines import lines_of
from stages.curation.readers.record import FormatError
from stages.curation.readers.records import read_records


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", TWO),
        ("a.ndjson", TWO),
        ("a.json", '[{"prompt": "one"}, {"prompt": "two"}]'),
        ("a.csv", "prompt,x\none,1\ntwo,2\n"),
        ("a.tsv", "prompt\tx\none\t1\ntwo\t2\n"),
        ("a.TXT", "one\ntwo\n"),
    ],
)
def test_every_text_is_read_compressed(tmp_path, monkeypatch, suffix, name, text):
    (tmp_path / f"{name}{suffix}").write_bytes(COMPRESS[suffix](text.encode()))
    tables = take(tmp_path, monkeypatch, path=f"{name}{suffix}")
    assert asks(tables) == ["one", "two"] and not len(tables.quarantine)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_cut_short_keeps_what_it_has_and_says_where_it_ends(tmp_path, suffix):
    random = Random(0)
    rows = [{"prompt": f"{n} {random.getrandbits(200)}"} for n in range(8_000)]
    whole = COMPRESS[suffix]("".join(json.dumps(row) + "\n" for row in rows).encode())
    values, errors = read(tmp_path / f"a.jsonl{suffix}", whole[: len(whole) * 2 // 3])
    assert values == rows[: len(values)]
    assert (len(values) > 1000) == (suffix != ".bz2")  # whose only block of 900 kB is the one that was cut
    assert len(errors) == 1 and len(values) < len(rows)
    ((line, error),) = errors.items()
    assert line == len(values) + 1 and "damaged or cut short" in error


def test_what_is_compressed_is_told_by_its_bytes_not_its_name(tmp_path):
    assert prompts(tmp_path / "a.jsonl", gzip.compress(TWO.encode())) == ["one", "two"]
    assert prompts(tmp_path / "b.jsonl.gz", TWO) == ["one", "two"]
    assert prompts(tmp_path / "c.jsonl.zst", zst(TWO.encode()) + zst(TWO.encode())) == ["one", "two"] * 2
    with pytest.raises(FormatError, match=r"no reader for \.zip"):
        read(tmp_path / "a.zip", "PK")
    with pytest.raises(FormatError, match=r"no reader for \.gz"):
        read(tmp_path / "a.parquet.gz", "PK")


def test_a_file_that_expands_without_end_is_stopped(tmp_path, monkeypatch):
    text = "".join(f'{{"prompt": "{n}"}}\n' for n in range(20_000))  # gzip: 7-fold
    monkeypatch.setattr(line_reader, "LEAST_EXPANDED", 300_000)
    values, errors = read(tmp_path / "a.jsonl.gz", gzip.compress(text.encode()))
    assert not errors and len(values) == 20_000
    monkeypatch.setattr(line_reader, "MOST_FOLD", 5)
    values, errors = read(tmp_path / "a.jsonl.gz", gzip.compress(text.encode()))
    assert 0 < len(values) < 20_000 and "expands to more than 5 times" in errors[len(values) + 1]
    values, errors = read(tmp_path / "a.jsonl", text)
    assert not errors and len(values) == 20_000


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "gb18030"),  # a byte order mark is certain
        ("utf-16", None),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", None),
        ("gb18030", "gb18030"),
        ("shift_jis", "Shift_JIS"),
        ("euc_jp", "euc-jp"),
    ],
)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_texts_are_read_in_their_encoding(tmp_path, encoding, declared, suffix):
    for name, text in (
        ("a.jsonl", '{"prompt": "日本語の文"}\n{"prompt": "漢字"}\n'),
        ("a.json", '[{"prompt": "日本語の文"}, {"prompt": "漢字"}]'),
        ("a.csv", 'prompt,x\n日本語の文,1\n"漢字",2\n'),
    ):
        content = text.encode(encoding)
        assert prompts(tmp_path / f"{name}{suffix}", content, declared) == ["日本語の文", "漢字"]


def test_utf_16_of_either_order_with_a_mark(tmp_path):
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        assert prompts(tmp_path / "a.jsonl", mark + TWO.encode(encoding)) == ["one", "two"]


@pytest.mark.parametrize(
    ("encoding", "declared", "reason"),
    [
        ("latin-1", None, "not UTF-8"),
        ("latin-1", "shift_jis", "not SHIFT_JIS"),
        ("utf-32-le", None, "encoding: utf-16-le"),
    ],
)
def test_wrong_bytes_are_quarantined_line_by_line(tmp_path, encoding, declared, reason):
    text = "ok\nÿ!\nok\n" if encoding == "latin-1" else "ok\nno\n"
    values, errors = read(tmp_path / "a.txt", text.encode(encoding), declared)
    assert all(reason in error for error in errors.values())
    assert list(errors) == ([2] if encoding == "latin-1" else [1, 2, 3])
    if encoding == "latin-1":
        assert values == [{"text": "ok"}] * 2


def test_a_replacement_character_that_stands_in_a_sound_file_is_no_fault(tmp_path):
    assert prompts(tmp_path / "a.jsonl", '{"prompt": "a \ufffd b"}\n') == ["a \ufffd b"]
    assert prompts(tmp_path / "a.csv", "prompt\na \ufffd b\n") == ["a \ufffd b"]


def test_wrong_bytes_in_an_array_cost_one_record(tmp_path):
    content = '[{"prompt": "one"}, {"prompt": "é"}, {"prompt": "two"}]'.encode("latin-1")
    values, errors = read(tmp_path / "a.json", content)
    assert [value["prompt"] for value in values] == ["one", "two"] and list(errors) == [2] and "not UTF-8" in errors[2]


def test_the_encoding_of_a_source_is_checked_and_used(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_bytes("写一首诗。\n".encode("gb18030"))
    assert asks(take(tmp_path, monkeypatch, path="a.txt", encoding="gb18030")) == ["写一首诗。"]
    for name in ("no-such", "rot13", "base64"):
        with pytest.raises(ValueError, match="is no encoding of text"):
            take(tmp_path, monkeypatch, path="a.txt", encoding=name)


SEPARATORS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_only_line_ends_end_a_line(tmp_path, end):
    text = "a" + "b".join(SEPARATORS) + "c"
    content = end.join(["first", text, "last"])
    values, _ = read(tmp_path / "a.txt", content)
    assert [value["text"] for value in values] == ["first", text, "last"]
    content = end.join(json.dumps({"prompt": part}, ensure_ascii=False) for part in ("first", text[1:], "last"))
    content = content.replace("\\u001", "").replace("\\f", "")
    assert len(prompts(tmp_path / "a.jsonl", content)) == 3
    content = end.join(["prompt,x", f"{text},1", f'"{text}",2'])
    assert prompts(tmp_path / "a.csv", content) == [text, text]


def test_line_numbers_count_blank_and_broken_lines(tmp_path):
    _, errors = read(tmp_path / "a.jsonl", '\n{"prompt": "a"}\n\n{"prompt": \n\n{"prompt": "b"}\nx\n')
    assert list(errors) == [4, 7]


def test_long_lines_are_read_and_endless_ones_cost_only_themselves(tmp_path, monkeypatch):
    long = "x" * 3_000_000
    assert prompts(tmp_path / "a.jsonl", f'{{"prompt": "{long}"}}\n{TWO}') == [long, "one", "two"]
    monkeypatch.setattr(line_reader, "LONGEST", 1000)
    values, errors = read(tmp_path / "a.jsonl", f'{TWO}{{"prompt": "{long}"}}\n{TWO}')
    assert len(values) == 4 and list(errors) == [3] and "a line of more than 1,000 characters" in errors[3]
    found = [line.number for line in lines_of(tmp_path / "a.jsonl")]
    assert found == [1, 2, 3, 4, 5]


def test_what_is_kept_of_a_broken_record_is_bounded(tmp_path):
    (tmp_path / "a.jsonl").write_text(TWO + "y" * 1_000_000)
    record = list(read_records(tmp_path / "a.jsonl"))[-1]
    assert record.value is None and len(record.raw) < 10_100 and record.raw.endswith("(990,000 more characters)")


def test_nul_characters_are_a_fault_of_their_line(tmp_path):
    for name, content, line in (
        ("a.csv", "prompt,x\none,1\nt\0o,2\ntwo,3\n", 3),
        ("a.jsonl", '{"prompt": "one"}\n{"prompt": "t\0o"}\n{"prompt": "two"}\n', 2),
    ):
        values, errors = read(tmp_path / name, content)
        assert [value["prompt"] for value in values] == ["one", "two"]
        assert list(errors) == [line] and "NUL" in errors[line]


# ---- UTF-16 without a byte order mark


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.jsonl", '{"prompt": "日本語の文章"}\n' * 50),
        ("a.csv", "prompt;x\n写一首诗。关于秋天;😀\n"),
        ("a.jsonl", '{"prompt": "一、第一"}\n'),  # U+4E00
        ("a.txt", "Ein Satz über Tee.\nÉté."),
    ],
)
def test_utf_16_is_told_by_its_zero_bytes(tmp_path, encoding, name, text):
    assert read(tmp_path / name, text.encode(encoding)) == read(tmp_path / name, text)


@pytest.mark.parametrize(
    "content",
    [
        b"a\0b and more of plain text",  # one NUL, of UTF-8
        b"caf\xe9 au lait\0",
        "写一首诗关于秋天的月亮。".encode("utf-16-le"),  # hardly a zero: nobody knows
        b"\0a\0b\xd8\0\0c",  # half of a character
        b"a\0\0b\0",
        "wide".encode("utf-32-le"),
    ],
)
def test_what_may_be_something_else_is_not_guessed(tmp_path, content):
    assert wide(content) is None
    _, errors = read(tmp_path / "a.txt", content)
    assert errors and all("encoding" in error for error in errors.values())


def test_the_error_says_which_encodings_were_tried(tmp_path):
    _, errors = read(tmp_path / "a.txt", b"caf\xe9\n")
    assert (
        "not UTF-8, and without a byte order mark or the zero bytes of UTF-16: save" in errors[1]
        and "cp1252" in errors[1]
    )
    _, errors = read(tmp_path / "a.txt", b"\x81\n", "cp1252")
    assert errors[1].startswith("not CP1252: save the file as UTF-8, or name its `encoding`")
