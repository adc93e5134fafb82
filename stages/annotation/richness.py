"""Semantic richness of instructions: how much their words tell, whatever their number (docs/methods.md, section 2.1).

    richness = information × variety × sentence

information: the mean over an instruction's distinct content words (no function words of its language). A word that df of
    the N instructions in that language have tells log(N / df) / log(min(N / 2, 1 / rare)), at most 1. A word of one
    instruction alone is no evidence: it tells 1/2, less where few of its trigrams occur in words of other instructions.
variety: distinct content words over those expected of so many, occurrences ** 0.9 (Heaps 1978), at most 1: repetition
    tells nothing.
sentence: 1/2 for 20 words or more without any function word, where the language has some here: a list. Else 1.
"""

import polars as pl

from cultivar.text.languages import scripts_of
from cultivar.text.stopwords import stopword_table
from cultivar.text.tokens import normalize, tokens_of_normal, words_of_normal

HEAPS = 0.9
HAPAX = 0.5
LIST = 0.5
ALONE = 0.2
"""Share of the words that a single function word has to be to tell the language."""
LIST_WORDS = 20
UNIT = 1e9
"""Sums are of whole numbers of these, so that they do not depend on the order of rows."""
MOST_LETTERS = 60
"""Letters of a word that are looked at."""


def richness(prompts: pl.Series, rare: float) -> pl.Series:
    """Semantic richness of each instruction (f64 in [0, 1]) among all of them; 0 without a content word."""
    normal = normalize(prompts)
    texts = pl.DataFrame({"text": pl.arange(len(prompts), eager=True), "token": tokens_of_normal(normal)})
    counted = texts.explode("token", empty_as_null=False).group_by("text", "token").len("times")
    languages, stops = language_groups(counted, prompts)
    content = counted.join(stops, on=["text", "token"], how="anti").join(languages, on="text")
    words = content.join(information(content, rare), on=["language", "token"])
    scored = words.group_by("text").agg(
        information=(pl.col("information") * UNIT).round().cast(pl.Int64).sum() / pl.len() / UNIT,
        variety=(pl.len() / pl.col("times").sum() ** HEAPS).clip(upper_bound=1.0),
    )
    sentences = languages.with_columns(
        words=words_of_normal(normal), has_function_words=pl.col("text").is_in(stops["text"].unique().implode())
    ).with_columns(
        sentence=pl.when(
            ~pl.col("has_function_words")
            & pl.col("has_function_words").any().over("language")
            & (pl.col("words") >= LIST_WORDS)
        )
        .then(LIST)
        .otherwise(1.0)
    )
    joined = sentences.join(scored, on="text", how="left", maintain_order="left")
    return joined.select(
        (pl.col("information") * pl.col("variety") * pl.col("sentence")).fill_null(0.0).round(9)
    ).to_series()


def language_groups(counted: pl.DataFrame, prompts: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(text, language) by most function words, else the commonest language of the script; (text, token) of function words.

    A text in a script that no language here writes is grouped by it, one without letters with the commonest language.
    """
    known = counted.join(stopword_table(), on="token")
    votes = known.group_by("text", "language").agg(pl.col("times").sum())
    spoken = votes.join(counted.group_by("text").agg(size=pl.col("times").sum()), on="text")
    votes = spoken.filter((pl.col("times") >= 2) | (pl.col("times") >= ALONE * pl.col("size")))
    voted = (
        votes.sort("times", "language", descending=[True, False])
        .unique("text", keep="first")
        .select("text", "language")
    )
    scripts = pl.DataFrame({"text": pl.arange(len(prompts), eager=True), "script": scripts_of(prompts).fill_null("")})
    by_text = scripts.join(voted, on="text", how="left", maintain_order="left")
    usual = (
        by_text.drop_nulls("language")
        .group_by("script", "language")
        .len()
        .sort("len", "language", descending=[True, False])
    )
    common = by_text["language"].drop_nulls().mode().sort().first() or ""
    usual = usual.unique("script", keep="first").select("script", usual="language")
    languages = by_text.join(usual, on="script", how="left", maintain_order="left").select(
        "text", language=pl.coalesce("language", "usual", pl.col("script").replace("", common))
    )
    stops = known.join(voted, on=["text", "language"], how="semi").select("text", "token")
    return languages, stops


def information(content: pl.DataFrame, rare: float) -> pl.DataFrame:
    """(language, token, information) of the content words (text, language, token) of all texts."""
    words = content.group_by("language", "token").agg(df=pl.len(), text=pl.col("text").min())
    sizes = content.group_by("language").agg(size=pl.col("text").n_unique())
    words = words.join(sizes, on="language")
    most = pl.min_horizontal(pl.col("size") / 2, pl.lit(1 / rare)).log()
    idf = (pl.col("size") / pl.col("df")).log() / most
    several = words.filter(pl.col("df") > 1)
    once = words.filter(pl.col("df") == 1)
    of_once = trigrams(once)
    known = pl.concat(
        [
            trigrams(several).select("language", "trigram").unique(),
            of_once.group_by("language", "trigram")
            .agg(texts=pl.col("text").n_unique())
            .filter(pl.col("texts") > 1)
            .select("language", "trigram"),
        ]
    ).unique()
    shares = (
        of_once.join(known.with_columns(known=1), on=["language", "trigram"], how="left")
        .group_by("language", "token")
        .agg(known=pl.col("known").fill_null(0).sum(), size=pl.len())
        .with_columns(usual=pl.col("known").sum().over("language") / pl.col("size").sum().over("language"))
        .select("language", "token", share=pl.col("known") / pl.col("size") / pl.col("usual"))
        .with_columns(share=pl.col("share").fill_nan(1.0).clip(upper_bound=1.0))
    )
    once = once.join(shares, on=["language", "token"], how="left")
    return pl.concat(
        [
            several.select("language", "token", information=idf.fill_nan(0.0).clip(0.0, 1.0)),
            once.select("language", "token", information=HAPAX * pl.col("share").fill_null(1.0)),
        ]
    )


def trigrams(words: pl.DataFrame) -> pl.DataFrame:
    """(text, language, token, trigram): three letters in a row of each word with its borders, words of three or more."""
    long = words.select("text", "language", "token").filter(pl.col("token").str.len_chars() > 2)
    bordered = long.with_columns(letters=pl.format(" {} ", pl.col("token").str.slice(0, MOST_LETTERS)))
    starts = pl.int_ranges(0, pl.col("letters").str.len_chars() - 2)
    places = bordered.with_columns(start=starts).explode("start", empty_as_null=False)
    return places.select("text", "language", "token", trigram=pl.col("letters").str.slice(pl.col("start"), 3))
