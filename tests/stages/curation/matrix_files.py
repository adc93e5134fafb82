"""The files of the matrix: formats, each well-formed, odd and broken, with what must become of every row.

A line of the table is a `Case`: what is written, the rows in it, and how many of them are kept, dropped, quarantined or not
taken. To add a format, add a function with three cases and name it in FORMATS; `row(n)` gives a row whose every text is found
again wherever it ends (so that each field is seen in a table, in quarantine, or counted as not taken).

`rows`: the records in the file as {field: text}, in any order; those of a file that is damaged as a whole are left out, it is
one quarantined row. `source`: further keys of the source in params.yaml. `path`: what the source names; default the only file.
"""

import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

Row = dict[str, str]


@dataclass(frozen=True)
class Case:
    """A line of the matrix."""

    name: str
    files: dict[str, bytes]
    rows: list[Row]
    kept: int
    dropped: int = 0
    quarantined: int = 0
    left: int = 0
    source: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    skipped: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return self.path or (next(iter(self.files)) if len(self.files) == 1 else ".")


def row(number: int) -> Row:
    """A record with a prompt, a reply, and a field that no format takes. Every text is of one row and one field."""
    return {"prompt": f"Frage {number} 问题 ä?", "response": f"reply {number} ответ.", "note": f"note {number} ملاحظة"}


def rows_of(count: int, first: int = 0) -> list[Row]:
    return [row(number) for number in range(first, first + count)]


def lines(rows: list[Row]) -> bytes:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows).encode()


def parted(rows: list[Row], delimiter: str = ",", end: str = "\n") -> str:
    """CSV in which every field is quoted."""
    table = [list(rows[0]), *(list(one.values()) for one in rows)]
    return "".join(delimiter.join(f'"{cell}"' for cell in cells) + end for cells in table)


def by_column(rows: list[Row]) -> dict[str, list[str]]:
    return {name: [one[name] for one in rows] for name in rows[0]}


def three(
    name: str,
    suffix: str,
    sound: bytes,
    odd: tuple[bytes, list[Row], int],
    broken: tuple[bytes, list[Row], int, int],
    five: list[Row] | None = None,
    **source: Any,
) -> list[Case]:
    """Well-formed (`five` rows, all kept), odd (content, rows, kept; the rest is dropped), broken (…, kept, quarantined)."""
    content, rows, kept = odd
    damaged, whole, sound_rows, faults = broken
    return [
        Case(f"{name}, well-formed", {f"a{suffix}": sound}, five or FIVE, 5, source=source),
        Case(f"{name}, odd", {f"a{suffix}": content}, rows, kept, len(rows) - kept, source=source),
        Case(f"{name}, broken", {f"a{suffix}": damaged}, whole, sound_rows, 0, faults, source=source),
    ]


FIVE, THREE = rows_of(5), rows_of(3)


def jsonl() -> list[Case]:
    """Odd: blank lines, CRLF, a byte order mark, a row twice. Broken: a line cut, a number, a key twice."""
    odd = b"\xef\xbb\xbf" + lines([*THREE, row(0)]).replace(b"\n", b"\r\n\r\n")
    twice = f'{{"prompt": "{row(8)["prompt"]}", "prompt": "{row(9)["prompt"]}"}}\n'.encode()
    broken = lines(THREE) + f'{{"prompt": "{row(7)["prompt"]}"\n7\n'.encode() + twice
    cut = [{"prompt": row(number)["prompt"]} for number in (7, 8, 9)]
    return three("jsonl", ".jsonl", lines(FIVE), (odd, [*THREE, row(0)], 3), (broken, [*THREE, *cut], 3, 3))


def json_array() -> list[Case]:
    """Odd: laid out over lines, commas at the end. Broken: an item that is no object, one with half a character."""
    odd = json.dumps(THREE, ensure_ascii=False, indent=2).replace("\n]", ",\n]").encode()
    broken = json.dumps([*THREE, "text", [1], {"prompt": "half \ud83d"}])
    return three("json array", ".json", json.dumps(FIVE).encode(), (odd, THREE, 3), (broken.encode(), THREE, 3, 3))


def json_wrapped() -> list[Case]:
    """Odd: fields beside the records, which are counted. Broken: cut in the middle."""
    sound = json.dumps({"data": FIVE}).encode()
    odd = json.dumps({"rows": THREE, "version": "1"}).encode()
    return three("json object", ".json", sound, (odd, THREE, 3), (sound[: len(sound) // 2], [], 0, 0))[:2] + [
        Case("json object, broken", {"a.json": json.dumps({"data": [*THREE, 3, None]}).encode()}, THREE, 3, 0, 2)
    ]


def json_splits() -> list[Case]:
    """Odd: a split of columns, and a licence beside. Broken: an item that is no object."""
    sound = json.dumps({"train": FIVE, "test": rows_of(2, 10)}).encode()
    odd = json.dumps({"train": by_column(THREE), "test": [], "license": "MIT"}).encode()
    broken = json.dumps({"train": [*THREE, "x"], "validation": rows_of(1, 10)}).encode()
    return [
        Case("json splits, well-formed", {"a.json": sound}, [*FIVE, *rows_of(2, 10)], 5, left=2),
        Case("json splits, odd", {"a.json": odd}, THREE, 3),
        Case("json splits, broken", {"a.json": broken}, [*THREE, *rows_of(1, 10)], 3, quarantined=1, left=1),
    ]


def json_columns() -> list[Case]:
    """Odd: as pandas writes them. Broken: a value that is no text."""
    odd = {name: {str(n): cell for n, cell in enumerate(column)} for name, column in by_column(rows_of(12)).items()}
    broken = by_column(THREE) | {"prompt": [*by_column(THREE)["prompt"][:2], 7]}
    kept = [*THREE[:2], {"response": THREE[2]["response"], "note": THREE[2]["note"]}]
    sound = json.dumps(by_column(FIVE)).encode()
    bad = (json.dumps(broken).encode(), kept, 2, 1)
    return three("json columns", ".json", sound, (json.dumps(odd).encode(), rows_of(12), 12), bad)


def json_concatenated() -> list[Case]:
    """Objects over any number of lines. Broken: a key twice."""
    sound = "\n".join(json.dumps(one, indent=1) for one in FIVE).encode()
    odd = " ".join(json.dumps(one) for one in THREE).encode()
    twice = f'{{"prompt":\n"{row(8)["prompt"]}", "prompt":\n"{row(9)["prompt"]}"}}'.encode()
    broken = (
        b"\n".join([json.dumps(THREE[0], indent=1).encode(), twice]),
        [THREE[0], {"prompt": row(9)["prompt"]}],
        1,
        1,
    )
    return three("json objects", ".json", sound, (odd, THREE, 3), broken)


def csv_kind(name: str, suffix: str, mark: str, written: str = "utf-8", **source: Any) -> list[Case]:
    """Odd: line ends within fields, a column without a name. Broken: too few fields, a quotation mark that nothing closes."""

    def text(number: int) -> Row:
        ascii_only = written == "cp1252"
        return {
            key: cell.encode("cp1252", "ignore").decode("cp1252") if ascii_only else cell
            for key, cell in row(number).items()
        }

    five, three_rows = [text(n) for n in range(5)], [text(n) for n in range(3)]
    odd = [{key: f"{cell}\n{mark}{cell} end" for key, cell in one.items()} for one in three_rows]
    odd = [{"prompt": one["prompt"], "response": one["response"], "": one["note"]} for one in odd]
    named = [{"prompt": one["prompt"], "response": one["response"], "column 3": one[""]} for one in odd]
    short, opened = text(7), text(8)
    broken = parted(three_rows, mark) + f'{short["prompt"]}{mark}{short["response"]}\n"{opened["prompt"]}\n'
    broken += mark.join(text(9).values()) + "\n"
    lost = [{"prompt": short["prompt"], "response": short["response"]}, {"prompt": opened["prompt"]}]
    return three(
        name,
        suffix,
        parted(five, mark).encode(written),
        (parted(odd, mark).encode(written), named, 3),
        (broken.encode(written), [*three_rows, *lost, text(9)], 4, 2),
        five=five,
        **source,
    )


def csv_formats() -> list[Case]:
    return [
        *csv_kind("csv, commas", ".csv", ","),
        *csv_kind("csv, semicolons", ".csv", ";"),
        *csv_kind("tsv", ".tsv", "\t"),
        *csv_kind("csv, a delimiter that is named", ".csv", "~", delimiter="~"),
        *csv_kind("csv in cp1252", ".csv", ";", "cp1252", encoding="cp1252"),
        *csv_kind("csv in UTF-16", ".csv", "|", "utf-16-le"),
    ]


def text() -> list[Case]:
    """Lines. Odd: of old Macs, with form feeds. Broken: bytes that are no UTF-8."""
    prompts = [{"text": one["prompt"]} for one in FIVE]
    content = "\n".join(one["text"] for one in prompts).encode()
    odd = "\r".join(f"{one['text']}\x0c!" for one in prompts[:3]).encode()
    broken = content + b"\ncaf\xe9 8\n"
    fed = [{"text": f"{one['text']}\x0c!"} for one in prompts[:3]]
    return three("txt", ".txt", content, (odd, fed, 3), (broken, prompts, 5, 1), five=prompts)


def table(write: Callable[[pl.DataFrame, Any], Any], rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    write(pl.DataFrame(rows), sink)
    return sink.getvalue()


def binary(name: str, suffix: str, write: Callable[[pl.DataFrame, Any], Any]) -> list[Case]:
    """Odd: nulls, bytes for text. Broken: a byte in the middle is another."""
    odd: list[dict[str, Any]] = [{key: cell.encode() for key, cell in one.items()} for one in THREE]
    sound = table(write, list(FIVE))
    whole = table(write, list(rows_of(50)))
    return [
        Case(f"{name}, well-formed", {f"a{suffix}": sound}, FIVE, 5),
        Case(f"{name}, odd", {f"a{suffix}": table(write, [*odd, {"prompt": None}])}, THREE, 3, quarantined=1),
        Case(f"{name}, broken", {f"a{suffix}": whole[: len(whole) // 2]}, [], 0, quarantined=1),
    ]


def zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def compressed(name: str, suffix: str, pack: Callable[[bytes], bytes]) -> list[Case]:
    """Odd: not compressed, whatever the name says. Broken: its last bytes are missing."""
    cut = pack(lines(FIVE))[:-5]
    return three(name, f".jsonl{suffix}", pack(lines(FIVE)), (lines(THREE), THREE, 3), (cut, [], 0, 0))[:2] + [
        Case(f"{name}, broken", {f"a.jsonl{suffix}": pack(lines(THREE)) + pack(b"7\n")}, THREE, 3, quarantined=1)
    ]


def zipped(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def archives() -> list[Case]:
    """Odd: folders, names that lead out, files that are no data. Broken: a member whose sum is wrong."""
    sound = zipped({"one.jsonl": lines(FIVE[:2]), "two/three.csv": parted(FIVE[2:]).encode()})
    members = {"../../a.jsonl": lines(THREE), "/b.parquet": table(pl.DataFrame.write_parquet, list(rows_of(2, 3)))}
    odd = zipped(members | {"LICENSE": b"MIT", "__MACOSX/._a.jsonl": b"\0", "c.jsonl": b""})
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a.jsonl", lines(THREE))
        archive.writestr("b.jsonl", lines(rows_of(2, 3)))
    broken = stored.getvalue().replace(b"note 3", b"nope 3")
    skipped = ("a.zip/LICENSE", "a.zip/__MACOSX/._a.jsonl", "a.zip/c.jsonl")
    return [
        Case("zip, well-formed", {"a.zip": sound}, FIVE, 5),
        Case("zip, odd", {"a.zip": odd}, FIVE, 5, skipped=skipped),
        Case("zip, broken", {"a.zip": broken}, THREE, 3, quarantined=1),
    ]


def database(rows: list[Row], more: str = "") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        connection = sqlite3.connect(path)
        connection.execute(f"CREATE TABLE chats ({', '.join(rows[0])})")
        connection.executemany(
            f"INSERT INTO chats VALUES ({', '.join('?' for _ in rows[0])})", [list(r.values()) for r in rows]
        )  # noqa: S608
        connection.executescript(more)
        connection.commit()
        connection.close()
        return path.read_bytes()


def databases() -> list[Case]:
    """Odd: of two tables one is named; bytes for text. Broken: a row that is no text."""
    odd = database(THREE, "CREATE TABLE other (x); UPDATE chats SET prompt = CAST(prompt AS BLOB)")
    broken = database([*THREE, row(7)], "UPDATE chats SET prompt = X'FF' WHERE note LIKE 'note 7%'")
    lost = {"response": row(7)["response"], "note": row(7)["note"]}
    return [
        Case("sqlite, well-formed", {"a.sqlite": database(FIVE)}, FIVE, 5),
        Case("sqlite, odd", {"a.db": odd}, THREE, 3, source={"table": "chats"}),
        Case("sqlite, broken", {"a.sqlite3": broken}, [*THREE, lost], 3, quarantined=1),
    ]


def saved(rows: list[Row], split: str = "", keep: float = 1.0) -> dict[str, bytes]:
    """The files of `datasets.save_to_disk`, in two shards."""
    half = len(rows) // 2
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    parts = [table(pl.DataFrame.write_ipc_stream, list(part)) for part in (rows[:half], rows[half:])]
    parts[1] = parts[1][: int(len(parts[1]) * keep)]
    state = {"_data_files": [{"filename": name} for name in names]}
    files = dict(zip(names, parts, strict=True)) | {
        "state.json": json.dumps(state).encode(),
        "dataset_info.json": b"{}",
    }
    return {f"{split}/{name}" if split else name: content for name, content in files.items()}


def saved_folders() -> list[Case]:
    """Odd: of several splits. Broken: a shard is cut."""
    splits = (
        saved(THREE, "train") | saved(rows_of(2, 10), "test") | {"dataset_dict.json": b'{"splits": ["train", "test"]}'}
    )
    return [
        Case("save_to_disk, well-formed", saved(FIVE), FIVE, 5),
        Case("save_to_disk, odd", splits, [*THREE, *rows_of(2, 10)], 3, left=2),
        Case("save_to_disk, broken", saved(FIVE, keep=0.3), FIVE[:2], 2, quarantined=1),
    ]


def folders() -> list[Case]:
    """Odd: what lies beside data. Broken: one file of two is damaged."""
    beside = {"LICENSE": b"MIT", "README.md": b"# x", ".DS_Store": b"\0", "empty.jsonl": b"", "x.png": b"\x89PNG"}
    odd = {"a.jsonl": lines(THREE), "b/c.csv": parted(rows_of(2, 3)).encode()} | beside | {"a.jsonl.dvc": b"outs:"}
    two = {"a.jsonl": lines(THREE), "b.parquet": b"PAR1 no"}
    return [
        Case("folder, well-formed", {"a.jsonl": lines(FIVE[:2]), "b.jsonl": lines(FIVE[2:])}, FIVE, 5),
        Case("folder, odd", odd, FIVE, 5, skipped=(*beside, "a.jsonl.dvc")),
        Case("folder, broken", two, THREE, 3, quarantined=1),
    ]


def mapped() -> list[Case]:
    """Columns under other names. Odd: within objects. Broken: a row without them."""
    other = [{"Frage": one["prompt"], "Antwort": one["response"], "note": one["note"]} for one in FIVE]
    inner = [{"data": {"q": one["prompt"]}, "turns": [one["response"]], "note": one["note"]} for one in THREE]
    flat = {"prompt": "Frage", "response": "Antwort"}
    broken = lines([*other, {"note": row(7)["note"]}])
    return [
        Case("columns, well-formed", {"a.jsonl": lines(other)}, FIVE, 5, source={"columns": flat}),
        Case(
            "columns, odd",
            {"a.jsonl": lines(inner)},  # type: ignore[arg-type]
            THREE,
            3,
            source={"columns": {"prompt": "data.q", "response": "turns.0"}},
        ),
        Case(
            "columns, broken",
            {"a.jsonl": broken},
            [*FIVE, {"note": row(7)["note"]}],
            5,
            quarantined=1,
            source={"columns": flat},
        ),
    ]


FORMATS: list[Callable[[], list[Case]]] = [
    jsonl,
    json_array,
    json_wrapped,
    json_splits,
    json_columns,
    json_concatenated,
    csv_formats,
    text,
    lambda: binary("parquet", ".parquet", pl.DataFrame.write_parquet),
    lambda: binary("arrow stream", ".arrow", pl.DataFrame.write_ipc_stream),
    lambda: binary("feather", ".feather", pl.DataFrame.write_ipc),
    lambda: compressed("gz", ".gz", gzip.compress),
    lambda: compressed("bz2", ".bz2", bz2.compress),
    lambda: compressed("xz", ".xz", lzma.compress),
    lambda: compressed("zst", ".zst", zst),
    archives,
    databases,
    saved_folders,
    folders,
    mapped,
]
CASES = [case for form in FORMATS for case in form()]
