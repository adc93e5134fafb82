"""reports/graph.svg: the graph of dvc.yaml as a picture, in bands that follow the recipe.

    python -m bench.graph_picture [--check]

BANDS and `arrows` place the boxes and choose the dependencies that are drawn; that every stage is there and that every arrow is a
dependency is checked against dvc.yaml. `--check` writes nothing and ends with 1 where the file is another one.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from cultivar.runner.graph import load_yaml  # noqa: E402
from cultivar.tools.parallel import closure, upstream  # noqa: E402

TARGET = ROOT / "reports" / "graph.svg"
CAPTIONS = {
    "ingest": "sources → tables",
    "tag": "InsTag",
    "ontology": "4 steps + people",
    "score": "4 criteria",
    "select": "diverse, complex",
    "evolve": "add constraints",
    "respond": "k × strategies",
    "rank": "people, judges",
    "rejection": "maths",
    "execution": "code, AutoIF",
    "repurpose": "literature, roles",
    "constitution": "safety",
    "filter": "dedupe, decontaminate",
    "assemble": "D and P",
    "datasheet": "",
    "base": "tiny Qwen2",
    "sft": "on D",
    "reward": "on P",
    "dpo": "on P",
    "online_dpo": "k, best – worst",
    "evaluate": "each model",
    "report": "",
    "seeds": "training, repeated",
}
BANDS = [
    (
        "collaborative annotation (4.1.1)",
        42,
        "#e8f3ec",
        112,
        124,
        ["tag", "ontology", "score", "select", "evolve", "respond", "rank"],
    ),
    ("automated synthesis (4.1.2)", 142, "#fdf3e1", 150, 248, ["rejection", "execution", "repurpose", "constitution"]),
    (
        "filtering: D = {(x, y)}, P = {(x, y+, y−)}",
        252,
        "#efeafa",
        150,
        210,
        ["filter", "assemble", "datasheet"],
    ),
    (
        "training (4.2, 4.3) and review",
        372,
        "#e6f0fa",
        116,
        136,
        ["base", "sft", "reward", "dpo", "online_dpo", "evaluate", "report"],
    ),
]
"""Title, top, colour, width of a box, distance of boxes, stages."""
WIDTH, HEIGHT, HIGH, LEFT = 1180, 520, 40, 180
FILTER_LEFT = 390
NOTE = "evaluation files go from ingest to filter (decontamination) and evaluate alone · every arrow is a Parquet table or a model folder that dvc.yaml declares"
Box = tuple[float, float, float]


def places() -> dict[str, Box]:
    """Stage -> left, top and width of its box."""
    boxes: dict[str, Box] = {"ingest": (30, 230, 112), "seeds": (996, 462, 116)}
    for _, top, _, width, step, stages in BANDS:
        first = FILTER_LEFT if "filter" in stages else LEFT
        boxes |= {stage: (first + step * number, top + 28, width) for number, stage in enumerate(stages)}
    return boxes


def arrows(boxes: dict[str, Box]) -> dict[tuple[str, str], str]:
    """(from, to) -> path: along a band straight, between bands through the space between them."""
    paths: dict[tuple[str, str], str] = {}
    for _, _, _, _, _, stages in BANDS:
        if "rejection" not in stages:
            for first, second in zip(stages, stages[1:], strict=False):
                (x, y, width), (to, _, _) = boxes[first], boxes[second]
                paths[first, second] = f"M{x + width} {y + 20}L{to - 1} {y + 20}"
    del paths["reward", "dpo"]  # the SFT model is the start of both
    for first, second in (("sft", "dpo"), ("reward", "online_dpo")):
        x, to = (boxes[stage][0] + boxes[stage][2] / 2 for stage in (first, second))
        paths[first, second] = f"M{x} 440C{x} 460 {to} 460 {to} 441"
    into = boxes["filter"][0] + boxes["filter"][2] / 2
    for stage in ("rejection", "execution", "repurpose", "constitution"):
        x = boxes[stage][0] + boxes[stage][2] / 2
        paths[stage, "filter"] = f"M{x} 210C{x} 240 {into} 250 {into} 279"
    paths["rank", "filter"] = (
        f"M1036 90C1100 90 1120 110 1120 150L1120 215C1120 236 1105 238 1080 238L520 238C490 238 478 255 {into + 10} 279"
    )
    out = boxes["assemble"][0] + boxes["assemble"][2] / 2
    for stage in ("sft", "reward", "dpo", "online_dpo"):
        x = boxes[stage][0] + boxes[stage][2] / 2
        paths["assemble", stage] = f"M{out} 320C{out} 365 {x} 350 {x} 399"
    paths["ingest", "tag"] = "M142 240C158 235 150 90 179 90"
    paths["ingest", "rejection"] = "M142 250C158 245 150 190 179 190"
    paths["ingest", "filter"] = "M142 262C165 264 165 308 210 308L389 308"
    paths["ingest", "base"] = "M86 270C86 420 120 420 179 420"
    paths["seeds", "report"] = "M1054 462L1054 441"
    return paths


def picture() -> str:
    """The SVG. Raises ValueError where dvc.yaml has a stage that is not drawn, or an arrow is no dependency of it."""
    needs = upstream(load_yaml(ROOT / "dvc.yaml")["stages"])
    boxes, paths = places(), arrows(places())
    if missing := needs.keys() - {"code"} - boxes.keys():
        raise ValueError(f"{', '.join(sorted(missing))} of dvc.yaml are not drawn; give them a place in BANDS")
    if wrong := [f"{a} → {b}" for a, b in paths if a not in closure(needs, needs[b])]:
        raise ValueError(f"{', '.join(wrong)} are no dependencies of dvc.yaml")
    colours = {stage: colour for _, _, colour, _, _, stages in BANDS for stage in stages} | {"seeds": "#e6f0fa"}
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="Helvetica,Arial,sans-serif" font-size="13">',
        "<title>The recipe as one graph</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>',
    ]
    for title, top, *_, stages in BANDS:
        at = f'x="175" y="{top + (72 if "filter" in stages else 16)}"'
        parts.append(
            f'<rect x="165" y="{top}" width="1000" height="78" rx="8" fill="none" stroke="#ccc" stroke-dasharray="4 4"/>'
        )
        parts.append(f'<text {at} fill="#666" font-size="12">{title}</text>')
    parts += [
        f'<path class="arrow" d="{path}" fill="none" stroke="#555" stroke-width="1.2" marker-end="url(#a)"/>'
        for path in paths.values()
    ]
    for stage, (x, y, width) in boxes.items():
        middle, caption = x + width / 2, CAPTIONS[stage]
        parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{HIGH}" rx="6" fill="{colours.get(stage, "#f3f3f3")}" stroke="#777"/>'
        )
        parts.append(
            f'<text x="{middle}" y="{y + (17 if caption else 25)}" text-anchor="middle" font-weight="bold">{stage}</text>'
        )
        if caption:
            parts.append(
                f'<text x="{middle}" y="{y + 33}" text-anchor="middle" font-size="11" fill="#444">{caption}</text>'
            )
    parts.append(f'<text x="30" y="495" fill="#666" font-size="12">{NOTE}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    drawn = picture()
    if parser.parse_args().check:
        return int(TARGET.read_text(encoding="utf-8") != drawn)
    TARGET.write_text(drawn, encoding="utf-8")
    print(TARGET.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
