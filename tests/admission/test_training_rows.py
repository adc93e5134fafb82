"""Rows as the trainers take them: which tokens carry loss, which side is chosen, what is left out."""

import pytest
from transformers import PreTrainedTokenizerBase

from schemas.conversations import lean_turns
from schemas.ids import content_id
from schemas.rows import Demonstration, Message, Preference
from train.chat import encode, encode_prompt
from train.tokenized import LengthLimit, TooManyLeftOut, tokenize_demonstrations, tokenize_preferences
from train.tokenizer import train_tokenizer
from train.turns import Conversation, Loss

LOSS = Loss("all")
DEFAULT = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
ASSISTANT = "<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer(["Why is it so? Because it is."], 300, 512)


def chat(*pairs: tuple[str, str]) -> list[Message]:
    return [Message(role=role, content=content) for role, content in pairs]


def row(model: type, prompt: str, **sides: str):
    shared = {"domain": "math", "strategy": "rejection", "license": "MIT", "engine": "e", "simulated": False}
    shared |= {"label_source": "verifier", "quality": 0.5, "source": "seeds:1"}
    messages = {side: chat(("assistant", text)) for side, text in sides.items()}
    extra = {"margin": 1.0} if model is Preference else {}
    row_id = content_id("row", [prompt, sides])
    return model(id=row_id, prompt=chat(("user", prompt)), **shared, **messages, **extra)


def text_of(tokenizer, ids) -> str:
    return tokenizer.decode([token for token in ids if token != -100])


def test_the_assistant_s_turns_of_the_completion_carry_loss_with_their_stop_tokens(tokenizer):
    prompt = lean_turns(chat(("user", "One?"), ("assistant", "1."), ("user", "Two?")))
    completion = lean_turns(chat(("assistant", "2."), ("user", "Sure?"), ("assistant", "Yes.")))
    (encoded,) = encode(tokenizer, Conversation(prompt, completion), Loss("last"))
    assert text_of(tokenizer, encoded.labels) == "2.<|im_end|>Yes.<|im_end|>"
    text = tokenizer.decode(encoded.prompt + encoded.completion)
    assert text == (
        f"{DEFAULT}<|im_start|>user\nOne?<|im_end|>\n{ASSISTANT}1.<|im_end|>\n<|im_start|>user\nTwo?<|im_end|>\n{ASSISTANT}"
        f"2.<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n{ASSISTANT}Yes.<|im_end|>"
    )
    assert tokenizer.decode(encoded.completion).startswith("2.") and encoded.prompt == encode_prompt(
        tokenizer, Conversation(prompt)
    )
    assert encoded.labels[: len(encoded.prompt)] == [-100] * len(encoded.prompt)
    assert len(encoded.labels) == len(encoded) == len(encoded.prompt) + len(encoded.completion)
    assert [t for t, m in zip(encoded.completion, encoded.mask, strict=True) if m] == [
        t for t in encoded.labels if t != -100
    ]


def test_a_system_turn_of_the_prompt_takes_the_place_of_the_default_one(tokenizer):
    prompt = lean_turns(chat(("system", "Be brief."), ("user", "One?")))
    text = tokenizer.decode(encode_prompt(tokenizer, Conversation(prompt)))
    assert text == f"<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nOne?<|im_end|>\n{ASSISTANT}"


def test_a_demonstration_is_its_prompt_and_its_completion(tokenizer):
    rows = [row(Demonstration, "One?", completion="It is 1."), row(Demonstration, "Two?", completion="2")]
    tokenized = tokenize_demonstrations(rows, tokenizer, LengthLimit(256, 0.0, "sft"), LOSS)
    assert tokenized.ids == [one.id for one in rows] and tokenized.overlong == 0
    for one, data, text in zip(rows, tokenized.dataset, ("It is 1.", "2"), strict=True):
        ids = encode_prompt(tokenizer, Conversation(lean_turns(one.prompt)))
        assert data["input_ids"][: len(ids)] == ids and text_of(tokenizer, data["labels"]) == f"{text}<|im_end|>"
        assert len(data["input_ids"]) == len(data["labels"]) and data["input_ids"][-1] == tokenizer.eos_token_id
    assert tokenized.tokens == sum(len(data["input_ids"]) for data in tokenized.dataset)


def test_chosen_and_rejected_of_a_pair_stay_what_they_are(tokenizer):
    pair = row(Preference, "One?", chosen="Good.", rejected="Bad, and long.")
    tokenized = tokenize_preferences([pair], tokenizer, LengthLimit(256, 0.0, "dpo"), LOSS)
    (data,) = tokenized.dataset
    assert tokenizer.decode(data["chosen_ids"]) == "Good.<|im_end|>"
    assert tokenizer.decode(data["rejected_ids"]) == "Bad, and long.<|im_end|>"
    assert data["prompt_ids"] == encode_prompt(tokenizer, Conversation(lean_turns(pair.prompt))) and tokenized.ids == [
        pair.id
    ]
    assert tokenized.tokens == 2 * len(data["prompt_ids"]) + len(data["chosen_ids"]) + len(data["rejected_ids"])
    assert data.keys() == {"prompt_ids", "chosen_ids", "rejected_ids", "chosen_mask", "rejected_mask"}
    assert data["chosen_mask"] == [1] * len(data["chosen_ids"])


def length(tokenizer, prompt: str, completion: str) -> int:
    turns = [{"role": "user", "content": prompt}], [{"role": "assistant", "content": completion}]
    return sum(map(len, encode(tokenizer, Conversation(*turns), LOSS)))


def test_a_row_may_be_exactly_as_long_as_the_limit(tokenizer):
    rows = [row(Demonstration, "One?", completion=text) for text in ("1", "It is 1, as you see.")]
    most = length(tokenizer, "One?", "It is 1, as you see.")
    assert tokenize_demonstrations(rows, tokenizer, LengthLimit(most, 1.0, "sft"), LOSS).overlong == 0
    tokenized = tokenize_demonstrations(rows, tokenizer, LengthLimit(most - 1, 1.0, "sft"), LOSS)
    assert (tokenized.ids, tokenized.overlong, tokenized.dataset.num_rows) == ([rows[0].id], 1, 1)
    for sides in (
        {"chosen": "1", "rejected": "It is 1, as you see."},
        {"rejected": "1", "chosen": "It is 1, as you see."},
    ):
        pairs = [row(Preference, "One?", **sides), row(Preference, "One?", chosen="1", rejected="2")]
        assert tokenize_preferences(pairs, tokenizer, LengthLimit(most, 1.0, "dpo"), LOSS).overlong == 0
        tokenized = tokenize_preferences(pairs, tokenizer, LengthLimit(most - 1, 1.0, "dpo"), LOSS)
        assert (tokenized.ids, tokenized.overlong, tokenized.dataset.num_rows) == ([pairs[1].id], 1, 1)


@pytest.mark.parametrize(("share", "allowed"), [(0.25, True), (0.24, False)])
def test_more_than_a_share_of_overlong_rows_is_an_error(tokenizer, share, allowed):
    texts = ["1", "2", "3", "It is 1, as you see."]
    most = length(tokenizer, "One?", "1")
    for model, tokenize, sides in (
        (Demonstration, tokenize_demonstrations, lambda text: {"completion": text}),
        (Preference, tokenize_preferences, lambda text: {"chosen": "0", "rejected": text}),
    ):
        rows = [row(model, "One?", **sides(text)) for text in texts]
        if allowed:
            assert tokenize(rows, tokenizer, LengthLimit(most, share, "sft"), LOSS).overlong == 1
        else:
            with pytest.raises(TooManyLeftOut, match=f"1 of 4 rows are longer than sft.max_length = {most} .* = 0.24"):
                tokenize(rows, tokenizer, LengthLimit(most, share, "sft"), LOSS)


def test_nothing_to_train_on_is_an_error_whatever_the_share(tokenizer):
    with pytest.raises(TooManyLeftOut, match="none of 1 rows"):
        tokenize_demonstrations(
            [row(Demonstration, "One?", completion="1")], tokenizer, LengthLimit(3, 1.0, "sft"), LOSS
        )
    with pytest.raises(TooManyLeftOut, match="none of 0 rows"):
        tokenize_preferences([], tokenizer, LengthLimit(99, 1.0, "dpo"), LOSS)
