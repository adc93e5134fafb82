"""Which models of a version were trained on a row of D or P, as far as tables and parameters say."""

import polars as pl

from reports.trace.family import Family
from reports.versions.version import Version
from schemas.ids import unit_of

COUNTED = 200_000
"""Rows of P up to which it is found out which of them DPO took."""
DEMONSTRATIONS, PREFERENCES = "data/demonstrations.parquet", "data/preferences.parquet"
BASE_TABLES = ("data/problems.parquet", "data/instructions.parquet", "data/passages.parquet")
SEEN = {
    DEMONSTRATIONS: ("sft", "reward", "dpo", "online_dpo"),
    PREFERENCES: ("reward", "dpo", "online_dpo"),
}
"""Product -> models that have seen its train split, themselves or in what they go on from (dvc.yaml)."""


def trained(version: Version, stage: str) -> bool:
    """Whether the version has the model of a stage."""
    return f"models/{stage}" in version.recorded()


def training_lines(family: Family) -> list[str]:
    """What training and evaluation did with the traced row."""
    node, version = family.row, family.version
    lines = []
    is_read = any(table in BASE_TABLES for table in node.tables) and trained(version, "base")
    if is_read and not (version.params().get("base") or {}).get("pretrained"):
        lines.append("base: the stand-in for a pretrained model read its table")
    split = node.row.get("split")
    if DEMONSTRATIONS in node.tables:
        lines += demonstration_lines(version, split)
    if PREFERENCES in node.tables:
        lines += preference_lines(version, node.id, split)
    rollouts = family.totals.get("data/rollouts.parquet", 0)
    if rollouts and PREFERENCES in node.tables:
        pairs = family.totals.get("data/online_pairs.parquet", 0)
        lines.append(
            f"online_dpo: sampled {rollouts:,} rollouts of its prompt, {pairs:,} online pairs of them trained it"
        )
    if not lines and (DEMONSTRATIONS in family.totals or PREFERENCES in family.totals):
        names = {DEMONSTRATIONS: "D", PREFERENCES: "P"}
        counted = [
            f"{family.totals[table]:,} rows of {name}" for table, name in names.items() if table in family.totals
        ]
        lines.append(f"through {' and '.join(counted)}; trace one of them for its split")
    return lines


def demonstration_lines(version: Version, split: object) -> list[str]:
    if split != "train":
        return ["held out: no model was trained on it"]
    if not trained(version, "sft"):
        return ["train split; this version has no model of it"]
    sft = version.params().get("sft") or {}
    counts = version.metrics().get("sft", {})
    longer, refused = counts.get("overlong", 0), counts.get("refused", 0)
    left_out = [f"{longer:,} rows over {sft.get('max_length')} tokens"] if longer else []
    left_out += [f"{refused:,} rows that the model's chat template refused"] if refused else []
    unless = f", unless it is one of the {' or of the '.join(left_out)}" if left_out else ""
    later = [stage for stage in SEEN[DEMONSTRATIONS][1:] if trained(version, stage)]
    lines = [f"sft: trained on it in {sft.get('epochs')} epochs{unless}"]
    return [*lines, f"{', '.join(later)}: go on from that model"] if later else lines


def preference_lines(version: Version, row_id: str, split: object) -> list[str]:
    if split != "train":
        scored = ["reward: its accuracy was measured on it"] if trained(version, "reward") else []
        return ["held out: no model was trained on it", *scored]
    lines = []
    if trained(version, "reward"):
        lines.append("reward: the reward model was trained on the split it is in")
    if trained(version, "dpo"):
        params = version.params().get("dpo") or {}
        lines.append(dpo_line(version, row_id, int(params.get("pairs") or 0), int(params.get("seed") or 0)))
    return lines or ["train split; this version has no model of it"]


def dpo_line(version: Version, row_id: str, pairs: int, seed: int) -> str:
    """Whether offline DPO, which takes so many pairs by their ids, took this one (train/dpo.py)."""
    rows = pl.scan_parquet(version.files(PREFERENCES)).filter(pl.col("split") == "train").select("id").collect()["id"]
    if not pairs or pairs >= len(rows):
        return "dpo: trained on it"
    if len(rows) > COUNTED:
        return (
            f"dpo: trained on {pairs:,} of {len(rows):,} pairs, drawn by their ids; whether on this one was not counted"
        )
    mine = (unit_of(row_id, "dpo", seed), row_id)
    place = sum((unit_of(one, "dpo", seed), one) < mine for one in rows)
    return f"dpo: {'trained on it' if place < pairs else 'did not take it'} ({pairs:,} of {len(rows):,} pairs, drawn by their ids)"
