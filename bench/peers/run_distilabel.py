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
chosen = parser.parse_args()


def main() -> None:
    rows = [json.loads(line) for line in Path(chosen.input).read_text().splitlines()]
    data = [{"id": row["id"], "instruction": row["prompt"], "system_prompt": chosen.system} for row in rows]
    with Pipeline(name="bench", cache_dir=chosen.state) as pipeline:
        load = LoadDataFromDicts(name="load", data=data, batch_size=chosen.concurrency)
        model = OpenAILLM(base_url=chosen.url, api_key="none", model=chosen.model,
                          generation_kwargs={"max_new_tokens": 1024, "temperature": 0.7})  # fmt: skip
        ask = TextGeneration(name="ask", llm=model, input_batch_size=chosen.concurrency)
        load >> ask
    made = pipeline.run(use_cache=True)["default"]["train"]
    with Path(chosen.output).open("w") as file:
        for row in made:
            file.write(json.dumps({"id": row["id"], "answer": row["generation"]}) + "\n")


if __name__ == "__main__":
    main()
