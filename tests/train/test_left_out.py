"""Rows that the chat template cannot write are left out, counted and named; too many of them are an error."""

from typing import Any

import families
import pytest
import tiny
from families import ANSWER, PROMPT, REJECTED, TOOLS, asks, says

from schemas.rows import FinalDemonstration, FinalPreference
from train.tokenized import LengthLimit, TooManyLeftOut, tokenize_demonstrations, tokenize_preferences
from train.turns import Loss

LLAMA3 = families.tokenizer("llama3_1")
LLAMA3.chat_template = families.template("llama3")
ANY = LengthLimit(2000, 1.0, "sft")


def demonstrations(*completions: list[dict[str, Any]], **more: Any) -> list[FinalDemonstration]:
    return [
        FinalDemonstration(**tiny.admitted("d", f"Why {n}?", "train", completion=completion, **more))
        for n, completion in enumerate(completions)
    ]


def pair(chosen: list[dict[str, Any]], rejected: list[dict[str, Any]]) -> FinalPreference:
    row = tiny.admitted("p", "Why?", "train", chosen=chosen, rejected=rejected, margin=1.0)
    return FinalPreference(**row | {"prompt": PROMPT, "tools": TOOLS})


def test_refused_rows_are_counted_with_the_reason_and_the_first_row():
    rows = demonstrations([says("So.")], ANSWER, [says("Because.")], ANSWER)
    with pytest.warns(RuntimeWarning, match=f"2 of 4 rows .* knows no tools: 2, the first is {rows[1].id}"):
        found = tokenize_demonstrations(rows, LLAMA3, ANY, Loss())
    assert (found.ids, found.refused, found.overlong) == ([rows[0].id, rows[2].id], 2, 0)


@pytest.mark.parametrize(("share", "allowed"), [(0.5, True), (0.49, False)])
def test_more_refused_rows_than_params_allow_are_an_error(share, allowed):
    rows, limit = demonstrations([says("So.")], ANSWER), LengthLimit(2000, share, "sft")
    if allowed:
        with pytest.warns(RuntimeWarning):
            assert tokenize_demonstrations(rows, LLAMA3, limit, Loss()).refused == 1
    else:
        with pytest.raises(TooManyLeftOut, match="1 of 2 rows cannot be trained on, .* 0.49 .*knows no tools") as error:
            tokenize_demonstrations(rows, LLAMA3, limit, Loss())
        assert (error.value.overlong, error.value.refused) == (0, 1)
    with pytest.raises(TooManyLeftOut, match="none of 1 rows .* refused: 1, .*knows no tools"):
        tokenize_demonstrations(demonstrations(ANSWER), LLAMA3, ANY, Loss())


def test_rows_that_spell_marks_of_the_template_are_counted():
    rows = demonstrations([says("a <|eot_id|> b")], [says("So < so.")])
    assert tokenize_demonstrations(rows, LLAMA3, ANY, Loss()).broken == 1


def test_the_longest_text_of_a_row_decides_whether_it_is_too_long():
    tokenizer = families.tokenizer("qwen3")
    row = tiny.admitted("d", "Why?", "train", completion=ANSWER) | {"prompt": PROMPT, "tools": TOOLS}
    rows = [FinalDemonstration(**row)]
    texts = tokenize_demonstrations(rows, tokenizer, ANY, Loss("all")).dataset
    longest = max(len(text["input_ids"]) for text in texts)
    taken = tokenize_demonstrations(rows, tokenizer, LengthLimit(longest, 1.0, "sft"), Loss("all"))
    assert len(texts) == 2 == taken.dataset.num_rows and taken.ids == [rows[0].id]
    with pytest.raises(TooManyLeftOut):
        tokenize_demonstrations(rows, tokenizer, LengthLimit(longest - 1, 1.0, "sft"), Loss("all"))


def test_sides_with_and_without_reasoning_share_a_prompt():
    """Qwen3 opens them otherwise: the empty block of one side stands in its completion, uncounted."""
    tokenizer = families.tokenizer("qwen3")
    sides = pair([says("It is.", "Hm.")], [says("It is not.")])
    (data,) = tokenize_preferences([sides], tokenizer, ANY, Loss()).dataset
    assert tokenizer.decode(data["prompt_ids"]).endswith("<|im_start|>assistant\n")
    assert tokenizer.decode(data["chosen_ids"]) == "<think>\nHm.\n</think>\n\nIt is.<|im_end|>" and all(
        data["chosen_mask"]
    )
    assert tokenizer.decode(data["rejected_ids"]) == "<think>\n\n</think>\n\nIt is not.<|im_end|>"
    counted = [t for t, mark in zip(data["rejected_ids"], data["rejected_mask"], strict=True) if mark]
    assert tokenizer.decode(counted) == "It is not.<|im_end|>"


def test_pairs_that_teach_nothing_or_need_several_texts_are_refused():
    tokenizer = families.tokenizer("qwen3")
    good, same = pair(ANSWER, REJECTED), pair([says("So.", "Hm.")], [says("So.", "Yes.")])
    assert tokenize_preferences([good, same], tokenizer, ANY, Loss()).refused == 0
    with pytest.warns(RuntimeWarning, match="the same"):
        assert tokenize_preferences([good, same], tokenizer, ANY, Loss(reasoning="remove")).refused == 1
    several = pair([says("So."), asks("Sure?"), says("Yes.")], REJECTED)
    with pytest.warns(RuntimeWarning, match="otherwise once others follow"):
        assert tokenize_preferences([good, several], tokenizer, ANY, Loss()).refused == 1
