"""Where a text holds code: in fences of any kind and tag, and between sentences where it has none."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from cultivar.grading.code_syntax import Block, Effort, is_code, is_incomplete, parse

EDGES = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad"
"""Characters of no width, which a text or line may begin and end with."""
OPENING = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,})(?!~)([^`]*)")
AFTER_WORDS = re.compile(r"[^`]*[^`\s][ \t]*(`{3,})(\w*)[ \t]*")
ONE_LINE = re.compile(r"[ \t]*(`+)([^`]+)(`+)[ \t]*")
FIRST_LINE = re.compile(
    r"[ \t]*(?:py(?:thon)?\d?[ \t]+)?((?:async[ \t]+)?def[ \t]+\w+[ \t]*\(.*|(?:class|import|from)[ \t]+\w.*|@\w.*)",
    re.IGNORECASE,
)
"""Where a tag is expected: the first line of code, which a model wrote on the fence's line."""
TAG = re.compile(r"(?:(?<![ \t])[ \t]+)?py(?:thon)?\d?[ \t]+", re.IGNORECASE)
CONTINUES = re.compile(r"[)\]}]|(?:else|elif|except|finally)\b")
"""How a line at the margin begins that goes on with the statement above."""
QUOTE = re.compile(r"(?:(?<![ \t])[ \t]+)?>[ \t]?")
CLOSINGS = 8
"""Fences after the first that may close a block, where one stands in a string of the code."""


ODD_SPACES = "\u00a0\u2002\u2003\u2007\u2009\u202f\u3000"
STRING_OR_ODD = re.compile(
    r'("""(?:[^"\\]|\\.|"(?!""))*+(?:""")?|\'\'\'(?:[^\'\\]|\\.|\'(?!\'\'))*+(?:\'\'\')?'
    r'|"(?:[^"\\\n]|\\.)*+"?|\'(?:[^\'\\\n]|\\.)*+\'?|#[^\n]*+)' + f"|[{ODD_SPACES}{EDGES}]",
    re.DOTALL,
)
"""A string or comment, or a character that Python does not take outside of them."""


@dataclass(frozen=True)
class Region:
    """Lines of a text: the inside of a fence whose line has the indent `lead`, or what stands outside of fences."""

    lines: list[str]
    is_fenced: bool
    lead: str = ""

    @property
    def raw(self) -> str:
        return "\n".join(self.lines)


def normalize(text: str) -> str:
    """A text with newlines as Python has them and without characters of no width at its ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip(EDGES)


def blocks_of(text: str, effort: Effort) -> tuple[list[Block], list[Region]]:
    """The blocks of a normalised text in order, and the regions that they stand in."""
    regions = list(regions_of(text, effort))
    return [block for region in regions for block in region_blocks(region, effort)], regions


def regions_of(text: str, effort: Effort) -> Iterator[Region]:
    """The regions of a text in order. A fence that is not closed goes to the end."""
    lines, place = text.split("\n"), 0
    closings = Closings(lines)
    outside: list[str] = []
    while place < len(lines):
        line = lines[place]
        if (one := ONE_LINE.fullmatch(line)) and len(one[1]) == len(one[3]) != 2:
            yield from [Region(outside, False)] if outside else []
            outside = []
            yield Region([TAG.sub("", one[2], count=1)], True)
        elif opening := OPENING.fullmatch(line) or AFTER_WORDS.fullmatch(line):
            yield from [Region(outside, False)] if outside else []
            outside = []
            lead = line[: opening.start(1)] if line[: opening.start(1)].strip(" \t>") == "" else ""
            region, place = closings.read(place + 1, opening[1], lead, effort)
            first = FIRST_LINE.fullmatch(opening[2])
            yield Region([lead + first[1], *region.lines], True, lead) if first else region
        else:
            outside.append(line)
        place += 1
    if outside:
        yield Region(outside, False)


class Closings:
    """Where fences of a text may end: on lines that are nothing but a fence, or at the end of a line of code."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.alone: dict[str, list[tuple[int, int]]] = {"`": [], "~": []}  # (place, length)
        self.behind: list[int] = []  # places of lines that end with three backticks
        for place, line in enumerate(lines):
            mark = line.strip(" \t>" + EDGES)
            if mark[:3] in ("```", "~~~") and not mark.strip(mark[0]):
                self.alone[mark[0]].append((place, len(mark)))
            elif mark.endswith("```"):
                self.behind.append(place)

    def after(self, start: int, fence: str) -> Iterator[int]:
        """The places from `start` on that close a fence: of the same kind, and at least as long."""
        alone = self.alone[fence[0]]
        for number in range(bisect_left(alone, (start, 0)), len(alone)):
            if alone[number][1] >= len(fence):
                yield alone[number][0]

    def read(self, start: int, fence: str, lead: str, effort: Effort) -> tuple[Region, int]:
        """The region of a fence whose first line is at `start`, and the place of its last line.

        The first closing ends it, unless a string of the code is still open there. Without one it ends at the first line
        of code with a fence behind it, or goes to the end.
        """
        first: tuple[Region, int] | None = None
        for place in islice(self.after(start, fence), CLOSINGS):
            region = Region(self.lines[start:place], True, lead)
            if not is_open(region, effort):
                return (region, place) if first is None or read_whole(region, effort) else first
            first = first or (region, place)
        if first is not None:
            return first
        number = bisect_left(self.behind, start)
        if fence[0] == "`" and number < len(self.behind):
            place = self.behind[number]
            code = self.lines[place].rstrip(" \t" + EDGES).rstrip("`")
            return Region([*self.lines[start:place], code], True, lead), place
        return Region(self.lines[start:], True, lead), len(self.lines)


def is_open(region: Region, effort: Effort) -> bool:
    """Whether the code of a region ends within a string in triple quotes."""
    source = region.raw
    if not ('"""' in source or "'''" in source):
        return False
    return is_incomplete(next(iter(readings(region))), effort)


def region_blocks(region: Region, effort: Effort) -> list[Block]:
    """The blocks of a region: all of it where it compiles, otherwise the parts that do."""
    if (whole := read_whole(region, effort)) is not None:
        return [whole]
    sources = list(segments(next(iter(readings(region))), effort))
    trees = [(source, parse(source, effort)) for source in sources]
    lines = set(region.lines)
    return [
        Block(source, tree, False, region.is_fenced, source.lstrip("\n").partition("\n")[0] in lines)
        for source, tree in trees
        if tree is not None
    ]


def read_whole(region: Region, effort: Effort) -> Block | None:
    """All of a region as a block, in the first reading of its indents that compiles; None where none does."""
    for source in readings(region):
        if (tree := parse(source, effort)) is not None:
            return Block(source, tree, True, region.is_fenced) if is_code(tree) else None
    return None


def readings(region: Region) -> Iterator[str]:
    """A region's code by each way to take away its indent; equal readings once."""
    lines = region.lines
    if ">" in region.lead:
        lines = [QUOTE.sub("", line, count=1) for line in lines]
    seen: set[str] = set()
    width = len(region.lead.replace(">", ""))
    cleaned = [clean_indent(line) for line in lines]
    for reading in (
        lambda: dedent(lines),
        lambda: "\n".join(line[min(width, len(line) - len(line.lstrip())) :] for line in lines),
        lambda: dedent(cleaned),
        lambda: dedent([line[: len(line) - len(line.lstrip())].expandtabs(4) + line.lstrip() for line in cleaned]),
        lambda: unspaced(dedent(cleaned)),
    ):
        source = reading()
        if source not in seen:
            seen.add(source)
            yield source


def unspaced(source: str) -> str:
    """Code with plain spaces and without characters of no width, which copying leaves; strings and comments stay."""
    if source.isascii():
        return source
    return STRING_OR_ODD.sub(lambda found: found[1] or (" " if found[0] in ODD_SPACES else ""), source)


def clean_indent(line: str) -> str:
    """A line without characters of no width at its ends, and with ordinary spaces where it is indented by others."""
    line = line.strip(EDGES)
    body = line.lstrip()
    indent = line[: len(line) - len(body)]
    return "".join(char if char in " \t" else " " for char in indent) + body.strip(EDGES)


def dedent(lines: list[str]) -> str:
    """Lines without the indent that all of them share. Blank lines share any; they stay as they are where there is none."""
    written = [line for line in lines if line.strip()]
    if not written:
        return ""
    low, high = min(written), max(written)  # what these share, all share
    length = 0
    while length < min(len(low), len(high)) and low[length] == high[length] and low[length] in " \t":
        length += 1
    return "\n".join(line[length:] if line.strip() else "" for line in lines) if length else "\n".join(lines)


def segments(source: str, effort: Effort, depth: int = 0) -> Iterator[str]:
    """The longest runs of statements in a text of code and sentences, in order."""
    chunks = chunks_of(source.split("\n"))
    run: list[str] = []
    place = 0
    while place < len(chunks):
        end, tree = place + 1, None
        while True:
            code = "\n".join(chunks[place:end])
            if (tree := parse(code, effort)) is not None or end == len(chunks) or not is_incomplete(code, effort):
                break
            end += 1
        if tree is not None and is_code(tree):
            run.append(code)
            place = end
            continue
        yield from ["\n".join(run)] if run else []
        run = []
        _, _, below = chunks[place].partition("\n")
        if below.strip() and depth < 2:  # indented below a sentence
            yield from segments(dedent(below.split("\n")), effort, depth + 1)
        place += 1
    if run:
        yield "\n".join(run)


def chunks_of(lines: list[str]) -> list[str]:
    """Lines in pieces that begin at the margin and hold all that is indented below, or goes on at the margin."""
    chunks: list[list[str]] = []
    for line in lines:
        begins = bool(line.strip()) and not line[0].isspace() and not CONTINUES.match(line)
        if begins or not chunks:
            chunks.append([])
        chunks[-1].append(line)
    return ["\n".join(chunk) for chunk in chunks]
