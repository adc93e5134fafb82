"""Conversations: what the user asks, what a completion says, what people are shown, and what ids are made of."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from reports.versions.conversations import is_messages, turn_text
from reports.versions.database import connect
from schemas.conversations import (
    CONVERSATION,
    asked,
    asked_text,
    compact,
    last_turn,
    lean,
    lean_turns,
    message_text,
    message_texts,
    script,
    shown,
    shown_in,
    speaker,
    text_of,
    user_turns,
    with_last_turn,
)
from schemas.rows import Message

CALL = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it cold in Oslo?"},
    {"role": "assistant", "content": "", "reasoning": "I look it up.", "tool_calls": [CALL]},
    {"role": "tool", "content": "−3 °C", "tool_call_id": "c1", "name": "weather"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "¿Y en Лима?"},
]
FULL = {"reasoning": None, "tool_calls": None, "tool_call_id": None, "name": None}
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
CALLS = st.lists(
    st.builds(
        lambda name, text: {"id": None, "type": "function", "function": {"name": name, "arguments": text}},
        WORDS.filter(bool),
        WORDS.map(lambda text: '{"a":"' + text.encode("unicode_escape").hex() + '"}'),
    ),
    min_size=1,
    max_size=2,
)
TURNS = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user"]), "content": WORDS}),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": WORDS},
        optional={"reasoning": WORDS, "tool_calls": CALLS},
    ),
    st.fixed_dictionaries({"role": st.just("tool"), "content": WORDS}, optional={"name": WORDS, "tool_call_id": WORDS}),
)
TALKS = st.lists(TURNS, max_size=4)


def frame(*talks):
    return pl.DataFrame({"talk": list(talks)}, schema={"talk": CONVERSATION})


def test_what_the_user_asks():
    assert user_turns(TALK) == ["Is it cold in Oslo?", "¿Y en Лима?"] and last_turn(TALK) == "¿Y en Лима?"
    assert asked_text(TALK) == "Is it cold in Oslo?\n\n¿Y en Лима?" and asked_text(TALK[2:5]) == ""
    changed = with_last_turn(TALK, "And Bergen?")
    assert changed[:-1] == TALK[:-1] and changed[-1] == {"role": "user", "content": "And Bergen?"}
    assert TALK[-1]["content"] == "¿Y en Лима?"


def test_what_a_completion_says_and_what_people_are_shown_of_it():
    assert message_text(TALK[2]) == 'weather({"city":"Oslo"})' and text_of(TALK[4:5]) == "Yes."
    assert text_of(TALK[2:5]) == 'assistant: weather({"city":"Oslo"})\n\ntool: −3 °C\n\nassistant: Yes.'
    assert script(TALK)[0] == "system: Be brief."
    assert shown(TALK[2]) == '(reasoning) I look it up.\nweather({"city":"Oslo"})'
    assert shown({"role": "user", "content": "a", **FULL}) == "a" and shown({"role": "user", "content": None}) == ""
    assert (speaker(TALK[3]), speaker(TALK[0])) == ("tool weather", "system")


def test_ids_are_made_of_what_a_message_holds():
    assert (
        compact([{"role": "user", "content": "a", **FULL}]) == "a" == compact([{"role": "assistant", "content": "a"}])
    )
    assert compact(TALK) == TALK and compact(TALK[2:3]) == TALK[2:3], "calls and reasoning tell messages apart"


@given(TALKS)
def test_objects_dicts_and_rows_of_a_table_are_one_conversation(talk):
    (filled,) = frame(talk)["talk"].to_list()
    objects = [Message.model_validate(turn) for turn in talk]
    without = [{k: [lean(c) for c in v] if k == "tool_calls" else v for k, v in turn.items()} for turn in talk]
    assert lean_turns(talk) == lean_turns(filled) == lean_turns(objects) == without
    assert compact(talk) == compact(objects) == compact(filled)
    for told in (asked_text, script, lambda turns: list(map(shown, turns)), lambda turns: list(map(speaker, turns))):
        assert told(talk) == told(objects) == told(filled)


@given(st.lists(TALKS, min_size=1, max_size=3))
def test_columns_say_what_rows_say(talks):
    rows = frame(*talks)
    assert rows.select(asked("talk")).to_series().to_list() == list(map(asked_text, talks))
    assert rows.select(message_texts("talk")).to_series().to_list() == [list(map(message_text, talk)) for talk in talks]
    expected = [list(map(shown, talk)) for talk in talks]
    assert rows.select(shown_in("talk")).to_series().to_list() == expected
    with connect() as database:
        database.register("rows", rows.to_arrow())
        ((_, kind, *_),) = database.execute("DESCRIBE rows").fetchall()
        found = database.execute(f"SELECT list_transform(talk, lambda x: {turn_text('x', kind)}) FROM rows").fetchall()
    assert is_messages(kind) and [told for (told,) in found] == expected


def test_a_version_without_reasoning_and_tools_is_read_too():
    old = pl.DataFrame(
        {"talk": [TALK[:2], [], None]}, schema={"talk": pl.List(pl.Struct({"role": pl.String, "content": pl.String}))}
    )
    assert old.select(shown_in("talk")).to_series().to_list() == [["Be brief.", "Is it cold in Oslo?"], [], None]
    kind = 'STRUCT("role" VARCHAR, "content" VARCHAR)[]'
    assert is_messages(kind) and "reasoning" not in turn_text("x", kind)
    assert not is_messages('STRUCT("name" VARCHAR, "value" DOUBLE)[]') and not is_messages("VARCHAR[]")
