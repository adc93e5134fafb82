"""Where a parameter's local part lies in the full tensor: unsharded, replicated, or sharded by rows (FSDP2's DTensor)."""

import torch
from torch.distributed import ProcessGroup
from torch.distributed.tensor import DTensor, Shard


def checkpoint_name(name: str) -> str:
    """A parameter's name in the checkpoint: without what wrappers put before it."""
    return name.removeprefix("module.").replace("_orig_mod.", "").replace("_fsdp_wrapped_module.", "")


def local_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """This rank's shard of a DTensor; any other tensor itself."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def shard_mesh_dim(parameter: torch.Tensor) -> int | None:
    """The mesh dimension over which rows are sharded; None for a full tensor. Raises NotImplementedError for others."""
    if not isinstance(parameter, DTensor):
        return None
    sharded = [(dim, placement) for dim, placement in enumerate(parameter.placements) if isinstance(placement, Shard)]
    if not sharded:
        return None
    if len(sharded) > 1 or sharded[0][1].dim != 0:
        raise NotImplementedError(
            f"merging takes tensors sharded by rows over one mesh dimension: {parameter.placements}"
        )
    return sharded[0][0]


def shard_group(parameter: torch.Tensor) -> ProcessGroup | None:
    """The processes that hold the shards of a parameter; None where this one holds all of it."""
    dim = shard_mesh_dim(parameter)
    if dim is None:
        return None
    assert isinstance(parameter, DTensor)
    return parameter.device_mesh.get_group(dim)


def shard_rows(parameter: torch.Tensor) -> tuple[int, int | None]:
    """First and last row of the local shard; (0, None) for a full tensor."""
    dim = shard_mesh_dim(parameter)
    if dim is None:
        return 0, None
    assert isinstance(parameter, DTensor)
    rows, parts = parameter.shape[0], parameter.device_mesh.size(dim)
    per_part = -(-rows // parts)  # as torch.chunk cuts
    first = min(rows, per_part * parameter.device_mesh.get_local_rank(dim))
    return first, first + local_tensor(parameter).shape[0]


def shard_offset(parameter: torch.Tensor) -> int:
    """Position of the shard's first entry in the full flattened tensor."""
    first, _ = shard_rows(parameter)
    return first * (parameter.numel() // parameter.shape[0]) if first else 0
