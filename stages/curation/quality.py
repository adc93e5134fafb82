"""Quality rules on completions, as column expressions; the first that holds names the drop.

Refusal and identity: the opening of the completion (after open-instruct's keyword filter, by families of
phrases). Safety rows may refuse. Repetition, unclosed fences and LaTeX, truncation: the form of the text.
"""

import polars as pl

from stages.curation.params import FilterParams
from stages.curation.repetition import repeated_share

REFUSAL = (
    r"(?i)\b(i['’]m|i am) (very |so |really )?sorry\b|^\s*sorry\b|\bi apologi[sz]e\b"
    r"|\bi(['’]m unable to| (can['’]t|cannot|can not|won['’]t|am unable to|am not able to)) "
    r"(help|assist|answer|provide|fulfil|fulfill|comply|do that|complete)"
)
BOILERPLATE = (
    r"(?i)\b(knowledge cut-?off|as of my (last|latest|knowledge) (update|training)|regenerate response|network error"
    r"|this content may violate|lorem ipsum)\b|\[insert [a-z ]+ here\]"
)
IDENTITY = (
    r"(?i)\bas an? (ai|artificial intelligence)( language)?( model| assistant)?,"
    r"|\bi(['’]m| am) (chatgpt|gpt-?\d|claude|gemini|bard|llama|qwen|mistral|an? (ai|large) language model)\b"
    r"|\b(trained|developed|created|made) by (openai|anthropic|google|meta|alibaba|microsoft|mistral|deepseek)\b"
)
ENDING = r"""[.!?…。！？"'”’)\]}`*:;|>\d]\s*$"""
OTHER_VOICE = ["literature", "character"]
"""Domains whose completions are written in another voice: an apology or an identity there is part of the text."""


def quality(rows: pl.DataFrame, params: FilterParams) -> pl.DataFrame:
    """(id, rule, detail) of the rows that a rule removes. `rows`: id, domain, completion, rejected (null in D)."""
    text = pl.col("completion")
    opening = text.str.slice(0, params.refusal_chars)
    length = text.str.count_matches(r"\S+")
    domain = pl.col("domain")
    other_voice = domain.is_in(OTHER_VOICE)
    form = domain.is_in(["literature", "code", "constraint"])
    rules = {
        "empty completion": text.str.strip_chars() == "",
        "chosen equals rejected": (text.str.strip_chars() == pl.col("rejected").str.strip_chars()).fill_null(False),
        "refusal": (domain != "safety")
        & ~other_voice
        & (length < params.refusal_words)
        & opening.str.contains(REFUSAL),
        "identity leakage": ~other_voice & opening.str.contains(IDENTITY),
        "boilerplate": ~other_voice & text.str.contains(BOILERPLATE),
        "unclosed fence": (text.str.count_matches("```", literal=True) % 2 == 1)
        | (text.str.count_matches(r"\\begin\{") != text.str.count_matches(r"\\end\{"))
        | (text.str.count_matches(r"\\\[") != text.str.count_matches(r"\\\]")),
        "truncated": ~form & (length >= params.truncated_min_words) & ~text.str.contains(ENDING),
        "repetition": pl.col("repeated") > params.repetition_share,
    }
    marked = rows.with_columns(repeated=repeated_share(rows["completion"], params)).with_columns(
        rule=pl.coalesce(pl.when(broken).then(pl.lit(name)) for name, broken in rules.items())
    )
    shown = text.str.slice(0, 120).str.replace_all(r"\s+", " ")
    return marked.filter(pl.col("rule").is_not_null()).select("id", "rule", detail=shown)
