"""Embeddings of texts by a sentence encoder, cached in the store: only new texts are encoded."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cultivar.store.memo import Row, cached_rows, hash_folder, work_key
from cultivar.store.store import Store

if TYPE_CHECKING:
    from torch import Tensor

KIND = "embeddings"
BATCH = 64
"""Texts in a batch."""


def embed(texts: Sequence[str], folder: Path, store: Store) -> np.ndarray:
    """Rows of unit length, texts × width, float32: the mean of the last layer over a text's tokens (as PhraseBERT).

    `folder`: a Transformers encoder with its tokenizer, in safetensors. Raises OSError where it is none.
    """
    identity = hash_folder(folder)
    keys = [work_key(KIND, identity, text) for text in texts]

    def compute(positions: list[int]) -> Iterator[list[tuple[int, Row]]]:
        encode = encoder(folder)
        by_length = sorted(positions, key=lambda position: (len(texts[position]), texts[position]))
        for first in range(0, len(by_length), BATCH):
            batch = by_length[first : first + BATCH]
            vectors = encode([texts[position] for position in batch]).tolist()
            yield [(position, {"vector": vector}) for position, vector in zip(batch, vectors, strict=True)]

    rows, _ = cached_rows(store, KIND, keys, compute)
    return np.array([row and row["vector"] for row in rows], dtype=np.float32)


def encoder(folder: Path) -> Any:
    """A function from texts to their vectors (texts × width) on the GPU where there is one."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=torch.float32)
    model.eval().to(device)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token

    @torch.no_grad()
    def encode(texts: list[str]) -> "Tensor":
        inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="pt").to(device)
        mask = inputs["attention_mask"].unsqueeze(-1).float()
        hidden = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).last_hidden_state
        return torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1).cpu()

    return encode
