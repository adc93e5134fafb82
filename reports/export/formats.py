"""The formats of other tools: what a batch of D or P becomes in each, which rows it refuses and which fields it leaves out."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl

from reports.export.alpaca import alpaca
from reports.export.json_check import JSON_FIELDS, broken_json
from reports.export.refusals import Converted, refused_by
from reports.export.rows import Product, did_you_mean
from reports.export.sharegpt import sharegpt
from reports.export.turns import with_reasoning_content, without_empty_calls
from reports.export.verifiers import TOLD, Tasks
from schemas.errors import UserError

KINDS = ("jsonl", "parquet", "csv")


@dataclass(frozen=True)
class Format:
    """A format: `convert` makes its own columns of a batch, `about` says for whom it is.

    `beside`: columns of the table that stand beside its own. `files`: kinds of files, the usual one first. `holds`: columns
    of the table that its own ones are made from. `json_text`: fields of JSON text that are written as objects; `as_json`:
    columns of messages that are lists of objects with the keys that each needs, where some message has more than two.
    """

    name: str
    about: str
    convert: Callable[[pl.DataFrame, Product], Converted]
    beside: tuple[str, ...] = ("id",)
    files: tuple[str, ...] = KINDS
    holds: tuple[str, ...] = ("prompt", "completion", "chosen", "rejected", "tools")
    json_text: frozenset[str] = frozenset()
    as_json: bool = False


def trl(frame: pl.DataFrame, chosen: Product) -> Converted:
    """`prompt` with `completion`, or with `chosen` and `rejected`, as TRL has them; `tools` where there are some."""
    columns = ("prompt", *chosen.answers)
    own = [with_reasoning_content(without_empty_calls(pl.col(name))).alias(name) for name in columns]
    return Converted(frame.select("id", *own, "tools"))


def messages(frame: pl.DataFrame, chosen: Product) -> Converted:
    """`messages`, or `chosen` and `rejected`, as whole conversations in OpenAI's shape: arguments are JSON text."""
    names = {"messages": "completion"} if chosen.name == "D" else {"chosen": "chosen", "rejected": "rejected"}
    whole = [
        with_reasoning_content(without_empty_calls(pl.concat_list("prompt", answer))).alias(name)
        for name, answer in names.items()
    ]
    return Converted(frame.select("id", *whole, "tools"))


def table(frame: pl.DataFrame, chosen: Product) -> Converted:
    """The table's messages as they are."""
    columns = ("prompt", *chosen.answers)
    return Converted(frame.select("id", *(without_empty_calls(pl.col(name)).alias(name) for name in columns), "tools"))


FORMATS = {
    one.name: one
    for one in (
        Format(
            "trl", "TRL's trainers", trl, ("id", "source", "license", "margin"), json_text=JSON_FIELDS, as_json=True
        ),
        Format("hf", "the table with all columns, for `datasets`", table, ("*",), ("parquet",), json_text=JSON_FIELDS),
        Format(
            "messages",
            "OpenAI's fine-tuning and what reads it",
            messages,
            (),
            json_text=frozenset({"tools"}),
            as_json=True,
        ),
        Format("sharegpt", "LLaMA-Factory and Axolotl: conversations of from and value", sharegpt),
        Format("alpaca", "LLaMA-Factory: instruction, input, output, system, history", alpaca),
        Format(
            *("verifiers", "environments of Prime Intellect's verifiers: prompt, answer, info", table, ()),
            holds=("prompt", "completion", "chosen", "rejected", "tools", *TOLD),
            as_json=True,
        ),
    )
}


def format_of(name: str) -> Format:
    """Raises UserError for a name that no format has."""
    if name not in FORMATS:
        raise UserError(f"there is no format {did_you_mean(name, list(FORMATS))}")
    return FORMATS[name]


class Rows(NamedTuple):
    """What becomes of a batch: `kept` in the format's columns with `split`, `refused` (`id`, `split`, `reason`)."""

    kept: pl.DataFrame
    refused: pl.DataFrame


@dataclass
class Converter:
    """Batches of a product in a format. `beside`: columns of the table that stand beside the format's own.

    `left`: rows that hold something in a column or field of a message that the format has no place for, by its name.
    """

    format: Format
    product: Product
    beside: tuple[str, ...]
    tasks: Tasks | None = None
    left: Counter[str] = field(default_factory=Counter)

    def batch(self, frame: pl.DataFrame) -> Rows:
        """The rows of a batch, each kept or refused by a rule."""
        broken = broken_json(frame, self.product)
        sound = frame.filter(broken.is_null())
        convert = self.format.convert if self.tasks is None else self.tasks.convert
        converted = convert(sound, self.product)
        refused = [refused_by(frame, broken), refused_by(sound, converted.reason)]
        kept = converted.frame
        taken = sound.select("split", *(name for name in self.beside if name not in kept.columns))
        kept = pl.concat([kept, taken], how="horizontal")
        if converted.reason is not None:
            accepted = converted.reason.is_null()
            kept, sound = kept.filter(accepted), sound.filter(accepted)
        self.count_left(sound, converted.lost)
        own = [name for name in converted.frame.columns if name != "id" or "id" in self.beside]
        order = [*(["id"] if "id" in own else []), *(name for name in own if name != "id")]
        rest = [name for name in self.beside if name not in order]
        return Rows(kept.select(*order, *rest, "split"), pl.concat(refused))

    def count_left(self, frame: pl.DataFrame, lost: dict[str, pl.Expr]) -> None:
        """Count the rows that hold what is left out: columns, and `lost` within messages (name -> whether a row has some)."""
        held = {*self.format.holds, *self.beside, "split"}
        says = {f"column {name}": something(name, kind) for name, kind in frame.schema.items() if name not in held}
        if says := says | lost:
            counts = frame.select(expr.sum().alias(name) for name, expr in says.items()).row(0, named=True)
            self.left.update({name: count for name, count in counts.items() if count})


def something(name: str, kind: pl.DataType) -> pl.Expr:
    """Whether a column says something in a row: no null, no empty text or list."""
    value = pl.col(name)
    match kind:
        case pl.String():
            return (value.str.len_bytes() > 0).fill_null(False)
        case pl.List():
            return (value.list.len() > 0).fill_null(False)
    return value.is_not_null()


def columns_beside(form: Format, chosen: Product, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The columns beside the format's own: its usual ones and those that are asked for. Raises UserError."""
    everything = tuple(name for name in chosen.columns if name not in ("split", *form.holds))
    for name in asked:
        if name not in ("all", *everything):
            raise UserError(f"--columns: there is no column {did_you_mean(name, list(everything))}")
    if "*" in form.beside or "all" in asked:
        return everything
    wanted = {*form.beside, *asked}
    return tuple(name for name in everything if name in wanted)


__all__ = ["FORMATS", "Converter", "Format", "Rows", "columns_beside", "format_of"]
