"""Real engines for tests: the simulated teacher over a store of its own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llm.engine import Engine, open_engine
from llm.store import Store
from schemas.params.engines import FaultParams, RoleParams, RuntimeParams


@contextmanager
def simulated(
    role: str, wrong: float = 0.0, malformed: float = 0.0, refusal: float = 0.0, overlong: float = 0.0, **spec: object
) -> Iterator[Engine]:
    """An engine of `role` that errs at the given rates."""
    faults = FaultParams(wrong=wrong, malformed=malformed, refusal=refusal, overlong=overlong)
    params = RoleParams.model_validate({"model": role, "faults": faults} | spec)
    with (
        tempfile.TemporaryDirectory() as folder,
        open_engine(role, params, RuntimeParams(), Store(Path(folder))) as engine,
    ):
        yield engine
