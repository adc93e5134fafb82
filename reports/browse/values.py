"""Values of rows as the page shows them: beginnings with the words that were searched for, and what links where."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cultivar.outgoing.escape import SUSPECTS
from cultivar.outgoing.redaction import redacted, redacted_value
from reports.browse.columns import SOURCE_FILE, Column
from reports.page.values import is_conversation, plain
from schemas.conversations import shown, speaker

PREVIEW = 260
"""Characters of a text in a list."""
READ = 8_000
"""Characters of a text that its beginning is made from."""
ROW_ID = re.compile(r"[0-9a-f]{32}")

Run = tuple[bool, str]
"""Whether a run of a text was searched for, and the run."""


def preview(value: Any, wanted: re.Pattern[str] | None, most: int = PREVIEW) -> list[Run]:
    """The beginning of a value as one line, or what stands around the first word that was searched for."""
    whole = flat(value)
    found = wanted.search(whole) if wanted else None
    start = 0 if found is None or found.end() < most else max(0, found.start() - most // 4)
    text = redacted(whole[: start + READ])  # before it is cut: half a secret is not known
    start = min(start, len(text))
    shown = " ".join(text[start : start + most].split())
    runs = [(False, "… "), *marked(shown, wanted)] if start else marked(shown, wanted)
    return [*runs, (False, " …")] if len(text) > start + most or len(whole) > start + READ else runs


def marked(text: str, wanted: re.Pattern[str] | None) -> list[Run]:
    """The text in runs, those that were searched for marked."""
    return list(runs_of(text, wanted)) if wanted else [(False, text)]


def runs_of(text: str, wanted: re.Pattern[str]) -> Iterator[Run]:
    at = 0
    for found in wanted.finditer(text):
        if found.end() > found.start():
            yield from ((False, text[at : found.start()]), (True, found[0]))
            at = found.end()
    yield (False, text[at:])


def flat(value: Any) -> str:
    """A value as one text; of a conversation the turns, the last one said by the user first where there are several."""
    if is_conversation(value):
        turns = [shown(turn) for turn in value]
        users = [text for turn, text in zip(value, turns, strict=True) if turn["role"] == "user"]
        return users[-1] if users else "\n".join(turns)
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        return "\n".join(value)
    return plain(value)


def whole_text(value: Any) -> str:
    """All turns of a conversation, or the text, as one."""
    if not is_conversation(value):
        return flat(value)
    return shown(value[0]) if len(value) == 1 else "\n\n".join(f"{speaker(turn)}: {shown(turn)}" for turn in value)


def as_json(row: Mapping[str, Any]) -> str:
    """The row as JSON that shows nothing else than it is: what acts or hides is written as an escape, which JSON reads."""
    text = json.dumps(redacted_value(dict(row)), ensure_ascii=False, indent=2, default=str)
    return SUSPECTS.sub(lambda found: json.dumps(found[0])[1:-1], text)


def list_columns(columns: Sequence[Column], rows: int) -> tuple[list[Column], list[Column]]:
    """The columns that a list shows: texts, and narrow ones that tell rows apart, at most three and six."""
    texts = [one for one in columns if one.kind in ("messages", "text", "texts") and one.name not in ("setup", "tests")]
    texts.sort(key=lambda one: TEXT_ORDER.get(one.name, 5))
    narrow = [
        one
        for one in columns
        if one.is_narrow
        and one.kind != "id"
        and one.name not in ("source", SOURCE_FILE, "stage")
        and (one.distinct > 1 or rows <= 1 or one.name == "rule")
    ]
    narrow.sort(key=lambda one: NARROW_ORDER.get(one.name, 50))
    return texts[:3], narrow[: (10, 7, 6, 5)[min(len(texts), 3)]]


TEXT_ORDER = {"prompt": 0, "text": 0, "error": 0, "detail": 1, "chosen": 1, "completion": 1, "raw": 2, "rejected": 2}
NARROW_ORDER = {
    name: place
    for place, name in enumerate(
        "rule domain strategy outcome score quality margin tags task model correct label_source split".split()
    )
}
