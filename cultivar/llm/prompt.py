"""Prompts: one Jinja file per question that is put to a model.

A file in prompts/ has `{% block user %}` and may have `{% block system %}`; the blocks are rendered apart and
stripped. What comes from rows stands between tags (`<instruction>…</instruction>`), and cannot close them: a tag of the
prompt, or of what it includes, is broken in every variable (cultivar/llm/markup.py). What a template is given stands where
it is opened, `Prompt("tag", "instruction", "max_tags")`: it uses all of that and nothing else, which is seen before anything
is rendered (cultivar/llm/templates.py).
Files that were read are noted in `opened`; where an allow-list is set an undeclared one is refused, so that dvc.yaml
stays the only list of what a stage reads.
"""

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, Template, TemplateNotFound, meta, nodes

from cultivar.llm.markup import break_markup, tag_pattern
from cultivar.llm.request import MessageDict
from cultivar.llm.templates import environment_of, template_faults
from schemas.faults import FileFaults
from schemas.stage import UndeclaredRead

FOLDER = Path("prompts")
CLOSING_TAG = re.compile(r"</([A-Za-z_][\w-]*)>")
opened: set[Path] = set()
_allowed: set[Path] | None = None
_stage = ""


def allow(paths: set[Path] | None, stage: str = "") -> None:
    """From now on `stage` may read only these prompt files (relative to the project, or absolute); None: any."""
    global _allowed, _stage
    _stage = stage
    _allowed = None if paths is None else {path.resolve() for path in paths}


class DeclaredLoader(FileSystemLoader):
    """Loads from one folder, notes what was read, and refuses what was not declared."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder.resolve()))
        self.folder = folder
        self.read_files: set[Path] = set()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        path = self.folder / template
        if path.exists():
            check_declared(path)
        source = super().get_source(environment, template)
        self.read_files.add(path)
        opened.add(path)
        return source


def check_declared(path: Path) -> None:
    """Raises UndeclaredRead where an allow-list is set and the path is not on it."""
    if _allowed is not None and path.resolve() not in _allowed:
        raise UndeclaredRead(_stage, path)


class Prompt:
    """prompts/<name>.jinja, relative to the working directory; read at the first use. `folder` for another place.

    `given`: the variables that it is filled with.
    """

    def __init__(self, name: str, *given: str, folder: Path | str = FOLDER) -> None:
        self.path = Path(folder) / f"{name}.jinja"
        self.given = given

    @cached_property
    def loader(self) -> DeclaredLoader:
        """What reads this prompt and its includes."""
        return DeclaredLoader(self.path.parent)

    @cached_property
    def environment(self) -> Environment:
        """With the prompt's own folder."""
        return environment_of(self.loader)

    @cached_property
    def template(self) -> Template:
        """The compiled file. Raises FileNotFoundError, UndeclaredRead, and FileFaults for all that is wrong with it."""
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: no such prompt file")
        if faults := template_faults(
            self.path, self.given, lambda name: self.loader.get_source(self.environment, name)[0]
        ):
            raise FileFaults(faults)
        return self.environment.get_template(self.path.name)

    @cached_property
    def tags(self) -> re.Pattern[str] | None:
        """The tags of the file and of all that it includes."""
        names: set[str] = set()
        waiting, read = [self.path.name], set[str]()
        while waiting:
            if (name := waiting.pop()) in read:
                continue
            read.add(name)
            try:
                tree = self.environment.parse(self.loader.get_source(self.environment, name)[0])
            except TemplateNotFound:  # where it may not be missing, rendering says so
                continue
            for data in tree.find_all(nodes.TemplateData):
                names.update(CLOSING_TAG.findall(data.data))
            waiting += filter(None, meta.find_referenced_templates(tree))  # none is computed: `template` has seen to it
        return tag_pattern(names)

    def messages(self, **variables: Any) -> list[MessageDict]:
        """The conversation with the variables filled in: system (where there is one), then user.

        Variables are texts, numbers, and lists or mappings of them. Raises TypeError for anything else, and where they are
        not those that the prompt is given.
        """
        if variables.keys() != set(self.given):
            raise TypeError(f"{self.path} is given {', '.join(self.given)}, and was filled with {', '.join(variables)}")
        rendered: list[MessageDict] = []
        template, filled = self.template, break_markup(variables, self.tags)
        for role in ("system", "user"):
            if block := template.blocks.get(role):
                content = "".join(block(template.new_context(filled))).strip()
                if content or role == "user":
                    rendered.append({"role": role, "content": content})
        for path in self.loader.read_files:  # compiled before the allow-list was set, perhaps
            check_declared(path)
        return rendered
