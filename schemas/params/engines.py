"""Roles (who answers; part of a request's identity, but for `unanswered`), the sandbox, and runtime (how; part of nothing)."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from schemas.params.base import Count, Positive, Rate, Section


def with_scheme(url: str) -> str:
    """A URL that can be asked. Raises ValueError for one without scheme or host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address of a server; write it as http://host:port/v1 or https://host/v1")
    return url


MACHINE = frozenset(
    "tensor_parallel_size pipeline_parallel_size data_parallel_size enable_expert_parallel distributed_executor_backend "
    "disable_custom_all_reduce gpu_memory_utilization kv_cache_memory_bytes block_size swap_space cpu_offload_gb "
    "max_num_seqs max_num_batched_tokens enable_prefix_caching enable_chunked_prefill enforce_eager compilation_config "
    "download_dir trust_remote_code disable_log_stats enable_log_requests".split()
)
"""Arguments of vLLM's engine that fit it to a machine: they decide how fast it answers, not what."""


def of_the_machine(arguments: dict[str, Any]) -> dict[str, Any]:
    """Engine arguments for `runtime`. Raises ValueError for those that change answers (dtype, quantization …)."""
    if others := sorted(arguments.keys() - MACHINE):
        raise ValueError(
            f"{', '.join(others)}: may change answers, so it belongs to what asks: roles.ROLE.vllm, or `vllm` of "
            "online_dpo and evaluate; here are only " + ", ".join(sorted(MACHINE))
        )
    return arguments


EngineArguments = Annotated[
    dict[str, Any],
    Field(description="arguments of vLLM's engine (dtype, quantization, max_model_len …), over those of runtime.vllm"),
]


def content_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Those of some engine arguments that are part of what an answer is: all but the machine's."""
    return {name: value for name, value in arguments.items() if name not in MACHINE}


class FaultParams(Section):
    """Rates at which the simulated teacher errs, each a share of its answers."""

    wrong: Rate = 0.1
    malformed: Rate = 0.02
    refusal: Rate = 0.01
    overlong: Rate = 0.01


class RoleParams(Section):
    """One role's engine, model and sampling, all part of a request's identity, and what becomes of unanswered ones."""

    engine: Literal["simulated", "vllm", "http"] = "simulated"
    model: Annotated[str, Field(min_length=1)]
    revision: str = "1"
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: Positive = 1024
    seed: Count = 0
    structured: bool = True
    unanswered: Literal["fail", "quarantine"] = Field(
        default="fail",
        description="requests that a server leaves unanswered: fail ends the stage unrecorded, so that the next run asks "
        "again; quarantine goes on without these rows, if a server answers at all, and only `dvc repro -f` asks again",
    )
    faults: FaultParams | None = None
    vllm: EngineArguments = {}


class Roles(Section):
    """The roles that stages ask (architecture.md, asking models)."""

    tagger: RoleParams
    teacher: RoleParams
    small: RoleParams
    large: RoleParams
    judge: RoleParams


class Price(Section):
    """What a model costs, per million tokens."""

    prompt: Annotated[float, Field(ge=0)] = 0.0
    completion: Annotated[float, Field(ge=0)] = 0.0

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """The price of so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


class SandboxParams(Section):
    """What programs of models find in the sandbox; stages that ask for a sandbox declare this section."""

    packages: list[Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]] = Field(
        default=[],
        description="installed packages that programs and tests may import, by the names of their imports, with what "
        "they import themselves; what fails for want of a module is not judged",
    )


class BudgetParams(Section):
    """What one `dvc repro` may spend; None: anything. No stage declares this section."""

    requests: Positive | None = None
    tokens: Positive | None = None
    cost: Annotated[float, Field(gt=0)] | None = None
    currency: str = "USD"
    prices: dict[str, Price] = {}


class RuntimeParams(Section):
    """What cannot change a result. No stage declares this section, so changing it runs nothing again."""

    servers: dict[str, list[Annotated[str, AfterValidator(with_scheme)]]] = {}
    api_key_env: str = "CULTIVAR_API_KEY"
    concurrency: Positive = 64
    timeout_s: Annotated[float, Field(gt=0)] = 300.0
    retries: Count = 6
    give_up_s: Annotated[float, Field(gt=0)] = Field(
        default=120.0,
        description="seconds in which servers could not be reached, or only failed, after which a stage stops asking; "
        "servers that reply too late or ask for patience have timeout_s * (retries + 1)",
    )
    vllm: Annotated[dict[str, Any], AfterValidator(of_the_machine)] = {}
    flush_s: Annotated[float, Field(gt=0)] = 5.0
    flush_rows: Positive = 2000
    store: str | None = None
    sandbox_backend: Literal["auto", "userns", "bwrap", "landlock", "seccomp", "remote", "none"] = "auto"
    sandbox_weakest: Literal["userns", "bwrap", "landlock", "seccomp"] = "seccomp"
    sandbox_slots: Positive | None = None
    sandbox_url: str | None = None
    threads: Positive = 1
    checkpoint_steps: Positive = Field(default=200, description="optimizer steps between checkpoints of training")
    launch: list[str] = Field(default=[], description="more flags for accelerate launch (machines, addresses)")
    sync_tolerance: Annotated[float, Field(gt=0)] = Field(
        default=0.01, description="nats, mean difference of log-probabilities between a sampler and the policy"
    )
