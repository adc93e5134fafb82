"""reports/gates.yaml and human/waivers.yaml read: an error names the file, the line, the entry and what is allowed."""

from pathlib import Path

from reports.gates.declared import GateFile, Waiver, WaiverFile
from schemas.faults import Fault, FileFaults, unknown_name
from schemas.human import Places, human_of

GATES, WAIVERS = "reports/gates.yaml", "human/waivers.yaml"


def read_gates(text: str, path: str = GATES) -> GateFile:
    """The gates of a file's text. Raises FileFaults and UserError as `human_of`."""
    return human_of(text, path, GateFile)


def read_waivers(text: str | None, path: str = WAIVERS) -> tuple[Waiver, ...]:
    """The waivers of a file's text; none where there is no file. Raises FileFaults and UserError as `human_of`."""
    return human_of(text, path, WaiverFile).waivers if text and text.strip() else ()


def findings(paths: list[Path], _: object = None) -> tuple[int, list[Fault]]:
    """How many gates and waivers there are. Raises FileFaults for what is wrong, a waiver of no gate among it."""
    gates: list[str] | None = None
    waivers: tuple[Waiver, ...] = ()
    faults: list[Fault] = []
    for path in paths:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        try:
            if str(path) == WAIVERS:
                waivers = read_waivers(text)
            else:
                gates = [gate.name for gate in read_gates(text, str(path)).gates]
        except FileFaults as error:
            faults += error.faults
    if gates is not None and waivers:
        places = Places(Path(WAIVERS).read_bytes())
        for number, waiver in enumerate(waivers):
            if waiver.gate not in gates:
                words = f"{unknown_name(waiver.gate, gates, 'gate')}; correct the name or remove the waiver"
                faults.append(places.fault(WAIVERS, ("waivers", number, "gate"), words))
    if faults:
        raise FileFaults(faults)
    return len(gates or ()) + len(waivers), []
