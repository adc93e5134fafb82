"""An export as a folder: rows per split, what was left out, card and metadata; it appears whole or not at all."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from reports.export.card import Export, card
from reports.export.croissant import croissant
from reports.export.features import features_of
from reports.export.files import RowFile, Written
from reports.export.formats import Converter, Format, columns_beside
from reports.export.lean import lines
from reports.export.llama_factory import OWN, dataset_info
from reports.export.optional_fields import held_fields
from reports.export.provenance import provenance_of
from reports.export.rows import SPLITS, Product, Selection, table_files
from reports.export.tally import Tally
from reports.export.turns import plain
from reports.export.verifiers import Tasks
from reports.versions.version import Version
from schemas.errors import UserError
from schemas.writing import Drafts, naming, write_text

MANIFEST = "export.json"
LEFT_OUT = "left_out.jsonl"
ANSWERS = ("completion", "chosen", "rejected", "messages")


class Request(NamedTuple):
    """What is asked for: `kind` of file, `columns` beside the format's own, rows for which `where` (SQL) holds."""

    product: Product
    format: Format
    kind: str
    columns: tuple[str, ...] = ()
    where: str = ""


class Outcome(NamedTuple):
    """What was written: the export, all rows of the table, and those that `where` left."""

    export: Export
    total: int
    chosen: int


def check_place(out: Path, force: bool) -> None:
    """Raise UserError unless a folder is new, empty, or an export with nothing else in it."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir() or out.is_symlink():
        raise UserError(f"{out} is there and is no folder; name another one with --out")
    found = {path.relative_to(out).as_posix() for path in out.rglob("*") if not path.is_dir()}
    if not found or force:
        return
    manifest: Any = None
    with suppress(OSError, ValueError):
        manifest = json.loads((out / MANIFEST).read_bytes())
    if not isinstance(manifest, dict) or "files" not in manifest:
        raise UserError(
            f"{out} holds something that is no export; name another folder with --out, or --force replaces it"
        )
    if others := sorted(found - {str(name) for name in manifest["files"]}):
        raise UserError(
            f"{out} also holds {others[0]}, which no export wrote; move it, or --force removes it with the rest"
        )


def write_folder(version: Version, asked: Request, out: Path, show: Callable[[int, int], None]) -> Outcome:
    """Write an export beside `out` and put it there. `show`: rows done of all. Raises UserError, DiskFull."""
    files = table_files(version, asked.product)
    selection = Selection(asked.product, files, asked.where)
    with Drafts() as drafts:
        draft = drafts.add(out)
        with naming(out):
            draft.mkdir()
            outcome = fill(version, asked, selection, files, draft, show)
        with uninterrupted():
            drafts.publish()
    return outcome


def fill(
    version: Version,
    asked: Request,
    selection: Selection,
    files: list[Path],
    draft: Path,
    show: Callable[[int, int], None],
) -> Outcome:
    """Write all files of an export into a folder."""
    form, chosen = asked.format, asked.product
    held = held_fields(files)
    converter = Converter(
        form, chosen, columns_beside(form, chosen, asked.columns), Tasks(version) if form.name == "verifiers" else None
    )
    tally, refused, rows = Tally(chosen), Counter[str](), 0
    shape: dict[str, Any] = {}
    writers: dict[str, RowFile] = {}
    left_out = (draft / LEFT_OUT).open("wb")
    try:
        for done, frame in selection.batches():
            rows += frame.height
            batch = converter.batch(frame)
            kept = shaped(batch.kept, form, held)
            if not writers:
                shape, writers = open_files(draft, kept, asked, held)
            for split, writer in writers.items():
                writer.write(kept.filter(pl.col("split") == split).drop("split"))
            tally.add(frame.join(batch.refused.select("id"), on="id", how="anti", maintain_order="left"))
            refused.update(batch.refused["reason"].to_list())
            if batch.refused.height:
                lines(batch.refused).write_csv(left_out, include_header=False, quote_style="never")
            show(done, selection.total)
        written = [one for one in (writer.close() for writer in writers.values()) if one is not None]
    finally:
        left_out.close()
        for writer in writers.values():
            writer.abandon()
    if not refused:
        (draft / LEFT_OUT).unlink()
    export = Export(
        *(chosen, form, written, shape, tally, provenance_of(version, chosen)),
        *(converter.left, refused, asked.where),
    )
    describe(draft, export, selection.total, rows, bool(refused))
    return Outcome(export, selection.total, rows)


def shaped(kept: pl.DataFrame, form: Format, held: frozenset[str]) -> pl.DataFrame:
    """Rows without what no row of the table holds: `tools`, and of messages all but role and content."""
    if form.name == "hf":
        return kept
    if "tools" not in held and "tools" in kept.columns:
        kept = kept.drop("tools")
    if not held - {"tools"}:
        columns = [name for name in ("prompt", *ANSWERS) if name in kept.columns and is_messages(kept.schema[name])]
        kept = kept.with_columns(plain(pl.col(name)).alias(name) for name in columns)
    return kept


def is_messages(kind: pl.DataType) -> bool:
    return isinstance(kind, pl.List) and isinstance(kind.inner, pl.Struct) and kind.inner.fields[0].name == "role"


def open_files(
    draft: Path, kept: pl.DataFrame, asked: Request, held: frozenset[str]
) -> tuple[dict[str, Any], dict[str, RowFile]]:
    """Column -> feature, and split -> its file, which is made with its first row."""
    form = asked.format
    schema: dict[str, Any] = {name: kind for name, kind in kept.schema.items() if name != "split"}
    as_json = {name for name, kind in schema.items() if form.as_json and held - {"tools"} and is_messages(kind)}
    features = features_of(schema, form.json_text, as_json)
    if asked.kind == "csv":
        features = {
            name: {"dtype": "string", "_type": "Value"} if one.get("_type") != "Value" else one
            for name, one in features.items()
        }
    files = {
        split: RowFile(draft / f"{split}.{asked.kind}", split, features, form.json_text, as_json) for split in SPLITS
    }
    return features, files


def describe(draft: Path, export: Export, total: int, rows: int, has_left_out: bool) -> None:
    """The card, the metadata, and the manifest by which the folder is known as an export."""
    texts = {"README.md": card(export), "croissant.json": json_text(croissant(export))}
    form, chosen = export.format.name, export.product
    if form in OWN:
        texts["dataset_info.json"] = json_text(dataset_info(form, chosen, export.files, export.columns))
    rows_files = [one.name for one in export.files] + ([LEFT_OUT] if has_left_out else [])
    manifest = {
        "product": chosen.name,
        "format": form,
        "provenance": export.provenance,
        "where": export.where,
        "rows": {"table": total, "chosen": rows} | {one.split: one.rows for one in export.files},
        "refused": dict(sorted(export.refused.items())),
        "left_out": dict(sorted(export.left.items())),
        "files": sorted([*rows_files, *texts, MANIFEST]),
        "sha256": {one.name: one.sha256 for one in export.files},
    }
    for name, text in (texts | {MANIFEST: json_text(manifest)}).items():
        write_text(draft / name, text)


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: between two renames there would be neither the old folder nor the new one."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


__all__ = ["Outcome", "Request", "Written", "check_place", "write_folder"]
