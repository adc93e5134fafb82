"""The price of a change is what its own stages ask beyond the base, counted as the run counted it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from made_versions import MadeVersion, key

from reports.gates import asked
from reports.gates.price import CODE, Asked, by_counts, changed_stages, price, price_of
from reports.versions.version import open_version
from schemas.params.engines import BudgetParams
from schemas.products import message
from schemas.rows import Instruction
from schemas.table import Table

ROOT = Path(__file__).parent.parent.parent
Make = Callable[..., MadeVersion]
GRAPH = "stages:\n  tag:\n    cmd: x\n    params: [tag, roles.tagger]\n  filter:\n    cmd: x\n    params: [filter]\n"
LOCK = "stages:\n  tag:\n    cmd: x\n    deps:\n    - path: p\n      md5: '{tag}'\n  filter:\n    cmd: x\n    params:\n      a: {filter}\n"
ASK = """
import hashlib
import json
from contextlib import ExitStack
from cultivar.runner.graph import GRAPH, PARAMS, load_yaml
from cultivar.tools.dry_run import rehearsal
with ExitStack() as stack:
    run = rehearsal("tag", load_yaml(GRAPH), load_yaml(PARAMS), stack, ask=True)
    run.outputs()
    print(json.dumps(vars(run.engines["tagger"].usage)))
"""


def answers(*rows: tuple[str, str, bool, str, int, int | None, int | None]) -> Asked:
    return Asked(pl.DataFrame(rows, schema=asked.ANSWERS, orient="row"), pl.DataFrame(schema=asked.PROGRAMS))


def test_only_what_the_base_did_not_ask_is_paid_for() -> None:
    """Samples of one question share their prompt; what two stages ask alike is paid for once."""
    shared = ("tag", "http/big@1", False, key("a"), 0, 100, 10)
    before = answers(shared, ("tag", "http/big@1", False, key("gone"), 1, 100, 10))
    after = answers(
        shared,
        ("tag", "http/big@1", False, key("b"), 1, 100, 20),
        ("tag", "http/big@1", False, key("c"), 1, 100, 30),
        ("rank", "http/big@1", False, key("c"), 0, 100, 30),
        ("rank", "http/small@2", False, key("d"), 0, 7, 1),
        ("rank", "http/small@2", False, key("e"), 1, None, None),
    )
    budget = BudgetParams.model_validate({"currency": "EUR", "prices": {"big": {"prompt": 1e4, "completion": 1e5}}})
    found = price_of(before, after, ["tag", "rank"], budget)
    assert (found.requests, found.prompt_tokens, found.completion_tokens) == (4, 107, 51)
    assert found.cost is None and found.currency == "EUR"
    assert [(model.model, model.requests, model.cost) for model in found.models] == [
        ("http/big@1", 2, 1.0 + 5.0),
        ("http/small@2", 2, None),
    ]
    assert (
        "1 of them are not in this store" in found.note and "no price in budget.prices for http/small@2" in found.note
    )


def test_the_simulated_teacher_costs_nothing() -> None:
    found = price_of(answers(), answers(("tag", "simulated/t@1", True, key("a"), 0, 5, 5)), ["tag"], BudgetParams())
    assert found.cost == 0.0 and "all by the simulated teacher" in found.note


@pytest.mark.parametrize(
    ("tag", "filtered", "expected"), [("1", 1, []), ("1", 2, []), ("2", 1, ["tag"]), ("2", 2, ["tag"])]
)
def test_stages_that_ask_and_are_recorded_otherwise_have_changed(
    make: Make, tag: str, filtered: int, expected: list[str]
) -> None:
    old = make("old").write("dvc.yaml", GRAPH).write("dvc.lock", LOCK.format(tag="1", filter=1))
    new = make().write("dvc.yaml", GRAPH).write("dvc.lock", LOCK.format(tag=tag, filter=filtered))
    assert changed_stages(old, new) == expected
    assert changed_stages(make("none").write("dvc.yaml", GRAPH), new) == ["tag"]
    if not expected:
        assert (price(old, new).requests, price(old, new).cost) == (0, 0.0)


def test_where_nothing_can_be_rehearsed_counts_are_compared(make: Make) -> None:
    old = make("old").metric("tag", asked_tagger={"requests": 10}).metric("rank", asked_judge={"requests": 9})
    new = make().metric("tag", asked_tagger={"requests": 14}).metric("rank", asked_judge={"requests": 5})
    found = by_counts(old, new, ["tag", "rank"], BudgetParams(), "its tables are gone")
    assert (found.requests, found.cost) == (4, None) and found.note.endswith("since its tables are gone")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with this code, whose stage `tag` has three instructions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CULTIVAR_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("DVC_ROOT", raising=False)
    for name in set(CODE) - {"fingerprints", "human"}:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    asked = lambda n: [message("user", f"Write {n} lines about rivers and boats.")]  # noqa: E731
    rows = [{"id": key(str(n)), "source": "s:1", "license": "MIT", "prompt": asked(n)} for n in range(3)]
    (tmp_path / "data").mkdir()
    Table.of(Instruction, rows, "instructions").write(tmp_path / "data" / "instructions.parquet")
    return tmp_path


def ask(project: Path) -> dict[str, Any]:
    """Ask what stage `tag` asks, and record it as DVC would; what the engine counted."""
    table = (project / "data/instructions.parquet").read_bytes()
    md5, prompt = (
        hashlib.md5(content).hexdigest() for content in (table, (project / "prompts/tag.jinja").read_bytes())
    )
    place = project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(table)
    deps = (
        f"    - path: data/instructions.parquet\n      md5: {md5}\n    - path: prompts/tag.jinja\n      md5: {prompt}\n"
    )
    outs = f"  ingest:\n    cmd: x\n    outs:\n    - path: data/instructions.parquet\n      md5: {md5}\n"
    (project / "dvc.lock").write_text(f"stages:\n{outs}  tag:\n    cmd: x\n    deps:\n{deps}")
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = subprocess.run([sys.executable, "-P", "-c", ASK], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_edited_prompt_costs_what_its_run_sent(project: Path) -> None:
    (project / ".gitignore").write_text("/data\n/store\n/.dvc\n/.cache\n")
    assert ask(project)["sent"] >= 3
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], check=True)
    prompt = project / "prompts/tag.jinja"
    prompt.write_text(prompt.read_text().replace("You are a tagging system.", "You are a careful tagging system."))
    used = ask(project)
    assert used["hits"] == 0
    found = price(open_version("HEAD"), open_version())
    assert (found.requests, found.prompt_tokens, found.completion_tokens) == (
        used["sent"],
        used["prompt_tokens"],
        used["completion_tokens"],
    )
    assert found.note.startswith("requests of tag that the base did not make")
