"""The vllm engine beside plain `LLM.chat` calls of offline vLLM, on the same requests: tokens per second.

    python -m bench.offline [--requests 500] [--turns 12]

Each has a process of its own with the tiny Qwen2 model of the tests, loaded and warm. They answer in turns, one waiting
while the other works, and who goes first alternates: a machine that grows slower does so for both. Every turn brings
prompts that neither has seen. The engine also renders, keys, stores and reads its answers. Ends with one line of JSON:
vllm_share, all tokens over all seconds of the one in those of the other, and the share of each turn.
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

ROOT = Path(__file__).parents[1]
HOW = ("plain", "engine")
TOKENS = 64
WARM = 64
Ask = Callable[[int, int], int]  # the first request's number and how many -> tokens generated


def messages(start: int, count: int) -> list[list[dict[str, str]]]:
    text = "Write {n} sentences about a river, a boat and two friends who cross it in the rain."
    return [[{"role": "user", "content": text.format(n=number)}] for number in range(start, start + count)]


def plain(model: str, _: ExitStack) -> Ask:
    """One call of LLM.chat a turn."""
    from vllm import LLM, SamplingParams
    from vllm_fixtures import ENGINE_ARGS

    llm = LLM(model=model, enable_chunked_prefill=False, disable_log_stats=True, **ENGINE_ARGS)

    def ask(start: int, count: int) -> int:
        sampling = [SamplingParams(temperature=1.0, max_tokens=TOKENS, seed=start + at) for at in range(count)]
        said = llm.chat(messages(start, count), sampling, use_tqdm=False)  # type: ignore[arg-type]
        return sum(len(one.outputs[0].token_ids) for one in said)

    return ask


def engine(model: str, open_things: ExitStack) -> Ask:
    """One call of Engine.ask a turn."""
    from vllm_fixtures import ENGINE_ARGS

    from cultivar.llm.engine import open_engine
    from cultivar.llm.request import Question
    from cultivar.store.store import Store
    from schemas.params.engines import RoleParams, RuntimeParams

    spec = RoleParams(engine="vllm", model=model, temperature=1.0, max_tokens=TOKENS, vllm=ENGINE_ARGS)
    store = Store(open_things.enter_context(tempfile.TemporaryDirectory()))
    opened = open_things.enter_context(open_engine("m", spec, RuntimeParams(), store))

    def ask(start: int, count: int) -> int:
        asked = [Question(said, seed=start + at) for at, said in enumerate(messages(start, count))]  # type: ignore[arg-type]
        return sum(answer.completion_tokens for [answer] in opened.ask(asked))

    return ask


def serve(how: str, model: str) -> None:
    """Answer `START COUNT` lines with tokens and seconds, until the lines end."""
    with ExitStack() as open_things:
        ask = {"plain": plain, "engine": engine}[how](model, open_things)
        for line in sys.stdin:
            start, count = map(int, line.split())
            began = time.perf_counter()
            tokens = ask(start, count)
            print(f"did {tokens} {time.perf_counter() - began}", flush=True)


class Side:
    """One of the two, in its process."""

    def __init__(self, how: str, model: str, log: Path) -> None:
        quiet = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "VLLM_LOGGING_LEVEL": "ERROR",
                 "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}  # fmt: skip
        command = [sys.executable, "-m", "bench.offline", "--how", how, "--model", model]
        self.how, self.log, self.tokens, self.seconds = how, log, 0, 0.0
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | quiet, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=log.open("wb"), text=True,
        )  # fmt: skip

    def ask(self, start: int, count: int) -> float:
        """Tokens per second of one turn. Raises RuntimeError with the process's last words where it ended."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{start} {count}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("did "):
                tokens, seconds = int(line.split()[1]), float(line.split()[2])
                self.tokens += tokens
                self.seconds += seconds
                return tokens / seconds
        raise RuntimeError(f"{self.how} ended: {self.log.read_text(errors='replace')[-2000:]}")

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def vllm_share(count: int = 500, turns: int = 12) -> dict[str, object]:
    """The engine's share of the plain calls' tokens per second, over all turns and in each; nothing without vLLM."""
    if importlib.util.find_spec("vllm") is None:
        print("vLLM is not installed: no vllm_share", file=sys.stderr)
        return {}
    sys.path.append(str(ROOT / "tests"))
    from vllm_fixtures import write_tiny_qwen2

    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_things:
        model = str(write_tiny_qwen2(Path(folder) / "model"))
        sides = [Side(how, model, Path(folder) / how) for how in HOW]
        for side in sides:
            open_things.callback(side.close)
            side.ask(10**6, WARM)
            side.tokens, side.seconds = 0, 0.0
        shares = []
        for turn in range(turns):
            rates = {side.how: side.ask(turn * count, count) for side in sides[:: 1 - turn % 2 * 2]}
            shares.append(round(rates["engine"] / rates["plain"], 3))
            print(f"turn {turn + 1}: " + ", ".join(f"{how} {rates[how]:,.0f} tokens/s" for how in HOW), flush=True)
        rate = {side.how: side.tokens / side.seconds for side in sides}
    return {"vllm_share": round(rate["engine"] / rate["plain"], 3), "vllm_shares": shares}


def main() -> None:
    parser = argparse.ArgumentParser(description="the vllm engine beside offline vLLM")
    parser.add_argument("--requests", type=int, default=500, help="of a turn")
    parser.add_argument("--turns", type=int, default=12)
    parser.add_argument("--how", choices=HOW, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.how is not None:
        serve(chosen.how, chosen.model)
    else:
        print(json.dumps(vllm_share(chosen.requests, chosen.turns)))


if __name__ == "__main__":
    main()
