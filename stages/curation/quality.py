"""Quality rules on completions, as column expressions; the first that holds names the drop.

Refusal and identity: the opening of the completion, by families of phrases in many languages in which a model speaks of
itself (after open-instruct's keyword filter). Safety rows may refuse. Repetition, unclosed fences and LaTeX, truncation:
the form of the text.
"""

import polars as pl

from cultivar.text.phrases import CODE, QUOTED, REPORTED, SAMPLES, Sought, find_each
from cultivar.text.tokens import comparison_key, count_words
from stages.curation import identity, refusals
from stages.curation.boilerplate import BOILERPLATE, PLACEHOLDERS
from stages.curation.form import breaks_off, has_open_fence, has_open_latex
from stages.curation.identity import IDENTITY
from stages.curation.params import FilterParams
from stages.curation.refusals import REFUSALS
from stages.curation.repetition import repeated_share

OTHER_VOICE = ["literature", "character"]
"""Domains whose completions are written in another voice: an apology or an identity there is part of the text."""
LITERAL = ["code", "constraint"]
"""Domains in which capitals and other marks that texts are compared without can be all that tells right from wrong."""
PHRASE_RULES = {"refusal": "refusal", "identity leakage": "identity", "boilerplate": "boilerplate"}
"""Rule -> column with the language and family of the phrase."""


def quality(rows: pl.DataFrame, params: FilterParams) -> pl.DataFrame:
    """(id, rule, detail) of the rows that a rule removes.

    `rows`: id, domain, completion, rejected (null in D), answer and unanswered as `filter.product_texts` gives them. What
    the assistant says at an earlier turn, or thinks, is looked at for what no turn may hold (`in_passing`).
    """
    texts = rows["answer"]
    domain = pl.col("domain")
    other_voice = domain.is_in(OTHER_VOICE)
    unpunctuated = domain.is_in(["literature", "code", "constraint"])
    stripped, rejected = pl.col("completion").str.strip_chars(), pl.col("rejected").str.strip_chars()
    rules = {
        "empty completion": stripped == "",
        "chosen equals rejected": pl.col("alike") & (~domain.is_in(LITERAL) | (stripped == rejected)),
        "refusal": (domain != "safety")
        & ~other_voice
        & (pl.col("words") < params.refusal_words)
        & pl.col("refusal").is_not_null(),
        "identity leakage": ~other_voice & pl.col("identity").is_not_null(),
        "boilerplate": ~other_voice & pl.col("boilerplate").is_not_null(),
        "unclosed fence": pl.col("open_fence") | ((domain != "code") & pl.col("open_latex")),
        "repetition": pl.col("repeated") > params.repetition_share,
        "truncated": ~unpunctuated & (pl.col("words") >= params.truncated_min_words) & pl.col("cut"),
    }
    phrases = find_each(
        texts,
        {
            "refusal": Sought(REFUSALS, params.refusal_chars, refusals.IDIOMS, rf"{REPORTED}|{SAMPLES}"),
            "identity": Sought(IDENTITY, params.refusal_chars, identity.IDIOMS, REPORTED),
            "boilerplate": Sought(BOILERPLATE),
        },
    )
    cut = breaks_off(texts)
    measured = phrases["refusal"].is_not_null() | cut
    marked = rows.with_columns(
        refusal=phrases["refusal"],
        identity=phrases["identity"],
        boilerplate=pl.coalesce(phrases["boilerplate"], find_placeholders(texts)),
        cut=cut,
        words=pl.repeat(0.0, len(texts), eager=True).scatter(measured.arg_true(), count_words(texts.filter(measured))),
        open_fence=has_open_fence(texts),
        open_latex=has_open_latex(texts),
        repeated=repeated_share(texts, params),
        alike=are_alike(texts, rows["rejected"]),
    ).with_columns(rule=pl.coalesce(pl.when(broken).then(pl.lit(name)) for name, broken in rules.items()))
    family = pl.coalesce(
        pl.when(pl.col("rule") == rule).then(pl.col(column) + ": ") for rule, column in PHRASE_RULES.items()
    )
    shown = pl.col("completion").str.slice(0, 120).str.replace_all(r"\s+", " ")
    removed = marked.filter(pl.col("rule").is_not_null()).select("id", "rule", detail=family.fill_null("") + shown)
    return pl.concat([removed, in_passing(rows.join(removed, on="id", how="anti", maintain_order="left"), params)])


def in_passing(rows: pl.DataFrame, params: FilterParams) -> pl.DataFrame:
    """(id, rule, detail) of the rows in whose earlier turns, or reasoning, a rule finds what no turn may hold."""
    texts = rows.filter(~pl.col("domain").is_in(OTHER_VOICE)).select("id", text="unanswered")
    texts = texts.explode("text", empty_as_null=False)
    phrases = find_each(
        texts["text"],
        {
            "identity": Sought(IDENTITY, params.refusal_chars, identity.IDIOMS, REPORTED),
            "boilerplate": Sought(BOILERPLATE),
        },
    )
    found = texts.with_columns(
        identity=phrases["identity"],
        boilerplate=pl.coalesce(phrases["boilerplate"], find_placeholders(texts["text"])),
        repeated=repeated_share(texts["text"], params),
    ).with_columns(
        rule=pl.coalesce(
            pl.when(pl.col("identity").is_not_null()).then(pl.lit("identity leakage")),
            pl.when(pl.col("boilerplate").is_not_null()).then(pl.lit("boilerplate")),
            pl.when(pl.col("repeated") > params.repetition_share).then(pl.lit("repetition")),
        ),
        family=pl.coalesce("identity", "boilerplate", pl.lit("")),
    )
    shown = pl.col("text").str.slice(0, 120).str.replace_all(r"\s+", " ")
    first = found.filter(pl.col("rule").is_not_null()).unique("id", keep="first", maintain_order=True)
    return first.select("id", "rule", detail=pl.format("in an earlier turn or reasoning: {} {}", "family", shown))


def are_alike(completions: pl.Series, rejected: pl.Series) -> pl.Series:
    """Whether the two sides of each pair are one text, as texts are compared; false where `rejected` is null."""
    places = rejected.is_not_null().arg_true()
    alike = comparison_key(completions.gather(places)) == comparison_key(rejected.gather(places))
    return pl.repeat(False, len(completions), dtype=pl.Boolean, eager=True).scatter(places, alike)


def find_placeholders(texts: pl.Series) -> pl.Series:
    """ "placeholder" where a text has a gap that was to be filled in, null elsewhere."""
    places = texts.str.contains(PLACEHOLDERS).fill_null(False).arg_true()
    own = texts.gather(places).str.replace_all(CODE, " ").str.replace_all(QUOTED, " ")
    found = pl.repeat(None, len(texts), dtype=pl.String, eager=True)
    return found.scatter(places.filter(own.str.contains(PLACEHOLDERS)), "placeholder")
