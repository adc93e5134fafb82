"""Data versions made by hand: a folder of small tables and metrics that stands for a git revision."""

import hashlib
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from ruamel.yaml import YAML

from reports.gates.check import Checked, check
from reports.gates.model import GateResult
from reports.versions.objects import MissingObject, Recorded
from reports.versions.version import Version
from schemas.rows import EvaluationItem, FinalDemonstration, FinalPreference
from schemas.table import polars_schema

DAY = "2026-06-30"
WHY = "A reason that is long enough to be read."


def key(name: str) -> str:
    """An id by a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


class MadeVersion(Version):
    """A version whose files all stand in `folder`."""

    def __init__(self, folder: Path, name: str = "made") -> None:
        super().__init__(name)
        self.folder = folder

    def blob(self, path: str | Path) -> bytes | None:
        place = self.folder / path
        return place.read_bytes() if place.is_file() else None

    def tables(self) -> dict[str, Recorded]:
        found = sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.parquet"))
        return {path: Recorded("made", path, "0" * 32) for path in found}

    def recorded(self) -> dict[str, Recorded]:
        return self.tables()

    def files(self, path: str | Path) -> list[Path]:
        if not (self.folder / path).is_file():
            raise MissingObject(f"{path} is not there")
        return [self.folder / path]

    def metrics(self) -> dict[str, dict[str, Any]]:
        files = sorted((self.folder / "metrics").rglob("*.json"))
        return {
            file.relative_to(self.folder / "metrics").as_posix()[:-5]: json.loads(file.read_text()) for file in files
        }

    # ---- making

    def write(self, path: str, content: str) -> "MadeVersion":
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content, encoding="utf-8")
        return self

    def table(self, name: str, frame: pl.DataFrame) -> "MadeVersion":
        place = self.folder / "data" / f"{name}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(place)
        return self

    def metric(self, name: str, **content: Any) -> "MadeVersion":
        return self.write(f"metrics/{name}.json", json.dumps(content))

    def reward_of(self, preferences: str) -> "MadeVersion":
        """dvc.lock after `reward` ran on P with this hash, where `assemble` has since made the P with hash `p`."""
        self.metric("reward", heldout_accuracy=0.9, heldout_pairs=100)
        lock = {
            "assemble": {"outs": [{"path": "data/preferences.parquet", "md5": "p"}]},
            "reward": {
                "deps": [{"path": "data/preferences.parquet", "md5": preferences}],
                "outs": [{"path": "metrics/reward.json", "md5": "m"}],
            },
        }
        text = io.StringIO()
        YAML().dump({"stages": lock}, text)
        return self.write("dvc.lock", text.getvalue())

    def demonstrations(self, *rows: dict[str, Any]) -> "MadeVersion":
        return self.table("demonstrations", frame_of(FinalDemonstration, rows))

    def preferences(self, *rows: dict[str, Any]) -> "MadeVersion":
        return self.table("preferences", frame_of(FinalPreference, rows))

    def evaluation(self, *rows: dict[str, Any]) -> "MadeVersion":
        defaults = {"parents": [], "source": "e:1", "license": "MIT", "split": "test", "task": "general"}
        lists: dict[str, Any] = dict.fromkeys(("tests", "constraints", "arguments"), [])
        nulls = dict.fromkeys(("answer", "entry_point", "solution")) | {"setup": ""}
        return self.table(
            "evaluation",
            pl.DataFrame([defaults | lists | nulls | row for row in rows], schema=polars_schema(EvaluationItem)),
        )

    def gates(self, *gates: str) -> "MadeVersion":
        """Gates as the lines of their fields: name and reason are added where they are absent."""
        entries = [f"  - {{name: g{number}, why: {WHY}, {fields}}}" for number, fields in enumerate(gates)]
        return self.write("reports/gates.yaml", "gates:\n" + "\n".join(entries) + "\n")

    def waive(self, *waivers: str) -> "MadeVersion":
        """Waivers as the lines of their fields; reason, author and day are added."""
        entries = [f"  - {{reason: {WHY}, who: Ada, {fields}}}" for fields in waivers]
        return self.write("human/waivers.yaml", "waivers:\n" + "\n".join(entries) + "\n")


def frame_of(model: Any, rows: tuple[dict[str, Any], ...]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=polars_schema(model), strict=True)


def turns(role: str, text: str) -> list[dict[str, str]]:
    return [{"role": role, "content": text}]


def row(name: str, prompt: str, **more: Any) -> dict[str, Any]:
    """What rows of D and P share."""
    return {
        "id": key(name),
        "parents": [],
        "prompt": turns("user", prompt),
        "domain": "general",
        "strategy": "annotation",
        "label_source": "judge",
        "quality": 1.0,
        "pass_rate": None,
        "samples": None,
        "votes": None,
        "tags": [],
        "scores": [],
        "license": "CC0-1.0",
        "verdicts": [],
        "engine": "teacher",
        "simulated": False,
        "source": "",
        "split": "train",
    } | more


def shown(name: str, prompt: str, completion: str = "An answer.", **more: Any) -> dict[str, Any]:
    """A row of D."""
    return row(name, prompt, **more) | {"completion": turns("assistant", completion)}


def preferred(name: str, prompt: str, chosen: str = "Good.", rejected: str = "Bad.", **more: Any) -> dict[str, Any]:
    """A row of P."""
    sides = {"chosen": turns("assistant", chosen), "rejected": turns("assistant", rejected)}
    return row(name, prompt, **more) | sides | {"margin": 1.0}


def checked(new: MadeVersion, old: MadeVersion | None = None, day: str = DAY) -> Checked:
    return check(old, new, date.fromisoformat(day))


def result_of(new: MadeVersion, old: MadeVersion | None = None, day: str = DAY) -> GateResult:
    """The result of the only gate."""
    (result,) = checked(new, old, day).results
    return result
