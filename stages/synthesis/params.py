"""Parameters of automated synthesis: rejection, execution, repurpose, constitution."""

from typing import Annotated

from pydantic import Field

from schemas.params.base import Count, Positive, Rate, Section

Grade = Annotated[int, Field(ge=1, le=5)]


class RejectionParams(Section):
    """Rejection sampling for maths (RFT, Yuan et al. 2023; docs/methods.md, section 4)."""

    samples: Positive = 6
    max_new_tokens: Positive = 512
    paths: Positive = 4
    min_grade: Grade = 4
    pairs: Positive = 1
    max_length_ratio: Annotated[float, Field(ge=1)] | None = None


class ExecutionParams(Section):
    """Execution feedback: code against tests, constraints against verification functions (docs/methods.md, section 5)."""

    solutions: Positive = 4
    test_sets: Positive = 3
    reruns: Positive = 3
    consensus_samples: Positive = 2
    consensus_share: Rate = 0.5
    code_pairs: Positive = 2
    cpu_s: Annotated[float, Field(gt=0)] = 2.0
    rewrites: Count = 2
    functions: Positive = 8
    min_proposed: Positive = 3
    min_cases: Positive = 10
    min_verdicts: Positive = 3
    min_functions: Positive = 1
    case_agreement: Rate = 0.5
    function_accuracy: Rate = 0.8
    back_translations: Positive = 3
    queries: Positive = 16
    min_query_chars: Count = 10
    max_query_chars: Positive = 300
    responses: Positive = 4
    pass_rate: Rate = 0.5
    min_match: Annotated[int, Field(ge=1, le=10)] = 8
    constraint_pairs: Positive = 2


class RepurposeParams(Section):
    """Data repurposing: literature (Humback, Suri) and role-play (Ditto); docs/methods.md, section 6."""

    levels: list[str] = ["line", "paragraph", "constraints"]
    leak_ngram: Positive = 8
    min_grounding: Rate = 0.9
    others: Positive = 2
    questions: Positive = 3
    min_knowledge: Annotated[int, Field(ge=1, le=10)] = 7


class ConstitutionParams(Section):
    """Constitutional feedback (Bai et al. 2022; Qwen2 report, section 4.1.2); docs/methods.md, section 7."""

    revisions: Positive = 2
