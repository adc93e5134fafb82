"""One of several CPU processes with merging optimizers: `python ranks.py RANK WORLD FOLDER`.

ddp: replicas whose global generators differ. fsdp2: FSDP2's DTensors over a mesh of the processes. Every process takes
the same five steps on given gradients and saves its (full) weights.
"""

import itertools
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from train.merging import Deltas, OnDARE, OnTIES

SHAPES = {"0.weight": (13, 8), "0.bias": (13,), "1.weight": (5, 13), "1.bias": (5,)}


def model() -> torch.nn.Module:
    torch.manual_seed(4)
    return torch.nn.Sequential(torch.nn.Linear(8, 13), torch.nn.Linear(13, 5))


def trajectory(kind: str, module: torch.nn.Module, deltas: Deltas, semantics: str) -> dict[str, torch.Tensor]:
    setting = {"lr": 1e-2, "reserve": 0.3, "alpha": 1e-2, "semantics": semantics, "deltas": deltas, "step_k": 1}
    optimizer = {"ondare": OnDARE, "onties": OnTIES}[kind](module.named_parameters(), **setting)
    generator = torch.Generator().manual_seed(9)
    for _ in range(5):
        for name, weight in module.named_parameters():
            gradient = torch.randn(SHAPES[name.removeprefix("module.")], generator=generator)
            if isinstance(weight, DTensor):
                gradient = distribute_tensor(gradient, weight.device_mesh, weight.placements)
            weight.grad = gradient
        optimizer.step()
    return {
        name.removeprefix("module."): (weight.full_tensor() if isinstance(weight, DTensor) else weight).detach().clone()
        for name, weight in module.named_parameters()
    }


def main() -> None:
    rank, world, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=world)
    deltas = Deltas(folder / "sft", folder / "base")
    for how, kind, semantics in itertools.product(("ddp", "fsdp2"), ("ondare", "onties"), ("released", "paper")):
        module = model()
        if how == "fsdp2":
            mesh = init_device_mesh("cpu", (world,))
            for layer in module:
                fully_shard(layer, mesh=mesh)
            fully_shard(module, mesh=mesh)
        else:
            module = torch.nn.parallel.DistributedDataParallel(module)
            torch.rand(1 + 3 * rank)  # what a data loader may do
        torch.save(trajectory(kind, module, deltas, semantics), folder / f"{how}-{kind}-{semantics}-{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
