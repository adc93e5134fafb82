"""dvc.lock by its lines: DVC alone writes it, always alike, and a YAML parser takes a second for thirty stages."""

from reports.versions.objects import Recorded


def recorded_outs(text: str) -> dict[str, Recorded]:
    """Path -> output of every stage of a dvc.lock, in its order; outputs without an md5 are left out."""
    found: dict[str, Recorded] = {}
    stage, section, path, md5 = "", "", "", ""
    for line in text.splitlines():
        if line.startswith("  ") and line[2:3] not in (" ", ""):
            stage, section = unquoted(line.strip().removesuffix(":")), ""
        elif line.startswith("    ") and line[4:5] not in (" ", "-", ""):
            section, path = line.strip().removesuffix(":"), ""
        elif section != "outs":
            continue
        elif line.startswith("    - "):
            path, md5 = "", ""
            line = "      " + line[6:]
        key, _, value = line.strip().partition(": ")
        if section == "outs" and line.startswith("      ") and line[6:7] != " ":
            if key == "path":
                path = unquoted(value)
            elif key == "md5":
                md5 = unquoted(value)
            if path and md5 and key in ("path", "md5"):
                found[path] = Recorded(stage, path, md5)
            elif key == "size" and path in found and value.isdecimal():
                found[path] = found[path]._replace(size=int(value))
    return found


def unquoted(word: str) -> str:
    return word.strip().strip("'\"")
