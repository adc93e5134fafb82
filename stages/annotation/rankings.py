"""Human rankings: append-only JSONL records folded to one order per prompt (human/annotations/README.md).

A record holds the texts' own hash (`item`), so a judgement of texts that have since changed is stale and set aside.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from schemas.characters import NO_CHARACTER, escape, strings_of
from schemas.faults import Fault, FileFaults, explain, unknown_name
from schemas.human import Decided, cycles_of, repeated, written
from schemas.ids import content_id
from schemas.parsing import Unreadable, parse_json
from schemas.rows import Text


class Judgement(Decided):
    """One line of human/annotations/*.jsonl. `order` lists groups of candidate hashes, best first; a group is a tie.

    `margin`: by how many ranks the best leads. `edited`: hash of a candidate -> its text as the person corrected it, which
    is a candidate too; where `order` does not name it (by its own hash) it is the best.
    """

    model_config = ConfigDict(strict=True)

    uuid: Text
    annotator: Text
    item: Text
    order: list[list[Text]]
    meets_criteria: bool
    margin: Annotated[int, Field(ge=1, le=3)] = 1
    edited: dict[Text, Text] = {}
    guideline: str
    time: str
    active_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    supersedes: Text | None = None
    note: str = ""
    _place: tuple[str, int] = PrivateAttr(("", 0))

    @field_validator("order")
    @classmethod
    def names_each_once(cls, order: list[list[str]]) -> list[list[str]]:
        named = [candidate for tied in order for candidate in tied]
        if not named:
            raise ValueError("it orders nothing; name the candidates, best first")
        if twice := list(dict.fromkeys(name for _, name, _ in repeated(((n,), name) for n, name in enumerate(named)))):
            raise ValueError(f"{twice} stand in it twice; name each candidate once")
        return order

    @model_validator(mode="after")
    def edits_change(self) -> "Judgement":
        for of, text in self.edited.items():
            if not text.strip() or candidate_hash(text) == of:
                raise ValueError(f"edited.{of} is {'empty' if not text.strip() else 'as it was'}; remove the entry")
        return self

    @property
    def full_order(self) -> list[list[str]]:
        """The order with the edited texts that it does not name at its head."""
        named = {name for tied in self.order for name in tied}
        best = [name for text in self.edited.values() if (name := candidate_hash(text)) not in named]
        return [list(dict.fromkeys(best)), *self.order] if best else self.order

    @property
    def place(self) -> str:
        """`file:line`."""
        return ":".join(map(str, self._place))

    def fault(self, words: str) -> Fault:
        """Something that is wrong with this judgement, at its line."""
        return Fault(*self._place, words)


class AnnotationError(FileFaults):
    """Lines that are no judgements, or not of the candidates that there are: file, line, what is wrong, remedy."""


@dataclass(frozen=True)
class Folded:
    """The judgements of one item."""

    judgements: list[Judgement]

    @property
    def meets_criteria(self) -> bool:
        """Whether most find that the best meets the criteria."""
        return sum(judgement.meets_criteria for judgement in self.judgements) * 2 > len(self.judgements)

    @property
    def annotators(self) -> list[str]:
        return sorted({judgement.annotator for judgement in self.judgements})

    @cached_property
    def edits(self) -> dict[str, tuple[str, Judgement]]:
        """Hash of each text that people wrote -> hash of the candidate that it corrects, and the first judgement with it."""
        found: dict[str, tuple[str, Judgement]] = {}
        for judgement in self.judgements:
            for of, text in judgement.edited.items():
                found.setdefault(candidate_hash(text), (of, judgement))
        return found

    def mean_ranks(self, candidates: Sequence[str]) -> list[float]:
        """The mean rank of each of the item's candidates (hashes, edited texts among them) over the judgements; 0 is best.

        The best leads by the judgement's `margin`. Whom a judgement does not name it ranks below every rank that can be
        given, but for texts that somebody else wrote: of these it says what it says of the text that they correct.
        Raises AnnotationError for an order that names what is no candidate: a misspelt best would count as the worst.
        """
        if faults := list(self.faults(candidates)):
            raise AnnotationError(faults)
        ranks = [self.ranks(judgement, candidates) for judgement in self.judgements]
        return [sum(each) / len(ranks) for each in zip(*ranks, strict=True)]

    def ranks(self, judgement: Judgement, candidates: Sequence[str]) -> list[int]:
        """The rank of each candidate by one judgement."""
        lead = judgement.margin - 1
        rank_of = {
            each: place + (lead if place else 0) for place, tied in enumerate(judgement.full_order) for each in tied
        }
        below_all = len(candidates) + lead
        corrected = {each: self.edits[each][0] for each in candidates if each in self.edits}
        return [rank_of.get(each, rank_of.get(corrected.get(each, each), below_all)) for each in candidates]

    def faults(self, candidates: Collection[str]) -> Iterator[Fault]:
        """What judgements name that is none of the item's candidates (hashes)."""
        known = [*candidates, *self.edits]
        for judgement in self.judgements:
            for name in sorted({name for tied in judgement.order for name in tied} - set(known)):
                yield judgement.fault(f"order: {name}: {unknown_name(name, known, 'candidate')}; correct `order`")
            for name in sorted(judgement.edited.keys() - set(candidates)):
                words = unknown_name(name, [each for each in candidates if each not in self.edits], "candidate")
                yield judgement.fault(f"edited: {name}: {words}; correct the hash")


def candidate_hash(completion: str) -> str:
    return content_id("text", completion)[:16]


def item_hash(prompt: str, completions: Iterable[str]) -> str:
    """Identity of a prompt with exactly these candidates, whatever their order; texts as `text_of` gives them."""
    return content_id("item", [prompt, sorted(candidate_hash(text) for text in completions)])


def read_judgements(paths: Iterable[Path], *, replaced: bool = False) -> list[Judgement]:
    """Judgements in force, by uuid: those that no other one supersedes. Raises AnnotationError, which lists all faults.

    `replaced`: with those that others supersede.
    """
    judgements: dict[str, Judgement] = {}
    faults: list[Fault] = []
    for path in paths:
        if path.suffix != ".jsonl":
            continue
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if not line.strip():
                continue
            found = judgement_of(line, str(path), number)
            if isinstance(found, Judgement):
                first = judgements.setdefault(found.uuid, found)
                if first is not found:
                    words = f"uuid {found.uuid!r} is that of {first.place} as well; give it another"
                    faults.append(found.fault(words))
            else:
                faults += found
    faults += circles_of(judgements)
    if faults:
        raise AnnotationError(faults)
    gone = set() if replaced else {judgement.supersedes for judgement in judgements.values()}
    return [judgement for uuid, judgement in sorted(judgements.items()) if uuid not in gone]


def judgement_of(line: bytes, path: str, number: int) -> Judgement | list[Fault]:
    """The judgement of a line, or what is wrong with it."""
    try:
        fields = parse_json(line.decode(), object_pairs_hook=once_each)
        found = Judgement.model_validate(fields)
    except ValidationError as error:
        items = error.errors(include_url=False)
        places = [written(item["loc"]) or "the line" for item in items]
        return [
            Fault(path, number, f"{place}: {explain(Judgement, item)}")
            for place, item in zip(places, items, strict=True)
        ]
    except UnicodeDecodeError as error:
        return [Fault(path, number, f"no UTF-8: {error}; save the file as UTF-8")]
    except Unreadable as error:
        return [Fault(path, number, f"no JSON: {error}; correct or remove the line")]
    for text in strings_of(fields):
        if (character := NO_CHARACTER.search(text)) is not None:
            return [Fault(path, number, f"a text holds {escape(character[0])}; write the character itself")]
    found._place = (path, number)
    return found


def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of a JSON object. Raises ValueError for a key that stands in it twice, of which one would be lost."""
    for _, name, _ in repeated(((n,), name) for n, (name, _) in enumerate(pairs)):
        raise ValueError(f"{name!r} stands in it twice")
    return dict(pairs)


def circles_of(judgements: dict[str, Judgement]) -> Iterator[Fault]:
    """Judgements that supersede each other in a circle: none of them would count."""
    replaces = {uuid: one.supersedes for uuid, one in judgements.items() if one.supersedes in judgements}
    for circle in cycles_of(replaces):
        one = judgements[circle[0]]
        yield one.fault(
            f"supersedes: {one.uuid!r} and {one.supersedes!r} replace each other, so that none of them counts; remove one"
            if len(circle) > 1
            else f"supersedes: {one.uuid!r} replaces itself; name the judgement that it replaces, or null"
        )


def fold(judgements: Iterable[Judgement]) -> dict[str, Folded]:
    """Item -> the judgements of it."""
    groups = defaultdict(list)
    for judgement in judgements:
        groups[judgement.item].append(judgement)
    return {item: Folded(several) for item, several in groups.items()}
