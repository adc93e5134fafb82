"""report: one page on a run: held-out accuracy by model, training curves, what each strategy yielded, row states.

The page is one HTML file without script or network, and Markdown from the same context. It holds no seconds: two
equal runs write the same bytes.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from cultivar.grading.intervals import wilson
from schemas.rows import EvaluatedItem, SeedResult
from schemas.stage import Document, Files
from schemas.table import Context, Table
from stages.review.charts import Rate, line_chart, rate_chart
from stages.review.datasheet import declared_files, load_template, read_metrics, rules, states
from stages.review.params import ReportParams
from stages.review.tax import over_seeds, tax

STRATEGY_STAGES = {
    "annotation": "rank",
    "rejection": "rejection",
    "execution": "execution",
    "repurpose": "repurpose",
    "constitution": "constitution",
    "given": "ingest",
}
TASKS = {"math": "Exact match, maths", "constraint": "Constraint pass rate", "code": "Code", "general": "General"}
SIGNALS = ("reward", "win_rate", "kl", "completion_tokens", "tie_share")
Lines = list[dict[str, Any]]


class ReportResult(NamedTuple):
    report: Document
    summary: Document
    metrics: dict[str, Any]


def report(
    base: Context[EvaluatedItem],
    sft: Context[EvaluatedItem],
    dpo: Context[EvaluatedItem],
    online_dpo: Context[EvaluatedItem],
    seed_results: Context[SeedResult],
    files: Files,
    params: ReportParams,
) -> ReportResult:
    """What the run measured, as an HTML page and as Markdown."""
    models = {"base": base, "sft": sft, "dpo": dpo, "online_dpo": online_dpo}
    measured = read_metrics(files)
    accuracy = {task: accuracy_lines(models, task, params.confidence) for task in tasks(models)}
    context = {
        "title": params.title,
        "confidence": params.confidence,
        "simulated": simulated_line(measured),
        "accuracy": [
            {
                "task": TASKS.get(task, task),
                "lines": lines,
                "chart": Markup(rate_chart([line["rate"] for line in lines], params.width)),
            }
            for task, lines in accuracy.items()
        ],
        "changes": [change for pair in pairwise(models) for change in changes(models, *pair)],
        "tax": (taxes := tax(models, {task: TASKS.get(task, task) for task in accuracy}, params.confidence)),
        "repeated": over_seeds(seed_results),
        "curves": curves(files, params),
        "yields": yields(measured),
        "states": states(measured),
        "rules": rules(measured),
    }
    html = load_template(files, "reports/templates/report.html.jinja").render(context)
    markdown = load_template(files, "reports/templates/report.md.jinja").render(context)
    metrics = {f"{task}_{line['model']}": line["rate"].value for task, lines in accuracy.items() for line in lines}
    metrics |= {f"tax_{line['key']}_{line['model']}": line["greedy"]["points"] for line in taxes if line["greedy"]}
    return ReportResult(Document(html), Document(markdown), metrics)


def greedy(table: Table[EvaluatedItem], task: str) -> pl.DataFrame:
    """The greedy rows of a task that could be judged."""
    return table.frame.filter((pl.col("task") == task) & (pl.col("sample") == 0) & pl.col("correct").is_not_null())


def tasks(models: dict[str, Context[EvaluatedItem]]) -> list[str]:
    """Tasks that were evaluated, in the order of TASKS, others after them."""
    evaluated = set().union(*(table.frame["task"].unique().to_list() for table in models.values()))
    return [task for task in TASKS if task in evaluated] + sorted(evaluated - set(TASKS))


def accuracy_lines(models: dict[str, Context[EvaluatedItem]], task: str, confidence: float) -> Lines:
    """Greedy accuracy of each model on one task with its interval, and the mean accuracy of its samples."""
    lines = []
    for name, table in models.items():
        rows = greedy(table, task)
        hits, count = int(rows["correct"].sum()), rows.height
        sampled = table.frame.filter((pl.col("task") == task) & (pl.col("sample") > 0))
        lines.append(
            {
                "model": name,
                "hits": hits,
                "count": count,
                "rate": Rate(name, hits / count if count else 0.0, *wilson(hits, count, confidence)),
                "sampled": sampled["correct"].mean(),
                "tokens": rows["completion_tokens"].mean(),
                "reward": rows["reward"].mean(),
            }
        )
    return lines


def changes(models: dict[str, Context[EvaluatedItem]], before: str, after: str) -> Lines:
    """Items that a step of training won and lost, by task, of the items that both models were evaluated on."""
    lines = []
    for task in tasks(models):
        pair = (
            greedy(models[before], task)
            .select(item=pl.col("parents").list.first(), was="correct")
            .join(greedy(models[after], task).select(item=pl.col("parents").list.first(), now="correct"), on="item")
        )
        won, lost = (int(pair.select((pl.col(new) & ~pl.col(old)).sum()).item()) for new, old in NOW_WAS)
        lines.append(
            {
                "step": f"{before} → {after}",
                "task": TASKS.get(task, task),
                "won": won,
                "lost": lost,
                "both": pair.height,
            }
        )
    return lines


NOW_WAS = (("now", "was"), ("was", "now"))


def simulated_line(measured: dict[str, dict[str, Any]]) -> str:
    share = measured.get("datasheet", {}).get("simulated_share", 0)
    if share == 1:
        return (
            "The teacher was simulated: no language model wrote any row, so the figures show that the recipe runs, "
            "not what a language model can do."
        )
    return f"The simulated teacher wrote {share:.1%} of the rows of D and P." if share else ""


def curves(files: Files, params: ReportParams) -> Lines:
    """One chart per plot file, its loss over its steps; of online DPO one for each signal over the episodes."""
    charts = []
    for path in declared_files(files, "plots"):
        frame = pl.read_csv(path)
        numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
        if len(numbers) < 2:
            continue
        x = next((name for name in ("step", "episode") if name in numbers), numbers[0])
        wanted = [name for name in SIGNALS if name in numbers] or [
            "loss" if "loss" in numbers else next(name for name in numbers if name != x)
        ]
        for y in wanted:
            points = frame.select(x, y).drop_nulls().sort(x)
            values = points[y].cast(pl.Float64).to_list()
            chart = line_chart(points[x].cast(pl.Float64).to_list(), values, x, y, params.width, params.height)
            ends = (values[0], values[-1]) if values else (None, None)
            charts.append({"name": path.parent.name, "x": x, "y": y, "ends": ends, "chart": Markup(chart)})
    return charts


def yields(measured: dict[str, dict[str, Any]]) -> Lines:
    """Per strategy: rows that its stage took in, rows that it wrote, rows that the filter kept, rows in D and P."""
    lines = []
    for strategy, stage in STRATEGY_STAGES.items():
        metrics = measured.get(stage, {})
        written = metrics.get("out", {})
        lines.append(
            {
                "strategy": strategy,
                "into": metrics.get("rows", {}).get("in", 0),
                "demonstrations": written.get(f"{strategy}_demonstrations", 0),
                "preferences": written.get(f"{strategy}_preferences", 0),
                "kept": measured.get("filter", {}).get("kept_by_strategy", {}).get(strategy, 0),
                "d": measured.get("assemble", {}).get("demonstrations_by_strategy", {}).get(strategy, 0),
                "p": measured.get("assemble", {}).get("preferences_by_strategy", {}).get(strategy, 0),
            }
        )
    return lines
