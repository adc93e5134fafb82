"""sdg_hub: a flow that builds a prompt, asks an OpenAI-compatible server and takes the text, with its checkpoints.

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

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
chosen = parser.parse_args()
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # LiteLLM would fetch its price list

import pandas  # noqa: E402
import yaml  # noqa: E402
from sdg_hub import Flow  # noqa: E402

rows = [json.loads(line) for line in Path(chosen.input).read_text().splitlines()]
data = pandas.DataFrame([{"id": "row " + row["id"], "prompt": row["prompt"]} for row in rows])
turns = [{"role": "system", "content": chosen.system}, {"role": "user", "content": "{{ prompt }}"}]
version = hashlib.sha256(json.dumps([chosen.model, chosen.system]).encode()).hexdigest()[:12]
steps = [
    ("PromptBuilderBlock", {"input_cols": ["prompt"], "output_cols": "messages", "prompt_config_path": "prompt.yaml"}),
    ("LLMChatBlock", {"input_cols": "messages", "output_cols": "said", "async_mode": True, "max_tokens": 1024, "temperature": 0.7}),
    ("LLMResponseExtractorBlock", {"input_cols": "said", "extract_content": True, "field_prefix": "answer_"}),
]  # fmt: skip
blocks = [
    {"block_type": kind, "block_config": {"block_name": f"step_{at}", **config}}
    for at, (kind, config) in enumerate(steps)
]
folder = Path(chosen.state)
(folder / "prompt.yaml").write_text(yaml.safe_dump(turns))
(folder / "flow.yaml").write_text(yaml.safe_dump({"metadata": {"name": "bench"}, "blocks": blocks}))
flow = Flow.from_yaml(str(folder / "flow.yaml"))
flow.set_model_config(model=f"openai/{chosen.model}", api_base=chosen.url, api_key="none")
made = flow.generate(data, checkpoint_dir=str(folder / version), max_concurrency=chosen.concurrency,
                     save_freq=int(os.environ.get("BENCH_SDG_HUB_SAVE", "100")))  # fmt: skip
with Path(chosen.output).open("w") as file:
    for row in made.to_dict("records"):
        file.write(json.dumps({"id": row["id"].removeprefix("row "), "answer": row["answer_content"]}) + "\n")
