"""Plain-text books (Project Gutenberg) into passages: without header and footer, by chapters, cut at paragraph ends."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stages.curation.readers.records import FormatError

START = re.compile(r"^\s*\*\*\*\s*START OF (THE|THIS) PROJECT GUTENBERG.*$", re.I)
END = re.compile(r"^\s*(\*\*\*\s*END OF (THE|THIS) PROJECT GUTENBERG.*|End of (the )?Project Gutenberg.*)$", re.I)
FIELD = re.compile(r"^(Title|Author):\s*(.+)$")
NUMBER = r"([IVXLC]+|\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
CHAPTER = re.compile(rf"^\s*(chapter|book|part|canto|act|scene|letter)\s+{NUMBER}\b[.:]?.{{0,80}}$", re.I)
ORNAMENT = re.compile(r"^[\s*·_=-]+$")
OPENING = ("“", "‘", '"', "'", "—", "«")
CLOSING = ("”", "’", '"', "'", "»")
SENTENCE = re.compile(r"(?<=[.!?…][”’\"'])\s+|(?<=[.!?…])\s+(?=[A-Z“‘\"])")


@dataclass(frozen=True, slots=True)
class Paragraph:
    line: int
    text: str
    words: int

    @property
    def is_spoken(self) -> bool:
        return self.text.startswith(OPENING) or self.text.endswith(CLOSING)


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage; `line` is where it begins. `short` passages are below the least number of words."""

    work: str
    author: str
    section: str
    line: int
    text: str
    short: bool


def is_book(path: Path) -> bool:
    """Whether a text file begins like a Project Gutenberg book."""
    return any(START.match(line) for line in lines_of(path)[:400])


def lines_of(path: Path) -> list[str]:
    """Raises FormatError where the file is not UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 at byte {error.start}; convert it (`iconv -f latin1 -t utf8`)") from error


def read_passages(path: Path, least: int, most: int) -> Iterator[Cut]:
    """Passages of `least` to `most` words. A book without a START line is one work, named by the file."""
    lines = lines_of(path)
    head = [match for line in lines[:400] if (match := FIELD.match(line))]
    named = {match[1]: match[2].strip() for match in reversed(head)}
    first = next((n for n, line in enumerate(lines) if START.match(line)), -1) + 1
    last = next((n for n in range(first, len(lines)) if END.match(lines[n])), len(lines))
    work, author = named.get("Title", path.stem), named.get("Author", "")
    for section, paragraphs in chapter_paragraphs(lines, first, last):
        for line, text, words in passages(paragraphs, least, most):
            yield Cut(work, author, section, line, text, words < least)


def chapter_paragraphs(lines: list[str], first: int, last: int) -> Iterator[tuple[str, list[Paragraph]]]:
    """Chapters with their paragraphs; what stands before the first chapter (title page, contents) is left out."""
    heads = [n for n in range(first, last) if CHAPTER.match(lines[n])]
    ends = [*heads, last][1:]  # empty where there is no heading
    starts = [n for n, after in zip(heads, ends, strict=True) if words_in(lines[n + 1 : after]) >= 50]
    if not starts:
        yield "", paragraphs_of(lines, first, last)
        return
    for start, end in zip(starts, [*starts[1:], last], strict=True):
        yield lines[start].strip(), paragraphs_of(lines, start + 1, end)


def words_in(lines: list[str]) -> int:
    return sum(len(line.split()) for line in lines)


def paragraphs_of(lines: list[str], first: int, last: int) -> list[Paragraph]:
    found: list[Paragraph] = []
    block: list[str] = []
    start = first
    for number in range(first, last + 1):
        line = lines[number] if number < last else ""
        if line.strip() and not ORNAMENT.match(line):
            start = start if block else number
            block.append(line)
        elif block:
            # Verse keeps its line ends: every line is indented.
            verse = all(part.startswith("  ") for part in block)
            text = "\n".join(part.rstrip() for part in block) if verse else " ".join(part.strip() for part in block)
            found.append(Paragraph(start + 1, text, len(text.split())))
            block = []
    return found


def passages(paragraphs: list[Paragraph], least: int, most: int) -> Iterator[tuple[int, str, int]]:
    """(line, text, words) of runs of paragraphs of at most `most` words.

    Of the possible ends the last that is not between two spoken paragraphs is taken, else the last. A paragraph
    above `most` words is cut at sentence ends. A tail below `least` joins the passage before it where it fits.
    """
    pieces = [piece for paragraph in paragraphs for piece in sentence_runs(paragraph, most)]
    runs: list[list[Paragraph]] = []
    start = 0
    while start < len(pieces):
        words, end, neutral = 0, start, 0
        while end < len(pieces) and words + pieces[end].words <= most:
            words += pieces[end].words
            end += 1
            after = pieces[end] if end < len(pieces) else None
            if words >= least and (after is None or not (pieces[end - 1].is_spoken and after.is_spoken)):
                neutral = end
        cut = neutral or max(end, start + 1)
        runs.append(pieces[start:cut])
        start = cut
    if len(runs) > 1 and total_words(runs[-1]) < least and total_words(runs[-2]) + total_words(runs[-1]) <= most:
        runs[-2:] = [runs[-2] + runs[-1]]
    for run in runs:
        yield run[0].line, "\n\n".join(piece.text for piece in run), total_words(run)


def total_words(run: list[Paragraph]) -> int:
    return sum(piece.words for piece in run)


def sentence_runs(paragraph: Paragraph, most: int) -> Iterator[Paragraph]:
    """The paragraph itself, or where it is too long its sentences gathered up to `most` words."""
    if paragraph.words <= most:
        yield paragraph
        return
    run: list[str] = []
    for sentence in SENTENCE.split(paragraph.text):
        if run and len(" ".join([*run, sentence]).split()) > most:
            yield Paragraph(paragraph.line, " ".join(run), len(" ".join(run).split()))
            run = []
        run.append(sentence)
    yield Paragraph(paragraph.line, " ".join(run), len(" ".join(run).split()))
