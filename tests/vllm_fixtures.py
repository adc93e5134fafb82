"""Fixtures with a real vLLM on a tiny, randomly initialised Qwen2 model: one server for all tests that want one.

A test module takes them with `pytest_plugins = ["vllm_fixtures"]`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CORPUS = [
    "The answer is 42, because six times seven is forty-two.",
    "Write a short story about a river, a boat and two friends.",
    '{"tags": [{"tag": "arithmetic", "explanation": "a word problem"}], "score": 3, "reason": "clear"}',
    "def add(a, b):\n    return a + b\n",
]
ENGINE_ARGS = {
    "dtype": "float32",
    "max_model_len": 2048,
    "max_num_seqs": 64,
    "enforce_eager": True,
    "kv_cache_memory_bytes": 128 * 2**20,
}


def write_tiny_qwen2(folder: Path, seed: int = 0) -> Path:
    """A Qwen2 model of about a million parameters with its own byte-level tokenizer and chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = CHAT
    fast.save_pretrained(folder)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=len(fast),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,  # head_dim 32: vLLM's CPU attention wants a multiple of 32
        num_key_value_heads=1,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        eos_token_id=fast.eos_token_id,
        pad_token_id=fast.pad_token_id,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_qwen2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny model."""
    pytest.importorskip("vllm", reason="vLLM is not installed in this environment")
    return write_tiny_qwen2(tmp_path_factory.mktemp("tiny_qwen2"))


@pytest.fixture(scope="session")
def vllm_arguments() -> dict[str, Any]:
    """Engine arguments (`vllm` of a role) for the tiny model in this process."""
    return dict(ENGINE_ARGS)


@dataclass(frozen=True)
class VllmServer:
    """A running server: base URL (with /v1) and the name of its model."""

    url: str
    model: str


@pytest.fixture(scope="session")
def vllm_server(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """A real vLLM server with the tiny model on loopback."""
    held = socket.socket()  # bound until the server is up, so that nobody else is given its port; it does not listen
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    port = held.getsockname()[1]
    log = tmp_path_factory.mktemp("vllm_server") / "log"
    command = [
        *(sys.executable, "-m", "vllm.entrypoints.openai.api_server"),  # the `vllm` command is broken in the CPU wheel
        *("--model", str(tiny_qwen2), "--served-model-name", "tiny-qwen2"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "float32", "--max-model-len", "2048", "--max-num-seqs", "64", "--enforce-eager"),
        *("--kv-cache-memory-bytes", str(ENGINE_ARGS["kv_cache_memory_bytes"])),
        "--no-enable-chunked-prefill",  # seeds of requests and chunked prefill kill the engine on CPU
        *("--worker-extension-cls", "train.sampling.weights.WeightSync"),
        *("--structured-outputs-config", '{"backend": "guidance", "disable_any_whitespace": true}'),
    ]
    quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    quiet |= {"VLLM_SERVER_DEV_MODE": "1", "PYTHONPATH": str(Path(__file__).parents[1])}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env=os.environ | quiet, start_new_session=True
        )
    try:
        with held:
            wait_until_healthy(f"http://127.0.0.1:{port}/health", process, log)
        yield VllmServer(url=f"http://127.0.0.1:{port}/v1", model="tiny-qwen2")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path, seconds: float = 300) -> None:
    """Until the server answers; fails with the end of its log where it dies or takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"vLLM server did not start:\n{log.read_text(errors='replace')[-3000:]}")
