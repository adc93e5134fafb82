"""CSV as people and spreadsheets write it: delimiters, quotation marks, headers."""

import pytest
from read_files import prompts, read, take

from schemas.conversations import asked_text, text_of
from stages.curation.readers.record import FormatError
from stages.curation.readers.records import read_records


@pytest.mark.parametrize(
    ("content", "values"),
    [
        ('prompt;completion\na, b;"c;d"\n', [{"prompt": "a, b", "completion": "c;d"}]),
        ("prompt\tcompletion\na, b\tc;d\n", [{"prompt": "a, b", "completion": "c;d"}]),
        ("prompt,a;b\nc;d,e\n", [{"prompt": "c;d", "a;b": "e"}]),
        ("\ufeffprompt\na;b\n", [{"prompt": "a;b"}]),
        ("prompt|completion\na, b; c|d\n", [{"prompt": "a, b; c", "completion": "d"}]),
        (
            "prompt (a, b);completion\nx;y\nz;1\n",
            [{"prompt (a, b)": "x", "completion": "y"}, {"prompt (a, b)": "z", "completion": "1"}],
        ),
        ('prompt;completion\n"a\nb, c";"d;e"\n', [{"prompt": "a\nb, c", "completion": "d;e"}]),
        ("a|b\nfirst\nsecond\n", [{"a|b": "first"}, {"a|b": "second"}]),  # a mark that parts no row is none
        ("sep=|\nprompt|n\na;b,c|1\n", [{"prompt": "a;b,c", "n": "1"}]),  # as Excel says it
        ("\n\nprompt,n\na,1\n", [{"prompt": "a", "n": "1"}]),
        ("prompt,,\na,b,c\n", [{"prompt": "a", "column 2": "b", "column 3": "c"}]),
    ],
)
def test_the_first_lines_tell_what_parts_the_fields_of_csv(tmp_path, content, values):
    assert read(tmp_path / "a.csv", content) == (values, {})
    assert read(tmp_path / "a.tsv", content) == (values, {})


def test_a_delimiter_that_is_named_is_taken(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("prompt,x~completion\none, two~three\n")
    (row,) = take(tmp_path, monkeypatch, path="a.csv", delimiter="~", columns={"prompt": "prompt,x"}).instructions
    assert (asked_text(row.prompt), text_of(row.reference)) == ("one, two", "three")
    for mark in ("", ";;", '"', "\n"):
        with pytest.raises(ValueError, match="cannot part fields"):
            take(tmp_path, monkeypatch, path="a.csv", delimiter=mark)


def test_below_a_broken_header_every_row_is_broken(tmp_path, monkeypatch):
    content = "Frage;Übung\na;b\nc;d\n".encode("cp1252")
    values, errors = read(tmp_path / "a.csv", content)
    assert not values and list(errors) == [1, 2, 3] and "its header (line 1) is broken: not UTF-8" in errors[3]
    with pytest.raises(
        FormatError, match=r"a\.csv: none .* read as CSV parted by semicolons, UTF-8; .*`encoding`, `delimiter`"
    ):
        take(tmp_path, monkeypatch, path="a.csv")
    assert (
        len(take(tmp_path, monkeypatch, path="a.csv", encoding="cp1252", columns={"prompt": "Übung"}).instructions) == 2
    )


def test_the_error_of_a_format_that_cannot_be_told_says_how_the_file_was_read(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("Frage,Antwort\na,b\n")
    with pytest.raises(
        FormatError, match=r"read as CSV parted by commas, UTF-8; .*\['Antwort', 'Frage'\](?s:.*)key `columns`"
    ):
        take(tmp_path, monkeypatch, path="a.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_file_that_its_name_does_not_tell_is_called_by_its_kind(tmp_path, name):
    with pytest.raises(FormatError, match="a zip archive or an Excel workbook"):
        read(tmp_path / name, b"PK\3\4\0\0")
    with pytest.raises(FormatError, match="git lfs pull"):
        read(tmp_path / name, "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n")


def test_fields_of_any_length(tmp_path):
    long = "word " * 60_000
    assert prompts(tmp_path / "a.csv", f'prompt,x\n"{long}",1\n{long},2\n') == [long, long]


def test_a_quotation_mark_that_nothing_closes_costs_its_own_line(tmp_path):
    content = 'prompt,x\none,1\n"no end,2\n"tw\n""o""",3\nthree,4\n'
    values, errors = read(tmp_path / "a.csv", content)
    assert [value["prompt"] for value in values] == ["one", 'tw\n"o"', "three"]
    assert list(errors) == [3] and "not CSV" in errors[3]
    values, errors = read(tmp_path / "b.csv", "prompt,x\n" + '"no end,2\n' + "more,1\n" * 1000)
    assert len(values) == 1000 and list(errors) == [2]


def test_two_columns_of_one_name_are_refused(tmp_path):
    with pytest.raises(FormatError, match="the header names prompt twice"):
        read(tmp_path / "a.csv", "prompt,answer, prompt\n1,2,3\n")
    assert prompts(tmp_path / "a.csv", "prompt,,\n1,,\n") == ["1"]  # columns that a spreadsheet adds


def test_rows_with_other_fields_are_broken_with_all_their_text(tmp_path):
    (tmp_path / "a.csv").write_text('prompt,x\n"a\nb",1,2\nc,3\n')
    first, second = read_records(tmp_path / "a.csv")
    assert (first.line, first.raw, first.error) == (2, '"a\nb",1,2', "3 fields, the header has 2")
    assert second.value == {"prompt": "c", "x": "3"}
