"""A prompt's candidates with their readings, and the rows of the tables that they make (stages/annotation/rank.py)."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from cultivar.grading.pairs import agreed_best, margin_of, mean_of, pairs
from schemas.conversations import text_of
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, preference_row
from stages.annotation.params import RankParams


@dataclass
class Group:
    """One prompt's candidates (rows of Candidate as dicts), sorted by id, and their texts as texts are compared.

    Behind them stand the texts that people corrected: `originals` has the place of each and of the candidate that it corrects.
    """

    candidates: list[dict[str, Any]]
    keys: list[str]
    originals: dict[int, int] = field(default_factory=dict)

    @property
    def prompt_id(self) -> str:
        return self.candidates[0]["prompt_id"]

    @property
    def turns(self) -> list[dict[str, Any]]:
        """The conversation that the candidates answer."""
        return self.candidates[0]["prompt"]

    @cached_property
    def texts(self) -> list[str]:
        """What each candidate says."""
        return [text_of(candidate["completion"]) for candidate in self.candidates]


@dataclass
class RankedGroup:
    """A group with its readings (readings × candidates; higher is better); whether the best meets the criteria.

    `readings`: the judge's mean ratings from 1 to 5, one per order; minus people's mean ranks, one reading.
    """

    group: Group
    readings: list[list[float]]
    meets_criteria: bool
    source: Literal["human", "judge"]
    annotators: list[str] = field(default_factory=list)

    @cached_property
    def scores(self) -> list[float]:
        """The mean of each candidate over the readings."""
        return [mean_of(scores) for scores in zip(*self.readings, strict=True)]

    @cached_property
    def best(self) -> int | None:
        """The candidate that every reading finds best, of several the first by id."""
        return next(iter(agreed_best(self.readings)), None)

    @property
    def most(self) -> float:
        """The greatest difference of two scores: of mean ratings from 1 to 5, or of ranks."""
        return 4.0 if self.source == "judge" else max(1.0, len(self.scores) - 1.0)

    def quality(self, position: int) -> float:
        """From 0 to 1: the judge's scale, or the share of the others that people put below, ties half."""
        score = self.scores[position]
        if self.source == "judge":
            return (score - 1) / self.most
        below, tied = sum(other < score for other in self.scores), self.scores.count(score) - 1
        return (below + tied / 2) / self.most if len(self.scores) > 1 else 1.0


def ranking_row(ranked: RankedGroup) -> dict:
    """The row of Ranking; ranks are dense, 0 is best, and equal scores share a rank."""
    rows, scores = ranked.group.candidates, ranked.scores
    ids = [row["id"] for row in rows]
    rank_of = {score: number for number, score in enumerate(sorted(set(scores), reverse=True))}
    ranks = [rank_of[score] for score in scores]
    return {
        "id": content_id("ranking", [ranks, ranked.source], ids),
        "parents": ids,
        "prompt_id": ranked.group.prompt_id,
        "candidates": ids,
        "ranks": ranks,
        "scores": scores,
        "readings": ranked.readings,
        "meets_criteria": ranked.meets_criteria,
        "source": ranked.source,
        "annotators": ranked.annotators,
        "simulated": any(row["simulated"] for row in rows),
    }


def admission(ranked: RankedGroup, position: int, ranking: str) -> Admission:
    """What the rows of D and P share whose completion, or chosen side, is the candidate at this position.

    `ranking`: the id of the group's ranking.
    """
    row = ranked.group.candidates[position]
    return Admission(
        prompt=row["prompt"],
        domain=row["domain"],
        strategy="annotation",
        label_source=ranked.source,
        quality=ranked.quality(position),
        license=row["license"],
        engine=row["engine"],
        simulated=row["simulated"],
        verdicts=[ranking],
        scores={ranked.source: ranked.scores[position]},
        tags=row["tags"],
        source=row["source"],
        tools=row["tools"],
    )


def demonstration(ranked: RankedGroup, position: int, ranking: str) -> dict:
    """The row of the best candidate."""
    best = ranked.group.candidates[position]
    parents = [best["prompt_id"], best["id"], best["generation"], ranking]
    return demonstration_row(admission(ranked, position, ranking), best["completion"], parents)


def pair_candidates(ranked: RankedGroup, ranking: str, params: RankParams) -> list[dict]:
    """Rows of Preference. People's ranks count however close; the judge's scores need a margin.

    A text that a person corrected is preferred to what it was as well, where every reading puts it above.
    """
    group = ranked.group
    positions = pairs(
        group.texts,
        ranked.readings,
        params.mode,
        keys=group.keys,
        min_margin=params.min_margin if ranked.source == "judge" else 0.0,
        max_length_ratio=params.max_length_ratio,
        limit=params.max_pairs,
        seed=seed_of(group.prompt_id, "pairs"),
    )
    positions += [pair for pair in group.originals.items() if pair not in positions and is_pair(ranked, pair, params)]
    rows = []
    for chosen, rejected in positions:
        better, worse = group.candidates[chosen], group.candidates[rejected]
        rows.append(
            preference_row(
                admission(ranked, chosen, ranking),
                better["completion"],
                worse["completion"],
                margin_of(ranked.readings, (chosen, rejected)),
                [better["prompt_id"], better["id"], worse["id"], better["generation"], worse["generation"], ranking],
                rejected_simulated=worse["simulated"],
                most=ranked.most,
            )
        )
    return [row for row in rows if row is not None]


def is_pair(ranked: RankedGroup, pair: tuple[int, int], params: RankParams) -> bool:
    """Whether the first of two candidates is preferred to the second, by the rules of every pair."""
    group = ranked.group
    readings = [[reading[place] for place in pair] for reading in ranked.readings]
    texts, keys = [group.texts[place] for place in pair], [group.keys[place] for place in pair]
    return pairs(texts, readings, keys=keys, max_length_ratio=params.max_length_ratio) == [(0, 1)]
