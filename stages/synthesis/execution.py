"""execution: feedback by running things (Qwen2 report, section 4.1.2): code against tests, constraints against functions.

Programs that models wrote run in the sandbox only. stages/synthesis/solutions.py has the code tasks,
stages/synthesis/verifiers.py and constrained.py the constraints.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cultivar.llm.engine import Engine
from cultivar.sandbox import Sandbox
from schemas.rows import CodeTask, Constraint, Demonstration, Dropped, Instruction, Preference, Quarantined, VerdictRow
from schemas.table import Context, Table
from stages.synthesis.constrained import constraint_feedback
from stages.synthesis.ledger import Ledger
from stages.synthesis.params import ExecutionParams
from stages.synthesis.solutions import code_feedback
from stages.synthesis.workbench import Workbench


class UnsandboxedLedger(Ledger):
    """Marks every verdict by execution: nothing stood between the program and this machine."""

    def verdict(
        self,
        subject: str,
        verifier: str,
        outcome: str,
        *,
        score: float | None = None,
        detail: str = "",
        parents: Sequence[str] = (),
    ) -> str:
        if verifier in ("sandbox", "functions"):
            verifier = f"{verifier} (unsandboxed)"
        return super().verdict(subject, verifier, outcome, score=score, detail=detail, parents=parents)


class ExecutionTables(NamedTuple):
    execution_demonstrations: Table[Demonstration]
    execution_preferences: Table[Preference]
    execution_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]
    metrics: dict[str, Any]


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
    ledger = (UnsandboxedLedger if sandbox.backend == "none" else Ledger)("execution")
    bench = Workbench(params, teacher, judge, sandbox, ledger)
    tasks, seeds = list(code_tasks), list(constraints)
    code_feedback(tasks, bench)
    constraint_feedback(seeds, instructions, bench)
    ledger.close([row.id for row in [*tasks, *seeds]], "came to no demonstration")
    return ExecutionTables(
        **ledger.tables(), metrics={"undecided": dict(sorted(bench.undecided.items()))} if bench.undecided else {}
    )
