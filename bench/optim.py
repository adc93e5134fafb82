"""What a step of the Online Merging Optimizers costs beside `torch.optim.AdamW` (foreach), at 28M and 100M parameters.

    python -m bench.optim [--steps 8] [--sizes 28 100]

Qwen2-shaped tensors (a tied embedding and decoder layers), fp32, one thread, new random gradients for every step. The
optimizers take their steps in turn within one process, so that a busy machine slows them alike; each figure is the
median of the CPU seconds of its steps, the first two (which read τ) left out. Extra bytes are what is held beside
Adam's two moments: selected entries of τ with their positions, released semantics, reserve 0.01. Ends with one line of
JSON:

    ondare_vs_adamw, onties_vs_adamw   ratio of CPU seconds a step, the larger of the sizes'
    extra_bytes_per_param              the larger of the two optimizers' and of the sizes'
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from train.merging import Deltas, OnDARE, OnTIES
from train.merging.optimizers import Merging

RESERVE = 0.01
SIZES = {
    28: {"vocabulary": 20_000, "hidden": 512, "ffn": 1408, "layers": 7},
    100: {"vocabulary": 50_000, "hidden": 768, "ffn": 2304, "layers": 9},
}


def tensor_shapes(vocabulary: int, hidden: int, ffn: int, layers: int) -> Iterator[tuple[str, torch.Size]]:
    """Names and shapes of a Qwen2 model with tied embeddings and a quarter of the heads for keys and values."""
    yield "model.embed_tokens.weight", torch.Size((vocabulary, hidden))
    for index in range(layers):
        layer, kv_rows = f"model.layers.{index}", hidden // 4
        for name, rows in (("q", hidden), ("k", kv_rows), ("v", kv_rows)):
            yield f"{layer}.self_attn.{name}_proj.weight", torch.Size((rows, hidden))
            yield f"{layer}.self_attn.{name}_proj.bias", torch.Size((rows,))
        yield f"{layer}.self_attn.o_proj.weight", torch.Size((hidden, hidden))
        for name in ("gate", "up"):
            yield f"{layer}.mlp.{name}_proj.weight", torch.Size((ffn, hidden))
        yield f"{layer}.mlp.down_proj.weight", torch.Size((hidden, ffn))
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{layer}.{name}.weight", torch.Size((hidden,))
    yield "model.norm.weight", torch.Size((hidden,))


def measure(size: int, steps: int, folder: Path) -> dict[str, float]:
    """CPU seconds a step of each optimizer, and the bytes a parameter that τ takes."""
    shapes = dict(tensor_shapes(**SIZES[size]))
    count = sum(shape.numel() for shape in shapes.values())
    generator = torch.Generator().manual_seed(0)
    weights = {name: 0.02 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}
    for name, scale in (("base", 0.0), ("sft", 1e-3)):
        (folder / name).mkdir()
        checkpoint = {
            key: value + scale * torch.randn(value.shape, generator=generator) if scale else value
            for key, value in weights.items()
        }
        save_file(checkpoint, folder / name / "model.safetensors")
    del checkpoint
    deltas = Deltas(folder / "sft", folder / "base")
    # all of them step the same weights: the time of a step does not depend on their values
    named = [(name, torch.nn.Parameter(value)) for name, value in weights.items()]
    settings: dict[str, Any] = {"lr": 1e-6, "weight_decay": 0.1}
    merging = settings | {"reserve": RESERVE, "alpha": 1e-7, "semantics": "released", "deltas": deltas}
    optimizers: dict[str, torch.optim.Optimizer] = {
        "adamw": torch.optim.AdamW([value for _, value in named], foreach=True, **settings),
        "ondare": OnDARE(named, **merging),
        "onties": OnTIES(named, **merging),
    }
    seconds: dict[str, list[float]] = {name: [] for name in optimizers}
    for _ in range(steps + 2):
        for _, parameter in named:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        for name, optimizer in optimizers.items():
            gc.collect()
            started = time.process_time()
            optimizer.step()
            seconds[name].append(time.process_time() - started)
    medians = {name: statistics.median(values[2:]) for name, values in seconds.items()}
    extra = [optimizer.extra_bytes() / count for optimizer in optimizers.values() if isinstance(optimizer, Merging)]
    print(f"{count / 1e6:.0f}M parameters, median of {steps} steps, CPU seconds a step:")
    for name, value in medians.items():
        print(f"  {name:<8}{value:8.3f} s   {value / medians['adamw']:5.2f} times AdamW")
    print(f"  extra state: {', '.join(f'{value:.3f}' for value in extra)} bytes a parameter (OnDARE, OnTIES)")
    return {name: medians[name] / medians["adamw"] for name in ("ondare", "onties")} | {"extra": max(extra)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--steps", type=int, default=8, help="timed steps of each optimizer")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), choices=list(SIZES), help="in millions")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            results.append(measure(size, options.steps, Path(folder)))
    print(
        json.dumps(
            {
                "ondare_vs_adamw": round(max(item["ondare"] for item in results), 3),
                "onties_vs_adamw": round(max(item["onties"] for item in results), 3),
                "extra_bytes_per_param": round(max(item["extra"] for item in results), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
