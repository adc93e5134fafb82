"""Zip archives, unpacked into a folder that is removed afterwards. What cannot be unpacked is refused by name.

Nothing that an archive says of itself is trusted: a name never leads out of the folder, sizes are counted.
"""

import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from schemas.parsing import Unreadable, parsed
from stages.curation.readers import lines

MOST_MEMBERS = 100_000
LONGEST_NAME = 200
"""Bytes of a part of a member's name."""
CHUNK = 2**20


class Unpacked(NamedTuple):
    """`files` below the folder, and (name in the archive, reason) of what was refused; "" names the archive itself."""

    files: list[Path]
    refused: list[tuple[str, str]]


def unpack(archive: Path, folder: Path) -> Unpacked:
    """The members of an archive as files below an empty folder, in the order of their names.

    All of them together may be MOST_FOLD times the size of the archive, and LEAST_EXPANDED bytes in any case.
    """
    try:
        file = parsed(zipfile.ZipFile, archive)
    except Unreadable as error:
        return Unpacked([], [("", f"not a zip archive, or damaged: {error}")])
    found = Unpacked([], [])
    with file:
        members = [member for member in file.infolist() if not member.is_dir()]
        if len(members) > MOST_MEMBERS:
            return Unpacked([], [("", f"more than {MOST_MEMBERS:,} files; unpack it")])
        left = max(lines.LEAST_EXPANDED, lines.MOST_FOLD * archive.stat().st_size)
        for member in sorted(members, key=lambda one: one.filename):
            name = harmless(member.filename)
            try:
                left -= take(file, member, folder / name, left)
            except Unreadable as error:
                found.refused.append((name, str(error)))
            else:
                found.files.append(folder / name)
    return found


def harmless(name: str) -> str:
    """A member's name as a path below a folder: without root, `..`, and parts that are too long for a file system."""
    parts = [part for part in re.split(r"[\\/]", name) if part not in ("", ".", "..")]
    return "/".join(shortened(part) for part in parts) or "unnamed"


def shortened(part: str) -> str:
    """A part of a name with its suffix, in LONGEST_NAME bytes."""
    if len(part.encode("utf-8", "replace")) <= LONGEST_NAME:
        return part
    return part.encode("utf-8", "replace")[: LONGEST_NAME // 2].decode("utf-8", "ignore") + Path(part).suffix[:20]


def take(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Write one member and return its bytes. Raises Unreadable with the reason where that cannot be done."""
    if member.flag_bits & 0x41:
        raise Unreadable("it is encrypted; unpack the archive with its password")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Unreadable("a link; unpack the archive where it leads to something")
    if target.exists():
        raise Unreadable("a second file of this name")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unreadable("its folder has the name of a file") from error
    try:
        return copied(file, member, target, most)
    except (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error, ValueError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # no space left, say
            raise
        target.unlink(missing_ok=True)
        raise error if isinstance(error, Unreadable) else Unreadable(f"damaged, or cannot be read: {error}") from error


def copied(file: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int) -> int:
    """Raises Unreadable where a member is larger than `most` bytes."""
    size = 0
    with file.open(member) as source, target.open("xb") as written:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise Unreadable(
                    f"the archive expands to more than {lines.MOST_FOLD} times its size; if that is right, unpack it"
                )
            written.write(chunk)
    return size
