"""Prompt templates read without being run: what would fail or be left out once a model is asked is named by file and line.

A template uses all that it is given and nothing else, has a block `user`, and perhaps one `system`; what stands outside of
them is never sent. `{# unused: NAME #}` says that a variable is left out on purpose. Nothing is rendered, and no expression
is worked out: Jinja evaluates those of constants alone when it compiles a template (`9 ** 9 ** 9`), so they are refused.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from jinja2 import Environment, StrictUndefined, TemplateNotFound, TemplateSyntaxError, nodes

from schemas.faults import Fault, did_you_mean, unknown_name
from schemas.parsing import Unreadable, parsed

ROLES = ("system", "user")
CHARS = 100_000
"""Of a template."""
OWN_NAMES = {"loop", "super", "self", "caller", "varargs", "kwargs", "namespace", "joiner", "cycler", "dict"}
"""Names that Jinja gives a template, but for those whose values have no bound (range) or differ by the run (lipsum)."""
UNSTABLE = {"random"}
"""Filters that give something else in every run."""
WORKED_OUT = (
    *(nodes.BinExpr, nodes.UnaryExpr, nodes.Compare, nodes.Filter, nodes.Test, nodes.Call),
    *(nodes.Getattr, nodes.Getitem, nodes.Concat, nodes.CondExpr),
)


def environment_of(loader: object = None) -> Environment:
    """How prompts are read: plain text for a model, never HTML; an undefined variable is an error."""
    return Environment(
        loader=loader,  # type: ignore[arg-type]
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def template_faults(path: Path, given: Collection[str], read: Callable[[str], str] | None = None) -> list[Fault]:
    """What is wrong with a template that is given these variables; includes are read from its folder.

    `read`: the text of a template of the folder by its name, which raises TemplateNotFound.
    """
    return Reading(path.parent, list(given), read or partial(read_template, path.parent)).faults_of(path.name)


def included_by(path: Path) -> set[Path]:
    """A template and those that it includes, as far as they can be read."""
    reading = Reading(path.parent, [], partial(read_template, path.parent))
    reading.faults_of(path.name)
    return {path, *(path.parent / name for name in reading.met)}


def read_template(folder: Path, name: str) -> str:
    """The text of a template. Raises TemplateNotFound, Unreadable where it is no UTF-8."""
    try:
        return (folder / name).read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateNotFound(name) from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"no UTF-8: {error}; save the file as UTF-8") from error


@dataclass
class Reading:
    """A template with what it includes, and what was found."""

    folder: Path
    given: list[str]
    read: Callable[[str], str]
    environment: Environment = field(default_factory=environment_of)
    faults: list[Fault] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)  # templates

    def faults_of(self, name: str) -> list[Fault]:
        try:
            source = self.read(name)
        except TemplateNotFound:
            return [
                Fault(str(self.folder / name), 0, "no such prompt file; write it, or correct the name in the stage")
            ]
        except Unreadable as error:
            return [Fault(str(self.folder / name), 0, str(error))]
        if (tree := self.tree(name, source)) is None:
            return self.faults
        line = self.blocks(name, tree)
        excused = {each for comment in self.comments(source) for each in unused_in(comment)}
        for each in self.given:
            if each not in self.used | excused:
                words = (
                    f"does not use {each!r}, which it is given; put {{{{ {each} }}}} in, or say {{# unused: {each} #}}"
                )
                self.add(name, line, words)
        if not self.faults:
            self.compiles(name, tree)
        return self.faults

    def add(self, name: str, line: int, words: str) -> None:
        self.faults.append(Fault(str(self.folder / name), line, words))

    def tree(self, name: str, source: str) -> nodes.Template | None:
        """The parsed template; None where it does not parse, which is noted."""
        self.met.add(name)
        if len(source) > CHARS:
            self.add(name, 0, f"more than {CHARS:,} characters; shorten it")
            return None
        try:
            return parsed(self.environment.parse, source)
        except Unreadable as error:
            cause = error.__cause__
            line = cause.lineno if isinstance(cause, TemplateSyntaxError) else 0
            self.add(name, line, f"does not parse: {error}; correct it there")
        return None

    def blocks(self, name: str, tree: nodes.Template) -> int:
        """Look at the blocks, and at what stands outside of them; the line of the user's block."""
        lines = {}
        for node in tree.body:
            if isinstance(node, nodes.Block):
                lines[node.name] = node.lineno
                if node.name not in ROLES:
                    self.add(
                        name,
                        node.lineno,
                        f"{node.name}: {unknown_name(node.name, ROLES, 'block')}; it is never sent: rename it",
                    )
                self.look(name, node)
            elif line := outside(node):
                self.add(
                    name, line, "this stands outside of the blocks and is never sent; move it into one, or remove it"
                )
        if "user" not in lines:
            self.add(name, 0, "a prompt needs {% block user %}…{% endblock %}; put what is asked into one")
        return lines.get("user", 1)

    def look(self, name: str, root: nodes.Node, with_context: bool = True) -> None:
        """Look at the expressions of a block, or of an included template.

        `with_context`: whether it sees what the prompt is given.
        """
        ordered = list(walk(root))
        bound = OWN_NAMES | {each for node in ordered for each in names_bound(node)}
        varies: dict[int, bool] = {}  # whether an expression holds a variable
        for node in reversed(ordered):
            inner = list(node.iter_child_nodes())
            varies[id(node)] = isinstance(node, nodes.Name) or any(varies[id(each)] for each in inner)
        constant = {
            id(node)
            for node in ordered
            if isinstance(node, WORKED_OUT) and not varies[id(node)] and not is_number(node)
        }
        within = {id(each) for node in ordered if id(node) in constant for each in node.iter_child_nodes()}
        for node in ordered:
            if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in bound:
                if node.name in self.given and with_context:
                    self.used.add(node.name)
                else:
                    words = unknown_name(node.name, self.given if with_context else (), "variable")
                    self.add(name, node.lineno, f"{node.name}: {words}; correct the name, or give it in the stage")
            elif id(node) in constant - within:
                self.add(name, node.lineno, "an expression of constants alone; write its value")
            elif isinstance(node, nodes.Block) and node is not root:
                self.add(name, node.lineno, f"block {node.name} stands within something else; put it at the top level")
            elif isinstance(node, nodes.Filter | nodes.Test):
                self.look_at_function(name, node)
            elif isinstance(node, nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends):
                self.follow(name, node)

    def look_at_function(self, name: str, node: nodes.Filter | nodes.Test) -> None:
        what, known = (
            ("filter", self.environment.filters) if isinstance(node, nodes.Filter) else ("test", self.environment.tests)
        )
        if node.name not in known:
            self.add(name, node.lineno, f"unknown {what} {node.name}{did_you_mean(node.name, known)}; correct the name")
        elif node.name in UNSTABLE:
            self.add(name, node.lineno, f"{what} {node.name} gives something else in every run; remove it")

    def follow(self, name: str, node: nodes.Include | nodes.Import | nodes.FromImport | nodes.Extends) -> None:
        """Look at what a template includes, once."""
        if not isinstance(node.template, nodes.Const) or not isinstance(target := node.template.value, str):
            self.add(name, node.lineno, "what a prompt includes is named in the file, not computed; write its name")
            return
        if target in self.met:
            return
        try:
            tree = self.tree(target, self.read(target))
        except TemplateNotFound:
            if not getattr(node, "ignore_missing", False):
                self.add(name, node.lineno, f"no such file: {self.folder / target}; correct the name")
            return
        except Unreadable as error:
            self.add(target, 0, str(error))
            return
        if tree is not None:
            self.look(target, tree, bool(getattr(node, "with_context", False)))

    def compiles(self, name: str, tree: nodes.Template) -> None:
        """Note what only Jinja's and Python's compilers find."""
        try:
            parsed(self.environment.compile, tree, name)
        except Unreadable as error:
            line = error.__cause__.lineno if isinstance(error.__cause__, TemplateSyntaxError) else 0
            self.add(name, line, f"does not parse: {error}; correct it there")

    def comments(self, source: str) -> Iterator[str]:
        for _, kind, value in self.environment.lex(source):
            if kind == "comment":
                yield value


def unused_in(comment: str) -> list[str]:
    """The variables that a comment says are left out on purpose."""
    head, colon, names = comment.partition(":")
    return [name.strip() for name in names.split(",")] if colon and head.strip() == "unused" else []


def outside(node: nodes.Node) -> int:
    """The line of what a node outside of the blocks says; 0 where it is white space."""
    if not isinstance(node, nodes.Output):
        return node.lineno
    for each in node.nodes:
        if not isinstance(each, nodes.TemplateData):
            return each.lineno
        if text := each.data.lstrip():
            return each.lineno + each.data[: len(each.data) - len(text)].count("\n")
    return 0


def is_number(node: nodes.Node) -> bool:
    """Whether an expression is a number with its sign."""
    return isinstance(node, nodes.Neg | nodes.Pos) and isinstance(node.node, nodes.Const)


def walk(root: nodes.Node) -> Iterator[nodes.Node]:
    """A node and all below it, each before what it holds; at any depth."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(list(node.iter_child_nodes()))


def names_bound(node: nodes.Node) -> list[str]:
    """Names that a template gives itself: of loops, assignments, macros and imports."""
    match node:
        case nodes.Name(ctx="store" | "param"):
            return [node.name]
        case nodes.Macro():
            return [node.name]
        case nodes.Import():
            return [node.target]
        case nodes.FromImport():
            return [each if isinstance(each, str) else each[1] for each in node.names]
    return []
