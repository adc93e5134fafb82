"""Rated responses: several answers to one prompt with scores, ranks or a winner.

What no rating tells apart is in no pair: a tie, a response without a rating, one whose ratings disagree. Where that leaves
nothing to prefer, the prompt is taken alone and the responses are counted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from stages.curation.readers.conversations import with_system, with_tools
from stages.curation.readers.fields import (
    Item,
    Left,
    Misfit,
    Record,
    Refused,
    count,
    count_others,
    finite,
    first_of,
    holds,
    listed,
    text,
)
from stages.curation.readers.preferences import PROMPTS, is_list_of_turns, prompt_of, whole_turns
from stages.curation.readers.turns import Turns

UNDECIDED = "responses that no rating prefers"
UNRATED = "responses without a rating"
DISAGREE = "responses whose ratings disagree"
TWICE = "responses that stand twice"
RESPONSES = ("responses", "completions", "outputs", "candidates", "answers", "generations")
SCORES, RANKS = ("scores", "ratings", "rewards", "rating", "score"), ("ranks", "ranking", "rank")
TEXTS = ("response", "text", "content", "completion", "output", "answer")
ASPECTS = ("instruction_following", "honesty", "truthfulness", "helpfulness")
"""What UltraFeedback rates, from 1 to 5 each."""
FIVE = 4.0
"""The greatest difference on a scale of five steps."""


class Rated(NamedTuple):
    """A response, and its score, higher for better; None where it is not known."""

    turns: Turns
    score: float | None


def rated_item(record: Record, prompt: Turns, rated: Sequence[Rated], best: float | None, left: Left) -> Item:
    """The item of one prompt's responses. `best`: the greatest difference that the scale allows, if it has an end.

    Raises Misfit for a prompt that does not end with the user's turn, Refused for calls that do not fit their tools.
    """
    if not prompt or prompt[-1]["role"] != "user":
        raise Misfit("no user turn before the responses")
    sizes = [len(one.turns) for one in rated]
    turns, tools = with_tools(record, [*prompt, *(turn for one in rated for turn in one.turns)], left)
    begin = len(turns) - sum(sizes)
    prompt, found = turns[:begin], {}
    for (_, score), size in zip(rated, sizes, strict=True):
        response = turns[begin : begin + size]
        begin += size
        if score is None:
            count(left, UNRATED)
        elif (key := orjson.dumps(response)) not in found:
            found[key] = (response, [score])
        else:
            found[key][1].append(score)
    for key, (_, scores) in list(found.items()):
        agree = len(set(scores)) == 1
        count(left, TWICE if agree else DISAGREE, len(scores) - agree)
        if not agree:
            del found[key]
    extra = {"tools": tools} if tools else {}
    if len({scores[0] for _, scores in found.values()}) < 2:
        count(left, UNDECIDED, len(found))
        return Item("instruction", {"prompt": prompt, "reference": []} | extra, left)
    responses, scores = [response for response, _ in found.values()], [scores[0] for _, scores in found.values()]
    return Item("rated", {"prompt": prompt, "responses": responses, "scores": scores, "best": best} | extra, left)


def responses_of(value: Any, name: str, left: Left) -> list[Turns]:
    """The responses of a list: texts, messages, lists of messages, or objects with their text. Raises Misfit."""
    if not isinstance(value, list) or not value:
        raise Misfit(f"no list `{name}`")
    return [response_turns(one, name, left) for one in value]


def response_turns(value: Any, name: str, left: Left) -> Turns:
    """One response. Raises Misfit where it is empty, or not the assistant's to its end."""
    if isinstance(value, dict) and "role" not in value and "from" not in value:
        key = next((key for key in TEXTS if holds(value.get(key))), None)
        if key is None:
            raise Misfit(f"`{name}` has an object without {', '.join(TEXTS)}")
        value = value[key]
    turns = whole_turns(value, name, "assistant", left)
    if turns[-1]["role"] != "assistant" or any(turn["role"] in ("user", "system") for turn in turns):
        raise Misfit(f"`{name}` has a response that is more than the assistant's answer")
    return turns


def rated(record: Record) -> Item:
    """{"prompt", "responses": […]} with `scores`, `ratings`, `ranks` (0 or 1 is the best), a `winner`, or a score in each."""
    left: Left = {}
    name = first_of(record, *RESPONSES)
    value = listed(record, *RESPONSES)
    if name is None or not isinstance(value, list) or len(value) < 2:
        raise Misfit(f"no list of two {' or '.join(f'`{one}`' for one in RESPONSES[:2])} and more")
    scores, best = scores_of(record, value, name, left)
    responses = responses_of(value, name, left)
    return rated_item(record, prompt_of(record, [], left), list(map(Rated, responses, scores)), best, left)


def scores_of(record: Record, responses: list[Any], name: str, left: Left) -> tuple[list[float | None], float | None]:
    """A score for each response, and the greatest difference that the scale allows, if it has an end. Raises Misfit."""
    if key := first_of(record, *SCORES):
        return numbers(listed(record, key), key, len(responses)), None
    if key := first_of(record, *RANKS):
        ranks = numbers(listed(record, key), key, len(responses))
        return [None if rank is None else -rank for rank in ranks], float(len(responses) - 1)
    if holds(dict.get(record, "winner")):
        place = winner_of(record["winner"], responses)
        return [None if place is None else float(number == place) for number in range(len(responses))], 1.0
    if all(isinstance(one, dict) for one in responses):
        for sign, keys in ((1.0, SCORES), (-1.0, RANKS)):
            inner = next((key for key in keys if any(holds(one.get(key)) for one in responses)), None)
            if inner:
                for one in responses:
                    count_others(left, name, one, (inner, next((key for key in TEXTS if holds(one.get(key))), "")))
                found = [finite(one.get(inner)) for one in responses]
                return [None if score is None else sign * score for score in found], None
    raise Misfit("no `scores`, `ratings`, `ranks` or `winner` of the responses")


def numbers(value: Any, name: str, size: int) -> list[float | None]:
    """A number for each response, None where it is none. Raises Misfit where they are not as many."""
    if not isinstance(value, list) or len(value) != size:
        raise Misfit(f"`{name}` is not a list of {size} numbers, one for each response")
    return [finite(one) for one in value]


def winner_of(value: Any, responses: list[Any]) -> int | None:
    """The place of the winner: its number from 0, or its text; None for a tie. Raises Misfit."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(responses):
        return value
    if isinstance(value, str) and value in responses:
        return responses.index(value)
    if isinstance(value, str) and value.strip().lower().startswith(("tie", "draw", "both", "none")):
        return None
    raise Misfit("`winner` is neither the number of a response (from 0), nor its text, nor `tie`")


def ultrafeedback(record: Record) -> Item:
    """{"instruction", "completions": [{"response", "annotations", "fine-grained_score", "overall_score"}]} (Cui et al. 2023).

    The score is `fine-grained_score`, else the mean of the four aspects' ratings, else `overall_score`, whichever all
    completions have: of the published data sets the last one is known to be wrong in places.
    """
    prompt, value = text(record, "instruction", "prompt"), listed(record, "completions")
    if (
        not isinstance(value, list)
        or not all(isinstance(one, dict) and "response" in one for one in value)
        or not value
    ):
        raise Misfit("no list of objects with a `response` in `completions`")
    left: Left = {}
    scored = [
        (["fine-grained_score"], FIVE, [finite(one.get("fine-grained_score")) for one in value]),
        (["annotations"], FIVE, [mean_rating(one.get("annotations")) for one in value]),
        (["overall_score"], 9.0, [finite(one.get("overall_score")) for one in value]),
    ]
    most = max(sum(score is not None for score in scores) for _, _, scores in scored)
    if not most:
        raise Misfit("`completions` have no scores")
    taken, best, scores = next(one for one in scored if sum(score is not None for score in one[2]) == most)
    found: list[Rated] = []
    for one, score in zip(value, scores, strict=True):
        count_others(left, "completions", one, ("response", *taken))
        if taken == ["annotations"] and isinstance(one.get("annotations"), dict):
            count_ratings(one["annotations"], left)
        if isinstance(one["response"], str) and not one["response"].strip():
            count(left, "responses without a text")
        else:
            found.append(Rated(response_turns(one["response"], "completions", left), score))
    return rated_item(record, with_system(record, whole_turns(prompt, "instruction", "user", left)), found, best, left)


def mean_rating(annotations: Any) -> float | None:
    """The mean of the four aspects' ratings; None where one of them is not there (N/A)."""
    if not isinstance(annotations, dict) or not all(isinstance(annotations.get(name), dict) for name in ASPECTS):
        return None
    ratings = [finite(annotations[name].get("Rating")) for name in ASPECTS]
    known = [rating for rating in ratings if rating is not None]
    return sum(known) / len(known) if len(known) == len(ASPECTS) else None


def count_ratings(annotations: dict[str, Any], left: Left) -> None:
    """Count what stands beside the ratings: rationales, other aspects."""
    count_others(left, "completions.annotations", annotations, ASPECTS)
    for name in ASPECTS:
        if isinstance(annotations.get(name), dict):
            count_others(left, "completions.annotations", annotations[name], ("Rating",))


def winners(record: Record, names: tuple[str, str], scores: tuple[float | None, float | None], best: float) -> Item:
    """The item of two responses to the record's prompt, or of two conversations that differ in their last answer.

    Raises Misfit, and Refused where the conversations differ before that: their scores are of the whole.
    """
    left: Left = {}
    sides: list[Turns] = []
    prompts: list[Turns] = []
    for name in names:
        if not holds(dict.get(record, name)):
            raise Misfit(f"no field `{name}`")
        turns = whole_turns(only_text(record[name]), name, "assistant", left)
        if is_first_turn(record):
            turns = turns[: 1 + next((place for place, turn in enumerate(turns) if turn["role"] == "assistant"), 0)]
        users = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
        place = users[-1] + 1 if users else 0
        prompts.append(turns[:place])
        sides.append(turns[place:])
    if prompts[0] != prompts[1]:
        raise Refused("ratings of whole conversations", f"`{names[0]}` and `{names[1]}` differ before the last answer")
    if not all(side and side[-1]["role"] == "assistant" for side in sides):
        raise Misfit(f"`{names[0]}` or `{names[1]}` does not end with the assistant's turn")
    has_prompt = first_of(record, *PROMPTS, "context") is not None
    asked = prompt_of(record, prompts[0], left) if has_prompt else with_system(record, prompts[0])
    return rated_item(record, asked, list(map(Rated, sides, scores)), best, left)


def is_first_turn(record: Record) -> bool:
    """Whether a judgement is of the first answer of two (MT-Bench)."""
    if dict.get(record, "turn") != 1 or "judge" not in record:
        return False
    record["turn"]  # taken
    return True


def only_text(value: Any) -> Any:
    """A list of one text (Kaggle's Arena) as this text; as JSON, too."""
    if isinstance(value, str) and value.lstrip().startswith('["') and not is_list_of_turns(value):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str):
        return value[0]
    return value
