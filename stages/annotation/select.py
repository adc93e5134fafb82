"""select: complexity-first diverse sampling (InsTag, Algorithm 1) over combined rank scores (Qwen2 report, section 4.1.1).

Instructions are sorted by a weighted sum of rank-normalised scores. Each pass walks that order and takes an instruction
if it adds a tag that this pass has not covered yet; passes go on until `target_size` are taken. Ties are broken by id.
InsTag's own order, the number of tags alone, is that of `weight_tag_count` 1 and the other weights 0.
"""

from typing import Any, NamedTuple

import polars as pl

from cultivar.text.phrases import find_phrases
from cultivar.text.tokens import count_words, normalize
from schemas.conversations import asked
from schemas.rows import Dropped, Instruction, InstructionScore, Selected
from schemas.table import Context, Table
from stages.annotation.beyond_text import BEYOND_TEXT, FIGURES_OF_SPEECH, TEXTUAL
from stages.annotation.params import SelectParams

CRITERIA = {
    "tag_count": "weight_tag_count",
    "complexity": "weight_complexity",
    "tag_idf": "weight_tags",
    "richness": "weight_richness",
    "completeness": "weight_completeness",
}
"""Column of a score -> parameter with its weight."""
BEYOND_TEXT_RULE = "asks for more than text"


class Selection(NamedTuple):
    selected: Table[Selected]
    dropped: Table[Dropped]
    metrics: dict[str, Any]


def select(
    instructions: Table[Instruction], instruction_scores: Context[InstructionScore], params: SelectParams
) -> Selection:
    """At most `target_size` instructions; every other one is dropped by the rule that excludes it.

    The rules look at all that the user asks.
    """
    scores = instruction_scores.frame.with_columns(pl.col("parents").list.first().alias("instruction"))
    joined = instructions.frame.join(
        scores.select("instruction", "tags", *CRITERIA), left_on="id", right_on="instruction", how="left"
    )
    texts = joined.select(asked()).to_series()
    joined = joined.with_columns(
        pl.col("tags").fill_null([]), words=count_words(texts), beyond=find_beyond_text(texts)
    ).with_columns(rule=first_rule(params))
    eligible = joined.filter(pl.col("rule") == "").with_columns(combined=combined_score(params))
    eligible = eligible.sort("combined", "id", descending=[True, False])
    passes = sample_diverse(eligible["tags"], params.target_size)
    sampled = eligible.with_columns(pass_number=pl.Series(passes, dtype=pl.Int64))
    chosen = sampled.filter(pl.col("pass_number") >= 0).with_columns(
        scores=pl.concat_list(
            pl.struct(name=pl.lit(name), value=pl.col(name).cast(pl.Float64)) for name in ("combined", *CRITERIA)
        )
    )
    refused = pl.concat(
        [
            joined.filter(pl.col("rule") != "").select("id", "rule", detail=first_detail()),
            sampled.filter(pl.col("pass_number") < 0).select(
                "id", rule=pl.lit("adds no tag within the target size"), detail=pl.lit("")
            ),
        ]
    )
    dropped = refused.with_columns(parents=pl.lit([], dtype=pl.List(pl.String)), stage=pl.lit("select"))
    metrics = {
        "tag_coverage": count_tags(chosen) / max(1, count_tags(eligible)),
        "mean_tags": chosen["tags"].list.len().mean() or 0.0,
    }
    columns = list(Selected.model_fields)
    return Selection(Table(Selected, chosen.select(columns)), Table(Dropped, dropped), metrics)


def first_rule(params: SelectParams) -> pl.Expr:
    """The first rule that excludes an instruction, "" for none (Self-Instruct, section 2.2)."""
    rules = {
        "not scored": pl.col("completeness").is_null(),
        "too short": pl.col("words") <= params.min_words,
        "too long": pl.lit(False) if params.max_words is None else pl.col("words") > params.max_words,
        BEYOND_TEXT_RULE: pl.col("beyond").is_not_null(),
        "incomplete": pl.col("completeness") < params.min_completeness,
        "no tag": pl.col("tags").list.len() == 0,
    }
    return pl.coalesce([pl.when(holds).then(pl.lit(rule)) for rule, holds in rules.items()] + [pl.lit("")])


def first_detail() -> pl.Expr:
    """The language and family of the phrase, for the rule that looks for phrases."""
    return pl.when(pl.col("rule") == BEYOND_TEXT_RULE).then(pl.col("beyond")).otherwise(pl.lit(""))


def find_beyond_text(prompts: pl.Series) -> pl.Series:
    """ "language, family" of what an instruction asks for beyond text, null for nothing (Self-Instruct, section 2.2)."""
    found = find_phrases(prompts, BEYOND_TEXT, idioms=FIGURES_OF_SPEECH)
    places = found.is_not_null().arg_true()
    writable = normalize(prompts.gather(places)).str.contains(TEXTUAL)
    return found.scatter(places.filter(writable), None)


def combined_score(params: SelectParams) -> pl.Expr:
    """Weighted sum of the criteria, each rank-normalised to [0, 1]."""
    parts = [getattr(params, weight) * pl.col(name).rank("average") / pl.len() for name, weight in CRITERIA.items()]
    return pl.sum_horizontal(parts).round(9)


def count_tags(rows: pl.DataFrame) -> int:
    """Number of different tags."""
    return rows["tags"].explode(empty_as_null=False).n_unique()


def sample_diverse(tag_sets: pl.Series, size: int) -> list[int]:
    """The pass in which each item (in the given order) is sampled, -1 for never (InsTag, Algorithm 1).

    A tag that a pass has not covered is next covered by the first item left that has it: any item before that one was
    passed over with all its tags covered. So a pass looks at the first item left of every tag, in order. All of these
    tags are covered when it ends, so the passes together look at no more than there are tags of the sampled items.
    """
    pairs = pl.DataFrame({"tag": tag_sets}).with_row_index("item").explode("tag", empty_as_null=False)
    pairs = pairs.with_columns(tag=pl.col("tag").rank("dense").cast(pl.Int64) - 1)
    by_tag = pairs.sort("tag", maintain_order=True)  # the items of each tag, in order
    items, tags = by_tag["item"].to_list(), pairs["tag"].to_list()
    ends = by_tag["tag"].rle().struct.field("len").cum_sum().to_list()
    heads = [0, *ends[:-1]]
    ends_of = [0, *tag_sets.list.len().cum_sum()]
    passes = [-1] * len(tag_sets)
    covered_in = [-1] * len(ends)  # the last pass that covered each tag
    left = list(range(len(ends)))
    number = count = 0
    while left and count < size:
        first = []
        for tag in left:
            while heads[tag] < ends[tag] and passes[items[heads[tag]]] >= 0:
                heads[tag] += 1
            if heads[tag] < ends[tag]:
                first.append((items[heads[tag]], tag))
        first.sort()
        for item, tag in first:
            if covered_in[tag] != number and count < size:
                passes[item] = number
                count += 1
                for covered in tags[ends_of[item] : ends_of[item + 1]]:
                    covered_in[covered] = number
        left, number = [tag for _, tag in first], number + 1
    return passes
