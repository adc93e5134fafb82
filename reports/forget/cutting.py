"""Records cut out of a file in place, and the proof that nothing else of it changed.

What is cut must leave a file in which the project's own readers find every other record as before, in order; a file of
which that is not so is refused with what to do by hand.
"""

import csv
import io
import json
import re
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from schemas.errors import UserError
from stages.curation.readers.csv_records import Feed, announced, delimiter_of
from stages.curation.readers.encodings import HEAD, encoding_of
from stages.curation.readers.json_records import filled_lines, is_object_a_line
from stages.curation.readers.lines import COMPRESSED, lines_of
from stages.curation.readers.record import FormatError, Reading, Record
from stages.curation.readers.records import read_records

WIDE = ("utf-16", "utf-32")


class Uncut(UserError, ValueError):
    """Records cannot be cut out of a file in place; the message says how to do it by hand."""


def cut(path: Path, numbers: Collection[int], how: Reading | None = None) -> bytes | None:
    """The bytes of a file without the records of these numbers (Record.line); None where no other record is left.

    `how`: as its source reads it. Raises Uncut where the format does not allow it.
    """
    how = how or Reading()
    check_cuttable(path, how.encoding)
    wanted = set(numbers)
    suffix = path.suffix.lower()
    content = path.read_bytes()
    if suffix == ".parquet":
        rest = without_rows(path, wanted)
    elif suffix in (".csv", ".tsv"):
        rest = without_lines(content, csv_lines(path, wanted, how))
    elif suffix == ".txt" or is_by_line(path, how):
        rest = without_lines(content, wanted)
    else:
        rest = without_items(path, content, wanted)
    before = [record for record in read_records(path, how) if record.line not in wanted]
    if not before:
        return None
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder, path.name)
        draft.write_bytes(rest)
        try:
            after = list(read_records(draft, how))
        except FormatError as error:
            raise by_hand(path, f"what is left could not be read: {error}") from error
    if [record[1:] for record in before] != [record[1:] for record in after]:
        raise by_hand(path, "other records would change with it")
    return rest


def check_cuttable(path: Path, encoding: str | None) -> None:
    """Raise Uncut for a file that is no plain table or text of one record after another."""
    suffix = path.suffix.lower()
    if suffix in COMPRESSED:
        raise by_hand(path, "it is compressed; unpack it, name the new file in params.yaml")
    if suffix not in (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet"):
        raise by_hand(path, f"no record can be cut out of a file of format {suffix or 'without suffix'}")
    if path.is_symlink():
        raise by_hand(path, "it is a link; what it leads to may belong to others")
    marked = encoding_of(path.read_bytes()[:HEAD], encoding)
    if suffix != ".parquet" and marked.lower().replace("_", "-").startswith(WIDE):
        raise by_hand(path, f"it is {marked}; save it as UTF-8")


def by_hand(path: Path, why: str) -> Uncut:
    return Uncut(
        f"{path}: {why}; take the row out of it by hand (or the file whole: `cultivar forget --source {path}`), then "
        "forget the row by its id"
    )


def records_at(path: Path, numbers: Collection[int], how: Reading | None = None) -> list[Record]:
    """The records of these numbers. Raises UserError where one is not there."""
    found = {record.line: record for record in read_records(path, how) if record.line in set(numbers)}
    if missing := sorted(set(numbers) - set(found)):
        raise UserError(
            f"{path}:{missing[0]}: no record begins there; `cultivar trace` and `browse` show a row's place"
        )
    return [found[number] for number in sorted(found)]


def is_by_line(path: Path, how: Reading) -> bool:
    """Whether a JSON file has an object a line, as stages/curation/readers/json_records.py decides it."""
    begin = [line for line, _ in zip(filled_lines(path, how.encoding), range(2), strict=False)]
    return path.suffix.lower() != ".json" and bool(begin) and is_object_a_line(begin, how.split)


def without_lines(content: bytes, numbers: Collection[int]) -> bytes:
    """The bytes without these lines (from 1); \\n, \\r\\n and \\r end a line."""
    gone = set(numbers)
    return b"".join(line for number, line in enumerate(content.splitlines(keepends=True), 1) if number not in gone)


def csv_lines(path: Path, numbers: Collection[int], how: Reading) -> set[int]:
    """The lines of the records that begin at these lines: a quoted field may hold line ends. Raises Uncut."""
    feed = Feed(lines_of(path, how.encoding, keep_ends=True))
    delimiter = delimiter_of(feed, how.delimiter or announced(feed), path)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    gone: set[int] = set()
    while True:
        feed.taken.clear()
        try:
            if next(reader, None) is None:
                return gone
        except csv.Error as error:
            raise by_hand(
                path, f"line {feed.taken[0].number} is no CSV ({error}), so where records end is unsure"
            ) from error
        lines = [line.number for line in feed.taken]
        if lines[0] in numbers:
            gone |= set(lines)


def without_items(path: Path, content: bytes, numbers: Collection[int]) -> bytes:
    """The JSON array, or the object with one, without these items (from 1). Raises Uncut."""
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise by_hand(path, f"it is no single JSON value ({error})") from error
    items: Any = value if isinstance(value, list) else next(lists_in(value), None)
    if items is None:
        raise by_hand(path, "it holds no list of records")
    items[:] = [item for number, item in enumerate(items, 1) if number not in numbers]
    indent = re.match(rb"\s*[\[{]\r?\n( +)", content)
    form = {"indent": len(indent[1])} if indent else {}
    is_ascii = content.isascii()
    return (json.dumps(value, ensure_ascii=is_ascii, **form) + "\n").encode("utf-8", "surrogatepass")  # type: ignore[arg-type]


def lists_in(value: Any) -> Iterator[list[Any]]:
    """The lists of objects among an object's values."""
    if isinstance(value, dict):
        yield from (item for item in value.values() if isinstance(item, list) and item and isinstance(item[0], dict))


def without_rows(path: Path, numbers: Collection[int]) -> bytes:
    """The Parquet file without these rows (from 1), with its compression and its metadata."""
    try:
        with parquet.ParquetFile(path) as file:
            table = file.read()
            codec = file.metadata.row_group(0).column(0).compression if file.metadata.num_row_groups else "ZSTD"
    except pa.ArrowException as error:
        raise by_hand(path, f"it cannot be read ({error})") from error
    keep = [number not in numbers for number in range(1, table.num_rows + 1)]
    buffer = io.BytesIO()
    parquet.write_table(
        table.filter(pa.array(keep, pa.bool_())), buffer, compression=codec.lower().replace("uncompressed", "none")
    )
    return buffer.getvalue()
