"""ontology: raw tags become a vocabulary in four steps, then people refine it (InsTag, section 3.2).

1 frequency: tags seen fewer than `min_count` times go. 2 rule: normal form, special characters to spaces, every word
stemmed. 3 semantic: titles closer than `semantic_distance` (cosine of their embeddings, or of character n-grams where
there is no `encoder`) are one tag. 4 association: tags that imply each other (confidence, absolute support) are one
tag. Each raw tag keeps which step decided. `human/ontology/refinements.yaml` has the last word: `merge`
(canonical: [tags]) and `drop` ([tags]).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from sklearn.cluster import DBSCAN
from sklearn.feature_extraction.text import TfidfVectorizer
from snowballstemmer import stemmer

from cultivar.llm.embedding import embed
from cultivar.store.store import Store, store_folder
from cultivar.text.tokens import tokenize
from schemas.human import read_yaml
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import Label, OntologyEntry, TagSet
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.params import OntologyParams

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

    `params.encoder` must stand among the deps, so that another encoder is another ontology.
    """
    rows = list(tag_sets)
    sets = [[tag.tag for tag in row.tags] for row in rows]
    counts = Counter(tag for tags in sets for tag in set(tags))
    canonical, step, left = normalise(sets, counts, params, open_encoder(params, runtime, files))
    refine(canonical, step, files)
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
    for row, tags in zip(rows, sets, strict=True):
        kept = sorted({canonical[tag] for tag in tags} - {""})
        parents = [*row.parents, row.id]
        labels.append({"id": content_id("label", kept, parents), "parents": parents, "tags": kept})
    vocabulary = len({name for name in canonical.values() if name})
    metrics = {"tags": left | {"refined": vocabulary}, "vocabulary": vocabulary}
    return OntologyTables(Table.of(OntologyEntry, entries), Table.of(Label, labels), metrics)


def normalise(
    sets: list[list[str]], counts: Counter[str], params: OntologyParams, encoder: Encoder
) -> tuple[dict[str, str], dict[str, str], dict[str, int]]:
    """The four steps: raw -> canonical ("" is dropped), raw -> deciding step, unique tags left after each step."""
    canonical = {raw: raw if counts[raw] >= params.min_count else "" for raw in sorted(counts)}
    step = {raw: "kept" if name else "frequency" for raw, name in canonical.items()}
    left = {"raw": len(counts), "frequency": count_tags(canonical)}
    for name, groups in (
        ("rule", lambda: by_rule(set(canonical.values()) - {""})),
        ("semantic", lambda: by_meaning(sorted(set(canonical.values()) - {""}), params.semantic_distance, encoder)),
        ("association", lambda: by_association([{canonical[tag] for tag in tags} - {""} for tags in sets], params)),
    ):
        weight: Counter[str] = Counter()
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
    for tag, words in zip(ordered, tokenize(column.str.replace_all("_", " ")).to_list(), strict=True):
        groups[" ".join(STEMMER.stemWords(words)) or tag].append(tag)
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
    labels = DBSCAN(eps=distance, min_samples=2, metric="cosine").fit_predict(encoder(tags))
    groups = defaultdict(list)
    for tag, label in zip(tags, labels, strict=True):
        if label >= 0:
            groups[label].append(tag)
    return list(groups.values())


def by_association(sets: list[set[str]], params: OntologyParams) -> list[list[str]]:
    """Tags joined by a rule A -> B (confidence over pairs with enough support), up to `group` tags together.

    Pairs suffice: a rule with a longer left side has at most its shortest side's support.
    """
    single: Counter[str] = Counter()
    pair: Counter[tuple[str, str]] = Counter()
    for tags in sets:
        single.update(tags)
        pair.update(combinations(sorted(tags), 2))
    member: dict[str, list[str]] = {}
    for (first, second), together in sorted(pair.items(), key=lambda item: (-item[1], item[0])):
        if together < params.support or together < params.confidence * min(single[first], single[second]):
            continue
        a, b = member.setdefault(first, [first]), member.setdefault(second, [second])
        if a is not b and len(a) + len(b) <= params.group:
            a += b
            for tag in b:
                member[tag] = a
    return unique(group for group in member.values() if len(group) > 1)


def unique(groups: Iterable[list[str]]) -> list[list[str]]:
    return [list(group) for group in {tuple(sorted(group)) for group in groups}]


def refine(canonical: dict[str, str], step: dict[str, str], files: Files) -> None:
    """Apply the human refinements to the map, in place. They name canonical tags."""
    (path,) = files.find("human/ontology/refinements.yaml")
    refinements = read_yaml(path) or {}
    renamed = {old: new for new, olds in (refinements.get("merge") or {}).items() for old in olds}
    renamed |= dict.fromkeys(refinements.get("drop") or [], "")
    for raw, tag in canonical.items():
        if tag in renamed and renamed[tag] != tag:
            canonical[raw], step[raw] = renamed[tag], "human"
