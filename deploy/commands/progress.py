"""Progress of a long command, on stderr: bars on a terminal, elsewhere a line now and then."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from rich.progress import TaskID

_LINE_INTERVAL_S = 5.0


class ProgressBars:
    """Steps as bars of rich."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=Console(file=sys.stderr))
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)

    def note(self, text: str) -> None:
        self._progress.console.print(text)


class ProgressLines:
    """Steps as lines: at the beginning, at the end, and every few seconds between."""

    def __init__(self) -> None:
        self._printed_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        return

    def step(self, name: str, done: int, total: int) -> None:
        if done in (0, total) or time.monotonic() - self._printed_at > _LINE_INTERVAL_S:
            self._printed_at = time.monotonic()
            self.note(f"{name}: {done} of {total}")

    def note(self, text: str) -> None:
        typer.echo(text, err=True)


def open_progress() -> ProgressBars | ProgressLines:
    """Return bars for a terminal, else lines."""
    return ProgressBars() if sys.stderr.isatty() else ProgressLines()
