"""A run while it goes on: one line for a log, a few for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from devperfops_operator.api.perfrun import ObjectiveStatus, PerfRun, Phase, Verdict
from devperfops_operator.cli.render.parts import facts
from devperfops_operator.cli.render.run import live_line, load_line, objective_title
from devperfops_operator.cli.render.words import Clock, plain, reason_style, took, verdict_style
from devperfops_operator.cli.timeline import Line

_BAR_WIDTH = 30


class _Span(NamedTuple):
    begin: datetime
    end: datetime | None


def step_row(line: Line, clock: Clock, *, subjects: Collection[str] = ()) -> Table:
    """`14:03:22  Running  LoadRunning  ...`; the subject is told too unless it is one of `subjects`."""
    parts = [(f"{plain(line.subject)}  ", "bold")] if line.subject not in subjects else []
    parts += [(f"{line.phase}  ", "cyan")] if line.phase else []
    parts += [(f"{plain(line.reason)}  ", reason_style(line.reason)), (plain(line.message), "")]
    return facts([(clock.time(line.at), Text.assemble(*parts))])


def progress_line(run: PerfRun, clock: Clock) -> str | None:
    """How far the judged traffic is, for a log; None while there is none."""
    span = _span(run)
    if span is None:
        return None
    parts = [f"{_elapsed(span, clock.now)}: {_traffic(run, clock)}", *map(_so_far, run.status.objectives)]
    return plain("; ".join(parts))


def progress_block(run: PerfRun, clock: Clock, spinner: Spinner) -> RenderableType:
    """A moving line and, under load, a bar and the objectives so far."""
    span = _span(run)
    head = Table.grid(padding=(0, 1))
    if span is None:
        since = clock.age(run.metadata.creation_timestamp)
        head.add_row(spinner, Text(f"{run.metadata.name}  {run.status.phase}  ({since} since it began)"))
        return head
    done = _fraction(span, clock.now)
    bar = ProgressBar(
        total=1.0, completed=done, width=_BAR_WIDTH, complete_style="cyan", finished_style="cyan"
    )
    name = Text(f"{run.metadata.name}  {run.status.phase}")
    head.add_row(spinner, name, bar, Text(_elapsed(span, clock.now)))
    lines = [Text(f"  {_traffic(run, clock)}")]
    lines += [Text(f"  {_so_far(each)}", style=verdict_style(each.verdict)) for each in run.status.objectives]
    return Group(head, *lines)


def _span(run: PerfRun) -> _Span | None:
    """When the traffic began and is to end; None: there is none at the moment."""
    load, live = run.status.load, run.status.live
    if run.status.phase is not Phase.RUNNING:
        return None
    if live is not None:
        return _Span(live.judged_from, live.ends_at)
    return _Span(load.start_at, load.ends_at) if load is not None and load.start_at is not None else None


def _traffic(run: PerfRun, clock: Clock) -> str:
    load, live = run.status.load, run.status.live
    return live_line(live, clock) if live is not None else load_line(load) if load is not None else ""


def _elapsed(span: _Span, now: datetime) -> str:
    if span.end is None:
        return took(span.begin, now)
    return f"{took(span.begin, min(now, span.end))} of {took(span.begin, span.end)}"


def _fraction(span: _Span, now: datetime) -> float:
    if span.end is None or span.end <= span.begin:
        return 0.0
    return min(1.0, max(0.0, (now - span.begin) / (span.end - span.begin)))


def _so_far(objective: ObjectiveStatus) -> str:
    title = objective_title(objective)
    if objective.verdict is Verdict.FAIL:
        return f"{title} FAILED, {objective.observed or 'see the message'}"
    if objective.observed is None:
        return f"{title}: nothing observed yet"
    counted = f"exceedances {objective.exceedance}, " if objective.exceedance is not None else ""
    shares = f"{counted}allowed {objective.allowed}"
    return plain(f"{title}: {objective.observed} ({shares})")
