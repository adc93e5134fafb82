"""report: one page on a run: held-out accuracy by model, training curves, what each strategy yielded, row states.

The page is one HTML file without script or network, and Markdown from the same context. It holds no seconds: two
equal runs write the same bytes.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from cultivar.grading.intervals import wilson
from schemas.rows import EvaluatedItem, EvaluationItem, SeedResult
from schemas.stage import Document, Files
from schemas.table import Context, Table
from stages.review.answers import side_by_side
from stages.review.charts import Rate, line_chart, rate_chart
from stages.review.datasheet import declared_files, load_template, read_metrics, rules, states
from stages.review.flow import flow_chart, flow_of
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
MODELS = {"base": "Base", "sft": "SFT", "dpo": "Offline DPO", "online_dpo": "Online DPO"}
RUNS = {
    "base": "Base model",
    "sft": "Supervised fine-tuning",
    "reward": "Reward model",
    "dpo": "Offline DPO",
    "online_dpo": "Online DPO",
}
SIGNALS = {
    "reward": ("reward of samples", "mean reward"),
    "win_rate": ("win rate over the start policy", "win rate"),
    "kl": ("KL to the start policy", "nats a completion"),
    "completion_tokens": ("length of samples", "tokens a completion"),
    "tie_share": ("prompts without a pair", "share of prompts"),
}
"""Column of the episodes -> what it is, and the title of its axis."""
STEPS = {"step": "optimizer step", "episode": "episode"}
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
    evaluation: Context[EvaluationItem],
    files: Files,
    params: ReportParams,
) -> ReportResult:
    """What the run measured, as an HTML page and as Markdown."""
    models = {"base": base, "sft": sft, "dpo": dpo, "online_dpo": online_dpo}
    measured = read_metrics(files)
    accuracy = {task: accuracy_lines(models, task, params.confidence) for task in tasks(models)}
    taxes = tax(models, {task: TASKS.get(task, task) for task in accuracy}, params.confidence)
    context = {
        "title": params.title,
        "confidence": params.confidence,
        "simulated": simulated_line(measured),
        "accuracy": [
            {
                "task": TASKS.get(task, task),
                "lines": lines,
                "chart": Markup(rate_chart([line["rate"] for line in lines], "right, greedy", params.width)),
            }
            for task, lines in accuracy.items()
        ],
        "changes": [change for pair in pairwise(models) for change in changes(models, *pair)],
        "tax": [line | {"model": MODELS[line["model"]]} for line in taxes],
        "repeated": over_seeds(seed_results),
        "curves": curves(files, params),
        "answers": answers(models, evaluation, params),
        "flow": Markup(flow_chart(flow_of(measured, products(measured)))),
        "yields": yields(measured),
        "states": states(measured),
        "rules": rules(measured),
    }
    html = load_template(files, "report.html.jinja").render(context)
    markdown = load_template(files, "report.md.jinja").render(context)
    metrics = {f"{task}_{line['key']}": line["rate"].value for task, lines in accuracy.items() for line in lines}
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
                "model": MODELS[name],
                "key": name,
                "hits": hits,
                "count": count,
                "rate": Rate(MODELS[name], hits / count if count else 0.0, *wilson(hits, count, confidence)),
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
                "step": f"{MODELS[before]} → {MODELS[after]}",
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
            shown, axis = SIGNALS.get(y, (y, y))
            steps = points[x].cast(pl.Float64).to_list()
            chart = line_chart(steps, values, STEPS.get(x, x), axis, params.width, params.height)
            title = f"{RUNS.get(path.parent.name, path.parent.name)}: {shown}"
            ends = (values[0], values[-1]) if values else (None, None)
            charts.append({"title": title, "ends": ends, "chart": Markup(chart)})
    return charts


def answers(
    models: dict[str, Context[EvaluatedItem]], evaluation: Context[EvaluationItem], params: ReportParams
) -> Lines:
    """What every model answered to some items, with the names that the page has for tasks and models."""
    items = side_by_side(models, evaluation, params.items, params.answer_chars)
    for item in items:
        item["task"] = TASKS.get(item["task"], item["task"])
        item["given"] = [one | {"model": MODELS[one["model"]]} for one in item["given"]]
    return items


def products(measured: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Rows of D and P by strategy."""
    mixed = measured.get("assemble", {})
    return {"D": mixed.get("demonstrations_by_strategy", {}), "P": mixed.get("preferences_by_strategy", {})}


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
