"""The progress bar of a running stage."""

from contextlib import ExitStack

from tqdm import tqdm

from cultivar.runlog.bookkeeping import bookkeeping


class ProgressBar:
    """Shown after a second, on a terminal only. A `silent` one shows nothing (of all but the first process)."""

    def __init__(self, stage: str, stack: ExitStack, silent: bool = False) -> None:
        self.stage, self.stack, self.silent = stage, stack, silent
        self.bar: tqdm | None = None

    def show(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` (0: unknown). A bar that cannot be drawn is no longer shown."""
        if self.silent:
            return
        self.silent = True
        with bookkeeping(f"{self.stage}: the progress bar cannot be shown"):
            self.draw(done, total, note)
            self.silent = False

    def draw(self, done: int, total: int, note: str) -> None:
        if self.bar is None:
            self.bar = tqdm(desc=self.stage, unit="", dynamic_ncols=True, leave=False, disable=None, delay=1.0)
            self.stack.callback(self.close)
        if self.bar.total != (total or None):
            self.bar.reset(total or None)
        self.bar.set_postfix_str(note, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        with bookkeeping(f"{self.stage}: the progress bar cannot be removed"):
            if self.bar is not None:
                self.bar.close()

    def show_tokens(self, done: int, total: int, tokens: int) -> None:
        """Requests of an engine, with the tokens generated so far."""
        self.show(done, total, f"{tokens:,} tokens")
