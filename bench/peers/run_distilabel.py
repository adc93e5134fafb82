"""distilabel: a pipeline of one TextGeneration step over an OpenAI-compatible server, with its cache (use_cache=True)."""

import argparse
import json
from pathlib import Path

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()


def main() -> None:
    rows = [json.loads(line) for line in Path(options.input).read_text().splitlines()]
    data = [{"id": row["id"], "instruction": row["prompt"], "system_prompt": options.system} for row in rows]
    with Pipeline(name="bench", cache_dir=options.state) as pipeline:
        load = LoadDataFromDicts(name="load", data=data, batch_size=options.concurrency)
        sampling = {"max_new_tokens": 1024, "temperature": 0.7}
        model = OpenAILLM(base_url=options.url, api_key="none", model=options.model, generation_kwargs=sampling)
        ask = TextGeneration(name="ask", llm=model, input_batch_size=options.concurrency)
        load >> ask
    results = pipeline.run(use_cache=True)["default"]["train"]
    with Path(options.output).open("w") as file:
        for row in results:
            file.write(json.dumps({"id": row["id"], "answer": row["generation"]}) + "\n")


if __name__ == "__main__":
    main()
