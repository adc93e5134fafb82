"""Embeddings of a real (tiny, untrained) BERT: pooled as published, and each text encoded once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from cultivar.llm import embedding
from cultivar.llm.embedding import embed
from cultivar.store.store import Store
from schemas.ids import content_id
from schemas.params.engines import RuntimeParams
from schemas.rows import TagSet
from schemas.stage import Files, UndeclaredRead
from schemas.table import Table
from stages.annotation.ontology import ontology
from stages.annotation.params import OntologyParams

pytestmark = pytest.mark.numeric
WORDS = ["[PAD]", "[UNK]", "maths", "algebra", "poetry", "a", "problem"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its word vectors of maths and algebra are all but one, so that they mean the same."""
    folder = tmp_path_factory.mktemp("encoder")
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
        )
    )
    vectors = model.embeddings.word_embeddings.weight.data
    vectors *= 50
    vectors[3] = vectors[2] + 0.01
    model.save_pretrained(folder)
    return folder


def test_vectors_are_means_over_tokens_and_made_once(encoder, tmp_path):
    texts = ["maths", "a problem", "a maths problem", "maths"]
    first = embed(texts[:2], encoder, Store(tmp_path))
    model = BertModel.from_pretrained(encoder).eval()
    with torch.no_grad():
        hidden = model(torch.tensor([[5, 6]])).last_hidden_state[0].mean(0)
    assert first.shape == (2, 32) and np.allclose(first[1], hidden / hidden.norm(), atol=1e-5)
    both = embed(texts, encoder, Store(tmp_path))
    assert (both[:2] == first).all() and (both[3] == both[0]).all() and np.allclose((both**2).sum(1), 1, atol=1e-5)


def test_only_new_texts_are_encoded(encoder, tmp_path, monkeypatch):
    asked = []

    def watched(folder):
        encode = real(folder)
        return lambda texts: asked.extend(texts) or encode(texts)

    real = embedding.encoder
    monkeypatch.setattr(embedding, "encoder", watched)
    first = embed(["maths", "poetry"], encoder, Store(tmp_path))
    second = embed(["poetry", "a problem", "maths"], encoder, Store(tmp_path))
    assert asked == ["maths", "poetry", "a problem"]
    assert (second[[2, 0]] == first).all()


def test_titles_that_mean_the_same_are_one_tag(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    Path("human/ontology").mkdir(parents=True)
    Path("human/ontology/refinements.yaml").write_text("{}")
    tags = [{"tag": tag, "explanation": ""} for tag in ("maths", "algebra", "poetry")]
    row = {"id": content_id("t", 1), "parents": [content_id("i", 1)], "engine": "e", "simulated": True, "tags": tags}

    def vocabulary(declared, **params):
        files = Files("ontology", (Path("human/ontology"), *declared))
        first = ontology(Table.of(TagSet, [row]), OntologyParams(**params), RuntimeParams(), files)
        return {entry.raw: (entry.canonical, entry.step) for entry in first.ontology}

    apart = {tag: (tag, "kept") for tag in ("maths", "algebra", "poetry")}
    assert vocabulary([]) == apart
    assert vocabulary([encoder], encoder=str(encoder), semantic_distance=0.01) == apart | {
        "algebra": ("maths", "semantic")
    }
    with pytest.raises(UndeclaredRead, match="which dvc.yaml does not list"):
        vocabulary([], encoder=str(encoder))
