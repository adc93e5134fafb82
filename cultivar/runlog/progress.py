"""The progress bar of a running stage."""

from contextlib import ExitStack

from tqdm import tqdm


class ProgressBar:
    """Shown after a second, on a terminal only. A `silent` one shows nothing (of all but the first process)."""

    def __init__(self, stage: str, stack: ExitStack, silent: bool = False) -> None:
        self.stage, self.stack, self.silent = stage, stack, silent
        self.bar: tqdm | None = None

    def show(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` (0: unknown)."""
        if self.silent:
            return
        if self.bar is None:
            bar = tqdm(desc=self.stage, unit="", dynamic_ncols=True, leave=False, disable=None, delay=1.0)
            self.bar = self.stack.enter_context(bar)
        if self.bar.total != (total or None):
            self.bar.reset(total or None)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)

    def show_tokens(self, done: int, total: int, tokens: int) -> None:
        """Requests of an engine, with the tokens generated so far."""
        self.show(done, total, f"{tokens:,} tokens")
