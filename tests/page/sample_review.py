"""A diff of two versions with something in every section, and rows that would act if they could."""

import dataclasses
import hashlib
from typing import Any

import polars as pl

from reports.causes.change import Cause, Change, Counts, Lines, Why
from reports.diff.model import (
    DEMONSTRATIONS,
    PREFERENCES,
    Alert,
    CellDiff,
    ClassShare,
    CodeChange,
    ColumnChange,
    Diff,
    Distribution,
    FileChange,
    ParamChange,
    Piece,
    RowDiff,
    Samples,
    SchemaDiff,
    Shift,
    StageChange,
    Summary,
    TableDiff,
)
from reports.gates.model import Finding, GateResult, MetricLine, ModelPrice, Price
from reports.page.traits import Trait
from reports.versions.version import Version

OLD = Version("main", "a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "First version", "2026-11-14")
NEW = Version("HEAD", "e4f5a6b7c8d90a1b2c3d4e5f60718293a4b5c6d7", "Drop weak pairs; edit the cow", "2026-11-22")
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)><svg onload=alert(3)> @team @org/team see #123, !12, GH-7, "
    "owner/name#5, 1234567 https://evil.example/x www.evil.example a@evil.example <!-- cultivar --> </details></code> "
    "[a](javascript:alert(4)) ![b](https://evil.example/p.png) | `x` ``` :tada: {+in+} \u202egpj.exe\x1b[2J ~label %mile $1 &7"
)


def row_name(number: int) -> str:
    return hashlib.md5(str(number).encode()).hexdigest()


def table(name: str, text: str = "Yes.", rows: int = 3) -> TableDiff:
    """A difference of a table with `rows` samples of each kind, whose texts hold `text`."""
    ids = [("added", None, row_name(100 + n)) for n in range(rows)]
    ids += [("changed", row_name(200 + n), row_name(300 + n)) for n in range(rows)]
    ids += [("removed", row_name(400 + n), None) for n in range(rows)]
    frame = pl.DataFrame(ids, schema={"kind": pl.String, "id_old": pl.String, "id_new": pl.String}, orient="row")
    words = (
        *(Piece("same", "What sound does "), Piece("skip", "", 12), Piece("old", "a cow"), Piece("new", text)),
        Piece("same", " make?"),
    )
    changed = tuple(
        RowDiff(
            name,
            row_name(200 + n),
            row_name(300 + n),
            ("prompt", "quality"),
            {"domain": "general", "strategy": "annotation", "source": text[:40]},
            (
                CellDiff(
                    "prompt", "turn 1, user", "What sound does a cow make?", f"What sound does {text} make?", words
                ),
                CellDiff("quality", "", "0.5", "0.75", (Piece("old", "0.5"), Piece("new", "0.75"))),
                CellDiff("reference", "", None, text, (Piece("new", text),)),
            ),
        )
        for n in range(rows)
    )
    return TableDiff(
        *(name, 1_000, 1_000, rows, rows, rows, 4, 1_000 - 2 * rows - 4, rows),
        schema=SchemaDiff((ColumnChange("margin", "FLOAT", "DOUBLE"), ColumnChange("note", None, "VARCHAR"))),
        columns={"prompt": rows, "quality": rows},
        shifts=(
            Shift("domain", "code", 0.199, 0.259, 199, 259),
            Shift("domain", "math", 0.801, 0.741, 801, 741),
            Shift("tags", text, 0.02, 0.0004, 20, 1),
            Shift("source", "data/seeds/general.jsonl", 1.0, 0.9995, 1000, 999),
        ),
        distributions=(
            Distribution(
                *("completion", "words", Summary(1000, 12.5, 11, 40), Summary(1000, 13.25, 11, 41)),
                *((1, 11, 21, 31, 41, 51), (400, 300, 200, 70, 30), (380, 310, 200, 75, 35)),
            ),
            Distribution(
                "quality",
                "",
                Summary(1000, 0.7, 0.8, 1),
                Summary(0, float("nan"), float("nan"), float("nan")),
                (0, 0.5, 1),
                (1, 2),
                (0, 0),
            ),
        ),
        samples=Samples(
            changed,
            tuple(sample_row(100 + n, text) for n in range(rows)),
            tuple(sample_row(400 + n, text) for n in range(rows)),
        ),
        ids=frame,
        stage="assemble",
    )


def sample_row(number: int, text: str) -> dict[str, Any]:
    return {
        "id": row_name(number),
        "parents": [row_name(1)],
        "prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}],
        "domain": "code",
        "quality": 0.75,
        "tags": ["facts", text],
        "scores": [{"name": "reasoning", "value": 4.0}],
        "completion": [{"role": "assistant", "content": text}],
        "split": "train",
    }


def why(rows: int = 3) -> Why:
    """Two causes for the rows of `table` in D, and one that moved nothing."""
    edit = Change(
        "source row",
        "data/seeds/general.jsonl:11",
        'data/seeds/general.jsonl, line 11: "What sound does a cow make?" was edited',
        ("ingest",),
        "data/seeds/general.jsonl",
        Lines("data/seeds/general.jsonl", 11, 11),
    )
    prompt = Change(
        "prompt", "prompts/execution/tests.jinja", "prompts/execution/tests.jinja was edited", ("execution",), "p"
    )
    idle = Change("parameter", "rank.min_margin", "rank.min_margin: 0.5 → 1.0", ("rank",), "rank.min_margin")
    lines = [
        (DEMONSTRATIONS, "changed", row_name(200 + n), row_name(300 + n), edit.name, ["proved"]) for n in range(rows)
    ]
    lines += [(DEMONSTRATIONS, "added", None, row_name(100 + n), prompt.name, ["displaced"]) for n in range(rows)]
    lines += [(DEMONSTRATIONS, "removed", row_name(400 + n), None, prompt.name, []) for n in range(rows)]
    schema = {"table": pl.String, "kind": pl.String, "id_old": pl.String, "id_new": pl.String, "cause": pl.String}
    frame = pl.DataFrame(lines, schema=schema | {"marks": pl.List(pl.String)}, orient="row")
    return Why(
        frame,
        (
            Cause(
                prompt, {"D": Counts(rows, 0, rows)}, {"displaced": rows}, {"execution": 2 * rows}, (), "not replayed"
            ),
            Cause(
                edit, {"D": Counts(0, rows, 0)}, {"proved": rows}, {"ingest": rows}, (), "applied alone: the same rows"
            ),
        ),
        (idle,),
        ("2 answers are not remembered, so one change was not replayed.",),
    )


def review(text: str = "Yes.", rows: int = 3) -> Diff:
    """The diff of OLD and NEW."""
    gates = (
        GateResult(name="leaks", title="Evaluation items in D and P", status="fail", value=2, base=0, threshold="at most 0", why="a leak inflates every result", unit="rows", rows=(Finding(table=DEMONSTRATIONS, id=row_name(100), what="holds an evaluation item", text=text),), found=1),
        GateResult(name="quarantine", title="Share in quarantine", status="pass", value=0.012, base=0.01, threshold="at most 5 %", why="lost rows", unit="share"),
    )  # fmt: off
    metrics = (
        MetricLine(name="a", title="Exact match, maths", old=0.41, new=0.44, low=-0.01, high=0.07, word="within noise", unit="share", band="paired, 200 items", group="Abilities"),
        MetricLine(name="b", title="Reward accuracy", old=0.7, new=0.6, low=-0.15, high=-0.05, word="worse", unit="share", group="Abilities"),
        MetricLine(name="c", title="Tags of an instruction", old=None, new=2.25, low=None, high=None, word="new"),
    )  # fmt: off
    return Diff(
        OLD,
        NEW,
        tables=(table("data/instructions.parquet", text, rows), table(DEMONSTRATIONS, text, rows)),
        same=("data/passages.parquet", PREFERENCES),
        alerts=(
            Alert("high", f"tags = {text}: 2 % → 0 % of D", "share", 2.0, table=DEMONSTRATIONS),
            Alert("medium", "3 rows of D removed (0.3 %)", "removed", 1.0, cause="prompts/execution/tests.jinja"),
            Alert("low", "data/instructions.parquet has a new column: note", "schema"),
        ),
        level="breaking",
        classes=(
            ClassShare("neutral", DEMONSTRATIONS, 990, 0.987),
            ClassShare("additive", DEMONSTRATIONS, 3, 0.003),
            ClassShare("breaking", DEMONSTRATIONS, 6, 0.006),
        ),
        changes=(
            ParamChange("rank.min_margin", 0.5, 1.0),
            ParamChange("filter.note", None, text),
            FileChange("prompts/execution/tests.jinja", "edited"),
            CodeChange("library", "polars", "1.35.0", "1.36.0", ("filter", "assemble")),
            CodeChange("module", "stages/curation/filter.py", "aa", "bb", ("filter",)),
            StageChange("filter", ("prompts/execution/tests.jinja",), ("rank.min_margin",), ("data/dropped/filter.parquet",)),
        ),
        why=why(rows),
        gates=gates,
        price=Price(requests=62, prompt_tokens=9_000, completion_tokens=3_345, cost=0.42, currency="USD", note="Counted from the store.", models=(ModelPrice(model="large", requests=62, prompt_tokens=9_000, completion_tokens=3_345, cost=0.42),)),
        metrics=metrics,
    )  # fmt: skip


TRAITS = (
    Trait(DEMONSTRATIONS, "removed", "strategy", "execution", 3, 1.0, 0.12),
    Trait(DEMONSTRATIONS, "prompts/execution/tests.jinja", "domain", "code", 6, 1.0, 0.25),
)


def unchanged() -> Diff:
    """A diff in which nothing differs."""
    same = (DEMONSTRATIONS, PREFERENCES)
    return dataclasses.replace(review(), tables=(), same=same, alerts=(), level="neutral", classes=(), changes=(), why=None, gates=None, price=None, metrics=None)  # fmt: skip
