"""The one reading of text at half a million rows, and decontamination with it.

    python -m bench.text [--rows 500000] [--data ../shared/data] [--peer PYTHON] [--peer-rows 5000]

Rows: sentences of GSM8K's training questions and of Article 1 of the Declaration of Human Rights in fifteen languages,
drawn by row number, half English and half of the others. Tokens per CPU second of cultivar.text beside Python's `\\S+` on
the same rows and the word tokenizer of datatrove on the first `--peer-rows` of them (`--peer` names the interpreter of its
environment, bench/README.md). Decontamination against GSM8K test, MBPP and the prompts of IFEval, at all rows and a
quarter of them, with all items and a quarter of them, and of rows and items that share one template. Ends with one line
of JSON:

    tokens_per_s             of cultivar.text, per CPU second
    decontaminate_500k_cpu_s scaled to 500,000 rows where --rows is another number
    growth_rows              CPU of all rows over that of a quarter of them; 4 is linear
    growth_items             CPU with all items over that with a quarter of them; 4 is linear
    growth_template          CPU of 4,000 rows x 1,600 items of one template over that of 1,000 x 400; 4 is linear in rows
"""

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `python bench/text.py` puts bench/ on the path, not the folder that holds it

from cultivar.text.tokens import tokenize  # noqa: E402
from stages.curation.decontamination import Items, OverlapRule, overlaps  # noqa: E402
from tests.text.translations import ARTICLE_1  # noqa: E402

RULE = OverlapRule(13, 13, 0.6, 8, 5, least_ngram=5, solution_tokens=13, nearest=16)
TEMPLATE = (
    "In the year {0} the people of the town of A{0} built {1} houses and a bridge over the river. Each house has {2} windows "
    "and each window has four panes of glass. How many panes of glass does the town of A{0} have in all its houses?"
)


def read_lines(path: Path) -> list[dict]:
    with path.open("rb") as file:
        return [json.loads(line) for line in file]


def make_rows(data: Path, count: int) -> pl.Series:
    """Texts of about a hundred tokens, every one its own."""
    questions = [row["question"] for row in read_lines(data / "gsm8k/train.jsonl")]
    english = [sentence for text in questions for sentence in re.split(r"(?<=[.?]) ", text)]
    others = list(ARTICLE_1.values())
    rng = random.Random(5)
    rows = []
    for number in range(count):
        source, size = (english, 6) if number % 2 else (others, 2)
        rows.append(" ".join([*rng.choices(source, k=size), f"({number})"]))
    return pl.Series(rows)


def read_items(data: Path) -> tuple[list[str], list[str | None]]:
    """(prompts, solutions) of the evaluation sets."""
    gsm8k = [(row["question"], row["answer"]) for row in read_lines(data / "gsm8k/test.jsonl")]
    mbpp = [(row["text"], row["code"]) for row in read_lines(data / "mbpp/mbpp.jsonl")]
    ifeval = [(row["prompt"], None) for row in read_lines(data / "ifeval/input_data.jsonl")]
    prompts, solutions = zip(*gsm8k, *mbpp, *ifeval, strict=True)
    return list(prompts), list(solutions)


def cpu_of(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def tokens_per_second(count_tokens: Callable[[], int]) -> float:
    start = time.process_time()
    tokens = count_tokens()
    return tokens / (time.process_time() - start)


def decontaminate(rows: pl.Series, prompts: list[str], solutions: list[str | None]) -> int:
    items = Items(pl.Series(prompts), pl.Series(solutions, dtype=pl.String), RULE)
    return sum(hit.removed for hit in overlaps(rows, items))


def template_cpu(rows: int, items: int) -> float:
    """CPU of rows and items that share one template and differ in the rest."""
    texts = [TEMPLATE.format(number, number * 7 % 901, number % 13) for number in range(rows + items)]
    return cpu_of(lambda: decontaminate(pl.Series(texts[items:]), texts[:items], [None] * items))


def peer_tokens(python: str, rows: list[str]) -> float:
    script = Path(__file__).parent / "peers/tokenize_datatrove.py"
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
        file.flush()
        result = subprocess.run([python, str(script), file.name], capture_output=True, text=True, check=True)
    measured = json.loads(result.stdout.splitlines()[-1])
    return measured["tokens"] / measured["cpu_s"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of gsm8k/, mbpp/ and ifeval/")
    parser.add_argument(
        "--peer", default="bench/.envs/datatrove/bin/python", help="interpreter with datatrove and spacy"
    )
    parser.add_argument("--peer-rows", type=int, default=5000)
    options = parser.parse_args()
    rows = make_rows(options.data, options.rows)
    texts = rows.to_list()
    own = tokens_per_second(lambda: int(tokenize(rows).list.len().sum()))
    runs = re.compile(r"\S+")
    spaces = tokens_per_second(lambda: sum(len(runs.findall(text)) for text in texts))
    print(f"cultivar.text      {own / 1e6:6.2f} million tokens per CPU second")
    print(f"Python's \\S+       {spaces / 1e6:6.2f}   (ratio {own / spaces:.2f})")
    peer = None
    if Path(options.peer).exists():
        peer = peer_tokens(options.peer, texts[: options.peer_rows])
        print(f"datatrove (spaCy)  {peer / 1e6:6.2f}   (ratio {own / peer:.0f})")
    else:
        print(f"datatrove: no interpreter {options.peer}; left out")
    prompts, solutions = read_items(options.data)
    all_cpu = cpu_of(lambda: decontaminate(rows, prompts, solutions))
    part_rows = cpu_of(lambda: decontaminate(rows.head(options.rows // 4), prompts, solutions))
    part_items = cpu_of(lambda: decontaminate(rows, prompts[::4], solutions[::4]))
    print(f"decontamination    {all_cpu:6.1f} CPU s: {options.rows} rows, {len(prompts)} items")
    print(f"  a quarter of the rows {part_rows:.1f}, of the items {part_items:.1f}")
    small, large = template_cpu(1000, 400), template_cpu(4000, 1600)
    print(f"  one template: 1,000 x 400 {small:.2f}, 4,000 x 1,600 {large:.2f}")
    result = {
        "tokens_per_s": round(own),
        "tokens_per_s_spaces": round(spaces),
        "tokens_per_s_datatrove": peer and round(peer),
        "decontaminate_500k_cpu_s": round(all_cpu * 500_000 / options.rows, 1),
        "growth_rows": round(all_cpu / part_rows, 2),
        "growth_items": round(all_cpu / part_items, 2),
        "growth_template": round(large / small, 2),
        "template_1000x400_cpu_s": round(small, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
