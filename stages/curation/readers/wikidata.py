"""Wikidata entity JSON (wbgetentities, or single entities) into character profiles.

Only people and fictional characters become characters. Files hold property ids; `PROPERTIES` names the common ones.
A claim is taken where property and value can be put into words: dates, texts, and items that the files themselves label.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.curation.readers.json_text import NotJSON, parse_json
from stages.curation.readers.lines import kind_of, shown, whole_text
from stages.curation.readers.record import Record

PROPERTIES = {
    "P21": "gender",
    "P19": "place of birth",
    "P20": "place of death",
    "P22": "father",
    "P25": "mother",
    "P26": "spouse",
    "P27": "country of citizenship",
    "P39": "position held",
    "P40": "child",
    "P50": "author",
    "P54": "member of sports team",
    "P69": "educated at",
    "P101": "field of work",
    "P103": "native language",
    "P106": "occupation",
    "P108": "employer",
    "P119": "place of burial",
    "P136": "genre",
    "P140": "religion",
    "P166": "award received",
    "P170": "creator",
    "P413": "position played",
    "P463": "member of",
    "P509": "cause of death",
    "P551": "residence",
    "P569": "date of birth",
    "P570": "date of death",
    "P641": "sport",
    "P734": "family name",
    "P735": "given name",
    "P737": "influenced by",
    "P742": "pseudonym",
    "P800": "notable work",
    "P937": "work location",
    "P1080": "from the narrative universe",
    "P1344": "participant in",
    "P1412": "language spoken",
    "P1441": "present in the work",
    "P1449": "nickname",
    "P1477": "birth name",
    "P1559": "name in the native language",
    "P3373": "sibling",
}
HUMAN = "Q5"
FICTIONAL = {"Q95074", "Q15632617", "Q3658341", "Q15773317", "Q15773347", "Q1114461", "Q15711870"}
LABELS = {"Q5": "human", "Q6581097": "male", "Q6581072": "female", "Q1860": "English", "Q7066": "atheism"}
"""Items so common that files rarely carry their labels."""
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
ENTITY = re.compile(r"^[QPL][0-9]{1,12}$")
TIME = re.compile(r"^([+-])(?:0(?=\d))*+(\d+)-(\d\d)-(\d\d)T")


@dataclass(frozen=True, slots=True)
class Entity:
    """A character's fields, or the reason why the entity is none."""

    key: str
    fields: dict[str, Any] | None
    reason: str = ""


def is_wikidata(path: Path) -> bool:
    """Whether a JSON file holds Wikidata entities."""
    return kind_of(path) == ".json" and any(entities(path))


def entities(path: Path) -> Iterator[dict[str, Any]]:
    try:
        value = parse_json(whole_text(path)[0])
    except NotJSON:
        return
    found = value.get("entities", value) if isinstance(value, dict) else value
    if isinstance(found, dict):
        found = [found] if "labels" in found else list(found.values())
    for entity in found if isinstance(found, list) else []:
        if isinstance(entity, dict) and ("labels" in entity or "missing" in entity) and is_entity_id(entity.get("id")):
            yield entity


def is_entity_id(name: Any) -> bool:
    """Whether it is an id as Wikidata gives them: `labels` alone stand in data sets of any kind."""
    return isinstance(name, str) and ENTITY.match(name) is not None


def fault_of(path: Path) -> Record | None:
    """The record of a file that is not JSON or holds no entities, else None."""
    text, error = whole_text(path)
    try:
        parse_json(text)
    except NotJSON as fault:
        return Record(1, None, shown(text), error or str(fault))
    return None if any(entities(path)) else Record(1, None, shown(text), "no Wikidata entities")


def read_labels(paths: list[Path], language: str) -> dict[str, str]:
    """Item or property id -> label, over every entity of the files."""
    found = {entity["id"]: word for path in paths for entity in entities(path) if (word := text_in(entity, language))}
    return LABELS | found


def text_in(entity: dict[str, Any], language: str, part: str = "labels") -> str:
    """The entity's label or description in `language`, or an empty text."""
    texts = entity.get(part) or {}
    found = texts.get(language) if isinstance(texts, dict) else None
    value = found.get("value") if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""


def read_entities(path: Path, label_of: dict[str, str], language: str) -> Iterator[Entity]:
    """Characters of one file; other entities with the reason why they are none."""
    for entity in entities(path):
        key = entity.get("id", "?")
        if "missing" in entity:
            yield Entity(key, None, "the entity is missing in Wikidata")
        elif not (name := text_in(entity, language)):
            yield Entity(key, None, f"no label in language {language}")
        elif not is_character(entity):
            yield Entity(key, None, "neither a person nor a fictional character (P31)")
        else:
            listed = entity["aliases"].get(language) if isinstance(entity.get("aliases"), dict) else None
            aliases = listed if isinstance(listed, list) else []
            named = [alias.get("value") for alias in aliases if isinstance(alias, dict)]
            fields: dict[str, Any] = {"name": name, "description": text_in(entity, language, "descriptions")}
            fields |= {"aliases": [alias for alias in named if isinstance(alias, str)]}
            fields |= {"claims": claims(entity, label_of, language)}
            yield Entity(key, fields | {"article": ""})


def is_character(entity: dict[str, Any]) -> bool:
    kinds = {item_id(snak) for snak in snaks(entity, "P31")}
    return HUMAN in kinds or bool(kinds & FICTIONAL)


def snaks(entity: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Main values of a property: the preferred ones where some are, deprecated ones never."""
    given = entity.get("claims")
    listed = given.get(key) if isinstance(given, dict) else None
    statements = [
        s
        for s in (listed if isinstance(listed, list) else [])
        if isinstance(s, dict) and isinstance(s.get("mainsnak"), dict) and s.get("rank") != "deprecated"
    ]
    preferred = [s for s in statements if s.get("rank") == "preferred"]
    return [s["mainsnak"] for s in preferred or statements if s["mainsnak"].get("snaktype") == "value"]


def item_id(snak: dict[str, Any]) -> str:
    value = value_of(snak)
    if isinstance(value, dict) and "entity-type" in value:
        return str(value.get("id") or f"Q{value.get('numeric-id')}")
    return ""


def value_of(snak: dict[str, Any]) -> Any:
    data = snak.get("datavalue")
    return data.get("value") if isinstance(data, dict) else None


def claims(entity: dict[str, Any], label_of: dict[str, str], language: str) -> list[dict[str, str]]:
    found = []
    for key in sorted(PROPERTIES.keys() & set(entity.get("claims") or {}), key=lambda key: int(key[1:])):
        values = [in_words(snak, label_of, language) for snak in snaks(entity, key)]
        found += [{"property": PROPERTIES[key], "value": value} for value in dict.fromkeys(filter(None, values))]
    return found


def in_words(snak: dict[str, Any], label_of: dict[str, str], language: str) -> str:
    """The value in words, or an empty text where the files have none."""
    if item := item_id(snak):
        return label_of.get(item, "")
    value = value_of(snak)
    if isinstance(value, str):
        return value if snak.get("datatype") in ("string", "url", None) else ""
    if isinstance(value, dict) and "time" in value:
        return date(value)
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return value["text"]
    return str(value["amount"]).lstrip("+") if isinstance(value, dict) and "amount" in value else ""


def date(value: dict[str, Any]) -> str:
    """A Wikidata time at its own precision (9 year, 10 month, 11 day)."""
    if not (match := TIME.match(str(value["time"]))):
        return ""
    sign, year, month, day = match.groups()
    parts = [year + (" BC" if sign == "-" else "")]
    precision = value.get("precision", 11)
    precision = precision if isinstance(precision, int) else 11
    if precision >= 10 and 1 <= int(month) <= 12:
        parts.insert(0, MONTHS[int(month) - 1])
        if precision >= 11 and day != "00":
            parts.insert(0, str(int(day)))
    return " ".join(parts)
