"""What went out, counted while it is written: the figures of the dataset card."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from cultivar.text.languages import languages_of
from reports.export.rows import Product

COUNTED = ("strategy", "label_source", "domain", "engine", "license")
MOST_TEXTS = 2_000
"""Rows whose language is looked for: ids are hashes, so the first ones are a fair sample."""
CHARACTERS = 2_000
"""Of a text, for its language."""
LEAST_SHARE = 0.01
"""Of the rows whose language is known: a rarer one is not named."""


@dataclass
class Tally:
    """Counts of the rows that go out. `margins` are those of a preference; `texts`: those whose language is looked for."""

    product: Product
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    simulated: int = 0
    rows: int = 0
    margins: list[pl.Series] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Count the rows of a batch of the table that are kept."""
        self.rows += frame.height
        self.simulated += int(frame["simulated"].fill_null(False).sum())
        for name in COUNTED:
            self.count(name, frame[name])
        # sources are counted by file: each row has a line of its own
        self.count("source", frame["source"].str.replace(r":\d+$", ""))
        if "margin" in frame.columns:
            self.margins.append(frame["margin"])
        missing = MOST_TEXTS - len(self.texts)
        if missing > 0:
            last = frame[self.product.answers[0]].head(missing).list.last().struct.field("content")
            self.texts += last.fill_null("").str.slice(0, CHARACTERS).to_list()

    def count(self, name: str, values: pl.Series) -> None:
        counted = values.fill_null("").value_counts(name="rows")
        own = self.counts.setdefault(name, Counter())
        own.update(dict(counted.iter_rows()))

    def languages(self) -> list[str]:
        """ISO 639-1 codes of the languages of at least LEAST_SHARE of the texts whose language is known, commonest first."""
        found = Counter(code for _, code in languages_of(pl.Series(self.texts, dtype=pl.String)) if code)
        return [code for code, rows in ordered(found) if rows >= LEAST_SHARE * found.total()]

    def margin_quantiles(self) -> dict[str, float]:
        """The least, the quartiles and the greatest margin; empty for D."""
        margins = pl.concat(self.margins) if self.margins else pl.Series(dtype=pl.Float64)
        if not len(margins):
            return {}
        points = {"min": 0.0, "25%": 0.25, "50%": 0.5, "75%": 0.75, "max": 1.0}
        return {name: round(float(margins.quantile(at, "nearest") or 0.0), 4) for name, at in points.items()}


def ordered(counts: Counter[str]) -> list[tuple[str, int]]:
    """Names with their counts, the largest first, equal ones by name."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
