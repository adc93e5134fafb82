"""Remove what the stages write, as dvc.yaml lists it, and nothing else: `cultivar clean`.

Tables and models go; `dvc checkout` brings them back from DVC's cache. What git keeps (metrics, plots, fingerprints,
reports) stays, and so does everything that people brought, also where it stands beside what stages write.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from cultivar.runlog.console import complain, say
from cultivar.runner.graph import GRAPH, load_yaml
from schemas.writing import remove


def main() -> int:
    found = [path for path in cached_outs(load_yaml(GRAPH)["stages"]) if path.exists() or path.is_symlink()]
    for path in found:
        remove(path)
    if left := [path for path in found if path.exists()]:
        complain(f"{len(left)} outputs cannot be removed, first {left[0]}")
        return 1
    say(f"{len(found)} outputs removed; remembered answers stay in the store, and `dvc checkout` brings outputs back")
    return 0


def cached_outs(stages: dict[str, dict[str, Any]]) -> Iterator[Path]:
    """The outputs that DVC keeps in its cache, matrix items filled in."""
    for stage in stages.values():
        for out in [*stage.get("outs", []), *stage.get("plots", [])]:
            template, options = next(iter(out.items())) if isinstance(out, dict) else (out, {})
            if (options or {}).get("cache", True):
                for items in items_of(stage.get("matrix", {})):
                    yield Path(filled(template, items))


def items_of(matrix: dict[str, list[str]]) -> Iterator[dict[str, str]]:
    """Every combination of a matrix; one of nothing without a matrix."""
    return (dict(zip(matrix, map(str, values), strict=True)) for values in product(*matrix.values()))


def filled(template: str, items: dict[str, str]) -> str:
    for key, value in items.items():
        template = template.replace(f"${{item.{key}}}", value)
    return template


if __name__ == "__main__":
    from cultivar.cli import run_module

    run_module("clean")
