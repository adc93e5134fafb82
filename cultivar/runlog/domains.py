"""What the recipe makes of the rows of each domain, and so what it cannot do where nobody brought any."""

from collections.abc import Mapping, Sized

USES = {
    "general": (
        "instructions",
        "prompts for annotation: tags, selection, evolution, ranked responses; queries for constraints",
    ),
    "math": ("problems", "rejection sampling, and the demo's own base model (else name base.pretrained)"),
    "code": ("code_tasks", "execution feedback on programs"),
    "constraint": ("constraints", "execution feedback on constraints"),
    "literature": ("passages", "data repurposing of passages"),
    "character": ("characters", "role-play"),
    "safety": ("safety_prompts", "constitutional feedback"),
}
"""Domain -> the table of ingest that its rows are in, and what is made of them."""


def missing(tables: Mapping[str, Sized]) -> list[str]:
    """The domains, each with what is not made without it, whose table is among these and empty."""
    return [f"{domain} ({use})" for domain, (table, use) in USES.items() if table in tables and not len(tables[table])]
