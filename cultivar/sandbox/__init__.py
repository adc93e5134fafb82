"""Running untrusted Python with verdicts that it cannot forge. Standard library only; see `python -m cultivar.sandbox --help`."""

from .box import Sandbox
from .gate import Gated, gate
from .jobs import MODES, NO_VERDICT, OUTCOMES, Case, Job, Limits, SandboxUnavailable, Verdict

__all__ = [
    "MODES",
    "NO_VERDICT",
    "OUTCOMES",
    "Case",
    "Gated",
    "Job",
    "Limits",
    "Sandbox",
    "SandboxUnavailable",
    "Verdict",
    "gate",
]
