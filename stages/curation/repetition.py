"""Repetition: the share of a text that it holds a second time, in tokens, or in characters where it has hardly any tokens."""

import numpy as np
import polars as pl

from cultivar.text.ngrams import Tokens, grams, hash_tokens
from cultivar.text.tokens import count_words, normalize, tokenize, tokens_per_word
from stages.curation.params import FilterParams

CHARACTERS_PER_TOKEN = 15
"""A text with more characters to a token is read by its characters: "hahaha…", rows of emoji."""
CHARACTERS_PER_WORD = 5
"""A limit in words is so many times as high in characters."""


def repeated_share(texts: pl.Series, params: FilterParams) -> pl.Series:
    """Share of n-grams that occurred before in the same text; 0 for texts of fewer words than `repetition_min_words`."""
    hashed = hash_tokens(tokenize(texts))
    sizes = np.round(params.repetition_ngram * tokens_per_word(texts)).astype(np.int64)
    is_long = count_words(texts).to_numpy() >= params.repetition_min_words
    shares = np.where(is_long, repeated_grams(hashed, sizes), 0.0)
    visible = normalize(texts).str.replace_all(r"\s+", "")
    length = visible.str.len_chars().to_numpy()
    is_dense = (length > CHARACTERS_PER_TOKEN * hashed.lengths) & (
        length >= CHARACTERS_PER_WORD * params.repetition_min_words
    )
    positions = np.flatnonzero(is_dense)
    if len(positions):
        characters = hash_tokens(visible.gather(positions).str.extract_all("(?s)."))
        shares[positions] = repeated_grams(characters, CHARACTERS_PER_WORD * params.repetition_ngram)
    return pl.Series(shares)


def repeated_grams(of: Tokens, sizes: np.ndarray | int) -> np.ndarray:
    """1 - distinct / all n-grams of each text; 0 for a text without one."""
    hashed, rows = grams(of, sizes)
    counted = pl.DataFrame({"row": rows, "gram": hashed}).group_by("row").agg(pl.col("gram").n_unique(), total=pl.len())
    shares = np.zeros(len(of.lengths))
    shares[counted["row"].to_numpy()] = (1 - counted["gram"] / counted["total"]).to_numpy()
    return shares
