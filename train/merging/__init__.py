"""The Online Merging Optimizers (Lu et al. 2024): `from train.merging import Deltas, OnDARE, OnTIES`."""

from train.merging.deltas import Deltas
from train.merging.optimizers import OnDARE, OnTIES

__all__ = ["Deltas", "OnDARE", "OnTIES"]
