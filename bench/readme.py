"""README's pictures and tables: what the demo's training comes to over seeds, with the machine and revision that made them.

    python -m bench.readme [--seeds 0 1 2] [--folder KEEP] [--older KEEP] [--only-picture]

Draws reports/graph.svg (bench/graph_picture.py). Clones the project into `--folder` (default .cache/readme), trains there
with every seed and optimizer (`dvc repro seeds`: some twenty minutes a seed on two cores; a folder that was begun goes on
where it was), and once more in `--older` with seed 0 and an older processor's vector instructions. Then the text between
the marks `<!-- figures -->` of README.md is written anew. Ends with one line of JSON: the sampled figures of every model.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.graph_picture import main as draw_graph  # noqa: E402

START, END = "<!-- figures -->", "<!-- end of figures -->"
OLDER = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
MODELS = {
    "base": "base",
    "sft": "SFT",
    "dpo": "offline DPO",
    "online_dpo_adamw": "online DPO, AdamW",
    "online_dpo_ondare": "online DPO, OnDARE",
    "online_dpo_onties": "online DPO, OnTIES",
}
FIGURES = ("math_greedy", "math_sampled", "constraints_greedy", "constraints_sampled")


def build(folder: Path, seeds: list[int], environment: dict[str, str]) -> None:
    """Train in a clone of the project, or go on in one. Raises CalledProcessError."""
    if not (folder / "dvc.yaml").exists():
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    if list(params["seeds"]["seeds"]) != seeds:
        params["seeds"]["seeds"] = seeds
        yaml.dump(params, folder / "params.yaml")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "seeds"]
    subprocess.run(command, cwd=folder, env=os.environ | own | environment, check=True)


def table(results: pl.DataFrame) -> list[str]:
    """Per cent of every figure and model: the mean, lowest and highest over seeds; one number for one seed."""
    head = "| model | exact match, 300 problems: greedy | sampled | constraint pass rate, 60 items: greedy | sampled |"
    lines = [head, "|---|---:|---:|---:|---:|"]
    for model, title in MODELS.items():
        cells = []
        for figure in FIGURES:
            values = results.filter((pl.col("model") == model) & (pl.col("metric") == figure))["value"].to_list()
            shares = [100 * value for value in values]
            mean = f"{sum(shares) / len(shares):.1f}" if shares else "–"
            cells.append(f"{mean} ({min(shares):.1f} – {max(shares):.1f})" if len(shares) > 1 else mean)
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def machine() -> str:
    """Processor, its vector instructions as PyTorch uses them, cores, system and versions."""
    import torch

    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    instructions = torch.backends.cpu.get_cpu_capability()
    versions = ", ".join(
        f"{name} {metadata.version(name).partition('+')[0]}" for name in ("torch", "transformers", "trl")
    )
    return f"{processor} ({instructions}), {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions}"


def revision(folder: Path) -> str:
    """The commit that a folder's code and data are of, with its date."""
    command = ["git", "log", "-1", "--format=%h of %cs"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def read_results(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "data" / "seed_results.parquet")


def block(folder: Path, older: Path, seeds: list[int]) -> str:
    """What README says between the marks."""
    named = ", ".join(map(str, seeds))
    return "\n".join(
        [
            START,
            f"Held-out figures of the demo's training on the simulated teacher's data, per cent, mean (lowest – highest) over seeds {named}, revision {revision(folder)}, on one machine: {machine()}.",
            "",
            *table(read_results(folder)),
            "",
            f"The same data with seed {seeds[0]} and an older processor's vector instructions (`{' '.join(f'{k}={v}' for k, v in OLDER.items())}`):",
            "",
            *table(read_results(older)),
            END,
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=ROOT / ".cache" / "readme")
    parser.add_argument("--older", type=Path, default=ROOT / ".cache" / "readme-older")
    parser.add_argument("--only-picture", action="store_true", help="train nothing")
    options = parser.parse_args()
    sys.argv = sys.argv[:1]
    draw_graph()
    if options.only_picture:
        return 0
    build(options.folder, options.seeds, {})
    build(options.older, options.seeds[:1], OLDER)
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    after = rest.partition(END)[2]
    readme.write_text(before + block(options.folder, options.older, options.seeds) + after, encoding="utf-8")
    results = read_results(options.folder)
    sampled = results.filter(pl.col("metric").is_in(["math_sampled", "constraints_sampled"]))
    means: dict[str, Any] = {
        f"{model}_{metric}": round(value, 4)
        for model, metric, value in sampled.group_by("model", "metric")
        .agg(pl.col("value").mean())
        .sort("model", "metric")
        .iter_rows()
    }
    print(json.dumps(means))
    return 0


if __name__ == "__main__":
    sys.exit(main())
