"""Repetition: the share of a text that it holds a second time, in tokens, or in characters where it has hardly any tokens."""

import numpy as np
import polars as pl

from cultivar.text.ngrams import Tokens, grams, hash_tokens
from cultivar.text.tokens import measure, normalize, tokens_of_normal
from stages.curation.params import FilterParams

CHARACTERS_PER_TOKEN = 15
"""A text with more characters to a token is read by its characters: "hahaha…", rows of emoji."""
CHARACTERS_PER_WORD = 5
"""A limit in words is so many times as high in characters."""


def repeated_share(texts: pl.Series, params: FilterParams) -> pl.Series:
    """Share of n-grams that occurred before in the same text; 0 for texts of fewer words than `repetition_min_words`."""
    normal = normalize(texts)
    hashed = hash_tokens(tokens_of_normal(normal))
    words, scales = measure(normal, hashed.lengths)
    sizes = np.round(params.repetition_ngram * scales).astype(np.int64)
    shares = repeated_grams(hashed, np.where(words >= params.repetition_min_words, sizes, 0))
    is_dense = normal.str.len_chars().to_numpy() > CHARACTERS_PER_TOKEN * hashed.lengths
    positions = np.flatnonzero(is_dense)
    visible = normal.gather(positions).str.replace_all(r"\s+", "")
    length = visible.str.len_chars().to_numpy()
    is_long = length >= CHARACTERS_PER_WORD * params.repetition_min_words
    is_long &= length > CHARACTERS_PER_TOKEN * hashed.lengths[positions]
    if is_long.any():
        characters = hash_tokens(visible.filter(is_long).str.extract_all("(?s)."))
        shares[positions[is_long]] = repeated_grams(characters, CHARACTERS_PER_WORD * params.repetition_ngram)
    return pl.Series(shares)


def repeated_grams(of: Tokens, sizes: np.ndarray | int) -> np.ndarray:
    """1 - distinct / all n-grams of each text; 0 for a text without one, or of size 0."""
    hashed, rows = grams(of, sizes)
    counted = pl.DataFrame({"row": rows, "gram": hashed}).group_by("row").agg(pl.col("gram").n_unique(), total=pl.len())
    shares = np.zeros(len(of.lengths))
    shares[counted["row"].to_numpy()] = (1 - counted["gram"] / counted["total"]).to_numpy()
    return shares
