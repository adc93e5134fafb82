"""Files that people write: every fault at once, with file, line and remedy, and what was probably meant."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reports.gates.declared import GateFile, WaiverFile
from schemas.faults import SHOWN, Fault, FileFaults, did_you_mean, listed
from schemas.human import Decided, human_of
from stages.annotation.refinements import Refinements
from stages.synthesis.principles import PrincipleFile, read_principles

PRINCIPLE = {
    **{"id": "care", "area": "harm", "polarity": "follow", "applies_to": "any", "text": "Be kind."},
    **{"critique_request": "Say where it is cold.", "revision_request": "Be warm."},
}
WAIVER = {
    "gate": "leaks",
    "scope": "all",
    "reason": "A reason that is long enough.",
    "who": "Ada",
    "until": "2027-01-01",
}
GATE = {
    "name": "one",
    "why": "A sentence that is long enough.",
    "rule": "leaks",
    "max": 0,
    "ngram": 13,
    "only_new": True,
}
FILES: list[tuple[type[Decided], dict[str, Any], tuple[str | int, ...]]] = [
    (PrincipleFile, {"principles": [PRINCIPLE]}, ("principles", 0)),
    (WaiverFile, {"waivers": [WAIVER]}, ("waivers", 0)),
    (GateFile, {"gates": [GATE]}, ("gates", 0)),
    (Refinements, {"merge": {"a": ["b"]}, "drop": ["c"]}, ()),
]


def dumped(content: Any) -> str:
    from io import StringIO

    stream, yaml = StringIO(), YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.dump(content, stream)
    return stream.getvalue().replace("'2027-01-01'", "2027-01-01")


def faults_in(text: str, model: type[Decided]) -> list[str]:
    with pytest.raises(FileFaults) as error:
        human_of(text, "file.yaml", model)
    return [str(fault) for fault in error.value.faults]


@pytest.mark.parametrize(("model", "content", "_"), FILES)
def test_a_sound_file_is_read(model: type[Decided], content: dict[str, Any], _: object) -> None:
    assert human_of(dumped(content), "file.yaml", model)


@given(st.sampled_from(FILES), st.data())
def test_one_misspelt_key_is_refused_at_its_line_with_the_right_one(file: Any, data: st.DataObject) -> None:
    model, content, place = file
    entry = content[place[0]][place[1]] if place else content
    name = data.draw(st.sampled_from(sorted(name for name in entry if len(name) > 3)))
    at = data.draw(st.integers(1, len(name) - 1))
    wrong = data.draw(
        st.sampled_from(
            [name[:at] + name[at + 1 :], name[:at] + "x" + name[at:], name[:at] + name[at] * 2 + name[at + 1 :]]
        )
    )
    changed = {wrong if key == name else key: value for key, value in entry.items()}
    text = dumped({place[0]: [changed]} if place else changed)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if each.strip(" -").startswith(f"{wrong}:"))
    found = faults_in(text, model)
    if "rule" not in changed and model is GateFile:  # what a gate may hold is known by its rule
        assert found[0].endswith("is without its key rule; write it")
    else:
        assert any(each.startswith(f"file.yaml:{line}: ") and f"(did you mean {name}?)" in each for each in found), (
            found
        )


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("polarity", "avoyd", "Input should be 'follow' or 'avoid', got 'avoyd' (did you mean avoid?)"),
        ("applies_to", "benin", "'harmful', 'benign' or 'any', got 'benin' (did you mean benign?)"),
        ("text", "  ", "String should have at least 1 character"),
        ("id", 5, "Input should be a valid string, got '5'"),
    ],
)
def test_a_value_that_no_principle_has_is_named(field: str, value: Any, fault: str) -> None:
    (found,) = faults_in(dumped({"principles": [PRINCIPLE | {field: value}]}), PrincipleFile)
    assert f": principles[0].{field}: " in found and fault in found


def test_every_fault_of_a_file_is_listed_and_the_rest_counted() -> None:
    content = {"principles": [PRINCIPLE | {"id": f"p{n}", "polarity": "no"} for n in range(SHOWN + 3)]}
    with pytest.raises(FileFaults) as error:
        human_of(dumped(content), "file.yaml", PrincipleFile)
    lines = str(error.value).splitlines()
    assert len(lines) == SHOWN + 1 and lines[-1].strip() == "file.yaml: and 3 more"


def test_principles_of_one_id_are_named_in_one_file_and_in_two(tmp_path: Path) -> None:
    (found,) = faults_in(dumped({"principles": [PRINCIPLE, PRINCIPLE]}), PrincipleFile)
    assert found.startswith("file.yaml:") and ": principles[1].id: several principles have the id care" in found
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    for path in (one, two):
        path.write_text(dumped({"principles": [PRINCIPLE]}))
    line = dumped({"principles": [PRINCIPLE]}).splitlines().index("  id: care") + 1
    with pytest.raises(
        FileFaults, match=rf"b\.yaml:{line}: principles\[0\]\.id: .*a\.yaml has a principle of the id care"
    ):
        read_principles([one, two])


def test_a_key_that_stands_twice_is_named() -> None:
    (found,) = faults_in("drop: [a]\nmerge:\ndrop: [b]\n", Refinements)
    assert found.startswith("file.yaml:3: no valid YAML: ") and 'duplicate key "drop"' in found


def test_hostile_names_are_compared_in_no_time_and_cannot_write_to_the_terminal() -> None:
    assert did_you_mean("x" * 1_000_000, ["x" * 90]) == ""
    (line,) = listed([Fault("a", 1, "\ud800")])
    assert line == "a:1: \\ud800"
