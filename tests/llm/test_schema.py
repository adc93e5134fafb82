"""Schemas of answers: what stands in a request is written for the model alone."""

import ast
import importlib
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

import stages
from cultivar.llm.request import ModelConfig, Request
from cultivar.llm.schema import schema_of, strict_schema

STAGES = Path(stages.__file__).parent


def answer_models() -> list[tuple[str, str]]:
    """Module and name of every class that a stage passes to a Question as the model of its answer."""
    found = set()
    for path in STAGES.rglob("*.py"):
        module = ".".join(path.relative_to(STAGES.parent).with_suffix("").parts)
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Question":
                given = call.args[1:2] + [keyword.value for keyword in call.keywords if keyword.arg == "answer"]
                found |= {(module, name.id) for name in given if isinstance(name, ast.Name)}
    return sorted(found)


ANSWERS = answer_models()


def key(answer: type[BaseModel]) -> bytes:
    config = ModelConfig("vllm", "qwen", "1", {"max_tokens": 64}, schema_of(answer))
    return Request(config, [{"role": "user", "content": "a"}], 0, 0).key


class Renamed(ast.NodeTransformer):
    """The classes of a module under other names, with other docstrings."""

    def __init__(self, names: set[str]) -> None:
        self.names = names

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.name = self.new(node.name)
        if ast.get_docstring(node):
            node.body[0] = ast.parse("'Other words.'").body[0]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.new(node.id), node.ctx)

    def new(self, name: str) -> str:
        return f"Other{name}" if name in self.names else name


def renamed(module: str, name: str) -> type[BaseModel]:
    """An answer model of a module in which every class has another name and docstring."""
    code = ast.parse(Path(str(importlib.import_module(module).__file__)).read_text())
    classes = {node.name for node in code.body if isinstance(node, ast.ClassDef)}
    other: dict[str, Any] = {"__name__": "other"}
    exec(compile(ast.fix_missing_locations(Renamed(classes).visit(code)), module, "exec"), other)
    return other[f"Other{name}"]


def test_the_answers_of_the_stages_are_found() -> None:
    assert len(ANSWERS) >= 17


@pytest.mark.parametrize(("module", "name"), ANSWERS)
def test_names_and_docstrings_are_in_no_request_and_fields_and_descriptions_are(module: str, name: str) -> None:
    answer = getattr(importlib.import_module(module), name)
    other = renamed(module, name)
    assert (other.__name__, other.__doc__) != (name, answer.__doc__) and key(other) == key(answer)
    field, info = next(iter(answer.model_fields.items()))
    described: Any = Annotated[info.annotation, Field(description="For the model.")]
    changed = [
        create_model(name, __base__=answer, more=(int, ...)),
        create_model(name, __base__=answer, **{field: described}),
    ]
    assert len({key(model) for model in (answer, *changed)}) == 3


class Leaf(BaseModel):
    """For the reader."""

    title: str = Field(description="For the model.")
    kind: Literal["leaf"] = "leaf"


class Branch(BaseModel):
    """For the reader."""

    kind: Literal["branch"] = "branch"
    inner: list[Annotated["Branch | Leaf", Field(discriminator="kind")]]


class Tree(BaseModel):
    """For the reader."""

    root: Branch = Field(description="The first branch.")
    origin: dict[str, str] = {"title": "x"}


LEAF = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "description": "For the model."},
        "kind": {"type": "string", "const": "leaf", "default": "leaf"},
    },
    "required": ["title"],
}


def test_nested_models_stand_where_they_are_used() -> None:
    class Pair(BaseModel):
        first: Leaf
        second: Leaf = Field(description="The other one.")

    assert schema_of(Pair) == {
        "type": "object",
        "properties": {"first": LEAF, "second": LEAF | {"description": "The other one."}},
        "required": ["first", "second"],
    }


def test_a_model_that_contains_itself_refers_to_its_place() -> None:
    schema = schema_of(Tree)
    root = schema["properties"]["root"]
    variants = root["properties"]["inner"]["items"]
    assert variants["oneOf"] == [{"$ref": "#/properties/root"}, LEAF]
    assert variants["discriminator"] == {"propertyName": "kind"} and root["description"] == "The first branch."
    assert schema["properties"]["origin"]["default"] == {"title": "x"}
    assert schema_of(Branch)["properties"]["inner"]["items"]["oneOf"] == [{"$ref": "#"}, LEAF]


def test_the_schema_that_is_sent_takes_no_other_keys_and_no_string_lengths() -> None:
    class Bounded(BaseModel):
        name: str = Field(max_length=3)
        inner: Leaf

    schema = strict_schema(schema_of(Bounded), string_lengths=False)
    assert schema["additionalProperties"] is schema["properties"]["inner"]["additionalProperties"] is False
    assert schema["properties"]["name"] == {"type": "string"}
    assert strict_schema(schema_of(Bounded))["properties"]["name"]["maxLength"] == 3
