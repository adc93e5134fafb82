"""The vllm engine beside one plain `LLM.chat` call of offline vLLM, on the same requests: tokens per second.

    python -m bench.offline [--requests 400]

Each runs in a process of its own on the tiny Qwen2 model of the tests, after a warm-up, in turns; the best of each counts.
The engine also renders, keys, stores and reads its answers. Ends with one line of JSON: vllm_share, and both rates.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TOKENS = 64


def messages(count: int, start: int = 0) -> list[list[dict[str, str]]]:
    text = "Write {n} sentences about a river, a boat and two friends who cross it in the rain."
    return [[{"role": "user", "content": text.format(n=number)}] for number in range(start, start + count)]


def plain(model: str, count: int) -> float:
    """Tokens per second of LLM.chat."""
    from vllm import LLM, SamplingParams
    from vllm_fixtures import ENGINE_ARGS

    llm = LLM(model=model, enable_chunked_prefill=False, disable_log_stats=True, **ENGINE_ARGS)

    def chat(start: int, number: int) -> int:
        sampling = [SamplingParams(temperature=1.0, max_tokens=TOKENS, seed=start + at) for at in range(number)]
        said = llm.chat(messages(number, start), sampling, use_tqdm=False)  # type: ignore[arg-type]
        return sum(len(one.outputs[0].token_ids) for one in said)

    chat(10**6, 32)
    started = time.perf_counter()
    return chat(0, count) / (time.perf_counter() - started)


def engine(model: str, count: int) -> float:
    """Tokens per second of the vllm engine."""
    from vllm_fixtures import ENGINE_ARGS

    from llm.engine import open_engine
    from llm.request import Question
    from llm.store import Store
    from schemas.params.engines import RoleParams, RuntimeParams

    spec = RoleParams(engine="vllm", model=model, temperature=1.0, max_tokens=TOKENS)
    runtime = RuntimeParams(vllm={**ENGINE_ARGS, "disable_log_stats": True})
    with tempfile.TemporaryDirectory() as folder, open_engine("m", spec, runtime, Store(folder)) as opened:

        def ask(start: int, number: int) -> int:
            asked = [Question(said, seed=start + at) for at, said in enumerate(messages(number, start))]  # type: ignore[arg-type]
            return sum(answer.completion_tokens for [answer] in opened.ask(asked))

        ask(10**6, 32)
        started = time.perf_counter()
        return ask(0, count) / (time.perf_counter() - started)


def vllm_share(count: int = 400, turns: int = 2) -> float | None:
    """The engine's share of the plain call's tokens per second; None where vLLM is not installed."""
    rates: dict[str, list[float]] = {"plain": [], "engine": []}
    with tempfile.TemporaryDirectory() as model:
        quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR",
                 "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}  # fmt: skip
        for _ in range(turns):
            for how, found in rates.items():
                command = [
                    sys.executable,
                    "-m",
                    "bench.offline",
                    "--how",
                    how,
                    "--model",
                    model,
                    "--requests",
                    str(count),
                ]
                done = subprocess.run(command, cwd=ROOT, env=os.environ | quiet, capture_output=True, text=True)
                if "no module named 'vllm" in done.stderr.lower():
                    print("vLLM is not installed: no vllm_share", file=sys.stderr)
                    return None
                if done.returncode:
                    raise RuntimeError(done.stderr[-2000:])
                found.append(float(done.stdout.splitlines()[-1]))
                print(f"{how}: {found[-1]:,.0f} tokens/s", flush=True)
    return round(max(rates["engine"]) / max(rates["plain"]), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description="the vllm engine beside offline vLLM")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--how", choices=("plain", "engine"), help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.how is None:
        print(json.dumps({"vllm_share": vllm_share(chosen.requests)}))
        return
    from vllm_fixtures import write_tiny_qwen2

    if not (Path(chosen.model) / "config.json").exists():
        write_tiny_qwen2(Path(chosen.model))
    print((plain if chosen.how == "plain" else engine)(chosen.model, chosen.requests))


if __name__ == "__main__":
    main()
