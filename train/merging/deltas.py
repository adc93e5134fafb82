"""τ = θ_SFT - θ_base, read by name from two safetensors checkpoints, one tensor (or one shard of it) at a time."""

import json
from pathlib import Path

import torch
from safetensors import safe_open


class CheckpointTensors:
    """The tensors of a model folder by name: `model.safetensors`, or shards with their index."""

    def __init__(self, folder: Path | str):
        """Raises FileNotFoundError where the folder holds no safetensors."""
        self.folder = Path(folder)
        index = self.folder / "model.safetensors.index.json"
        if index.is_file():
            self.files: dict[str, str] = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        elif (self.folder / "model.safetensors").is_file():
            with safe_open(self.folder / "model.safetensors", "pt") as tensors:
                self.files = dict.fromkeys(tensors.keys(), "model.safetensors")
        else:
            raise FileNotFoundError(f"{self.folder} holds no model.safetensors; τ is read from safetensors only")

    def read(self, name: str, first: int, last: int | None) -> torch.Tensor:
        """Rows first:last of a tensor (all of it where it is a scalar). Raises KeyError for unknown names."""
        if name not in self.files:
            raise KeyError(f"{self.folder} has no tensor {name!r}; τ needs the two checkpoints to be of one model")
        with safe_open(self.folder / self.files[name], "pt") as tensors:
            rows = tensors.get_slice(name)
            return tensors.get_tensor(name) if not rows.get_shape() else rows[first:last]


class Deltas:
    """τ by tensor name in fp32. Nothing is held in memory."""

    def __init__(self, sft: Path | str, base: Path | str):
        self.sft, self.base = CheckpointTensors(sft), CheckpointTensors(base)

    def read(self, name: str, first: int = 0, last: int | None = None) -> torch.Tensor:
        """τ of a tensor, or of its rows first:last. Raises KeyError, and ValueError where the shapes differ."""
        sft, base = self.sft.read(name, first, last), self.base.read(name, first, last)
        if sft.shape != base.shape:
            raise ValueError(f"{name}: {tuple(sft.shape)} in {self.sft.folder}, {tuple(base.shape)} in the base")
        return sft.float() - base.float()
