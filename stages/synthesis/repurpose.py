"""repurpose: existing texts become training data (Qwen2 report, section 4.1.2; docs/methods.md, section 6).

stages/synthesis/literature.py infers instructions for passages, stages/synthesis/role_play.py puts questions to
characters.
"""

from typing import NamedTuple

from cultivar.llm.engine import Engine
from schemas.rows import Character, Demonstration, Dropped, Passage, Preference, Quarantined, VerdictRow
from schemas.table import Table
from stages.synthesis.ledger import Ledger
from stages.synthesis.literature import literature
from stages.synthesis.params import RepurposeParams
from stages.synthesis.role_play import role_play


class RepurposeTables(NamedTuple):
    repurpose_demonstrations: Table[Demonstration]
    repurpose_preferences: Table[Preference]
    repurpose_verdicts: Table[VerdictRow]
    dropped: Table[Dropped]
    quarantine: Table[Quarantined]


def repurpose(
    passages: Table[Passage], characters: Table[Character], params: RepurposeParams, teacher: Engine, judge: Engine
) -> RepurposeTables:
    """D and P from passages and characters, with the verdicts that admitted them."""
    ledger = Ledger("repurpose")
    texts, cast = list(passages), list(characters)
    literature(texts, params, teacher, judge, ledger)
    role_play(cast, params, teacher, judge, ledger)
    ledger.close([row.id for row in [*texts, *cast]], "came to no demonstration")
    return RepurposeTables(**ledger.tables())
