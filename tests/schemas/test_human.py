"""What people write by hand: characters that no table can hold are refused by name, everywhere alike."""

from pathlib import Path

import pytest

from cultivar.runner.graph import load_yaml
from schemas.errors import GraphError, UserError
from schemas.human import read_yaml


@pytest.mark.parametrize("escape", [r"\ud83d", r"\ud83d\ude00", r"\0"])
@pytest.mark.parametrize("entry", ['a: [{b: "x%s"}]', 'a: {"x%s": 1}'])
def test_half_a_pair_or_a_nul_is_refused(tmp_path: Path, entry: str, escape: str) -> None:
    path = tmp_path / "principles.yaml"
    path.write_text(entry % escape)
    for read, error in ((read_yaml, UserError), (load_yaml, GraphError)):
        with pytest.raises(error, match=r"principles\.yaml: a text holds \\u"):
            read(path)


def test_any_other_character_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "principles.yaml"
    path.write_text("a: \"é 😀 \\U0001f600 \\t \\ufffe\"\nb: '\\ud83d'\n", encoding="utf-8")
    assert read_yaml(path) == load_yaml(path) == {"a": "é 😀 😀 \t \ufffe", "b": r"\ud83d"}


@pytest.mark.parametrize(
    ("text", "is_read"),
    [
        ("a: " + "[" * 150 + "]" * 150, True),
        ("a: " + "[" * 250 + "]" * 250, False),
        ("a: " + "[" * 1100 + "]" * 1100, False),
        ("a: &a [*a]", False),  # a list within itself
    ],
)
def test_what_is_too_deep_is_refused_by_name(tmp_path: Path, text: str, is_read: bool) -> None:
    path = tmp_path / "principles.yaml"
    path.write_text(text)
    if is_read:
        assert read_yaml(path)
    else:
        with pytest.raises(UserError, match=r"principles\.yaml: it is nested too deeply"):
            read_yaml(path)


def test_aliases_within_aliases_are_looked_at_once(tmp_path: Path) -> None:
    path = tmp_path / "principles.yaml"
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))
    loaded = read_yaml(path)
    assert loaded["a11"][8][8][8] is loaded["a8"]


@pytest.mark.parametrize("text", ["a: 2024-99-99", "a: " + "9" * 5000])
def test_a_value_that_yaml_has_no_object_for_is_named_with_its_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "principles.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"principles\.yaml: .*quotation marks"):
        read_yaml(path)


def test_merge_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "principles.yaml"
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{y{n}: 1, <<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 30)]
    path.write_text("\n".join(lines))
    with pytest.raises(UserError, match=r"principles\.yaml:2: no valid YAML: a merge key"):
        read_yaml(path)
