"""execution: feedback by running things (Qwen2 report, 4.1.2): code against tests, constraints against functions.

Programs of models run in the sandbox only. Code tasks follow stages/synthesis/solutions.py, constraints stages/synthesis/verifiers.py.
"""

from typing import NamedTuple

from cultivar.llm.engine import Engine
from cultivar.sandbox import Sandbox
from schemas.rows import CodeTask, Constraint, Demonstration, Dropped, Instruction, Preference, Quarantined, VerdictRow
from schemas.table import Context, Table
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams
from stages.synthesis.solutions import code_feedback
from stages.synthesis.verifiers import constraint_feedback


class Unsandboxed(Ledger):
    """Says of every verdict by execution that nothing stood between the program and this machine."""

    def verdict(
        self, subject: str, verifier: str, outcome: str, score: float | None, detail: str = "", *parents: str
    ) -> str:
        by_execution = verifier in ("sandbox", "functions")
        return super().verdict(
            subject, f"{verifier} (unsandboxed)" if by_execution else verifier, outcome, score, detail, *parents
        )


class ExecutionTables(NamedTuple):
    execution_demonstrations: Table[Demonstration]
    execution_preferences: Table[Preference]
    execution_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


def execution(
    code_tasks: Table[CodeTask],
    constraints: Table[Constraint],
    instructions: Context[Instruction],
    params: ExecutionParams,
    teacher: Engine,
    judge: Engine,
    sandbox: Sandbox,
) -> ExecutionTables:
    """D and P for code tasks and for constrained queries, with the verdicts that admitted them."""
    ledger = (Unsandboxed if sandbox.backend == "none" else Ledger)("execution")
    tasks, seeds = list(code_tasks), list(constraints)
    code_feedback(tasks, params, teacher, sandbox, ledger)
    constraint_feedback(seeds, list(instructions), params, teacher, judge, sandbox, ledger)
    ledger.close([row.id for row in [*tasks, *seeds]], "came to no demonstration")
    return ExecutionTables(**ledger.tables())
