"""Where a timeline is shown: a terminal, with what goes on now moving below it, or a log."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.console import clock, show
from devperfops_operator.cli.render.progress import progress_block, progress_line, step_row
from devperfops_operator.cli.timeline import Line

_PROGRESS_EVERY_S: Final = 10.0


class Screen(Protocol):
    """Shows steps once and progress as it is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, line: Line) -> None: ...

    def note(self, message: str) -> None:
        """Something about ourselves, such as an API that does not answer."""

    def progress(self, run: PerfRun) -> None:
        """The latest state of a run; an ended run has no progress."""


def screen(console: Console, *subjects: str) -> Screen:
    """`subjects`: whose names go without saying."""
    return TerminalScreen(console, subjects) if console.is_interactive else LogScreen(console, subjects)


class LogScreen:
    """Lines with the time in front; progress at most every ten seconds."""

    def __init__(
        self,
        console: Console,
        subjects: tuple[str, ...] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._subjects = subjects
        self._monotonic = monotonic
        self._told: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def step(self, line: Line) -> None:
        show(self._console, step_row(line, clock(), subjects=self._subjects))

    def note(self, message: str) -> None:
        now = clock()
        show(self._console, Text(f"{now.time(now.now)}  {message}"))

    def progress(self, run: PerfRun) -> None:
        line = progress_line(run, clock())
        moment = self._monotonic()
        last = self._told.get(run.metadata.name)
        if line is None or (last is not None and moment - last < _PROGRESS_EVERY_S):
            return
        self._told[run.metadata.name] = moment
        name = "" if run.metadata.name in self._subjects else f"{run.metadata.name}  "
        self.note(f"{name}{line}")


class TerminalScreen:
    """Steps scroll by; below them, what goes on now."""

    def __init__(self, console: Console, subjects: tuple[str, ...] = ()) -> None:
        self._console = console
        self._subjects = subjects
        self._runs: dict[str, PerfRun] = {}
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console,
            get_renderable=self._now,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def step(self, line: Line) -> None:
        self._console.print(step_row(line, clock(), subjects=self._subjects))

    def note(self, message: str) -> None:
        now = clock()
        self._console.print(Text(f"{now.time(now.now)}  {message}", style="yellow"))

    def progress(self, run: PerfRun) -> None:
        if run.status.phase.terminal:
            self._runs.pop(run.metadata.name, None)
        else:
            self._runs[run.metadata.name] = run
        self._live.refresh()

    def _now(self) -> RenderableType:
        return Group(*(progress_block(run, clock(), self._spinner) for run in list(self._runs.values())))
