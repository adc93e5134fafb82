"""What both parts of execution feedback work with."""

from collections import Counter
from dataclasses import dataclass, field

from cultivar.llm.engine import Engine
from cultivar.sandbox import Sandbox
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams


@dataclass(frozen=True)
class Workbench:
    """The models and the sandbox of one run of the stage, its parameters, and the ledger of its rows.

    `undecided` counts what the sandbox could not judge, by kind.
    """

    params: ExecutionParams
    teacher: Engine
    judge: Engine
    sandbox: Sandbox
    ledger: Ledger
    undecided: Counter[str] = field(default_factory=Counter)
