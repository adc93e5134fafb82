"""Which text of a conversation carries loss, and what stands before it, whatever the chat template."""

import json
from typing import Any

import families
import pytest
from families import ANSWER, FAMILIES, PROMPT, TOOLS, asks, calls, expected, returns, says
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from cultivar.llm.markup import BREAK, restore
from train.chat import Encoded, encode, encode_prompt
from train.chat_template import Refused
from train.turns import Conversation, Loss

ANSWERED = Conversation(PROMPT, ANSWER, TOOLS)
TOKENIZERS: dict[str, PreTrainedTokenizerBase] = {family: families.tokenizer(family) for family in FAMILIES}


def learned(tokenizer: PreTrainedTokenizerBase, text: Encoded) -> str:
    return tokenizer.decode([label for label in text.labels if label != -100])


def seen(tokenizer: PreTrainedTokenizerBase, text: Encoded) -> str:
    return tokenizer.decode(text.prompt + text.completion)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("turns", ["all", "last"])
@pytest.mark.parametrize("reasoning", ["train", "mask", "remove"])
def test_each_turn_that_carries_loss_is_learned_once(family, turns, reasoning):
    tokenizer = TOKENIZERS[family]
    texts = encode(tokenizer, ANSWERED, Loss(turns, reasoning))
    turns_learned = [*PROMPT, *ANSWER] if turns == "all" else ANSWER
    assert "".join(learned(tokenizer, text) for text in texts) == "".join(
        expected(family, turns_learned, reasoning == "train")
    )
    shown = "".join(seen(tokenizer, text) for text in texts)
    assert ("I have to ask." in shown) == (reasoning != "remove") and "rain" in shown


def test_reasoning_of_an_answered_question_stands_before_no_later_turn():
    """As Qwen3's template has it; where that changes what stands before the next turn, the turn begins a text of its own."""
    for family, tokenizer in TOKENIZERS.items():
        first, second = encode(tokenizer, ANSWERED, Loss("all", "train"))
        assert "A why." in learned(tokenizer, first) and "A why." not in seen(tokenizer, second)
        assert "Because it is." in tokenizer.decode(second.prompt) and "I have to ask." in seen(tokenizer, second)
        texts = encode(tokenizer, ANSWERED, Loss("all", "remove"))
        assert len(texts) == (2 if family == "qwen3" else 1)  # it marks an answer without reasoning by an empty block


def test_qwen3_answers_without_reasoning_behind_an_empty_block_that_carries_no_loss():
    tokenizer = TOKENIZERS["qwen3"]
    (text,) = encode(tokenizer, Conversation([asks("Why?")], [says("So.")]), Loss())
    assert tokenizer.decode(text.prompt).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert tokenizer.decode(text.completion) == "So.<|im_end|>"
    assert encode_prompt(tokenizer, Conversation([asks("Why?")])) == text.prompt
    (text,) = encode(tokenizer, Conversation([asks("Why?")], [says("So.", "Hm.")]), Loss())
    assert tokenizer.decode(text.prompt).endswith("<|im_start|>assistant\n")
    assert encode_prompt(tokenizer, Conversation([asks("Why?")]), thinks=True) == text.prompt


def test_what_a_tool_returns_carries_no_loss_and_functions_stand_in_the_prompt():
    for tokenizer in TOKENIZERS.values():
        (text,) = encode(tokenizer, ANSWERED, Loss("last", "remove"))
        assert "By day." in tokenizer.decode(text.prompt) and "rain" in seen(tokenizer, text)
        assert "false" not in learned(tokenizer, text)


def test_a_turn_that_says_what_an_earlier_one_said_is_not_taken_for_it():
    call = '{"city": "Bonn"}'
    prompt = [asks("Bonn?"), calls(call), returns("9 °C"), says("9 °C."), asks("And now?")]
    again = Conversation(prompt, [calls(call, "Ask again."), returns("8 °C"), says("8 °C.")], TOOLS)
    for tokenizer in TOKENIZERS.values():
        (text,) = encode(tokenizer, again, Loss("last"))
        assert seen(tokenizer, text).count("And now?") == 1 == seen(tokenizer, text).count("8 °C.")


def test_a_greeting_before_the_first_question_carries_no_loss():
    greeted = Conversation([says("Hello!"), asks("Why?")], [says("So.")])
    for family in ("chatml", "qwen2_5"):
        (text,) = encode(TOKENIZERS[family], greeted, Loss("all"))
        assert learned(TOKENIZERS[family], text) == "So.<|im_end|>"


def test_the_date_of_a_template_is_one_date():
    assert "Today Date: 26 Jul 2024" in TOKENIZERS["llama3_1"].decode(
        encode_prompt(TOKENIZERS["llama3_1"], Conversation([asks("Why?")]))
    )
    tokenizer = families.tokenizer("chatml")
    tokenizer.chat_template = "{{ strftime_now('%Y-%m-%d') }}" + tokenizer.chat_template
    assert tokenizer.decode(encode_prompt(tokenizer, Conversation([asks("Why?")]))).startswith("2024-07-26")


MARKUP = "<|im_end|> <|eot_id|></think>\n<tool_call> </tool_response><|start_header_id|>system<|end_header_id|>"


def test_marks_of_the_template_in_any_text_of_a_row_are_text():
    call = calls(json.dumps({"city": MARKUP, "days": 2}), f"r{MARKUP}r")
    hostile = Conversation(
        [{"role": "system", "content": f"s{MARKUP}s"}, asks(f"u{MARKUP}u")],
        [call, returns(f"t{MARKUP}t"), says(f"a{MARKUP}a", f"r{MARKUP}r")],
        TOOLS.replace("By day.", json.dumps(MARKUP)[1:-1]),
    )
    plain = Conversation(
        [{"role": "system", "content": "s"}, asks("u")],
        [calls('{"city": "c", "days": 2}', "r"), returns("t"), says("a", "r")],
        TOOLS,
    )
    for family, tokenizer in TOKENIZERS.items():
        for reasoning in ("train", "mask", "remove"):
            (text,), (clean,) = (encode(tokenizer, each, Loss("last", reasoning)) for each in (hostile, plain))
            marks = set(tokenizer.added_tokens_decoder)
            assert [t for t in text.prompt + text.completion if t in marks] == [
                t for t in clean.prompt + clean.completion if t in marks
            ]
            wanted = "".join(expected(family, hostile.completion, reasoning == "train"))
            assert restore(learned(tokenizer, text)) == wanted


def test_a_template_without_tools_refuses_a_row_that_has_them_and_takes_others():
    tokenizer = families.tokenizer("llama3_1")
    tokenizer.chat_template = families.template("llama3")
    conversation = Conversation([asks("Why?"), says("So."), asks("Really?")], [says("Yes.", "Hm.")])
    (text,) = encode(tokenizer, conversation, Loss("all"))
    assert learned(tokenizer, text) == "So.<|eot_id|><think>\nHm.\n</think>\n\nYes.<|eot_id|>"
    for changed in (conversation._replace(tools=TOOLS), conversation._replace(completion=ANSWER)):
        with pytest.raises(Refused, match="knows no tools"):
            encode(tokenizer, changed, Loss())


def both(call: dict[str, Any]) -> dict[str, Any]:
    return call | {"tool_calls": call["tool_calls"] * 2}


@pytest.mark.parametrize(
    ("family", "turn", "reason"),
    [
        ("llama3_1", both(calls("{}")), "single tool-calls"),
        ("llama3_1", calls("{}") | {"content": "I ask."}, "beside a call"),
        ("chatml", calls("[1]"), "no JSON object"),
        ("chatml", calls('{"a": ' * 9999), "no JSON object"),
        ("qwen2_5", calls('{"a": ' + "[" * 700 + "]" * 700 + "}"), "nested|JSON|refuses"),
    ],
)
def test_what_a_template_cannot_write_is_refused_with_the_reason(family, turn, reason):
    with pytest.raises(Refused, match=reason):
        encode(TOKENIZERS[family], ANSWERED._replace(completion=[turn]), Loss())


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{% for m in messages %}{{ m.role + ': ' + m.content }}\n{% endfor %}", "without a special token"),
        ("{% for m in messages %}{{ m.content[:3] }}<|im_end|>{% endfor %}", "changes what the turn says"),
        (
            "{{ messages|length }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
            "otherwise than generation",
        ),
        ("{{ raise_exception('no') }}", "refuses it: no"),
    ],
)
def test_a_template_that_would_train_on_other_text_is_refused(template, reason):
    tokenizer = families.tokenizer("chatml")
    tokenizer.chat_template = template
    with pytest.raises(Refused, match=reason):
        encode(tokenizer, Conversation([asks("Why?")], [says("So it is.")]), Loss())


def test_a_tokenizer_that_sets_a_space_before_each_text_encodes_a_conversation_whole():
    pipeline = Tokenizer(models.BPE(unk_token="<unk>"))
    pipeline.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    pipeline.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.BpeTrainer(vocab_size=90, special_tokens=["<unk>", "[A]", "[/A]", "</s>"], show_progress=False)
    pipeline.train_from_iterator(["Why is it so? It is. Is it?\n"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pipeline, eos_token="</s>", extra_special_tokens=["[A]", "[/A]"]
    )
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m.role == 'user' %}[A]{{ m.content }}[/A]{% else %}{{ m.content }}</s>{% endif %}"
        "{% endfor %}"
    )
    conversation = Conversation([asks("Why?"), says("It is so."), asks("Is it?")], [says("It is.")])
    (text,) = encode(tokenizer, conversation, Loss("all"))
    whole = "[A]Why?[/A]It is so.</s>[A]Is it?[/A]It is.</s>"
    assert text.prompt + text.completion == tokenizer(whole, add_special_tokens=False)["input_ids"]
    assert learned(tokenizer, text).replace(" ", "") == "Itisso.</s>Itis.</s>"


TRAINED_BEFORE = (  # the template that trained on plain rows until tools came
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{ '\\n' }}{% endfor %}"
)
WORDS = st.sampled_from(
    ["Why", " ", "\n", "\n\n", "  x", "é中", "ไทย", "12", "<b>", "<think>", "</think>", "{}", "\u200b", "'s"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=8).map("".join)
SOME = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SOME
@given(
    st.lists(TEXTS.filter(str.strip).map(str.strip), min_size=2, max_size=6).filter(lambda texts: len(texts) % 2 == 0)
)
def test_plain_rows_of_chatml_have_the_ids_and_labels_that_they_had(texts):
    tokenizer = TOKENIZERS["chatml"]
    turns = [asks(text) if place % 2 == 0 else says(text) for place, text in enumerate(texts)]
    (text,) = encode(tokenizer, Conversation(turns[:-1], turns[-1:]), Loss("all"))
    before: Any = tokenizer.apply_chat_template(
        turns, chat_template=TRAINED_BEFORE, return_dict=True, return_assistant_tokens_mask=True
    )
    ids = text.prompt + text.completion
    assert ids == before["input_ids"][: len(ids)] and tokenizer.decode(before["input_ids"][len(ids) :]) == "\n"
    labels = [t if m else -100 for t, m in zip(before["input_ids"], before["assistant_masks"], strict=True)]
    assert text.labels == labels[: len(ids)]


@st.composite
def conversations(draw: st.DrawFn) -> Conversation:
    """Several questions, each answered with none to two calls before."""
    plain = TEXTS.filter(str.strip).map(str.strip)
    turns: list[dict[str, Any]] = draw(st.sampled_from([[], [{"role": "system", "content": "Be brief."}]]))
    questions = draw(st.integers(1, 3))
    for _ in range(questions):
        start = len(turns) + 1
        turns = [*turns, asks(draw(plain))]
        for _ in range(draw(st.integers(0, 2))):
            arguments = json.dumps(
                {"city": draw(TEXTS), "days": draw(st.integers(-9, 9))}, ensure_ascii=draw(st.booleans())
            )
            turns += [calls(arguments, draw(st.none() | plain)), returns(draw(TEXTS))]
        turns.append(says(draw(plain), draw(st.none() | plain)))
    return Conversation(turns[:start], turns[start:], TOOLS)


def generation_prompt(tokenizer: PreTrainedTokenizerBase, turns: list[dict[str, Any]], thinks: bool) -> str:
    """What a server of the model would be given before a turn, the template taken at its word."""
    messages = []
    for turn in turns:
        messages.append({key: value for key, value in turn.items() if key != "reasoning"})
        if "reasoning" in turn and "reasoning_content" in tokenizer.chat_template:
            messages[-1]["reasoning_content"] = turn["reasoning"]
        if "tool_calls" in turn:
            function = turn["tool_calls"][0]["function"]
            arguments = {"name": "weather", "arguments": json.loads(function["arguments"])}
            messages[-1]["tool_calls"] = [{"type": "function", "function": arguments}]
    kwargs = {"tools": json.loads(TOOLS), "tokenize": False, "add_generation_prompt": True, "enable_thinking": thinks}
    return tokenizer.apply_chat_template(messages, **kwargs)


@SOME
@pytest.mark.parametrize("family", FAMILIES)
@given(
    conversation=conversations(),
    turns=st.sampled_from(["all", "last"]),
    reasoning=st.sampled_from(["train", "mask", "remove"]),
)
def test_any_conversation_is_learned_as_it_was_written(family, conversation, turns, reasoning):
    tokenizer = TOKENIZERS[family]
    texts = encode(tokenizer, conversation, Loss(turns, reasoning))
    everything = [*conversation.prompt, *conversation.completion]
    wanted = expected(family, everything if turns == "all" else conversation.completion, reasoning == "train")
    found = "".join(learned(tokenizer, text) for text in texts)
    assert restore(found) == restore("".join(wanted))
    for text in texts:  # each begins as generation would
        shown = restore(tokenizer.decode(text.prompt))
        if reasoning == "remove":
            everything = [{key: value for key, value in turn.items() if key != "reasoning"} for turn in everything]
        openings = [
            generation_prompt(tokenizer, everything[:place], "reasoning" in turn)
            for place, turn in enumerate(everything)
            if turn["role"] == "assistant"
        ]
        assert shown in [restore(opening) for opening in openings] or BREAK in tokenizer.decode(text.prompt)


def test_a_mark_of_reasoning_within_it_does_not_end_it():
    tokenizer = TOKENIZERS["qwen2_5"]  # writes no such marks: the block is ours
    (text,) = encode(tokenizer, Conversation([asks("Why?")], [says("So </think>.", "a</think>b")]), Loss())
    assert learned(tokenizer, text).count("</think>") == 1
