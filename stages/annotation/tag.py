"""tag: open-set intention tags for every instruction (InsTag, Lu et al. 2024, section 3.1)."""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel

from cultivar.llm.engine import Engine
from cultivar.llm.prompt import Prompt
from cultivar.llm.request import Question
from schemas.conversations import user_turns
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
    """One tag set per instruction: the tags of each of its user turns, every one tagged by itself.

    An answer that cannot be read, or holds an overlong tag, quarantines its instruction.
    """
    prompt, rows = Prompt("tag", "instruction", "max_tags"), list(instructions)
    turns = [user_turns(row.prompt) for row in rows]
    questions = [
        Question(prompt.messages(instruction=text, max_tags=params.max_tags), Tags, seed=turn_seed(row.id, before))
        for row, texts in zip(rows, turns, strict=True)
        for before, text in zip(range(len(texts) - 1, -1, -1), texts, strict=True)
    ]
    answers = (answer for (answer,) in tagger.ask(questions))
    tag_sets, quarantine = [], []
    for row, texts in zip(rows, turns, strict=True):
        own = list(islice(answers, len(texts)))
        if failed := next((answer for answer in own if not isinstance(answer.value, Tags)), None):
            quarantine.append({"id": row.id, "stage": "tag", "error": str(failed.error), "raw": failed.text})
            continue
        answer = own[-1]
        tags = [
            {"tag": name, "explanation": reason}
            for name, reason in merged([each.value for each in own], params.max_tags).items()
        ]
        tag_sets.append(
            {
                "id": content_id("tags", tags, [row.id]),
                "parents": [row.id],
                "tags": tags,
                "engine": answer.engine,
                "simulated": any(each.simulated for each in own),
            }
        )
    return TagTables(Table.of(TagSet, tag_sets), Table.of(Quarantined, quarantine))


def turn_seed(row_id: str, before: int) -> int:
    """The seed of the user turn that stands so many user turns before the last one."""
    return seed_of(row_id, "tag", *([before] if before else []))


def merged(answers: Iterable[Any], most: int) -> dict[str, str]:
    """Tag -> reason, of each turn the first `most`, in the order of the turns; the first reason of a tag stays."""
    tags: dict[str, str] = {}
    for answer in answers:
        reasons = {item.tag.strip(): item.explanation for item in answer.tags if item.tag.strip()}
        for name in list(reasons)[:most]:
            tags.setdefault(name, reasons[name])
    return tags
