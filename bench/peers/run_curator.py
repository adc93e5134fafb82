"""bespokelabs-curator: an LLM block over an OpenAI-compatible server, with its cache of complete runs and of requests.

The system prompt stands in `prompt()`, which is part of the cache's key; by its own argument `system_prompt` (measured)
every row stays stale when it changes. Before it asks, curator probes for rate limits with a request of its own: the
backend "openai" on each start, "litellm" only where requests remain, so a rebuild of nothing is right by
"litellm" alone (on 300 rows 4 scenarios instead of 3). "openai" takes less CPU (on 1,000 rows 5.3 s instead of 7.9 s).
BENCH_CURATOR_BACKEND chooses; "openai" counts tokens with tiktoken, whose file LiteLLM ships, so no network is needed.
"""

import argparse
import json
import os
from importlib.util import find_spec
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()
litellm = find_spec("litellm")
assert litellm is not None and litellm.origin is not None
tokenizers = Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers"
os.environ.update(
    CURATOR_CACHE_DIR=options.state,
    TELEMETRY_ENABLED="false",
    CURATOR_VIEWER="0",
    OPENAI_API_KEY="none",
    CURATOR_DISABLE_RICH_DISPLAY="1",
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    TIKTOKEN_CACHE_DIR=str(tokenizers),
)
system = options.system

from bespokelabs import curator  # noqa: E402
from datasets import Dataset  # noqa: E402


class Ask(curator.LLM):
    """One prompt, one answer."""

    def prompt(self, row: dict) -> list[dict]:
        return [{"role": "system", "content": system}, {"role": "user", "content": row["prompt"]}]

    def parse(self, row: dict, response: str) -> dict:
        return {"id": row["id"], "answer": response}


rows = [json.loads(line) for line in Path(options.input).read_text().splitlines()]
backend = os.environ.get("BENCH_CURATOR_BACKEND", "litellm")
name = "hosted_vllm/" + options.model if backend == "litellm" else options.model
backend_params = {
    "base_url": options.url,
    "max_requests_per_minute": 10**7,
    "max_tokens_per_minute": 10**10,
    "max_concurrent_requests": options.concurrency,
}
response = Ask(model_name=name, backend=backend, backend_params=backend_params)(Dataset.from_list(rows))
with Path(options.output).open("w") as file:
    for row in getattr(response, "dataset", response):
        file.write(json.dumps({"id": row["id"], "answer": row["answer"]}) + "\n")
