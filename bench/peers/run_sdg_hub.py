"""sdg_hub: a flow that builds a prompt, calls an OpenAI-compatible server and extracts the text, with its checkpoints.

Its checkpoints know rows by their input columns, but neither prompt file nor model: with one `checkpoint_dir` for all
(measured) both changes leave every row stale, on 300 rows 4 scenarios right instead of 6. So each model and system
prompt gets a folder of its own here. Ids are text that pandas does not read back as numbers. Of `save_freq` 50, 100 and
500 on 1,000 rows, 500 was fastest but repeated all 500 requests after a kill; 100 is the fastest that repeats at most
those in flight. BENCH_SDG_HUB_SAVE sets it.
"""

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # LiteLLM would fetch its price list

import pandas  # noqa: E402
import yaml  # noqa: E402
from sdg_hub import Flow  # noqa: E402

rows = [json.loads(line) for line in Path(options.input).read_text().splitlines()]
data = pandas.DataFrame([{"id": "row " + row["id"], "prompt": row["prompt"]} for row in rows])
turns = [{"role": "system", "content": options.system}, {"role": "user", "content": "{{ prompt }}"}]
version = hashlib.sha256(json.dumps([options.model, options.system]).encode()).hexdigest()[:12]
build = {"input_cols": ["prompt"], "output_cols": "messages", "prompt_config_path": "prompt.yaml"}
chat = {"input_cols": "messages", "output_cols": "response", "async_mode": True, "max_tokens": 1024, "temperature": 0.7}
extract = {"input_cols": "response", "extract_content": True, "field_prefix": "answer_"}
steps: list[tuple[str, dict[str, Any]]] = [
    ("PromptBuilderBlock", build),
    ("LLMChatBlock", chat),
    ("LLMResponseExtractorBlock", extract),
]
blocks = [
    {"block_type": kind, "block_config": {"block_name": f"step_{index}", **config}}
    for index, (kind, config) in enumerate(steps)
]
folder = Path(options.state)
(folder / "prompt.yaml").write_text(yaml.safe_dump(turns))
(folder / "flow.yaml").write_text(yaml.safe_dump({"metadata": {"name": "bench"}, "blocks": blocks}))
flow = Flow.from_yaml(str(folder / "flow.yaml"))
flow.set_model_config(model=f"openai/{options.model}", api_base=options.url, api_key="none")
results = flow.generate(
    data,
    checkpoint_dir=str(folder / version),
    max_concurrency=options.concurrency,
    save_freq=int(os.environ.get("BENCH_SDG_HUB_SAVE", "100")),
)
with Path(options.output).open("w") as file:
    for row in results.to_dict("records"):
        file.write(json.dumps({"id": row["id"].removeprefix("row "), "answer": row["answer_content"]}) + "\n")
