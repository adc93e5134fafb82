"""rank: order the candidates of every prompt; the best make D, best against worst make P (Qwen2 report, 4.1.1).

People's rankings (human/annotations/*.jsonl) decide where there are any for exactly these candidates. Elsewhere the judge
rates all candidates of a prompt at once, in two orders; an aspect mean is the average of both, and a prompt whose two
orders disagree on the best is a tie. The best becomes a demonstration only if it meets the criteria.
"""

import random
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, Field

from cultivar.grading.pairs import pairs
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.products import Admission, demonstration_row, preference_row
from schemas.rows import Candidate, Demonstration, Dropped, Preference, Quarantined, Ranking
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.params import RankParams
from stages.annotation.rankings import candidate_hash, fold, item_hash, read

Aspect = Annotated[int, Field(ge=1, le=5)]
ORDERS = 2


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
class Order:
    """Scores of one prompt's candidates (higher is better) and whether the best meets the criteria."""

    group: list[Candidate]
    scores: list[float]
    meets: bool
    source: str
    annotators: list[str]


def rank(candidates: Table[Candidate], params: RankParams, judge: Engine, files: Files) -> RankTables:
    """One ranking per prompt; its candidates are kept by it. A prompt that the judge cannot rate is quarantined."""
    groups: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        groups[candidate.prompt_id].append(candidate)
    judgements = read(files.find("human/annotations"))
    people = fold(judgements)
    orders, asked = [], []
    for group in groups.values():
        said = people.get(item_hash(group[0].prompt[-1].content, [c.completion for c in group]))
        if said is None:
            asked.append(group)
        else:
            ranks = [said.ranks.get(candidate_hash(c.completion), float(len(group))) for c in group]
            orders.append(Order(group, [-rank for rank in ranks], said.meets_criteria, "human", said.annotators))
    judged, quarantine = judge_groups(asked, params, judge)
    orders += judged
    rankings, demonstrations, preferences = [], [], []
    for order in orders:
        ranking = ranking_row(order)
        rankings.append(ranking)
        best = order.scores.index(max(order.scores))
        if order.meets:
            demonstrations.append(demonstration(order, best, ranking["id"]))
        margin = params.min_margin if order.source == "judge" else 0.0
        for chosen, rejected in pairs(
            [c.completion for c in order.group],
            order.scores,
            params.mode,
            min_margin=margin,
            max_length_ratio=params.max_length_ratio,
            limit=params.max_pairs,
            seed=seed_of(order.group[0].prompt_id, "pairs"),
        ):
            if row := preference(order, chosen, rejected, ranking["id"]):
                preferences.append(row)
    human = sum(order.source == "human" for order in orders)
    metrics = {"ranked_by_people": human, "ranked_by_judge": len(orders) - human, "stale_items": len(people) - human}
    return RankTables(
        Table.of(Ranking, rankings), Table.of(Demonstration, demonstrations), Table.of(Preference, preferences),
        Table.of(Dropped, []), Table.of(Quarantined, quarantine), metrics,
    )  # fmt: skip


def judge_groups(groups: list[list[Candidate]], params: RankParams, judge: Engine) -> tuple[list[Order], list[dict]]:
    """Rate every group in two shuffled orders. Groups with an unusable answer are quarantined whole."""
    prompt = Prompt("rank")
    questions: list[Question] = []
    shuffles: list[list[int]] = []
    for group in groups:
        for turn in range(ORDERS):
            order = list(range(len(group)))
            random.Random(seed_of(group[0].prompt_id, "order", turn)).shuffle(order)
            if turn and len(group) > 1:
                order = shuffles[-1][::-1]
            shuffles.append(order)
            messages = prompt.messages(instruction=group[0].prompt[-1].content,
                                       responses=[group[at].completion for at in order])  # fmt: skip
            questions.append(Question(messages, Ratings, seed=seed_of(group[0].prompt_id, "judge", turn)))
    answers = judge.ask(questions)
    orders, quarantine = [], []
    for number, group in enumerate(groups):
        said = [answers[ORDERS * number + turn][0] for turn in range(ORDERS)]
        rated: list[list[ResponseRating]] = [[] for _ in group]
        error = ""
        for turn, answer in enumerate(said):
            if not isinstance(answer.value, Ratings):
                error = error or str(answer.error)
            elif len(answer.value.ratings) != len(group):
                error = error or f"{len(answer.value.ratings)} ratings for {len(group)} responses"
            else:
                for position, rating in zip(shuffles[ORDERS * number + turn], answer.value.ratings, strict=True):
                    rated[position].append(rating)
        if error:
            raw = "\n".join(answer.text for answer in said)
            quarantine += [
                {"id": c.id, "parents": [c.prompt_id], "stage": "rank", "error": error, "raw": raw} for c in group
            ]
            continue
        orders.append(judged_order(group, rated, params))
    return orders, quarantine


def judged_order(group: list[Candidate], rated: list[list[ResponseRating]], params: RankParams) -> Order:
    """Mean aspects over both orders; where the orders disagree on the best, the two bests tie."""
    means = [[statistics.fmean(rating.aspects) for rating in ratings] for ratings in rated]
    scores = [statistics.fmean(values) for values in means]
    bests = [
        {at for at, values in enumerate(means) if values[turn] == max(v[turn] for v in means)} for turn in range(ORDERS)
    ]
    if not set.intersection(*bests):
        tied = set.union(*bests)
        top = statistics.fmean(scores[at] for at in tied)
        scores = [top if at in tied else min(score, top) for at, score in enumerate(scores)]
    best = scores.index(max(scores))
    lowest = min(min(rating.aspects) for rating in rated[best])
    meets = scores[best] >= params.min_mean and lowest >= params.min_aspect
    return Order(group, scores, meets, "judge", [])


def ranking_row(order: Order) -> dict:
    group = order.group
    levels = sorted(set(order.scores), reverse=True)
    ids = [c.id for c in group]
    ranks = [levels.index(score) for score in order.scores]
    return {"id": content_id("ranking", [ranks, order.source], ids), "parents": ids, "prompt_id": group[0].prompt_id,
            "candidates": ids, "ranks": ranks, "scores": order.scores, "meets_criteria": order.meets,
            "source": order.source, "annotators": order.annotators,
            "simulated": any(c.simulated for c in group)}  # fmt: skip


def admit(order: Order, at: int, ranking: str) -> Admission:
    """What the rows of D and P hold whose completion, or chosen side, is the candidate at this place."""
    best = order.group[at]
    return Admission(
        prompt=[turn.model_dump() for turn in best.prompt],
        domain=best.domain,
        strategy="annotation",
        license=best.license,
        engine=best.engine,
        simulated=best.simulated,
        verdicts=[ranking],
        scores={order.source: order.scores[at]},
        tags=best.tags,
    )


def demonstration(order: Order, at: int, ranking: str) -> dict:
    best = order.group[at]
    parents = [best.prompt_id, best.id, best.generation, ranking]
    return demonstration_row(admit(order, at, ranking), best.completion, parents)


def preference(order: Order, chosen: int, rejected: int, ranking: str) -> dict | None:
    better, worse = order.group[chosen], order.group[rejected]
    parents = [better.prompt_id, better.id, worse.id, better.generation, worse.generation, ranking]
    margin = order.scores[chosen] - order.scores[rejected]
    return preference_row(admit(order, chosen, ranking), better.completion, worse.completion, margin, parents)
