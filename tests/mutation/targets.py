"""What is mutated, and which tests judge it: the one place that names modules. Edit it when a module moves."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PARAMS = ("stages/*/params.py", "train/params.py")
"""The files of the parameter sections, where the thresholds have their defaults."""
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
BAR = 0.9
"""Share of its mutants that a deciding module's tests must kill."""
SLOWEST = 3.0
"""CPU seconds of a test, fixtures included, from which on it does not judge: a rule is tested where it is quick to test."""

EXCLUDED = (
    "tests/docs/test_contributing.py",
    "tests/runner/test_graph.py",
    "tests/train/test_kill.py",
    "tests/train/test_launch.py",
    "tests/train/test_merging.py",
    "tests/train/test_merging_ranks.py",
    "tests/train/test_policy_in_vllm.py",
    "tests/train/test_safety.py",
    "tests/train/test_seeds.py",
    "tests/train/test_stages.py",
)
"""Test files that judge no mutant: they work in processes that they start, or train models for minutes."""


class Target(NamedTuple):
    """Modules whose mutants are judged by the tests below the given paths, where these reach them by imports.

    `decides`: these modules decide what enters D and P, so their tests must meet the bar.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    decides: bool = True


STAGES = ("tests/stages", "tests/admission")
TRAINING = ("tests/train", "tests/grading", "tests/admission")
TARGETS = (
    Target(
        (
            "stages.annotation.tag",
            "stages.annotation.ontology",
            "stages.annotation.associations",
            "stages.annotation.titles",
            "stages.annotation.refinements",
            "stages.annotation.score",
            "stages.annotation.richness",
        ),
        STAGES,
        decides=False,
    ),
    Target(
        (
            "stages.annotation.select",
            "stages.annotation.evolve",
            "stages.annotation.respond",
            "stages.annotation.rank",
            "stages.annotation.ranked",
            "stages.annotation.orders",
            "stages.annotation.rankings",
        ),
        STAGES,
    ),
    Target(
        (
            "stages.synthesis.rejection",
            "stages.synthesis.execution",
            "stages.synthesis.solutions",
            "stages.synthesis.consensus",
            "stages.synthesis.verifiers",
            "stages.synthesis.cross_validation",
            "stages.synthesis.constrained",
            "stages.synthesis.queries",
            "stages.synthesis.repurpose",
            "stages.synthesis.literature",
            "stages.synthesis.quotes",
            "stages.synthesis.role_play",
            "stages.synthesis.constitution",
            "stages.synthesis.ledger",
            "schemas.products",
        ),
        STAGES,
    ),
    Target(
        (
            "stages.curation.ingest",
            "stages.curation.readers.sources",
            "stages.curation.filter",
            "stages.curation.decontamination",
            "stages.curation.duplicates",
            "stages.curation.quality",
            "stages.curation.form",
            "stages.curation.refusals",
            "stages.curation.identity",
            "stages.curation.boilerplate",
            "stages.curation.repetition",
            "stages.curation.assemble",
        ),
        STAGES,
    ),
    Target(
        (
            "stages.curation.readers.records",
            "stages.curation.readers.tables",
            "stages.curation.readers.shapes",
            "stages.curation.readers.turns",
            "stages.curation.readers.calls",
            "stages.curation.readers.marked_calls",
            "stages.curation.readers.tool_records",
            "stages.curation.readers.ratings",
            "stages.curation.readers.comparisons",
            "stages.curation.readers.trees",
            "stages.curation.readers.gathering",
            "stages.curation.readers.problems",
            "stages.curation.readers.apps",
            "stages.curation.readers.books",
            "stages.curation.readers.chapters",
            "stages.curation.readers.lines",
            "stages.curation.readers.json_text",
            "stages.curation.readers.arrow",
            "stages.curation.readers.answers",
            "stages.curation.readers.conversations",
            "stages.curation.readers.fields",
            "stages.curation.readers.preferences",
            "stages.curation.readers.programs",
            "stages.curation.readers.wikidata",
        ),
        STAGES,
        decides=False,
    ),
    Target(
        (
            "cultivar.grading.pairs",
            "cultivar.grading.answers",
            "cultivar.grading.arithmetic",
            "cultivar.grading.equations",
            "cultivar.grading.code",
            "cultivar.text.tokens",
            "cultivar.text.ngrams",
        ),
        ("tests/grading", "tests/admission", "tests/stages", "tests/text"),
    ),
    Target(
        (
            "cultivar.grading.cues",
            "cultivar.grading.boxes",
            "cultivar.grading.answer_markup",
            "cultivar.grading.numerals",
            "cultivar.grading.units",
            "cultivar.grading.values",
            "cultivar.grading.groups",
            "cultivar.grading.notation",
            "cultivar.grading.equation_tokens",
            "cultivar.grading.side_reader",
            "cultivar.grading.sides",
            "cultivar.grading.readings",
            "cultivar.grading.measures",
            "cultivar.grading.code_blocks",
            "cultivar.grading.code_syntax",
            "cultivar.grading.code_tests",
        ),
        ("tests/grading", "tests/admission", "tests/stages"),
        decides=False,
    ),
    Target(("train.episode", "train.tokenized", "train.marking"), TRAINING),
    Target(
        (
            "cultivar.grading.constraints",
            "cultivar.grading.constraint_form",
            "cultivar.grading.constraint_lengths",
            "cultivar.grading.constraint_words",
            "cultivar.text.languages",
            "cultivar.text.sentences",
        ),
        ("tests/grading", "tests/admission", "tests/text"),
    ),
    Target(
        ("train.chat", "train.dpo_trainer", "train.sft", "train.reward", "train.dpo", "train.online_dpo"),
        TRAINING,
        decides=False,
    ),
    Target(("cultivar.llm.request",), ("tests/llm/test_request.py", "tests/llm/test_engine.py"), decides=False),
)
"""The table that `python -m tests.mutation` reads; names are dotted, paths are relative to the repository's root."""
