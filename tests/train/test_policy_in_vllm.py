"""Samplers and scorers with a real vLLM: weights arrive and are checked, raw rewards are those of Transformers."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from schemas.errors import ParamsError
from schemas.params.engines import RuntimeParams
from schemas.stage import Model
from train.sampling.http_sampler import HttpSampler
from train.sampling.sampler import SamplingSettings
from train.sampling.weights import SyncError, check_logprobs
from train.scoring import TransformersScorer, VllmScorer

pytest_plugins = ["vllm_fixtures"]
SETTINGS = SamplingSettings(samples=3, temperature=1.0, max_new_tokens=6, seed=5)


@pytest.fixture(scope="module")
def other(tiny_qwen2, tmp_path_factory) -> Path:
    """Other weights of the same (tied) model."""
    from vllm_fixtures import write_tiny_qwen2

    return write_tiny_qwen2(tmp_path_factory.mktemp("other"), seed=1)


@pytest.fixture(scope="module")
def tokenizer(tiny_qwen2):
    return AutoTokenizer.from_pretrained(tiny_qwen2)


@pytest.fixture(scope="module")
def prompts(tokenizer) -> list[list[int]]:
    return [tokenizer(text)["input_ids"] for text in ("The answer is 42.", "Write a story", "def add(a, b):")]


def silent(done: int, total: int, note: str) -> None: ...


@pytest.fixture(scope="module")
def sampler(tiny_qwen2, tokenizer, vllm_arguments):
    from train.sampling.vllm_sampler import VllmSampler

    sampler = VllmSampler(tiny_qwen2, tokenizer, vllm_arguments, tolerance=1e-3)
    yield sampler
    sampler.close()


def test_weights_arrive_in_the_process_and_samples_repeat(sampler, tiny_qwen2, other, prompts):
    sampler.sync(tiny_qwen2, prompts)
    first = sampler.sample(prompts, SETTINGS, silent)
    sampler.sync(other, prompts)
    second = sampler.sample(prompts, SETTINGS, silent)
    sampler.sync(tiny_qwen2, prompts)
    assert sampler.sample(prompts, SETTINGS, silent) == first != second
    assert [len(samples) for samples in first] == [3, 3, 3]
    assert len({tuple(sample.ids) for sample in first[0]}) == 3


def test_a_reload_that_leaves_the_tied_head_stale_is_detected(sampler, other, prompts, monkeypatch):
    """vLLM's own reload_weights on CPUs; only the check notices it."""
    rpc = sampler.engine.collective_rpc
    monkeypatch.setattr(
        sampler.engine, "collective_rpc", lambda name, args: rpc("reload_weights", kwargs={"weights_path": args[0]})
    )
    with pytest.raises(SyncError, match="differ by"):
        sampler.sync(other, prompts)


def test_weights_arrive_over_http(vllm_server, tiny_qwen2, other, tokenizer, prompts):
    runtime = RuntimeParams(servers={"policy": [vllm_server.url]}, sync_tolerance=1e-3)
    remote = HttpSampler(tokenizer, runtime)
    try:
        remote.sync(other, prompts)
        samples = remote.sample(prompts, SETTINGS, silent)
        assert [len(of_prompt) for of_prompt in samples] == [3, 3, 3]
        assert remote.sample(prompts, SETTINGS, silent) == samples
    finally:
        remote.sync(tiny_qwen2, prompts)
    assert remote.sample(prompts, SETTINGS, silent) != samples


def test_servers_are_named_and_reached_or_the_error_says_how(tokenizer):
    with pytest.raises(ParamsError, match="runtime.servers.policy"):
        HttpSampler(tokenizer, RuntimeParams())
    with pytest.raises(SyncError, match="worker-extension-cls train.sampling.weights.WeightSync"):
        HttpSampler(tokenizer, RuntimeParams(servers={"policy": ["http://127.0.0.1:9/v1"]}, timeout_s=2, retries=0))


def test_pooled_rewards_are_raw_and_those_of_transformers(tiny_qwen2, tokenizer, prompts, vllm_arguments, tmp_path):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_qwen2, num_labels=1, dtype=torch.float32)
    model.config.pad_token_id = tokenizer.pad_token_id
    model.score.weight.data *= 20  # far from the middle, where a sigmoid would be flat
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    expected = TransformersScorer(Model(tmp_path), tokenizer.pad_token_id).score(prompts)
    rewards = VllmScorer(tmp_path, vllm_arguments).score(prompts)
    assert rewards == pytest.approx(expected, abs=1e-3)
    assert max(map(abs, expected)) > 1


def test_the_check_compares_means():
    expected = [[-1.0, -2.0], [-3.0]]
    check_logprobs("x", [[-1.001, -2.0], [-3.0]], expected, 1e-3)
    with pytest.raises(SyncError):
        check_logprobs("x", [[-1.5, -2.0], [-3.0]], expected, 1e-3)
    with pytest.raises(SyncError):
        check_logprobs("x", [[float("nan"), -2.0], [-3.0]], expected, 1e-3)
