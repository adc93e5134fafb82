"""Rows for the tests of admission: each builder fills what its test does not name."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from cultivar.llm.answer import Generation
from schemas.ids import content_id
from schemas.rows import DeclaredSource, Row
from schemas.table import Context, Table

CUT = Generation("cut o", "length", 1, 1)
"""An answer that was cut off: an error without a second request."""
PROMPT = "Why is the sea salty?"


def ident(*content: Any) -> str:
    return content_id("test", content)


def turn(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def engine_fields(**fields: Any) -> dict[str, Any]:
    return {"engine": "http/m@main", "simulated": False} | fields


def instruction(prompt: str, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": ident("instruction", prompt),
        "prompt": turn("user", prompt),
        "source": "seeds:1",
        "license": "CC0-1.0",
    }
    return row | fields


def selected_row(prompt: str, **fields: Any) -> dict[str, Any]:
    return instruction(prompt, tags=["sea"], scores=[], pass_number=0) | fields


def evolved_row(prompt: str, **fields: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": ident("evolved", prompt),
        "parents": [ident("instruction", prompt)],
        "domain": "general",
    }
    row |= {"prompt": turn("user", prompt), "added": ["a limit"], "depth": 1, "tags": ["limit"], "license": "MIT"}
    row["source"] = "seeds:1"
    return engine_fields(**row) | fields


def candidate(completion: str, prompt: str = PROMPT, **fields: Any) -> dict[str, Any]:
    key = ident("prompt", prompt)
    row: dict[str, Any] = {
        "id": ident("candidate", prompt, completion),
        "parents": [key],
        "prompt_id": key,
        "domain": "general",
    }
    row |= {"prompt": turn("user", prompt), "completion": turn("assistant", completion)}
    row |= {"role": "small", "response_strategy": "plain", "source": "seeds:1"}
    row |= {"temperature": 0.7, "tags": ["sea"], "license": "CC0-1.0", "generation": ident("generation", completion)}
    return engine_fields(**row) | fields


def admitted_row(kind: str, prompt: str, texts: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
    sides = {name: turn("assistant", text) for name, text in texts.items()}
    row: dict[str, Any] = {
        "prompt": turn("user", prompt),
        "domain": "general",
        "strategy": "annotation",
        "label_source": "judge",
        "quality": 0.5,
        "license": "CC0-1.0",
        "source": "seeds:1",
    }
    row |= sides | engine_fields() | fields
    return {"id": ident(kind, prompt, texts, row["strategy"], row["domain"])} | row


def demonstration(prompt: str, completion: str, quality: float = 0.5, **fields: Any) -> dict[str, Any]:
    return admitted_row("demonstration", prompt, {"completion": completion}, {"quality": quality} | fields)


def preference(prompt: str, chosen: str, rejected: str, margin: float = 1.0, **fields: Any) -> dict[str, Any]:
    return admitted_row("preference", prompt, {"chosen": chosen, "rejected": rejected}, {"margin": margin} | fields)


def evaluation_item(prompt: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": ident("item", prompt),
        "source": "eval:1",
        "license": "MIT",
        "task": "math",
        "prompt": prompt,
    } | fields


def declared(**files_by_name: str) -> Context[DeclaredSource]:
    """Sources of one file each."""
    shared = {"license": "CC0-1.0", "domain": "general", "split": "train", "evaluation": False}
    rows = [{"id": ident(name), "name": name, "files": [file]} | shared for name, file in files_by_name.items()]
    return Context.of(DeclaredSource, rows)


def completions_of(*texts: str, domain: str = "general") -> pl.DataFrame:
    """What the quality rules look at in completions of one turn, with ids a, b, c, …"""
    names = "abcdefghijklmnopqrstuvwxyz"[: len(texts)]
    rows = pl.DataFrame({"id": list(names), "domain": [domain] * len(texts), "completion": list(texts)})
    unanswered = pl.lit([], pl.List(pl.String))
    return rows.with_columns(answer="completion", rejected=pl.lit(None, pl.String), unanswered=unanswered)


def rules(dropped: Table) -> dict[str, str]:
    """Id of every dropped row -> the rule that dropped it."""
    return {row.id: row.rule for row in dropped}


def ids(rows: Iterable[Row | dict[str, Any]]) -> set[str]:
    return {row["id"] if isinstance(row, dict) else row.id for row in rows}
