"""Cultivar: the http engine over its store."""

import argparse
import json
from pathlib import Path

from cultivar.llm.engine import open_engine
from cultivar.llm.request import MessageDict, Question
from cultivar.store.store import Store
from schemas.params.engines import RoleParams, RuntimeParams

parser = argparse.ArgumentParser()
for name in ("input", "output", "url", "model", "system", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--concurrency", type=int, default=100)
options = parser.parse_args()

rows = [json.loads(line) for line in Path(options.input).read_text().splitlines()]
runtime = RuntimeParams(servers={"m": [options.url]}, concurrency=options.concurrency)
spec = RoleParams(engine="http", model=options.model)
with Store(options.state) as store, open_engine("m", spec, runtime, store) as engine:
    system: MessageDict = {"role": "system", "content": options.system}
    questions = [Question([system, {"role": "user", "content": row["prompt"]}]) for row in rows]
    answers = engine.ask(questions)
with Path(options.output).open("w") as file:
    for row, [answer] in zip(rows, answers, strict=True):
        file.write(json.dumps({"id": row["id"], "answer": answer.text}) + "\n")
