"""Prompt files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cultivar.llm import prompt
from cultivar.llm.prompt import Prompt
from schemas.stage import UndeclaredRead


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with prompts/, as its working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prompt, "opened", set())
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "rules.jinja").write_text("Be brief.")
    (tmp_path / "prompts" / "tag.jinja").write_text(
        '{% block system %}\nYou tag. {% include "rules.jinja" %}\n{% endblock %}\n'
        "{% block user %}\n<instruction>{{ instruction }}</instruction>\n{% endblock %}\n"
    )
    yield tmp_path / "prompts"
    prompt.allow(None)


def test_blocks_are_rendered_apart_and_nothing_is_escaped(folder: Path) -> None:
    assert Prompt("tag", "instruction").messages(instruction="a < b {{ c }}") == [
        {"role": "system", "content": "You tag. Be brief."},
        {"role": "user", "content": "<instruction>a < b {{ c }}</instruction>"},
    ]
    assert prompt.opened == {Path("prompts/tag.jinja"), Path("prompts/rules.jinja")}


def test_a_missing_variable_is_an_error(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"prompts/tag\.jinja:5: instruction: unknown variable; known are none"):
        Prompt("tag").messages()
    with pytest.raises(TypeError, match=r"prompts/tag\.jinja is given instruction, and was filled with text"):
        Prompt("tag", "instruction").messages(text="x")


def test_system_may_be_missing_and_user_may_not(folder: Path) -> None:
    (folder / "a.jinja").write_text("{% block user %}{{ x }}{% endblock %}")
    (folder / "b.jinja").write_text("{{ x }}")
    assert Prompt("a", "x").messages(x=1) == [{"role": "user", "content": "1"}]
    with pytest.raises(ValueError, match=r"prompts/b.jinja: a prompt needs"):
        Prompt("b", "x").messages(x=1)
    with pytest.raises(FileNotFoundError, match=r"prompts/c.jinja"):
        Prompt("c").messages()


def test_an_undeclared_prompt_or_include_is_refused(folder: Path) -> None:
    early = Prompt("tag", "instruction")
    early.messages(instruction="x")
    prompt.allow({Path("prompts/tag.jinja")}, "tag")
    for tag in (early, Prompt("tag", "instruction")):
        with pytest.raises(
            UndeclaredRead, match=r"stage tag reads .*prompts/rules.jinja, which dvc.yaml does not list"
        ):
            tag.messages(instruction="x")
    prompt.allow({Path("prompts/tag.jinja"), Path("prompts/rules.jinja")})
    assert early.messages(instruction="x") == Prompt("tag", "instruction").messages(instruction="x")
