"""What D and P are made of, as pictures: strategies, tags, languages, lengths, margins; and the judge beside people."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl
from markupsafe import Markup

from cultivar.grading.intervals import wilson
from cultivar.text.languages import languages_of
from cultivar.text.tokens import count_words
from schemas.conversations import shown_in
from schemas.rows import FinalDemonstration, FinalPreference
from schemas.table import Context
from stages.review.charts import Bin, Rate, bar_chart, histogram, rate_chart

SHOWN = 12
"""Values of a picture; the others are one bar."""
OTHERS, UNDECIDED, UNTAGGED = "others", "undecided", "no tag"
LANGUAGE_ROWS = 20_000
"""Rows of each product whose language is looked at: those with the least ids."""
LENGTH_BINS = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Words; each bin begins at one and ends before the next."""
MARGIN_BINS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
BY_COLUMN = {
    "source": "Source",
    "strategy": "Strategy",
    "domain": "Domain",
    "label_source": "Label source",
    "license": "Licence",
    "engine": "Engine",
}
Pictures = list[dict[str, Any]]


def compositions(
    demonstrations: Context[FinalDemonstration], preferences: Context[FinalPreference], width: int, height: int
) -> Pictures:
    """Titles and charts; nothing for products without rows."""
    d, p = demonstrations.frame, preferences.frame
    if not d.height and not p.height:
        return []
    bars = {title: [counted(frame[column]) for frame in (d, p)] for column, title in BY_COLUMN.items()}
    bars["Tags"] = [tags(frame) for frame in (d, p)]
    bars["Language of the prompt"] = [languages(frame) for frame in (d, p)]
    pictures: Pictures = [
        {"title": title, "chart": Markup(bar_chart(joined(*both), ("D", "P"), width, "share of rows"))}
        for title, both in bars.items()
    ]
    words = {
        "D": (words_of(d, "prompt"), words_of(d, "completion")),
        "P": (words_of(p, "chosen"), words_of(p, "rejected")),
    }
    for title, series, (first, second) in (
        ("Length of demonstrations", ("prompt", "completion"), words["D"]),
        ("Length of preferences", ("chosen", "rejected"), words["P"]),
    ):
        chart = histogram(binned((first, second), LENGTH_BINS), series, width, height, "words")
        pictures.append({"title": title, "series": series, "chart": Markup(chart)})
    chart = histogram(binned([p["margin"]], MARGIN_BINS), ("P",), width, height, "margin, in the strategy's own unit")
    pictures.append({"title": "Margins of preferences", "series": (), "chart": Markup(chart)})
    return pictures


def counted(values: pl.Series) -> Counter[str]:
    return Counter(dict(values.value_counts().iter_rows()))


def tags(frame: pl.DataFrame) -> Counter[str]:
    """Rows by tag; a row with several counts for each."""
    return counted(frame.select(tag=pl.col("tags").list.eval(pl.element())).explode("tag")["tag"].fill_null(UNTAGGED))


def languages(frame: pl.DataFrame) -> Counter[str]:
    """Rows by the ISO 639-1 code of the prompt's last turn, of the first LANGUAGE_ROWS rows by id."""
    last = frame.head(LANGUAGE_ROWS).select(text=pl.col("prompt").list.last().struct.field("content"))["text"]
    return Counter(code or UNDECIDED for _, code in languages_of(last))


def joined(first: Counter[str], second: Counter[str]) -> dict[str, list[int]]:
    """Value -> its counts in both, the most frequent first; what is beyond SHOWN together."""
    both = first + second
    order = sorted(both, key=lambda value: (-both[value], value))
    shown = order if len(order) <= SHOWN + 1 else order[:SHOWN]
    found = {value: [first[value], second[value]] for value in shown}
    if rest := order[len(shown) :]:
        found[f"{len(rest)} {OTHERS}"] = [sum(counts[value] for value in rest) for counts in (first, second)]
    return found


def words_of(frame: pl.DataFrame, column: str) -> pl.Series:
    """The number of words over all messages of a column."""
    return count_words(frame.select(shown_in(column).list.join(" "))[column])


def binned(several: Sequence[pl.Series], edges: Sequence[float]) -> list[Bin]:
    """Shares of each series by bin; the last bin has no end. Bins beyond the greatest value are left out."""
    greatest = max((float(values.max()) for values in several if len(values)), default=0.0)  # type: ignore[arg-type]
    starts = [edge for edge in edges if edge <= greatest] or [edges[0]]
    ends = [*starts[1:], float("inf")]
    shares = [
        [
            float(((values >= low) & (values < high)).sum() or 0) / max(1, len(values))
            for low, high in zip(starts, ends, strict=True)
        ]
        for values in several
    ]
    labels = [f"{low:g}+" if high == float("inf") else f"{low:g}" for low, high in zip(starts, ends, strict=True)]
    return [Bin(label, [series[number] for series in shares]) for number, label in enumerate(labels)]


def judge_and_people(measured: dict[str, dict[str, Any]], width: int) -> dict[str, Any] | None:
    """How often the judge orders two responses as people do, where both ranked a prompt; None where nobody did."""
    found = measured.get("rank", {}).get("judge_and_people", {})
    decided = found.get("same", 0) + found.get("other", 0)
    if not decided:
        return None
    rate = Rate("judge as people", found["same"] / decided, *wilson(found["same"], decided, 0.95))
    return found | {
        "decided": decided,
        "chart": Markup(rate_chart([rate], "share of decided pairs; chance is 50%", width)),
    }
