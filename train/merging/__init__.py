"""Online Merging Optimizers (Lu et al. 2024, arXiv 2405.17931): train/merging/optimizers.py says what they compute.

from train.merging import Deltas, OnDARE
optimizer = OnDARE(model.named_parameters(), lr=1e-6, deltas=Deltas("models/sft", "models/base"))
"""

from train.merging.deltas import Deltas
from train.merging.optimizers import OnDARE, OnTIES

__all__ = ["Deltas", "OnDARE", "OnTIES"]
