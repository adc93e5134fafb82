"""Tiny models with the chat templates of Qwen2.5, Qwen3 and Llama 3, whose tokenizers are built here."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import tiny
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from schemas.stage import Model
from train.tokenizer import train_tokenizer

CORPUS = ['Why is it so? Because it is. What is the weather in Köln, and tomorrow?\n\n{"name": "weather"}']
MARKS = {"qwen2_5": ("<tool_call>", "</tool_call>")}
MARKS["qwen3"] = (*MARKS["qwen2_5"], "<tool_response>", "</tool_response>", "<think>", "</think>")
HEADERS = (
    "<|begin_of_text|>",
    "<|end_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eom_id|>",
    "<|eot_id|>",
)
LLAMA_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
FAMILIES = ("chatml", "qwen2_5", "qwen3", "llama3_1")
"""Templates that know tools: this project's own, and published ones as TRL has them."""


def template(name: str) -> str:
    return (files("trl") / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")


def tokenizer(family: str) -> PreTrainedTokenizerBase:
    """The marks of Qwen's templates are tokens of their own, and none of them special, as published."""
    if family == "chatml":
        return train_tokenizer(CORPUS, 300, 1024)
    if family.startswith("qwen"):
        found = train_tokenizer(CORPUS, 300, 1024)
        found.add_tokens([AddedToken(mark, special=False, normalized=False) for mark in MARKS[family]])
        found.chat_template = template(family)
        return found
    pipeline = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(LLAMA_SPLIT), "isolated")
    pipeline.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    pipeline.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=list(HEADERS), initial_alphabet=alphabet, show_progress=False
    )
    pipeline.train_from_iterator(CORPUS, trainer)
    names = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|end_of_text|>"}
    return PreTrainedTokenizerFast(tokenizer_object=pipeline, chat_template=template(family), **names)


def write_model(family: str, folder: Path) -> Model:
    found = tokenizer(family)
    sizes: dict[str, Any] = {
        "vocab_size": len(found),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
    }
    sizes |= {"num_attention_heads": 1, "num_key_value_heads": 1, "max_position_embeddings": 2048}
    sizes |= {"bos_token_id": None, "eos_token_id": found.eos_token_id, "pad_token_id": found.pad_token_id}
    torch.manual_seed(1)
    llama = family.startswith("llama")
    model = LlamaForCausalLM(LlamaConfig(**sizes)) if llama else Qwen2ForCausalLM(Qwen2Config(**sizes))
    model.save_pretrained(folder)
    found.save_pretrained(folder)
    return Model(folder)


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
TOOLS = json.dumps(
    [{"type": "function", "function": {"name": "weather", "description": "By day.", "parameters": SCHEMA}}]
)


def asks(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def says(content: str, reasoning: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": content} | ({"reasoning": reasoning} if reasoning else {})


def calls(arguments: str, reasoning: str | None = None) -> dict[str, Any]:
    call = {"id": "call00001", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    return says("", reasoning) | {"tool_calls": [call]}


def returns(text: str) -> dict[str, Any]:
    return {"role": "tool", "content": text, "tool_call_id": "call00001", "name": "weather"}


PROMPT = [
    {"role": "system", "content": "Be brief."},
    asks("Why is it so?"),
    says("Because it is.", "A why.\nSo a because."),
    asks("The weather in Köln?"),
]
ANSWER = [
    calls('{"city":"Köln", "days": 2}', "I have to ask."),
    returns('15 °C\n{"rain": false}'),
    says("It is 15 °C.\n\nNo rain.", "Say it."),
]
REJECTED = [calls('{"city": "Bonn"}'), returns("9 °C"), says("It is 9 °C.", "Which city?")]


def written(family: str, turn: dict[str, Any], reasoning: bool) -> str:
    """What the assistant writes in a turn, with its stop token."""
    text = turn["content"]
    for call in turn.get("tool_calls", ()):
        arguments = json.dumps(json.loads(call["function"]["arguments"]), ensure_ascii=False)
        if family.startswith("llama"):
            text = f'{{"name": "weather", "parameters": {arguments}}}'
        else:
            text += "\n" * bool(text) + f'<tool_call>\n{{"name": "weather", "arguments": {arguments}}}\n</tool_call>'
    thought = f"<think>\n{turn['reasoning']}\n</think>\n\n" if reasoning and "reasoning" in turn else ""
    return thought + text + ("<|eot_id|>" if family.startswith("llama") else "<|im_end|>")


def expected(family: str, turns: list[dict[str, Any]], reasoning: bool) -> list[str]:
    return [written(family, turn, reasoning) for turn in turns if turn["role"] == "assistant"]


def row(kind: str, **sides: Any) -> dict[str, Any]:
    """A row of D or P of the conversation above."""
    return tiny.admitted(kind, "The weather in Köln?", "train", **sides) | {"prompt": PROMPT, "tools": TOOLS}
