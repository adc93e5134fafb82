"""ontology: raw tags become a vocabulary in four steps, then people refine it (InsTag, section 3.2).

1 frequency: tags seen fewer than `min_count` times go. 2 rule: normal form, special characters to spaces, every word
stemmed. 3 semantic: titles closer than `semantic_distance` (cosine of their embeddings, or of character n-grams where
there is no `encoder`) are one tag (titles.py). 4 association: tags that imply each other (confidence, absolute support) are
one tag (associations.py). Each raw tag keeps which step decided. `human/ontology/refinements.yaml` has the last word
(refinements.py).
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from sklearn.feature_extraction.text import TfidfVectorizer
from snowballstemmer import stemmer

from cultivar.llm.embedding import embed
from cultivar.store.store import Store, store_folder
from cultivar.text.tokens import tokenize
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import Label, OntologyEntry, TagSet
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.associations import group_by_association
from stages.annotation.params import OntologyParams
from stages.annotation.refinements import read_refinements, refined_names, warn
from stages.annotation.titles import cluster

STEMMER = stemmer("porter")
SIGNS = {r"(\p{L})(?:\+\+|＋＋)": "${1}plusplus", r"(\p{L})[#＃♯]": "${1}sharp"}
"""Signs at the end of a name that tell it from others -> the name in letters."""

Encoder = Callable[[list[str]], Any]
"""Titles to a matrix with a row for each."""


class OntologyTables(NamedTuple):
    ontology: Table[OntologyEntry]
    labels: Table[Label]
    metrics: dict[str, Any]


def ontology(tag_sets: Table[TagSet], params: OntologyParams, runtime: RuntimeParams, files: Files) -> OntologyTables:
    """The map raw -> canonical tag with the step that decided, and the canonical tags of every instruction.

    `params.encoder` must stand among the deps, so that another encoder is another ontology. The metrics name the human
    refinements that do nothing or disagree.
    """
    (path,) = files.find("human/ontology/refinements.yaml")
    refinements = read_refinements(path)  # first: what people wrote amiss ends the stage before it works
    frame = tag_sets.frame
    sets = frame.select(pl.col("tags").list.eval(pl.element().struct.field("tag").unique().sort()))["tags"]
    counts = count_sets(sets)
    canonical, step, left = normalise(sets, counts, params, open_encoder(params, runtime, files))
    before = set(canonical.values()) - {""}
    names, to_review = refined_names(refinements, before)
    warn(str(path), to_review)
    for raw, tag in canonical.items():
        if names.get(tag, tag) != tag:
            canonical[raw], step[raw] = names[tag], "human"
    entries = [
        {
            "id": content_id("ontology", [raw, canonical[raw]]),
            "raw": raw,
            "canonical": canonical[raw],
            "count": counts[raw],
            "step": step[raw],
        }
        for raw in sorted(counts)
    ]
    labels = []
    kept = renamed_sets(sets, canonical)
    for row_id, lineage, tags in zip(frame["id"].to_list(), frame["parents"].to_list(), kept.to_list(), strict=True):
        parents = [*lineage, row_id]
        labels.append({"id": content_id("label", tags, parents), "parents": parents, "tags": tags})
    vocabulary = len({name for name in canonical.values() if name})
    metrics = {"tags": left | {"refined": vocabulary}, "vocabulary": vocabulary}
    metrics |= {f"refinements_{kind}": names for kind, names in to_review.items()}
    return OntologyTables(Table.of(OntologyEntry, entries), Table.of(Label, labels), metrics)


def count_sets(sets: pl.Series) -> dict[str, int]:
    """In how many sets each tag is."""
    counted = sets.explode(empty_as_null=False).to_frame("tag").group_by("tag").len("count").sort("tag")
    return dict(counted.iter_rows())


def renamed_sets(sets: pl.Series, canonical: dict[str, str]) -> pl.Series:
    """The sets with canonical tags, each once and in order; dropped ones ("") are left out."""
    names = pl.DataFrame(
        {"tag": list(canonical), "name": list(canonical.values())}, schema=dict.fromkeys(("tag", "name"), pl.String)
    )
    pairs = pl.DataFrame({"tag": sets}).with_row_index("row").explode("tag", empty_as_null=False)
    named = pairs.join(names, on="tag").filter(pl.col("name") != "").unique(["row", "name"])
    grouped = named.sort("row", "name").group_by("row", maintain_order=True).agg("name")
    rows = pl.DataFrame({"row": pl.arange(len(sets), eager=True, dtype=pl.UInt32)})
    return rows.join(grouped, on="row", how="left", maintain_order="left")["name"].fill_null([])


def normalise(
    sets: pl.Series, counts: dict[str, int], params: OntologyParams, encoder: Encoder
) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """The four steps: raw -> canonical ("" is dropped), raw -> deciding step, unique tags left after each step.

    `sets` holds the distinct raw tags of each instruction (a list column).
    """
    canonical = {raw: raw if counts[raw] >= params.min_count else "" for raw in sorted(counts)}
    step = {raw: "kept" if name else "frequency" for raw, name in canonical.items()}
    left = {"raw": len(counts), "frequency": count_tags(canonical)}
    for name, groups in (
        ("rule", lambda: by_rule(set(canonical.values()) - {""})),
        ("semantic", lambda: by_meaning(sorted(set(canonical.values()) - {""}), params.semantic_distance, encoder)),
        ("association", lambda: group_by_association(renamed_sets(sets, canonical), params)),
    ):
        weight: dict[str, int] = defaultdict(int)
        for raw, tag in canonical.items():
            weight[tag] += counts[raw]
        renamed: dict[str, str] = {}
        for group in groups():
            head = min(group, key=lambda tag: (-weight[tag], len(tag), tag))
            renamed |= {tag: head for tag in group if tag != head}
        for raw, tag in canonical.items():
            if tag in renamed:
                canonical[raw], step[raw] = renamed[tag], name
        left[name] = count_tags(canonical)
    return canonical, step, left


def count_tags(canonical: dict[str, str]) -> int:
    """Number of canonical tags."""
    return len(set(canonical.values()) - {""})


def by_rule(tags: set[str]) -> list[list[str]]:
    """Tags that are equal in normal form, without special characters, stemmed word by word.

    The signs of C++, C# and F# belong to their names; a tag of signs alone is itself.
    """
    ordered = sorted(tags)
    column = pl.Series(ordered, dtype=pl.String)
    for sign, name in SIGNS.items():
        column = column.str.replace_all(sign, name)
    groups = defaultdict(list)
    tokens = tokenize(column.str.replace_all("_", " ")).to_list()
    distinct = sorted({word for words in tokens for word in words})
    stem_of = dict(zip(distinct, STEMMER.stemWords(distinct), strict=True))
    for tag, words in zip(ordered, tokens, strict=True):
        groups[" ".join(stem_of[word] for word in words) or tag].append(tag)
    return [group for group in groups.values() if len(group) > 1]


def open_encoder(params: OntologyParams, runtime: RuntimeParams, files: Files) -> Encoder:
    """Embeddings by the encoder, each title computed once and stored, or character n-grams."""
    if not params.encoder:
        return character_ngrams
    store = Store(store_folder(runtime.store), runtime.flush_rows, runtime.flush_s)
    files.find(params.encoder)
    return partial(embed, folder=Path(params.encoder), store=store)


def character_ngrams(tags: list[str]) -> Any:
    """TF-IDF of 2 to 4 characters within words, a sparse matrix (tags, n-grams)."""
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), lowercase=True).fit_transform(tags)


def by_meaning(tags: list[str], distance: float, encoder: Encoder) -> list[list[str]]:
    """Tags whose titles DBSCAN puts together; noise stays as it is. A `distance` of 0 joins nothing."""
    if len(tags) < 2 or not distance:
        return []
    groups = defaultdict(list)
    for tag, label in zip(tags, cluster(encoder(tags), distance).tolist(), strict=True):
        if label >= 0:
            groups[label].append(tag)
    return list(groups.values())
