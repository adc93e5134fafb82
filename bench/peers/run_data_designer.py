"""data-designer: a seed dataset and one LLM column over an OpenAI-compatible server, resumed IF_POSSIBLE.

Its identity of a run is the configuration, of the seed the path alone: rows edited in the same file stay stale, and
fewer rows than before are refused. A path named for the content (measured) repeats every request after any change of
rows: on 300 rows 4 scenarios right instead of 6. Finished row groups are reused. Of `buffer_size` x
`max_concurrent_row_groups` 10 x 10, 33 x 3, 50 x 2, 100 x 3 and 1000 x 3 (its defaults) on 1,000 rows, 33 x 3 took the
least CPU; after a kill 100 x 3 repeated 104 requests and 1000 x 3 all 500. BENCH_DATA_DESIGNER_BUFFER and _GROUPS set
them. Its column statistics want a file of tiktoken's from the network; without one it warns and goes on.
"""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()
os.environ.update(NEMO_TELEMETRY_ENABLED="false")

import data_designer.config as dd  # noqa: E402
import pandas  # noqa: E402
from data_designer.interface import DataDesigner  # noqa: E402

rows = [json.loads(line) for line in Path(options.input).read_text().splitlines()]
inference = dd.ChatCompletionInferenceParams(
    max_parallel_requests=options.concurrency, max_tokens=1024, temperature=0.7
)
model = dd.ModelConfig(
    alias="m", model=options.model, provider="server", skip_health_check=True, inference_parameters=inference
)
seed_file = str(Path(options.state) / "seed.parquet")
recipe = dd.DataDesignerConfigBuilder(model_configs=[model])
recipe.with_seed_dataset(dd.LocalFileSeedSource.from_dataframe(pandas.DataFrame(rows), seed_file))
recipe.add_column(
    dd.LLMTextColumnConfig(name="answer", model_alias="m", prompt="{{ prompt }}", system_prompt=options.system)
)
server = dd.ModelProvider(name="server", endpoint=options.url, api_key="none")
designer = DataDesigner(artifact_path=Path(options.state) / "artifacts", model_providers=[server])
run_config = dd.RunConfig(
    buffer_size=int(os.environ.get("BENCH_DATA_DESIGNER_BUFFER", "33")),
    max_concurrent_row_groups=int(os.environ.get("BENCH_DATA_DESIGNER_GROUPS", "3")),
    otel_metrics_port=None,
)
designer.set_run_config(run_config)
results = designer.create(recipe, num_records=len(rows), dataset_name="bench", resume=dd.ResumeMode.IF_POSSIBLE)
with Path(options.output).open("w") as file:
    for row in results.load_dataset().to_dict("records"):
        file.write(json.dumps({"id": row["id"], "answer": row["answer"]}) + "\n")
