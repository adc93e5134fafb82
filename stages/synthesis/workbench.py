"""What both parts of execution feedback work with."""

from dataclasses import dataclass

from cultivar.llm.engine import Engine
from cultivar.sandbox import Sandbox
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams


@dataclass(frozen=True)
class Workbench:
    """The models and the sandbox of one run of the stage, its parameters, and the ledger of its rows."""

    params: ExecutionParams
    teacher: Engine
    judge: Engine
    sandbox: Sandbox
    ledger: Ledger
