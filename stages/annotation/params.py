"""Parameters of collaborative annotation: tag, ontology, score, select, evolve, respond, rank."""

from typing import Annotated, Literal

from pydantic import Field

from cultivar.grading.pairs import Mode
from schemas.params.base import Count, Positive, Rate, Section

Temperature = Annotated[float, Field(ge=0, le=2)]
Weight = Annotated[float, Field(ge=0)]


class TagParams(Section):
    """Open-set tagging (InsTag, 3.1)."""

    max_tags: Positive = 12


class OntologyParams(Section):
    """Normalisation of tags (InsTag, 3.2)."""

    min_count: Positive = 1
    encoder: str = ""
    semantic_distance: Annotated[float, Field(ge=0, le=1)] = 0.2
    support: Positive = 4
    confidence: Rate = 0.99
    left: Literal[1, 2] = 2
    group: Annotated[int, Field(ge=2)] = 5


class ScoreParams(Section):
    """Scores that selection weighs."""

    rare: Annotated[float, Field(gt=0, lt=1)] = 0.01


class SelectParams(Section):
    """Complexity-first diverse sampling (InsTag, Algorithm 1) over weighted rank scores."""

    target_size: Positive = 120
    min_words: Count = 3
    max_words: Positive | None = 150
    min_completeness: Annotated[float, Field(ge=1, le=5)] = 3.0
    weight_tag_count: Weight = 0.0
    weight_complexity: Weight = 1.0
    weight_tags: Weight = 1.0
    weight_richness: Weight = 0.5
    weight_completeness: Weight = 0.5


class EvolveParams(Section):
    """Self-evolution (Tree-Instruct, Zhao et al. 2024)."""

    rounds: Positive = 2
    nodes: Positive = 2
    min_added_words: Positive = 4
    max_added_words: Positive = 60
    share: Rate = 0.5


class RespondParams(Section):
    """Responses per instruction: every strategy by every role."""

    strategies: list[str] = ["plain", "plan", "principle"]
    temperatures: list[Temperature] = [0.7]
    near_duplicate: Rate = 0.9


class RankParams(Section):
    """Ranking and pairs (docs/methods.md, section 8). `orders`: None is as many as a prompt has responses."""

    orders: Annotated[int, Field(ge=2)] | None = 3
    compare: Count = 0
    mode: Mode = "best_vs_worst"
    min_margin: Annotated[float, Field(ge=0)] = 1.0
    max_length_ratio: Annotated[float, Field(ge=1)] = 4.0
    max_pairs: Positive = 3
    min_mean: Annotated[float, Field(ge=1, le=5)] = 4.0
    min_aspect: Annotated[int, Field(ge=1, le=5)] = 3
