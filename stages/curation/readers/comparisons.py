"""Comparisons of two responses, by a winner or on a scale, and HelpSteer's ratings of one response a row."""

from typing import Any

from stages.curation.readers.conversations import with_system
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
    number,
    parse_list,
    text,
)
from stages.curation.readers.preferences import whole_turns
from stages.curation.readers.ratings import DISAGREE, FIVE, response_turns, winners
from stages.curation.readers.turns import Turns, message_of

SIDES = (("conversation_a", "conversation_b"), ("response_a", "response_b"), ("answer_a", "answer_b"))
FIRST = frozenset({"a", "model_a", "model a", "response_a", "response a", "assistant a", "left"})
SECOND = frozenset({"b", "model_b", "model b", "response_b", "response b", "assistant b", "right"})
ONE_HOT = ("winner_model_a", "winner_model_b", "winner_tie")
PAIRS = (("response1", "response2"), ("response_1", "response_2"))
STRENGTHS = ("preference_strength", "overall_preference", "preference")
STRONGEST = 3.0
MARK = "<extra_id_1>"
"""What begins a further turn in HelpSteer's prompts, before the speaker's name."""
HELPFULNESS = "helpfulness"
OF_STEER = ("correctness", "coherence", "complexity", "verbosity")


def arena(record: Record) -> Item:
    """{"model_a", "model_b", "winner", "conversation_a", "conversation_b"} (Zheng et al. 2023), or `response_a`, `response_b`.

    The winner may stand in three columns of 0 and 1 (`winner_model_a`, `winner_model_b`, `winner_tie`).
    """
    names = next((names for names in SIDES if all(holds(dict.get(record, name)) for name in names)), None)
    if names is None:
        raise Misfit(f"no fields {' or '.join(' and '.join(f'`{name}`' for name in pair) for pair in SIDES)}")
    scores = winner_scores(record)
    prompt = dict.get(record, "prompt")
    if isinstance(prompt, str) and prompt.lstrip().startswith('["'):  # Kaggle's: a list of all the user's turns
        asked = parse_list("prompt", prompt)
        if not isinstance(asked, list) or len(asked) != 1:
            raise Refused("ratings of whole conversations", "`prompt` has several turns, one winner")
        record["prompt"]  # taken
        record = Renamed(record, prompt=asked[0])
    return winners(record, names, scores, 1.0)


def winner_scores(record: Record) -> tuple[float | None, float | None]:
    """1 for the winner, 0 for the other; equal for a tie, None where nobody said. Raises Misfit."""
    if "winner" in record:
        value = record["winner"]
        said = str(value).strip().lower() if holds(value) else ""
        if said in FIRST | SECOND:
            return float(said in FIRST), float(said in SECOND)
        if said.startswith(("tie", "both", "draw")):
            return 0.0, 0.0
        if said in ("", "none", "unknown", "null"):
            return None, None
        raise Misfit(f"`winner` is `{value}`, neither model_a, model_b nor tie")
    if not all(name in record for name in ONE_HOT[:2]):
        raise Misfit("no field `winner`")
    a, b, _ = (finite(record.get(name)) for name in ONE_HOT)
    return a, b


def helpsteer_preference(record: Record) -> Item:
    """{"prompt" or "context", "response1", "response2", "preference_strength" or "overall_preference"} (Wang et al. 2025).

    From -3 (the first is much better) to 3 (the second is). 0 is a tie, and so are annotators on both sides of it.
    """
    names = next((names for names in PAIRS if all(holds(dict.get(record, name)) for name in names)), None)
    if names is None:
        raise Misfit("no fields `response1` and `response2`")
    if first_of(record, *STRENGTHS) is None:
        raise Misfit("no field `preference_strength` or `overall_preference`")
    strength = number(record, *STRENGTHS)
    assert strength is not None
    if abs(strength) > STRONGEST:
        raise Misfit(f"the preference is {strength:g}, not between -3 and 3")
    left: Left = {}
    scores: tuple[float | None, float | None] = (max(-strength, 0.0), max(strength, 0.0))
    if has_both_signs(record, left):
        count(left, DISAGREE, 2)
        scores = (None, None)
    item = winners(context_as_prompt(record), names, scores, STRONGEST)
    merged = {**item.left}
    for name, times in left.items():
        count(merged, name, times)
    if DISAGREE in left:
        merged.pop("responses without a rating", None)
    return Item(item.kind, item.fields, merged)


def has_both_signs(record: Record, left: Left) -> bool:
    """Whether single annotators prefer both sides; what they say besides is counted."""
    single = dict.get(record, "individual_preference")
    if not isinstance(single, list) or not all(isinstance(one, dict) for one in single):
        return False
    record["individual_preference"]  # taken
    for one in single:
        count_others(left, "individual_preference", one, ("score",))
    scores = [score for one in single if (score := finite(one.get("score"))) is not None]
    return any(score < 0 for score in scores) and any(score > 0 for score in scores)


def context_as_prompt(record: Record) -> Record:
    """The record with HelpSteer3's `context` as its prompt, and the turns of a text with marks (HelpSteer2)."""
    if "prompt" not in record and holds(dict.get(record, "context")):
        return Renamed(record, prompt=record["context"])
    prompt = dict.get(record, "prompt")
    if isinstance(prompt, str) and MARK in prompt:
        return Renamed(record, prompt=steered_turns(record["prompt"]))
    return record


class Renamed(Record):
    """A record in which some fields are others; what is read of it is noted in the record."""

    def __init__(self, record: Record, **fields: Any) -> None:
        super().__init__({**record, **fields})
        self.record = record

    def __getitem__(self, name: str) -> Any:
        if name in self.record:
            self.record[name]  # taken
        return dict.__getitem__(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        if name in self.record:
            self.record[name]  # taken
        return dict.get(self, name, default)


def steered_turns(prompt: str) -> Turns:
    """The turns of HelpSteer's prompt: the user's, then `<extra_id_1>Assistant` and `<extra_id_1>User`, each with a line."""
    first, *rest = prompt.split(MARK)
    found = [message_of("user", first)] if first.strip() else []
    for part in rest:
        speaker, _, said = part.partition("\n")
        found.append(message_of(speaker, said))
    if not all(turn["content"] for turn in found):
        raise Misfit("`prompt` has a turn without text")
    return found


def helpsteer(record: Record) -> Item:
    """{"prompt", "response", "helpfulness", "correctness", …} (Wang et al. 2023), each 0 to 4: the score is helpfulness.

    A row is one response; rows of one prompt become one rated item at the end of the file (`gathering.py`).
    """
    prompt = text(record, "prompt")
    if HELPFULNESS not in record or not any(name in record for name in OF_STEER):
        raise Misfit("no field `helpfulness` beside `correctness`, `coherence`, `complexity` or `verbosity`")
    left: Left = {}
    score = finite(record["helpfulness"])
    if score is not None and not 0 <= score <= FIVE:
        raise Misfit(f"`helpfulness` is {score:g}, not between 0 and 4")
    asked = steered_turns(prompt) if MARK in prompt else whole_turns(prompt, "prompt", "user", left)
    response = response_turns(text(record, "response"), "response", left)
    fields = {"prompt": with_system(record, asked), "response": response, "score": score, "best": FIVE}
    return Item("rating", fields, left)
