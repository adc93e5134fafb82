"""rank: order the candidates of every prompt; the best make D, best against worst make P (Qwen2 report, section 4.1.1).

People's rankings (human/annotations/*.jsonl) decide where there are any for exactly these candidates. Elsewhere the judge
rates all candidates of a prompt at once, in two orders; an aspect mean is the average of both, and a prompt whose two
orders disagree on the best is a tie. The best becomes a demonstration only if it meets the criteria.
"""

import random
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from cultivar.grading.pairs import pairs
from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, preference_row
from schemas.rows import Candidate, Demonstration, Dropped, Preference, Quarantined, Ranking
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.params import RankParams
from stages.annotation.rankings import Folded, candidate_hash, conversation_text, fold, item_hash, read_judgements

Aspect = Annotated[int, Field(ge=1, le=5)]  # 5 is best
ORDERS = 2
"""Orders in which the judge reads the candidates of a prompt, against its bias towards a position."""


class ResponseRating(BaseModel):
    """Four aspects of one response."""

    following: Aspect
    truth: Aspect
    honesty: Aspect
    help: Aspect

    @property
    def aspects(self) -> list[int]:
        return [self.following, self.truth, self.honesty, self.help]


class Ratings(BaseModel):
    """The judge's ratings, in the order of the responses."""

    ratings: list[ResponseRating]


class RankTables(NamedTuple):
    rankings: Table[Ranking]
    annotation_demonstrations: Table[Demonstration]
    annotation_preferences: Table[Preference]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]
    metrics: dict[str, Any]


@dataclass
class RankedGroup:
    """One prompt's candidates with a score each (higher is better); whether the best meets the criteria.

    `scores`: mean aspects, 1 to 5, of the judge; minus the mean rank of people.
    """

    candidates: list[Candidate]
    scores: list[float]
    meets_criteria: bool
    source: Literal["human", "judge"]
    annotators: list[str] = field(default_factory=list)

    @property
    def prompt_id(self) -> str:
        return self.candidates[0].prompt_id

    @property
    def most(self) -> float:
        """The greatest difference of two scores: of mean ratings from 1 to 5, or of ranks."""
        return 4.0 if self.source == "judge" else max(1.0, len(self.candidates) - 1.0)

    def quality(self, position: int) -> float:
        """The mean rating, or the mean rank, on a scale from 0 to 1."""
        score = self.scores[position]
        return (score - 1) / self.most if self.source == "judge" else max(0.0, 1 + score / self.most)


def rank(candidates: Table[Candidate], params: RankParams, judge: Engine, files: Files) -> RankTables:
    """One ranking per prompt; its candidates are kept by it. A prompt that the judge cannot rate is quarantined.

    Raises AnnotationError for a line of people's rankings that cannot be read, Unfinished as `Engine.ask` does.
    """
    by_prompt: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_prompt[candidate.prompt_id].append(candidate)
    judgements = fold(read_judgements(files.find("human/annotations")))
    by_people, for_judge = rank_by_people(list(by_prompt.values()), judgements)
    by_judge, quarantine = rank_by_judge(for_judge, params, judge)
    rankings: list[dict] = []
    demonstrations: list[dict] = []
    preferences: list[dict] = []
    for group in by_people + by_judge:
        ranking = ranking_row(group)
        rankings.append(ranking)
        if group.meets_criteria:
            demonstrations.append(demonstration(group, ranking["id"]))
        preferences += pair_candidates(group, ranking["id"], params)
    metrics = {
        "ranked_by_people": len(by_people),
        "ranked_by_judge": len(by_judge),
        "stale_items": len(judgements) - len(by_people),
    }
    return RankTables(
        Table.of(Ranking, rankings),
        Table.of(Demonstration, demonstrations),
        Table.of(Preference, preferences),
        Table.of(Dropped, []),
        Table.of(Quarantined, quarantine),
        metrics,
    )


def rank_by_people(
    groups: list[list[Candidate]], judgements: dict[str, Folded]
) -> tuple[list[RankedGroup], list[list[Candidate]]]:
    """The groups that people ranked, of exactly these texts; and the groups that are left to the judge."""
    ranked, unranked = [], []
    for group in groups:
        judgement = judgements.get(item_hash(conversation_text(group[0].prompt), [c.completion for c in group]))
        if judgement is None:
            unranked.append(group)
        else:
            below_all = float(len(group))  # the rank of a candidate that nobody ranked
            scores = [-judgement.ranks.get(candidate_hash(c.completion), below_all) for c in group]
            ranked.append(RankedGroup(group, scores, judgement.meets_criteria, "human", judgement.annotators))
    return ranked, unranked


def rank_by_judge(
    groups: list[list[Candidate]], params: RankParams, judge: Engine
) -> tuple[list[RankedGroup], list[dict]]:
    """Rate every group in two orders: the ranked groups, and rows of Quarantined.

    All candidates of a group with an unusable answer are quarantined.
    """
    prompt = Prompt("rank")
    orders = [order for group in groups for order in shuffle(group)]
    questions = [
        Question(
            prompt.messages(
                context=[f"{turn.role}: {turn.content}" for turn in group[0].prompt[:-1]],
                instruction=group[0].prompt[-1].content,
                responses=[group[position].completion for position in orders[ORDERS * n + turn]],
            ),
            Ratings,
            seed=seed_of(group[0].prompt_id, "judge", turn),
        )
        for n, group in enumerate(groups)
        for turn in range(ORDERS)
    ]
    answers = [answer for (answer,) in judge.ask(questions)]
    ranked, quarantine = [], []
    for n, group in enumerate(groups):
        of_group = slice(ORDERS * n, ORDERS * (n + 1))
        try:
            ratings = ratings_of(group, answers[of_group], orders[of_group])
        except UnusableRatings as error:
            raw = "\n".join(answer.text for answer in answers[of_group])
            quarantine += [
                {"id": c.id, "parents": [c.prompt_id], "stage": "rank", "error": str(error), "raw": raw} for c in group
            ]
        else:
            ranked.append(merge_orders(group, ratings, params))
    return ranked, quarantine


def shuffle(group: list[Candidate]) -> list[list[int]]:
    """Two orders of a group's positions: one drawn by the prompt's id, and its reverse."""
    order = list(range(len(group)))
    random.Random(seed_of(group[0].prompt_id, "order", 0)).shuffle(order)
    return [order, order[::-1]]


class UnusableRatings(ValueError):
    """An answer of the judge holds no ratings, or not one for each response."""


def ratings_of(group: list[Candidate], answers: list[Answer], orders: list[list[int]]) -> list[list[ResponseRating]]:
    """Ratings by candidate and order (candidates × orders).

    `answers` and `orders` belong together, one per order. Raises UnusableRatings for the first unusable answer.
    """
    ratings: list[list[ResponseRating]] = [[] for _ in group]
    for answer, order in zip(answers, orders, strict=True):
        if not isinstance(answer.value, Ratings):
            raise UnusableRatings(str(answer.error))
        if len(answer.value.ratings) != len(group):
            raise UnusableRatings(f"{len(answer.value.ratings)} ratings for {len(group)} responses")
        for position, rating in zip(order, answer.value.ratings, strict=True):
            ratings[position].append(rating)
    return ratings


def merge_orders(group: list[Candidate], ratings: list[list[ResponseRating]], params: RankParams) -> RankedGroup:
    """Mean aspects over both orders; where the orders disagree on the best, the two bests tie.

    `ratings` is candidates × orders. Tied candidates share the mean of their scores, and no other scores above it.
    """
    means = [[statistics.fmean(rating.aspects) for rating in of_candidate] for of_candidate in ratings]
    scores = [statistics.fmean(of_candidate) for of_candidate in means]
    best_by_order = [
        {number for number, mean in enumerate(column) if mean == max(column)} for column in zip(*means, strict=True)
    ]
    if not set.intersection(*best_by_order):
        tied = set.union(*best_by_order)
        top = statistics.fmean(scores[number] for number in tied)
        scores = [top if number in tied else min(score, top) for number, score in enumerate(scores)]
    best = scores.index(max(scores))
    lowest = min(min(rating.aspects) for rating in ratings[best])
    meets_criteria = scores[best] >= params.min_mean and lowest >= params.min_aspect
    return RankedGroup(group, scores, meets_criteria, "judge")


def ranking_row(group: RankedGroup) -> dict:
    """The row of Ranking; ranks are dense, 0 is best, and equal scores share a rank."""
    ids = [candidate.id for candidate in group.candidates]
    levels = sorted(set(group.scores), reverse=True)
    ranks = [levels.index(score) for score in group.scores]
    return {
        "id": content_id("ranking", [ranks, group.source], ids),
        "parents": ids,
        "prompt_id": group.prompt_id,
        "candidates": ids,
        "ranks": ranks,
        "scores": group.scores,
        "meets_criteria": group.meets_criteria,
        "source": group.source,
        "annotators": group.annotators,
        "simulated": any(candidate.simulated for candidate in group.candidates),
    }


def admission(group: RankedGroup, position: int, ranking: str) -> Admission:
    """What the rows of D and P share whose completion, or chosen side, is the candidate at this position.

    `ranking`: the id of the group's ranking.
    """
    candidate = group.candidates[position]
    return Admission(
        prompt=[turn.model_dump() for turn in candidate.prompt],
        domain=candidate.domain,
        strategy="annotation",
        label_source=group.source,
        quality=group.quality(position),
        license=candidate.license,
        engine=candidate.engine,
        simulated=candidate.simulated,
        verdicts=[ranking],
        scores={group.source: group.scores[position]},
        tags=candidate.tags,
    )


def demonstration(group: RankedGroup, ranking: str) -> dict:
    """The row of the best candidate, of tied ones the first by id."""
    position = group.scores.index(max(group.scores))
    best = group.candidates[position]
    parents = [best.prompt_id, best.id, best.generation, ranking]
    return demonstration_row(admission(group, position, ranking), best.completion, parents)


def pair_candidates(group: RankedGroup, ranking: str, params: RankParams) -> list[dict]:
    """Rows of Preference. People's ranks count however close; the judge's scores need a margin."""
    positions = pairs(
        [candidate.completion for candidate in group.candidates],
        [group.scores],
        params.mode,
        min_margin=params.min_margin if group.source == "judge" else 0.0,
        max_length_ratio=params.max_length_ratio,
        limit=params.max_pairs,
        seed=seed_of(group.prompt_id, "pairs"),
    )
    rows = []
    for chosen, rejected in positions:
        better, worse = group.candidates[chosen], group.candidates[rejected]
        parents = [better.prompt_id, better.id, worse.id, better.generation, worse.generation, ranking]
        margin = group.scores[chosen] - group.scores[rejected]
        rows.append(
            preference_row(
                admission(group, chosen, ranking),
                better.completion,
                worse.completion,
                margin,
                parents,
                rejected_simulated=worse.simulated,
                most=group.most,
            )
        )
    return [row for row in rows if row is not None]
