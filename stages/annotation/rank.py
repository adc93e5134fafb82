"""rank: order the candidates of every prompt; the best make D, best against worst make P (Qwen2 report, section 4.1.1).

People's rankings (human/annotations/*.jsonl) decide where there are any for exactly these candidates. Elsewhere the judge
rates all candidates of a prompt at once, in several orders (stages/annotation/orders.py), and some of the prompts that
people ranked, to see how far it agrees with them. A pair is made only where every
order agrees on it. The candidate that every order finds best becomes a demonstration if it meets the criteria in each.

Prompts are taken in batches, and rows leave each batch as columns: what is held of all prompts is the tables alone.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, NamedTuple

import polars as pl
from pydantic import BaseModel, Field

from cultivar.grading.pairs import mean_of
from cultivar.llm.answer import Answer
from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from cultivar.text.tokens import comparison_key
from schemas.conversations import last_turn, script, text_of
from schemas.ids import seed_of
from schemas.rows import Candidate, Demonstration, Dropped, Edited, Preference, Quarantined, Ranking, Row
from schemas.stage import Files
from schemas.table import Table
from stages.annotation.agreement import Agreement
from stages.annotation.edited import with_edits
from stages.annotation.items import judged_prompts
from stages.annotation.orders import RatedOrders, SwapConsistency, order_count, orders_of
from stages.annotation.params import RankParams
from stages.annotation.ranked import Group, RankedGroup, demonstration, pair_candidates, ranking_row
from stages.annotation.rankings import Folded, fold, read_judgements

Aspect = Annotated[int, Field(ge=1, le=5)]  # 5 is best
AT_ONCE = 20_000
"""Questions that the judge is put at once: many against what a server has in flight, few against memory."""


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
    edited: Table[Edited]
    annotation_demonstrations: Table[Demonstration]
    annotation_preferences: Table[Preference]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]
    metrics: dict[str, Any]


def rank(candidates: Table[Candidate], params: RankParams, judge: Engine, files: Files) -> RankTables:
    """One ranking per prompt; its candidates are kept by it. A prompt that the judge cannot rate is quarantined.

    Raises AnnotationError for all that is wrong with people's rankings, before anything is asked; Unfinished as `Engine.ask`
    does.
    """
    judgements = fold(read_judgements(files.find("human/annotations")))
    judged = judged_prompts(candidates.frame, judgements)
    swaps = SwapConsistency()
    frames: dict[type[Row], list[pl.DataFrame]] = {
        model: [Table.of(model, []).frame] for model in (Ranking, Edited, Demonstration, Preference, Quarantined)
    }
    by_people, agreement = 0, Agreement()
    for groups, more in batches_of(candidates.frame, params.orders):
        ranked, unranked, edited = rank_by_people(groups, judged)
        by_people += len(ranked)
        by_judge, quarantine = rank_by_judge(unranked, params, judge, swaps, more)
        compare(ranked[: params.compare - agreement.prompts], params, judge, swaps, agreement)
        rows: dict[type[Row], list[dict]] = {Ranking: [], Demonstration: [], Preference: []}
        rows |= {Edited: edited, Quarantined: quarantine}
        for each in ranked + by_judge:
            ranking = ranking_row(each)
            rows[Ranking].append(ranking)
            if each.best is not None and each.meets_criteria:
                rows[Demonstration].append(demonstration(each, each.best, ranking["id"]))
            rows[Preference] += pair_candidates(each, ranking["id"], params)
        for model, of_model in rows.items():
            frames[model].append(Table.of(model, of_model).frame)
    metrics: dict[str, Any] = {
        "ranked_by_people": by_people,
        "ranked_by_judge": sum(frame.height for frame in frames[Ranking]) - by_people,
        "stale_items": len(judgements) - by_people,
        "edited_by_people": sum(frame.height for frame in frames[Edited]),
    }
    if swaps.metrics:
        metrics["judges"] = {re.sub(r"\W+", "_", judge.label): swaps.metrics}  # a key that DVC can address
    if agreement.metrics:
        metrics["judge_and_people"] = agreement.metrics
    return RankTables(
        Table(Ranking, pl.concat(frames.pop(Ranking))),
        Table(Edited, pl.concat(frames.pop(Edited))),
        Table(Demonstration, pl.concat(frames.pop(Demonstration))),
        Table(Preference, pl.concat(frames.pop(Preference))),
        Table.of(Dropped, []),
        Table(Quarantined, pl.concat(frames.pop(Quarantined))),
        metrics,
    )


def batches_of(candidates: pl.DataFrame, orders: int | None) -> Iterator[tuple[list[Group], int]]:
    """The candidates by prompt, as many prompts at once as make some `AT_ONCE` questions, and how many follow at most.

    Prompts, and the candidates of each, are in the order of ids.
    """
    by_prompt = (
        candidates.select("prompt_id").with_row_index("row").group_by("prompt_id").agg("row").sort("prompt_id")["row"]
    )
    asked = [order_count(count, orders) for count in by_prompt.list.len()]
    so_far = pl.Series(asked, dtype=pl.Int64).cum_sum()
    prompts = pl.DataFrame({"rows": by_prompt, "so_far": so_far, "batch": (so_far - 1) // AT_ONCE})
    for part in prompts.partition_by("batch", maintain_order=True):
        of_batch = candidates[part["rows"].explode()]
        dicts = list(of_batch.iter_rows(named=True))
        texts = pl.Series([text_of(row["completion"]) for row in dicts], dtype=pl.String)
        rows, keys = iter(dicts), iter(comparison_key(texts))
        groups = [Group(list(islice(rows, count)), list(islice(keys, count))) for count in part["rows"].list.len()]
        yield groups, sum(asked) - part["so_far"][-1]


def rank_by_people(
    groups: list[Group], judged: dict[str, Folded]
) -> tuple[list[RankedGroup], list[Group], list[dict[str, Any]]]:
    """The groups that people ranked, the groups that are left to the judge, and rows of Edited.

    `judged`: the judgements of each prompt that people ranked, of exactly these texts.
    """
    ranked, unranked, edited = [], [], []
    for group in groups:
        if (of_people := judged.get(group.prompt_id)) is None:
            unranked.append(group)
        else:
            group, names, rows = with_edits(group, of_people)
            scores = [-rank for rank in of_people.mean_ranks(names)]
            ranked.append(RankedGroup(group, [scores], of_people.meets_criteria, "human", of_people.annotators))
            edited += rows
    return ranked, unranked, edited


def compare(
    ranked: list[RankedGroup], params: RankParams, judge: Engine, swaps: SwapConsistency, agreement: Agreement
) -> None:
    """Ask the judge of prompts that people ranked, and count where it agrees; prompts that it cannot rate are left out."""
    if not ranked:
        return
    of_judge, _ = rank_by_judge([each.group for each in ranked], params, judge, swaps, 0)
    rated = {each.group.prompt_id: each for each in of_judge}
    for each in ranked:
        if each.group.prompt_id in rated:
            agreement.add(each, rated[each.group.prompt_id])


def rank_by_judge(
    groups: list[Group], params: RankParams, judge: Engine, swaps: SwapConsistency, more: int
) -> tuple[list[RankedGroup], list[dict]]:
    """Rate every group in its orders: the ranked groups, and rows of Quarantined. `swaps` counts what was rated, `more` what is
    asked later.

    All candidates of a group with an unusable answer are quarantined.
    """
    prompt = Prompt("rank", "context", "instruction", "responses")
    orders = [orders_of(group.prompt_id, len(group.texts), params.orders) for group in groups]
    questions = [
        Question(
            prompt.messages(
                context=script(group.turns[:-1]),
                instruction=last_turn(group.turns),
                responses=[group.texts[position] for position in order],
            ),
            Ratings,
            seed=seed_of(group.prompt_id, "judge", number),
        )
        for group, of_group in zip(groups, orders, strict=True)
        for number, order in enumerate(of_group)
    ]
    answers = (answer for (answer,) in judge.ask(questions, more))
    ranked, quarantine, rated = [], [], []
    for group, of_group in zip(groups, orders, strict=True):
        own = list(islice(answers, len(of_group)))
        try:
            ratings = ratings_of(len(group.texts), own, of_group)
        except UnusableRatings as error:
            raw = "\n".join(answer.text for answer in own)
            quarantine += [
                {"id": row["id"], "parents": [row["prompt_id"]], "stage": "rank", "error": str(error), "raw": raw}
                for row in group.candidates
            ]
        else:
            ranked.append(merge_orders(group, ratings, params))
            rated.append(RatedOrders(ranked[-1].readings, of_group))
    swaps.add(rated)
    return ranked, quarantine


class UnusableRatings(ValueError):
    """An answer of the judge holds no ratings, or not one for each response."""


def ratings_of(count: int, answers: list[Answer], orders: list[list[int]]) -> list[list[ResponseRating]]:
    """Ratings (orders × candidates) of `count` candidates.

    `answers` and `orders` belong together, one per order. Raises UnusableRatings for the first unusable answer.
    """
    ratings = []
    for answer, order in zip(answers, orders, strict=True):
        if not isinstance(answer.value, Ratings):
            raise UnusableRatings(str(answer.error))
        if len(answer.value.ratings) != count:
            raise UnusableRatings(f"{len(answer.value.ratings)} ratings for {count} responses")
        of_position = dict(zip(order, answer.value.ratings, strict=True))
        ratings.append([of_position[position] for position in range(count)])
    return ratings


def merge_orders(group: Group, ratings: list[list[ResponseRating]], params: RankParams) -> RankedGroup:
    """The mean rating of each candidate in each order, and whether the agreed best meets the criteria in every order.

    `ratings` is orders × candidates.
    """
    readings = [[mean_of(rating.aspects) for rating in in_order] for in_order in ratings]
    ranked = RankedGroup(group, readings, False, "judge")
    if ranked.best is not None:
        best = ranked.best
        ranked.meets_criteria = all(reading[best] >= params.min_mean for reading in readings) and all(
            min(in_order[best].aspects) >= params.min_aspect for in_order in ratings
        )
    return ranked
