"""reports/gates.yaml and human/waivers.yaml read: an error names the file, the line, the entry and what is allowed."""

from reports.gates.declared import GateFile, Waiver, WaiverFile
from schemas.human import human_of

GATES, WAIVERS = "reports/gates.yaml", "human/waivers.yaml"


def read_gates(text: str, path: str = GATES) -> GateFile:
    """The gates of a file's text. Raises FileFaults and UserError as `human_of`."""
    return human_of(text, path, GateFile)


def read_waivers(text: str | None, path: str = WAIVERS) -> tuple[Waiver, ...]:
    """The waivers of a file's text; none where there is no file. Raises FileFaults and UserError as `human_of`."""
    return human_of(text, path, WaiverFile).waivers if text and text.strip() else ()
