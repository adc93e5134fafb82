"""Prompt templates are read before they are rendered: what would fail, hang or be left out is named by file and line."""

from pathlib import Path
from time import process_time

import pytest

from cultivar.llm.prompt import FOLDER, Prompt
from cultivar.llm.templates import CHARS, template_faults
from cultivar.runner.fingerprints.closure import modules_below
from cultivar.runner.prompts import opened_by, prompt_faults
from schemas.faults import FileFaults

USER = "{% block user %}\n"
END = "{% endblock %}"


def faults(tmp_path: Path, text: str, *given: str) -> list[str]:
    (tmp_path / "a.jinja").write_text(text)
    found = template_faults(tmp_path / "a.jinja", given)
    assert all(fault.path == str(tmp_path / "a.jinja") for fault in found)
    return [str(fault).removeprefix(str(tmp_path / "a.jinja")) for fault in found]


@pytest.mark.parametrize(
    "text",
    [
        USER + "{{ x }}" + END,
        "{# a remark #}\n"
        + USER
        + "{% if x %}{{ loop }}{% for y in x %}{{ y ~ loop.index }}{% endfor %}{% endif %}"
        + END,
        "{% block system %}{{ x | upper }}{% endblock %}\n" + USER + "-" + END,
        USER + "{# unused: x #}" + END,
        USER + "{% set y = x %}{{ y | default('none', true) }}{{ x is defined }}{{ -1 if x else [1, 2] }}" + END,
        USER + "{% macro m(y) %}{{ y }}{% endmacro %}{{ m(x) }}{% set n = namespace(at=x) %}{{ n.at }}" + END,
    ],
)
def test_sound_templates_have_no_faults(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text, "x") == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (USER + "{{ x }}{{ instrucion }}" + END, ":2: instrucion: unknown variable (did you mean instruction?)"),
        (
            USER + "{{ instruction }}" + END,
            ":1: does not use 'x', which it is given; put {{ x }} in, or say {# unused: x #}",
        ),
        ("{% block usr %}{{ x }}{% endblock %}", ":1: usr: unknown block (did you mean user?); known are system, user"),
        ("{{ x }}", ": a prompt needs {% block user %}…{% endblock %}"),
        (USER + "{{ x }}" + END + "\n\n text", ":4: this stands outside of the blocks and is never sent"),
        ("{% set y = 1 %}\n" + USER + "{{ x }}" + END, ":1: this stands outside of the blocks and is never sent"),
        (USER + "{{ x" + END, ":2: does not parse: "),
        (USER + "{{ x }}", ":2: does not parse: "),
        (USER + "{{ x }}" + END + USER + END, ":2: does not parse: block 'user' defined twice"),
        (USER + "{{ x | uper }}" + END, ":2: unknown filter uper (did you mean upper?)"),
        (USER + "{{ x is definde }}" + END, ":2: unknown test definde (did you mean defined?)"),
        (USER + "{{ x | random }}" + END, ":2: filter random gives something else in every run"),
        (USER + "{% include 'b.jinja' %}{{ x }}" + END, ":2: no such file: "),
        (USER + "{% include x %}" + END, ":2: what a prompt includes is named in the file"),
        (
            USER + "{% if x %}{% block more %}{% endblock %}{% endif %}" + END,
            ":2: block more stands within something else",
        ),
        (USER + "{{ x }}{{ 9 ** 9 ** 9 ** 9 }}" + END, ":2: an expression of constants alone"),
        (USER + "{{ x + 'a' * 10 ** 12 }}" + END, ":2: an expression of constants alone"),
        (USER + "{{ x }}{{ 'a' | center(10000000000) }}" + END, ":2: an expression of constants alone"),
        (USER + "{{ x }}{% for n in range(x) %}{% endfor %}" + END, ":2: range: unknown variable"),
        (
            USER + "{{ x }}{{ " + "(" * 9000 + "x" + ")" * 9000 + " }}" + END,
            ": does not parse: it is nested too deeply",
        ),
        (USER + "{{ " + "+".join(["x"] * 9000) + " }}" + END, "does not parse: "),
        (USER + "{{ x }}" + "a" * CHARS + END, f": more than {CHARS:,} characters"),
    ],
)
def test_a_faulty_template_is_named_by_line_in_no_time(tmp_path: Path, text: str, fault: str) -> None:
    started = process_time()
    found = faults(tmp_path, text, "instruction" if "instruc" in text else "x", "x")
    assert any(fault in each for each in found), found
    assert process_time() - started < 10


def test_an_include_is_read_as_a_part_of_its_prompt(tmp_path: Path) -> None:
    (tmp_path / "part.jinja").write_text("{{ x }}\n{{ y }}")
    (tmp_path / "a.jinja").write_text(USER + "{% include 'part.jinja' %}" + END)
    (found,) = template_faults(tmp_path / "a.jinja", ["x"])
    assert str(found).startswith(f"{tmp_path / 'part.jinja'}:2: y: unknown variable; known are x")
    (tmp_path / "part.jinja").write_bytes(b"\xff")
    assert any("no UTF-8" in str(fault) for fault in template_faults(tmp_path / "a.jinja", ["x"]))


def test_a_faulty_prompt_is_never_rendered(tmp_path: Path) -> None:
    (tmp_path / "a.jinja").write_text(USER + "{{ x }}{{ y }}" + END)
    with pytest.raises(FileFaults, match=r"a\.jinja:2: y: unknown variable"):
        Prompt("a", "x", folder=tmp_path).messages(x="text")


def test_every_prompt_of_the_project_is_opened_with_what_it_is_given() -> None:
    modules = list(modules_below("stages"))
    opened = list(opened_by(modules))
    assert prompt_faults(modules) == []
    assert {path for each in opened for path in each.paths or ()} == set(FOLDER.rglob("*.jinja"))
    assert all(each.given for each in opened)
