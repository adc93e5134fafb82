"""D and P of a version as the gates read them: columns by need, the texts of rows, their languages."""

from collections.abc import Sequence
from functools import cached_property

import polars as pl

from cultivar.text.languages import languages_of
from cultivar.text.tokens import comparison_key
from reports.versions.version import Version
from schemas.conversations import shown_in

TEXTS = {"demonstrations": ("prompt", "completion"), "preferences": ("prompt", "chosen", "rejected")}
"""Product -> its conversations."""
LABELS = ("domain", "strategy", "label_source", "license", "engine", "split", "simulated", "source")
UNDECIDED = "undecided"
"""The language of a text that is too short or mixed to tell."""


class Products:
    """The products of a version. What is read stays in memory."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.frames: dict[str, pl.DataFrame] = {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Paths of the tables that this version has."""
        return frozenset(self.version.tables())

    def has(self, *names: str) -> bool:
        """Whether the version has all of these tables (`demonstrations`, `dropped/filter`)."""
        return all(f"data/{name}.parquet" in self.tables for name in names)

    def read(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of a table. Raises MissingObject."""
        frames = [pl.read_parquet(file, columns=list(columns)) for file in self.version.files(f"data/{name}.parquet")]
        return pl.concat(frames)

    def md5(self, name: str) -> str | None:
        """What dvc.lock records of a table; None where it does not, and in the working tree, which may differ from it."""
        found = self.version.recorded().get(f"data/{name}.parquet")
        return found.md5 if found is not None and self.version.commit is not None else None

    def labels(self, name: str) -> pl.DataFrame:
        """Product -> `table`, `id` and the columns of LABELS."""
        if name not in self.frames:
            frame = self.read(name, ["id", *LABELS])
            self.frames[name] = frame.with_columns(table=pl.lit(f"data/{name}.parquet"))
        return self.frames[name]

    def height(self, names: Sequence[str]) -> int:
        return sum(self.labels(name).height for name in names)

    def texts(self, name: str) -> pl.DataFrame:
        """`id` and `text`: a line for every turn of every conversation of a product, empty ones left out."""
        columns = TEXTS[name]
        return (
            self.read(name, ["id", *columns])
            .select("id", text=pl.concat_list([shown_in(column) for column in columns]))
            .explode("text")
            .filter(pl.col("text").str.len_bytes() > 0)
        )

    def conversations(self, name: str) -> pl.DataFrame:
        """`id`, `split` and each conversation as one text in the form in which texts are compared."""
        columns = TEXTS[name]
        frame = self.read(name, ["id", "split", *columns])
        joined = frame.select("id", "split", *(whole(column) for column in columns))
        return joined.with_columns(comparison_key(joined[column]).alias(column) for column in columns)

    def opening(self, name: str, ids: Sequence[str]) -> dict[str, str]:
        """The last turn of the prompts of some rows, by id."""
        frame = self.read(name, ["id", "prompt"]).filter(pl.col("id").is_in(list(ids)))
        last = frame.select("id", text=pl.col("prompt").list.last().struct.field("content"))
        return dict(last.iter_rows())

    def languages(self, name: str) -> pl.DataFrame:
        """`id` and `language` (ISO 639-1) of a product's prompts by their last turn, UNDECIDED where nothing tells."""
        frame = self.read(name, ["id", "prompt"])
        frame = frame.select("id", text=pl.col("prompt").list.last().struct.field("content"))
        distinct = frame["text"].unique()
        known = [language or UNDECIDED for _, language in languages_of(distinct)]
        found = pl.DataFrame({"text": distinct, "language": pl.Series(known, dtype=pl.String())})
        return frame.join(found, on="text").select("id", "language")


def whole(column: str) -> pl.Expr:
    """A conversation as one text: of each turn its role and all that it holds."""
    roles = pl.col(column).list.eval(pl.element().struct.field("role"))
    return pl.concat_list(roles.list.join("\x1f"), shown_in(column)).list.join("\x1e").alias(column)
