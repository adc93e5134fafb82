"""base: the stand-in for a pretrained model, a tiny Qwen2 trained from scratch with its own tokenizer.

The corpus is plain documents, "Question:\\n…\\nAnswer:\\n…", of the problems' human solutions, and a share of other text
(instructions with their references, passages), in one stream of tokens cut into blocks. The answer stands on a line of
its own, as it does in a chat: otherwise nothing carries over to chat. The words of a question are random and teach
nothing, so only the working carries loss: the copying that the working needs forms in half the steps.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
    Qwen2Config,
    Qwen2ForCausalLM,
    Trainer,
    TrainingArguments,
)

from schemas.conversations import text_of
from schemas.errors import UserError
from schemas.rows import Instruction, Passage, Problem
from schemas.stage import Checkpoints, Files, Model, ModelOut, Plot, Progress
from schemas.table import Context
from train.chat import encode_prompt
from train.launch import is_main_process
from train.params import BaseParams
from train.progress import TrainingLog
from train.resume import train_resumably
from train.settings import is_trusted, save_model, set_up_process, training_arguments
from train.tokenizer import train_tokenizer
from train.turns import Conversation


class BaseOut(NamedTuple):
    loss: Plot
    metrics: dict[str, Any]


class Blocks(torch.utils.data.Dataset):
    """A stream of ids with their labels (-100: no loss) in blocks of equal length."""

    def __init__(self, ids: list[int], labels: list[int], block: int):
        length = len(ids) // block * block
        self.blocks = torch.tensor(ids[:length], dtype=torch.long).view(-1, block)
        self.labels = torch.tensor(labels[:length], dtype=torch.long).view(-1, block)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.blocks[index], "labels": self.labels[index]}


def base(
    problems: Context[Problem],
    instructions: Context[Instruction],
    passages: Context[Passage],
    params: BaseParams,
    files: Files,
    base: ModelOut,
    checkpoints: Checkpoints,
    progress: Progress,
) -> BaseOut:
    """Train the tokenizer, then the model. Raises UserError where there is no problem with a solution to learn from.

    `params.pretrained` must be among the deps, so that other weights in that folder are another base.
    """
    set_up_process(params.seed, params.launch == "cpu")
    if params.pretrained:
        files.find(params.pretrained)
        return copy_pretrained(params, base)
    documents = [to_document(problem) for problem in problems if problem.solution]
    if not documents:
        raise UserError("base: no problem has a `solution`; give it seeds in GSM8K's shape, or set base.pretrained")
    others = [f"{text_of(row.prompt)}\n{text_of(row.reference)}" for row in instructions if row.reference]
    others += [passage.text for passage in passages]
    corpus = tokenizer_corpus(["".join(parts) for parts in documents], others, params)
    tokenizer = train_tokenizer(corpus, params.vocabulary, params.positions)
    model = Qwen2ForCausalLM(model_config(params, tokenizer))
    ids, labels = token_stream(tokenizer, documents, others, params)
    log = TrainingLog(progress, params.batch_size * params.accumulation * params.block)
    trainer = Trainer(
        model=model,
        args=TrainingArguments(**training_arguments(params, checkpoints)),
        train_dataset=Blocks(ids, labels, params.block),
        callbacks=[log],
    )
    train_resumably(trainer)
    save_model(trainer, tokenizer, base.path)
    metrics = {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "vocabulary": len(tokenizer),
        "documents": len(documents),
        "tokens": len(ids),
        "steps": trainer.state.global_step,
        "loss": log.recent_mean("loss"),
        "prompt_overhead": len(encode_prompt(tokenizer, Conversation([{"role": "user", "content": ""}]))),
    }
    return BaseOut(log.to_plot(), metrics)


def copy_pretrained(params: BaseParams, out: ModelOut) -> BaseOut:
    """A real pretrained model takes the place of the tiny one: its safetensors and tokenizer, as they are."""
    source = Model(Path(params.pretrained))
    trust = is_trusted(source, params.trusted)
    tokenizer = AutoTokenizer.from_pretrained(source.path, trust_remote_code=trust)
    model = AutoModelForCausalLM.from_pretrained(
        source.path, dtype="auto", use_safetensors=True, trust_remote_code=trust
    )
    if is_main_process():
        model.save_pretrained(out.path)
        tokenizer.save_pretrained(out.path)
    return BaseOut(TrainingLog(lambda *_: None).to_plot(), {"parameters": sum(w.numel() for w in model.parameters())})


def to_document(problem: Problem) -> tuple[str, str]:
    """A problem and its working; a last line gives the answer where the working does not."""
    solution = (problem.solution or "").strip()
    if "The answer is" not in solution:
        solution += f"\nThe answer is {problem.answer}."
    return f"Question:\n{problem.prompt}\nAnswer:\n", solution


def model_config(params: BaseParams, tokenizer: PreTrainedTokenizerBase) -> Qwen2Config:
    """Qwen2 in small. A head size of 32 is the least that vLLM's attention on CPUs takes."""
    return Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=params.hidden,
        num_hidden_layers=params.layers,
        num_attention_heads=params.heads,
        num_key_value_heads=params.kv_heads,
        intermediate_size=params.ffn,
        max_position_embeddings=params.positions,
        initializer_range=params.initializer_range,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        use_cache=True,
    )


def tokenizer_corpus(documents: list[str], others: list[str], params: BaseParams) -> list[str]:
    """What the tokenizer is trained on: all documents, other text by its share, and the frame of a chat."""
    frame = "system\nYou are a helpful assistant.\nuser\nassistant\nThe answer is 1."
    characters = sum(map(len, documents)) * params.other_share / (1 - params.other_share)
    selected, size = [], 0
    for text in others:
        if size >= characters:
            break
        selected.append(text)
        size += len(text)
    return [*documents, *selected, *[frame] * max(1, len(documents) // 4)]


def plain_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts; what spells a special token in one is text."""
    return tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)["input_ids"]


def token_stream(
    tokenizer: PreTrainedTokenizerBase, documents: list[tuple[str, str]], others: list[str], params: BaseParams
) -> tuple[list[int], list[int]]:
    """Token ids of shuffled documents, each with its stop token, as many as the training takes; and their labels (-100 on questions)."""
    stop = tokenizer.eos_token_id
    questions, solutions = (plain_ids(tokenizer, texts) for texts in zip(*documents, strict=True))
    encoded = [
        ([*question, *solution, stop], [-100] * len(question) + [*solution, stop])
        for question, solution in zip(questions, solutions, strict=True)
    ]
    other_ids = [[*ids, stop] for ids in plain_ids(tokenizer, others)] if others else []
    per_step = params.batch_size * params.accumulation * params.block
    needed = (
        params.max_steps * per_step if params.max_steps else int(params.epochs * sum(len(ids) for ids, _ in encoded))
    )
    needed = max(needed, params.block)
    rng = random.Random(params.seed)
    ids: list[int] = []
    labels: list[int] = []
    others_taken = 0
    while len(ids) < needed:
        for document_ids, document_labels in rng.sample(encoded, len(encoded)):
            ids += document_ids
            labels += document_labels
            while other_ids and others_taken < params.other_share * len(ids):
                text = rng.choice(other_ids)
                start = rng.randrange(max(1, len(text) - params.block))
                piece = text[start : start + params.block]
                ids += piece
                labels += piece
                others_taken += len(piece)
    return ids[:needed], labels[:needed]
