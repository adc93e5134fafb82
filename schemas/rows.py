"""The rows of every table, in the order of the recipe.

Each class is the one contract of its table: `schemas.table` derives the Parquet schema from it and checks its
constraints. Every row has an `id` (hash of content and parents) and `parents` (ids of the rows it was derived from).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Text = Annotated[str, Field(min_length=1)]
Domain = Literal["general", "math", "code", "constraint", "literature", "character", "safety"]
Strategy = Literal["annotation", "rejection", "execution", "repurpose", "constitution", "human", "given"]
"""How a row of D or P came about; `human` is an answer and `given` a pair that people brought as it is."""
Split = Literal["train", "heldout"]
LabelSource = Literal["human", "verifier", "given", "judge"]
"""Who decided that a row is admitted, in order of precedence: people here, a program that checks, people elsewhere (a
pair that was brought as it is), a model."""


class Part(BaseModel):
    """A nested value of a row (a Parquet struct)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(Part):
    """What every row has."""

    id: Id
    parents: list[Id] = []


JSON = object()
"""Marks a field whose text is JSON: the Parquet file tells Hugging Face's `datasets`, which loads it as objects."""
JsonText = Annotated[str, JSON]


class Lean(Part):
    """A nested value that is written without the fields that hold nothing, as chat templates expect it."""

    @model_serializer(mode="wrap")
    def lean(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in fields(self).items() if value is not None}


class FunctionCall(Part):
    """The function that a tool call names, and its arguments, a JSON object."""

    name: Text
    arguments: JsonText = "{}"


class ToolCall(Lean):
    """A call of a tool by the assistant, in OpenAI's and Hugging Face's shape."""

    id: str | None = None
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Lean):
    """One turn of a conversation, as TRL and chat templates read it.

    Only the assistant's turns have `reasoning` (what it thought before `content`) and `tool_calls`; only a tool's have
    `tool_call_id` and `name`, the call and the function that `content` is the result of.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    reasoning: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    name: str | None = None


Messages = Annotated[list[Message], Field(min_length=1)]


class Scored(Part):
    """A named score of a row."""

    name: Text
    value: float


# ---------------------------------------------------------------- row states: every row ends in exactly one


class Dropped(Row):
    """A row (or a candidate derived from it) that a named rule removed."""

    stage: Text
    rule: Text
    detail: str = ""


class Quarantined(Row):
    """A row that could not be processed: the error and, where there is one, the raw text that caused it."""

    stage: Text
    error: Text
    source: str = ""
    raw: str = ""


# ---------------------------------------------------------------- ingest


class Source(Row):
    """Where a row that people brought came from."""

    source: Text
    license: Text
    split: Text = "train"


class DeclaredSource(Row):
    """A source as params.yaml declares it, and the files that it was read from: a row's `source` begins with one of them."""

    name: Text
    license: Text
    domain: Domain
    split: Text
    strategy: Strategy | None = None
    evaluation: bool
    files: list[Text]


class Instruction(Source):
    """An open instruction: a conversation that ends with the user's turn, which is to be answered.

    `reference` is what people wrote behind it where the source has an answer: the assistant's turns, with its calls of tools
    and their results between them. `tools` are the tools that it may call: a JSON list of functions in OpenAI's shape.
    """

    domain: Domain = "general"
    prompt: Messages
    reference: list[Message] = []
    tools: JsonText | None = None


class Problem(Source):
    """A task with a definitive final answer (GSM8K shape); `solution` is the human working."""

    prompt: Text
    answer: Text
    solution: str | None = None


class CodeTask(Source):
    """A programming task; `tests` are assert statements of the source (may be empty), `solution` its reference."""

    prompt: Text
    entry_point: Text
    tests: list[str] = []
    setup: str = ""
    solution: str | None = None


class Constraint(Source):
    """One atomic constraint on a completion (AutoIF seed)."""

    text: Text


class Passage(Source):
    """A passage of public-domain literature, cut at paragraph ends."""

    work: Text
    author: str = ""
    section: str = ""
    text: Text


class Claim(Part):
    """A property of a character and its value, in words."""

    property: Text
    value: Text


class Character(Source):
    """A character profile (Ditto, section 3.1)."""

    name: Text
    description: str = ""
    aliases: list[str] = []
    claims: list[Claim] = []
    article: str = ""


class SafetyPrompt(Source):
    """A prompt that tests safety; `harmful` is False for the benign look-alikes. `reference` as of an instruction."""

    prompt: Text
    area: Text
    harmful: bool
    reference: list[Message] = []


class EvaluationItem(Source):
    """A held-out task. Reaches decontamination and evaluation only.

    `constraints` are names of checks with their arguments as JSON in `arguments` (IFEval shape, one per constraint).
    `solution` is what the source gives as a full answer: canonical solution, gold working or reference answer; nothing is
    marked by it, decontamination looks for it.
    """

    task: Literal["math", "code", "constraint", "general"]
    prompt: Text
    answer: str | None = None
    entry_point: str | None = None
    tests: list[str] = []
    setup: str = ""
    constraints: list[str] = []
    arguments: list[str] = []
    solution: str | None = None


# ---------------------------------------------------------------- collaborative annotation


SOURCE = "source"
"""The engine of what people wrote: a reference answer, a gold solution."""


class Generated(Row):
    """A row whose content a model wrote. `engine` names it; `simulated` marks the simulated teacher's rows.

    `engine` is "source" where people wrote it: a reference answer, a gold solution.
    """

    engine: Text
    simulated: bool


class Tag(Part):
    """An intention tag and the tagger's reason (InsTag, section 3.1)."""

    tag: Text
    explanation: str = ""


class TagSet(Generated):
    """Raw tags of one instruction (its only parent)."""

    tags: list[Tag]


class OntologyEntry(Row):
    """A raw tag and the canonical tag it became; `step` says which step decided (InsTag, section 3.2)."""

    raw: Text
    canonical: str
    count: Annotated[int, Field(ge=1)]
    step: Literal["kept", "frequency", "rule", "semantic", "association", "human"]


class Label(Row):
    """Canonical tags of one instruction: parents are the instruction and its tag set."""

    tags: list[str]


class InstructionScore(Generated):
    """What selection weighs, not normalised: tag diversity, complexity, semantic richness, intent completeness."""

    tags: list[str]
    tag_count: Annotated[int, Field(ge=0)]
    tag_idf: Annotated[float, Field(ge=0)]
    complexity: Annotated[float, Field(ge=1, le=6)]
    richness: Annotated[float, Field(ge=0, le=1)]
    completeness: Annotated[float, Field(ge=1, le=5)]


class Selected(Instruction):
    """A selected instruction (same id as the instruction) with its tags, scores and place in the selection."""

    tags: list[str]
    scores: list[Scored]
    pass_number: Annotated[int, Field(ge=0)]


class Evolved(Generated):
    """An instruction made harder: `added` lists the constraints or requirements of this step (Tree-Instruct)."""

    domain: Domain
    prompt: Messages
    tools: JsonText | None = None
    added: list[str]
    depth: Annotated[int, Field(ge=1)]
    tags: list[str]
    license: Text
    source: Text


class Candidate(Generated):
    """One completion of one instruction by one role and response strategy; `prompt_id` groups candidates."""

    prompt_id: Id
    domain: Domain
    prompt: Messages
    tools: JsonText | None = None
    completion: Messages
    role: Text
    response_strategy: Text
    temperature: Annotated[float, Field(ge=0)]
    tags: list[str]
    license: Text
    source: Text
    generation: Id


class Edited(Candidate):
    """A candidate as a person corrected it while ranking; its parents are the prompt and the candidate that it corrects.

    `annotation` is the line of human/annotations that holds it, `annotators` are those who wrote just this.
    """

    annotation: Text
    annotators: list[str]


class Ranking(Row):
    """The order of one prompt's candidates: 0 is the best of `ranks`, equal ones are ties. `source` says who decided.

    `readings` (readings × candidates) are the judge's mean ratings in each order of the candidates that it read, or minus
    people's mean ranks; `scores` are their means. `meets_criteria`: whether the candidate that every reading finds best
    may be demonstrated; false where the readings have no best in common.
    """

    prompt_id: Id
    candidates: list[Id]
    ranks: list[int]
    scores: list[float]
    readings: list[list[float]]
    meets_criteria: bool
    source: Literal["human", "judge"]
    annotators: list[str] = []
    simulated: bool


# ---------------------------------------------------------------- verdicts, demonstrations and preferences


class VerdictRow(Row):
    """The outcome of an independent check of its parents: answer check, sandbox, judge, NLI, principle check."""

    stage: Text
    verifier: Text
    outcome: Text
    score: float | None = None
    detail: str = ""


class Admitted(Row):
    """What D and P share. `verdicts` are the ids of the verdicts that admitted the row.

    `source` is the file and line of the row that people brought of which this one was made. `tools` are those of its prompt.

    `label_source` says who decided, `quality` is the one scale on which rows of all strategies compare, 0 to 1, by the
    strategy's rule (docs/methods.md, section 8.1). Where a prompt was sampled and checked: `samples` is the number of
    samples that could be judged, `pass_rate` the share of them that was right, `votes` the number that gave what this row's
    completion (or chosen side) gives. Null elsewhere.
    """

    prompt: Messages
    tools: JsonText | None = None
    domain: Domain
    strategy: Strategy
    label_source: LabelSource
    quality: Annotated[float, Field(ge=0, le=1)]
    pass_rate: Annotated[float | None, Field(ge=0, le=1)] = None
    samples: Annotated[int | None, Field(ge=1)] = None
    votes: Annotated[int | None, Field(ge=0)] = None
    tags: list[str] = []
    scores: list[Scored] = []
    license: Text
    verdicts: list[Id] = []
    engine: Text
    simulated: bool
    source: Text


class Demonstration(Admitted):
    """A row of D = {(x, y)}."""

    completion: Messages


class Preference(Admitted):
    """A row of P = {(x, y+, y-)}; `margin` is the chosen score less the rejected one, in the strategy's own unit."""

    chosen: Messages
    rejected: Messages
    margin: Annotated[float, Field(gt=0)]


class FinalDemonstration(Demonstration):
    """A row of the assembled D; all rows of one prompt share a split."""

    split: Split


class FinalPreference(Preference):
    """A row of the assembled P; all rows of one prompt share a split."""

    split: Split


class Overlap(Row):
    """Evidence that a row (first parent) overlaps an evaluation item's prompt or solution (second parent)."""

    ngram: Annotated[int, Field(ge=1)]
    lcs: Annotated[int, Field(ge=0)]
    row_tokens: Annotated[int, Field(ge=0)]
    item_tokens: Annotated[int, Field(ge=0)]
    removed: bool
    text: str
    part: Literal["prompt", "solution"]


# ---------------------------------------------------------------- training


class Rollout(Row):
    """One sample of the policy in one episode of online DPO; parents: the row of P that has the prompt."""

    episode: Annotated[int, Field(ge=0)]
    prompt: list[Message]
    completion: str
    finished: bool
    completion_tokens: Annotated[int, Field(ge=0)]


class RolloutReward(Row):
    """The reward model's raw score of one sample (parent: the rollout)."""

    episode: Annotated[int, Field(ge=0)]
    reward: float


class OnlinePair(Row):
    """The most and the least preferred sample of one prompt in one episode; parents: the two rollouts in that order.

    `margin` is the difference of their rewards.
    """

    episode: Annotated[int, Field(ge=0)]
    prompt: list[Message]
    chosen: str
    rejected: str
    margin: Annotated[float, Field(gt=0)]


class EvaluatedItem(Row):
    """One completion of one evaluation item by one model (parent: the item). `sample` 0 is greedy.

    `correct` is null where the completion cannot be judged: that is neither right nor wrong.

    `kl`, on the greedy row of the items where it was worked out, is KL(model ‖ SFT) in nats of another completion of
    the item, drawn at temperature 1.
    """

    model: Text
    task: Text
    sample: Annotated[int, Field(ge=0)]
    completion: str
    correct: bool | None
    reward: float | None = None
    kl: float | None = None
    completion_tokens: Annotated[int, Field(ge=0)]


class SeedResult(Row):
    """One figure of one model of one repetition of the training (train/seeds.py)."""

    seed: Annotated[int, Field(ge=0)]
    model: Text
    metric: Text
    value: float
