"""The progress that a training run reports, and the losses by global step that become a plot."""

import time
from typing import Any

import polars as pl
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from schemas.stage import Plot, Progress


class TrainingLog(TrainerCallback):
    """Reports loss, tokens a second and time left at every log; stores what the trainer logs by its global step.

    Rows of an interrupted run come back with the trainer's state (`log_history`), so the plot of a resumed run is
    that of an uninterrupted one.
    """

    def __init__(self, progress: Progress, tokens_per_step: float = 0.0, note: str = ""):
        self.progress, self.tokens_per_step, self.note = progress, tokens_per_step, note
        self.rows: dict[int, dict[str, float]] = {}
        self.started, self.first = 0.0, 0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self.started, self.first = time.perf_counter(), state.global_step
        for entry in state.log_history:
            self.add(entry)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        if logs and "loss" in logs:
            self.add(logs | {"step": state.global_step})
            self.report(state.global_step, state.max_steps, logs["loss"])

    def add(self, entry: dict[str, Any]) -> None:
        if "loss" in entry:
            numbers = {name: float(value) for name, value in entry.items() if isinstance(value, int | float)}
            self.rows[int(entry["step"])] = numbers

    def report(self, step: int, steps: int, loss: float) -> None:
        done = step - self.first
        seconds = time.perf_counter() - self.started
        pace = done / seconds if seconds and done else 0.0
        left = f", {(steps - step) / pace:.0f} s left" if pace else ""
        speed = f", {pace * self.tokens_per_step:,.0f} tokens/s" if self.tokens_per_step else ""
        self.progress(step, steps, f"{self.note}loss {loss:.3f}{speed}{left}")

    def to_plot(self, columns: tuple[str, ...] = ("loss", "learning_rate")) -> Plot:
        """`step` and the given columns, one row per logged step."""
        data = [
            {"step": step} | {column: row.get(column) for column in columns} for step, row in sorted(self.rows.items())
        ]
        schema = {"step": pl.Int64} | dict.fromkeys(columns, pl.Float64)
        return Plot(pl.DataFrame(data, schema=schema))

    def recent_mean(self, column: str, share: float = 0.1) -> float | None:
        """The mean of a logged column over the last `share` of the logs; None where it was never logged."""
        values = [row[column] for _, row in sorted(self.rows.items()) if column in row]
        recent = values[-max(1, round(share * len(values))) :]
        return sum(recent) / len(recent) if recent else None
