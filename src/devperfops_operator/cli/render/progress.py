"""A run while it goes on: one line for a log, a few for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from devperfops_operator.api.perfrun import LoadStatus, ObjectiveStatus, PerfRun, Phase, Verdict
from devperfops_operator.cli.render.parts import facts
from devperfops_operator.cli.render.run import load_line, objective_title
from devperfops_operator.cli.render.words import Clock, plain, reason_style, took, verdict_style
from devperfops_operator.cli.timeline import Line

_BAR_WIDTH = 30


def step_row(line: Line, clock: Clock, *, subjects: Collection[str] = ()) -> Table:
    """`14:03:22  Running  LoadRunning  ...`; the subject is told too unless it is one of `subjects`."""
    parts = [(f"{plain(line.subject)}  ", "bold")] if line.subject not in subjects else []
    parts += [(f"{line.phase}  ", "cyan")] if line.phase else []
    parts += [(f"{plain(line.reason)}  ", reason_style(line.reason)), (plain(line.message), "")]
    return facts([(clock.time(line.at), Text.assemble(*parts))])


def progress_line(run: PerfRun, clock: Clock) -> str | None:
    """How far the load is, for a log; None while there is none."""
    load = run.status.load
    if run.status.phase is not Phase.RUNNING or load is None or load.start_at is None:
        return None
    parts = [f"{_elapsed(load, clock.now)}: {load_line(load)}", *map(_so_far, run.status.objectives)]
    return plain("; ".join(parts))


def progress_block(run: PerfRun, clock: Clock, spinner: Spinner) -> RenderableType:
    """A moving line and, under load, a bar and the objectives so far."""
    load = run.status.load
    head = Table.grid(padding=(0, 1))
    if run.status.phase is not Phase.RUNNING or load is None or load.start_at is None:
        since = clock.age(run.metadata.creation_timestamp)
        head.add_row(spinner, Text(f"{run.metadata.name}  {run.status.phase}  ({since} since it began)"))
        return head
    done = _fraction(load, clock.now)
    bar = ProgressBar(
        total=1.0, completed=done, width=_BAR_WIDTH, complete_style="cyan", finished_style="cyan"
    )
    name = Text(f"{run.metadata.name}  {run.status.phase}")
    head.add_row(spinner, name, bar, Text(_elapsed(load, clock.now)))
    lines = [Text(f"  {load_line(load)}")]
    lines += [Text(f"  {_so_far(each)}", style=verdict_style(each.verdict)) for each in run.status.objectives]
    return Group(head, *lines)


def _elapsed(load: LoadStatus, now: datetime) -> str:
    if load.ends_at is None:
        return took(load.start_at, now)
    return f"{took(load.start_at, min(now, load.ends_at))} of {took(load.start_at, load.ends_at)}"


def _fraction(load: LoadStatus, now: datetime) -> float:
    if load.start_at is None or load.ends_at is None or load.ends_at <= load.start_at:
        return 0.0
    return min(1.0, max(0.0, (now - load.start_at) / (load.ends_at - load.start_at)))


def _so_far(objective: ObjectiveStatus) -> str:
    title = objective_title(objective)
    if objective.verdict is Verdict.FAIL:
        return f"{title} FAILED, {objective.observed or 'see the message'}"
    if objective.observed is None:
        return f"{title}: nothing observed yet"
    shares = f"exceedances {objective.exceedance}, allowed {objective.allowed}"
    return plain(f"{title}: {objective.observed} ({shares})")
