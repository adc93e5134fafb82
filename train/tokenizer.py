"""The base model's own tokenizer: Qwen2's pipeline (byte-level BPE, every digit a token) with a vocabulary of its own.

The class must be Qwen2's and the pipeline exactly Qwen2's: AutoTokenizer (and with it vLLM) rebuilds the pipeline from
the model type and would silently split text in another way than the tokenizer that the model was trained with.
"""

import json
from collections.abc import Iterable

from tokenizers import pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

from train.chatml import CHATML, TURN_END

TEXT_END = "<|endoftext|>"
TURN_START = "<|im_start|>"


def train_tokenizer(texts: Iterable[str], vocabulary: int, max_length: int) -> Qwen2Tokenizer:
    """Train on `texts` (the same texts in the same order give the same tokenizer); at most `vocabulary` tokens."""
    pipeline = Qwen2Tokenizer().backend_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[TEXT_END, TURN_START, TURN_END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    pipeline.train_from_iterator(texts, trainer)
    trained = json.loads(pipeline.to_str())["model"]
    return Qwen2Tokenizer(
        vocab=trained["vocab"],
        merges=[tuple(pair) for pair in trained["merges"]],  # type: ignore[misc]
        eos_token=TURN_END,
        pad_token=TEXT_END,
        extra_special_tokens=[TURN_START],
        chat_template=CHATML,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )
