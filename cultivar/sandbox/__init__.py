"""Running untrusted Python with verdicts that it cannot forge; see `python -m cultivar.sandbox --help`.

Standard library only.
"""

from .asserts import job_from_asserts
from .box import Sandbox
from .gate import GateResult, gate
from .jobs import MODES, NO_VERDICT, OUTCOMES, UNDECIDED, Case, Job, Limits, SandboxUnavailable, Verdict

__all__ = [
    "MODES",
    "NO_VERDICT",
    "OUTCOMES",
    "UNDECIDED",
    "Case",
    "GateResult",
    "Job",
    "Limits",
    "Sandbox",
    "SandboxUnavailable",
    "Verdict",
    "gate",
    "job_from_asserts",
]
