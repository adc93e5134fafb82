"""Parameters of curation: ingest, filter, assemble."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from schemas.params.base import Count, Positive, Rate, Section
from schemas.rows import Domain, Strategy
from stages.curation.hub_path import HUB, parse_hub

Format = Literal[
    "auto",
    "preference",
    "ultrafeedback",
    "ultrafeedback_binarized",
    "hh_rlhf",
    "arena",
    "helpsteer",
    "helpsteer_preference",
    "rated",
    "oasst",
    "oasst_tree",
    "xlam",
    "glaive",
    "hermes",
    "chatml",
    "gsm8k",
    "mbpp",
    "humaneval",
    "code_task",
    "apps",
    "ifeval",
    "safety",
    "character",
    "passage",
    "constraint",
    "self_instruct",
    "alpaca",
    "dolly",
    "sharegpt",
    "messages",
    "tulu",
    "prompt_answer",
    "math",
    "prompt_completion",
    "prompt",
    "book",
    "wikidata",
]
Name = Annotated[str, Field(min_length=1)]
NO_DELIMITERS = '"\r\n\0'
Words = Annotated[int, Field(ge=1, le=100_000)]


class SourceFile(Section):
    """One source: where it is, what it holds and under which licence it may be used."""

    name: Annotated[str, Field(min_length=1)]
    path: Annotated[str, Field(min_length=1)]
    format: Format = "auto"
    domain: Domain
    license: Annotated[str, Field(min_length=1)]
    strategy: Strategy | None = "human"
    split: Annotated[str, Field(min_length=1)] = "train"
    ids: str | None = None
    limit: Positive | None = None
    encoding: str | None = None
    delimiter: str | None = None
    table: Annotated[str, Field(min_length=1)] | None = None
    columns: dict[Name, Name] = {}

    @field_validator("path")
    @classmethod
    def is_path(cls, path: str) -> str:
        if path.startswith(HUB):
            parse_hub(path)
        return path

    @field_validator("delimiter")
    @classmethod
    def is_delimiter(cls, mark: str | None) -> str | None:
        if mark is not None and (len(mark) != 1 or mark in NO_DELIMITERS):
            raise ValueError(f'{mark!r} cannot part fields: write one character (";", "|", "\\t"), no quotation mark')
        return mark

    @model_validator(mode="after")
    def is_mapping(self) -> "SourceFile":
        if twice := sorted({name for name in self.columns.values() if list(self.columns.values()).count(name) > 1}):
            raise ValueError(f"columns: {twice} stand for several fields; a column has one name")
        if self.columns and self.format in ("book", "wikidata"):
            raise ValueError(f"columns: a source of format {self.format} has none")
        return self

    @field_validator("encoding")
    @classmethod
    def is_encoding(cls, name: str | None) -> str | None:
        try:
            "".encode(name or "utf-8")
        except LookupError as error:
            raise ValueError(
                f"{name!r} is no encoding of text; such are utf-16-le, gb18030, shift_jis, cp1252"
            ) from error
        return name

    def demonstrates(self, kind: str) -> Strategy | None:
        """The strategy under which answers of items of this kind enter D as they are; None where they do not.

        Answers to safety prompts, and the best of rated responses, do so only where the source writes a strategy: nobody
        has checked the former against a principle, and of the latter models wrote most that there are.
        """
        return self.strategy if "strategy" in self.model_fields_set or kind not in ("safety_prompt", "rated") else None


class EvaluationFile(SourceFile):
    """An evaluation file: reaches decontamination and evaluation only."""

    strategy: None = None
    split: Annotated[str, Field(min_length=1)] = "test"


class IngestParams(Section):
    """Sources of training rows, and apart from them the evaluation files."""

    sources: list[SourceFile] = []
    evaluation: list[EvaluationFile] = []
    passage_min_words: Words = 80
    passage_max_words: Words = 400
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[a-z]+)?$")] = "en"
    detect_rows: Positive = 50
    rated_pairs: Positive = 4

    @model_validator(mode="after")
    def agree(self) -> "IngestParams":
        names = [source.name for source in (*self.sources, *self.evaluation)]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"source names {repeated} occur twice; give every source its own name")
        if self.passage_min_words > self.passage_max_words:
            raise ValueError(
                f"passage_min_words {self.passage_min_words} is above passage_max_words {self.passage_max_words}"
            )
        return self


class FilterParams(Section):
    """Duplicates, decontamination and quality rules."""

    shingle_words: Positive = 3
    bands: Annotated[int, Field(ge=1, le=64)] = 16
    rows_per_band: Annotated[int, Field(ge=1, le=32)] = 5
    near_duplicate: dict[Domain, Rate] = {}
    ngram: Annotated[int, Field(ge=4, le=50)] = 13
    lcs_tokens: Positive = 13
    lcs_share: Rate = 0.6
    least_ngram: Annotated[int, Field(ge=1, le=50)] = 5
    solution_tokens: Annotated[int, Field(ge=4, le=200)] = 13
    nearest: Positive = 16
    report_ngram: Annotated[int, Field(ge=4, le=50)] = 8
    report_items: Count = 5
    refusal_chars: Positive = 200
    refusal_words: Positive = 80
    repetition_ngram: Positive = 4
    repetition_share: Rate = 0.3
    repetition_min_words: Positive = 40
    truncated_min_words: Positive = 150


class AssembleParams(Section):
    """The mix, the split and the margins of D and P."""

    heldout_share: Rate = 0.05
    heldout_near_duplicate: Annotated[float, Field(gt=0, le=1)] = 0.8
    per_prompt: Positive = 4
    max_per_strategy: dict[Strategy, Positive] = {}
    max_per_domain: dict[Domain, Positive] = {}
    min_margin: dict[Strategy, Annotated[float, Field(ge=0)]] = {}
