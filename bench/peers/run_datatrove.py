"""datatrove 0.10: InferenceRunner against an endpoint on localhost, with its local checkpoints and request cache.

Its checkpoints are for resuming one run: finished chunks are skipped by position. A finished task is skipped by its
`completions` marker, so every version of the input gets a folder of logs of its own. BENCH_DATATROVE_CHUNK sets
`records_per_chunk`.
"""

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()


async def ask(document: Document, generate):
    messages = [{"role": "system", "content": options.system}, {"role": "user", "content": document.text}]
    return await generate({"messages": messages, "model": options.model, "max_tokens": 1024, "temperature": 0.7})


state = Path(options.state)
output = state / "output"
identity = Path(options.input).read_bytes() + options.system.encode() + options.model.encode()
version = hashlib.sha256(identity).hexdigest()[:12]
folder = state / "input"
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
with (folder / "rows.jsonl").open("w") as file:
    for line in Path(options.input).read_text().splitlines():
        row = json.loads(line)
        file.write(json.dumps({"id": row["id"], "text": row["prompt"]}) + "\n")
config = InferenceConfig(
    server_type="endpoint",
    endpoint_url=options.url.removesuffix("/v1").replace("127.0.0.1", "localhost"),
    model_name_or_path=options.model,
    max_concurrent_generations=options.concurrency,
    max_concurrent_documents=options.concurrency,
    metric_interval=60,
)
runner = InferenceRunner(
    rollout_fn=ask,
    config=config,
    records_per_chunk=int(os.environ.get("BENCH_DATATROVE_CHUNK", "500")),
    checkpoints_local_dir=str(state / "checkpoints"),
    output_writer=JsonlWriter(str(output), output_filename="${rank}_chunk_${chunk_index}.jsonl", compression=None),
)
LocalPipelineExecutor(
    pipeline=[JsonlReader(str(folder)), runner], logging_dir=str(state / "logs" / version), tasks=1, workers=1
).run()
with Path(options.output).open("w") as file:
    for path in sorted(output.rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            rollout = row["metadata"]["rollout_results"][0]
            answer = rollout["text"] if isinstance(rollout, dict) else rollout
            file.write(json.dumps({"id": row["id"], "answer": answer}) + "\n")
