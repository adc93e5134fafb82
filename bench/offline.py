"""The vllm engine beside plain `LLM.chat` calls of offline vLLM, on the same requests: tokens per second.

    python -m bench.offline [--requests 500] [--turns 12]

Each has a process of its own with the tiny Qwen2 model of the tests, loaded and warm. They answer in turns, one waiting
while the other works, and who goes first alternates: a machine that grows slower does so for both. Every turn has
prompts that neither has answered before. The engine also renders, keys, stores and reads its answers. Ends with one
line of JSON:

    vllm_share     tokens/s of the engine over those of the plain calls, over all turns
    vllm_shares    the same of each turn
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cultivar.llm.request import MessageDict

ROOT = Path(__file__).parents[1]
ENGINES = ("plain", "engine")
ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}",
}
TOKENS = 64  # generated per request, at most
WARMUP = 64  # requests before the first turn
Generate = Callable[[int, int], int]  # number of the first request, count of requests -> tokens generated


def messages(start: int, count: int) -> list[list["MessageDict"]]:
    """One conversation per request, numbered from `start`."""
    text = "Write {n} sentences about a river, a boat and two friends who cross it in the rain."
    return [[{"role": "user", "content": text.format(n=number)}] for number in range(start, start + count)]


def open_plain(model: str, _: ExitStack) -> Generate:
    """One call of LLM.chat a turn."""
    from vllm import LLM, SamplingParams
    from vllm_fixtures import ENGINE_ARGS

    llm = LLM(model=model, enable_chunked_prefill=False, disable_log_stats=True, **ENGINE_ARGS)

    def generate(start: int, count: int) -> int:
        sampling = [SamplingParams(temperature=1.0, max_tokens=TOKENS, seed=start + index) for index in range(count)]
        outputs = llm.chat(messages(start, count), sampling, use_tqdm=False)  # type: ignore[arg-type]
        return sum(len(output.outputs[0].token_ids) for output in outputs)

    return generate


def open_cultivar(model: str, stack: ExitStack) -> Generate:
    """One call of Engine.ask a turn."""
    from vllm_fixtures import ENGINE_ARGS

    from cultivar.llm.engine import open_engine
    from cultivar.llm.request import Question
    from cultivar.store.store import Store
    from schemas.params.engines import RoleParams, RuntimeParams

    spec = RoleParams(engine="vllm", model=model, temperature=1.0, max_tokens=TOKENS, vllm=ENGINE_ARGS)
    store = Store(stack.enter_context(tempfile.TemporaryDirectory()))
    opened = stack.enter_context(open_engine("m", spec, RuntimeParams(), store))

    def generate(start: int, count: int) -> int:
        questions = [Question(prompt, seed=start + index) for index, prompt in enumerate(messages(start, count))]
        return sum(answer.completion_tokens for [answer] in opened.ask(questions))

    return generate


def serve(name: str, model: str) -> None:
    """Answer `START COUNT` lines with tokens and seconds, until the lines end."""
    with ExitStack() as stack:
        generate = {"plain": open_plain, "engine": open_cultivar}[name](model, stack)
        for line in sys.stdin:
            start, count = map(int, line.split())
            began = time.perf_counter()
            tokens = generate(start, count)
            print(f"did {tokens} {time.perf_counter() - began}", flush=True)


class Side:
    """One of ENGINES, in a process of its own."""

    def __init__(self, name: str, model: str, log: Path) -> None:
        command = [sys.executable, "-m", "bench.offline", "--engine", name, "--model", model]
        self.name, self.log, self.tokens, self.seconds = name, log, 0, 0.0
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("wb"),
            text=True,
        )

    def generate(self, start: int, count: int) -> float:
        """Tokens per second of one turn. Raises RuntimeError with the end of the process's log where it exited."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{start} {count}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("did "):
                tokens, seconds = int(line.split()[1]), float(line.split()[2])
                self.tokens += tokens
                self.seconds += seconds
                return tokens / seconds
        raise RuntimeError(f"{self.name} exited: {self.log.read_text(errors='replace')[-2000:]}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def measure_vllm_share(count: int = 500, turns: int = 12) -> dict[str, object]:
    """The engine's share of the plain calls' tokens per second, over all turns and in each; empty without vLLM."""
    if importlib.util.find_spec("vllm") is None:
        print("vLLM is not installed: no vllm_share", file=sys.stderr)
        return {}
    sys.path.append(str(ROOT / "tests"))
    from vllm_fixtures import write_tiny_qwen2

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        model = str(write_tiny_qwen2(Path(folder) / "model"))
        sides = [Side(name, model, Path(folder) / name) for name in ENGINES]
        for side in sides:
            stack.callback(side.close)
            side.generate(10**6, WARMUP)
            side.tokens, side.seconds = 0, 0.0
        shares = []
        for turn in range(turns):
            rates = {side.name: side.generate(turn * count, count) for side in sides[:: 1 - turn % 2 * 2]}
            shares.append(round(rates["engine"] / rates["plain"], 3))
            print(
                f"turn {turn + 1}: " + ", ".join(f"{name} {rates[name]:,.0f} tokens/s" for name in ENGINES), flush=True
            )
        rate = {side.name: side.tokens / side.seconds for side in sides}
    return {"vllm_share": round(rate["engine"] / rate["plain"], 3), "vllm_shares": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description="the vllm engine beside offline vLLM")
    parser.add_argument("--requests", type=int, default=500, help="requests of a turn")
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--engine", choices=ENGINES, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.engine is not None:
        serve(options.engine, options.model)
    else:
        print(json.dumps(measure_vllm_share(options.requests, options.turns)))


if __name__ == "__main__":
    main()
