"""Rows of every kind, and a project of them, made by hand."""

from pathlib import Path

import polars as pl
from handmade import Handmade, row_id

LIST = pl.List(pl.String)


def table(*rows: dict) -> pl.DataFrame:
    """Rows as a table sorted by id; `parents` may be left out."""
    rows = tuple({"parents": [], **row} for row in rows)
    return pl.DataFrame(list(rows), schema_overrides={"parents": LIST, "verdicts": LIST}).sort("id")


def problem(number: int, line: int) -> dict:
    place = f"data/seeds/problems.jsonl:{line}"
    return {
        "id": row_id(f"problem {number}"),
        "source": place,
        "license": "MIT",
        "split": "train",
        "prompt": f"What is {number}?",
    }


def admitted(name: str, parents: list[str], verdicts: list[str], **more: object) -> dict:
    shared = {
        "strategy": "rejection",
        "domain": "math",
        "license": "MIT",
        "engine": "simulated/teacher@1",
        "simulated": True,
    }
    prompt = [{"role": "user", "content": f"prompt of {name}"}]
    return {
        "id": row_id(name),
        "parents": parents,
        "prompt": prompt,
        "verdicts": verdicts,
        "quality": 0.5,
        **shared,
        **more,
    }


def dropped(name: str, rule: str, parents: list[str] | None = None, detail: str = "") -> dict:
    return {"id": row_id(name), "parents": parents or [], "stage": "x", "rule": rule, "detail": detail}


P0, P1, VERDICT, KEY = row_id("problem 0"), row_id("problem 1"), row_id("verdict"), row_id("key")
D, P, LOST = row_id("d"), row_id("p"), row_id("lost")
TURN = [{"role": "assistant", "content": "42"}]


def make_project(folder: Path) -> Handmade:
    """Two problems; of the first a demonstration, a preference, a verdict, a rollout, a dropped and a quarantined path; the
    second was dropped. The preference was dropped by filter for an overlap.
    """
    work = Handmade(folder)
    work.write("data/seeds/problems.jsonl", '{"q": "What is 0?"}\n{"q": "What is 1?"}\n')
    d, p = (
        admitted("d", [P0, KEY], [VERDICT], completion=TURN),
        admitted("p", [P0, KEY, LOST], [], chosen=TURN, rejected=TURN),
    )
    verdict = {
        "id": VERDICT,
        "parents": [row_id("path"), P0],
        "stage": "rejection",
        "verifier": "judge",
        "outcome": "sound",
        "score": 5.0,
        "detail": "fine",
    }
    overlap = {
        "id": row_id("overlap"),
        "parents": [P, row_id("item")],
        "ngram": 13,
        "lcs": 14,
        "row_tokens": 20,
        "item_tokens": 21,
        "removed": True,
        "text": "t",
        "part": "prompt",
    }
    failed = {
        "id": row_id("failed"),
        "parents": [P0],
        "stage": "rejection",
        "error": "length",
        "source": "",
        "raw": "half an ans",
    }
    work.put({"ingest": {"data/problems.parquet": table(problem(0, 1), problem(1, 2))}})
    work.put(
        {
            "rejection": {
                "data/rejection_demonstrations.parquet": table(d),
                "data/rejection_preferences.parquet": table(p),
                "data/rejection_verdicts.parquet": table(verdict),
                "data/dropped/rejection.parquet": table(
                    dropped("problem 1", "no path is admitted", detail="wrong 8"),
                    dropped("path 2", "wrong answer", [P0]),
                ),
                "data/quarantine/rejection.parquet": table(failed),
            }
        }
    )
    work.put(
        {
            "filter": {
                "data/overlaps.parquet": table(overlap),
                "data/dropped/filter.parquet": table(dropped("p", "evaluation overlap", detail="of item 1")),
            }
        }
    )
    work.put({"assemble": {"data/demonstrations.parquet": table(d | {"split": "train"})}})
    work.put({"sft": {"models/sft": "weights"}})
    rollouts = [{"id": row_id(f"rollout {n}"), "parents": [D], "episode": n, "completion": str(n)} for n in range(20)]
    work.put({"online_dpo": {"data/rollouts.parquet": table(*rollouts)}})
    work.write("params.yaml", "sft: {epochs: 2, max_length: 512}\n")
    work.commit("first")
    return work
