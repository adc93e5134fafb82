"""tag: open-set intention tags for every instruction (InsTag, Lu et al. 2024, section 3.1)."""

from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel

from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.ids import content_id, seed_of
from schemas.rows import Instruction, Quarantined, TagSet
from schemas.table import Table
from stages.annotation.params import TagParams

TAG_CHARS = 200
"""Characters of a tag, a few words: ontology compares the titles of all of them."""


def is_title(tag: str) -> str:
    """The tag. Raises ValueError for a text that is longer than a title."""
    if len(tag) > TAG_CHARS:
        raise ValueError(f"a tag has at most {TAG_CHARS} characters, not {len(tag):,}")
    return tag


class Intention(BaseModel):
    """One tag with the tagger's reason. The bound is not in the schema: the requests of earlier versions stay the same."""

    tag: Annotated[str, AfterValidator(is_title)]
    explanation: str = ""


class Tags(BaseModel):
    """The tagger's answer."""

    tags: list[Intention]


class TagTables(NamedTuple):
    tag_sets: Table[TagSet]
    quarantine: Table[Quarantined]


def tag(instructions: Table[Instruction], params: TagParams, tagger: Engine) -> TagTables:
    """One tag set per instruction; answers that cannot be read, or hold an overlong tag, quarantine their instruction."""
    prompt, rows = Prompt("tag"), list(instructions)
    questions = [
        Question(prompt.messages(instruction=row.prompt, max_tags=params.max_tags), Tags, seed=seed_of(row.id, "tag"))
        for row in rows
    ]
    tag_sets, quarantine = [], []
    for row, (answer,) in zip(rows, tagger.ask(questions), strict=True):
        if not isinstance(answer.value, Tags):
            quarantine.append({"id": row.id, "stage": "tag", "error": str(answer.error), "raw": answer.text})
            continue
        reasons = {item.tag.strip(): item.explanation for item in answer.value.tags if item.tag.strip()}
        tags = [{"tag": name, "explanation": reason} for name, reason in list(reasons.items())[: params.max_tags]]
        tag_sets.append(
            {
                "id": content_id("tags", tags, [row.id]),
                "parents": [row.id],
                "tags": tags,
                "engine": answer.engine,
                "simulated": answer.simulated,
            }
        )
    return TagTables(Table.of(TagSet, tag_sets), Table.of(Quarantined, quarantine))
