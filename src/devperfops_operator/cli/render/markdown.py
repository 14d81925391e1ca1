"""A run's report as Markdown (GitHub's), for a pull request, a wiki or a chat. Pure: status in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from devperfops_operator.api.perfrun import ObjectiveStatus, PerfRun, TimelineEntry
from devperfops_operator.cli.render.run import action_line, load_line, objective_title
from devperfops_operator.cli.render.words import NONE, Clock, number, outcome, plain, took

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~@])")


def markdown(run: PerfRun, clock: Clock) -> str:
    """Heading, the reason in the status's own words, then figures as tables."""
    return "\n".join(_lines(run, clock)) + "\n"


def _lines(run: PerfRun, clock: Clock) -> Iterator[str]:
    status = run.status
    yield f"## {_escaped(outcome(run))}: {_escaped(run.metadata.name)}"
    yield ""
    if status.message:
        yield f"**{_escaped(status.reason or '')}**: {_escaped(status.message)}"
        yield ""
    yield from _table(("", ""), _facts(run, clock))
    if status.objectives:
        yield from ("", "### Objectives", "")
        columns = ("Verdict", "Objective", "Observed", "Exceedances", "Bound", "Allowed", "Samples")
        yield from _table(columns, map(_objective, status.objectives))
        yield from _sentences(status.objectives, status.message or "")
    if status.timeline:
        yield from ("", "### Timeline", "")
        began = run.metadata.creation_timestamp or status.timeline[0].at
        rows = ((f"+{took(began, entry.at)}", *_step(entry)) for entry in status.timeline)
        yield from _table(("After", "Phase", "Step", ""), rows)


def _facts(run: PerfRun, clock: Clock) -> Iterator[tuple[str, str]]:
    status, began = run.status, run.metadata.creation_timestamp
    yield "Gate", f"{run.spec.gate} (namespace {run.metadata.namespace})"
    yield "Revision", f"{status.revision or 'not read yet'}, trigger {status.trigger or 'not known yet'}"
    if began is not None:
        yield "Began", clock.date_time(began)
    if status.completed_at is not None:
        yield "Took", took(began, status.completed_at)
    if status.load is not None:
        yield "Load", load_line(status.load)
    if status.action is not None:
        yield "Action", action_line(status.action, clock)


def _objective(objective: ObjectiveStatus) -> tuple[str, ...]:
    return (
        objective.verdict or NONE,
        objective_title(objective),
        objective.observed or NONE,
        objective.exceedance or NONE,
        objective.bound or NONE,
        objective.allowed or NONE,
        number(objective.samples),
    )


def _sentences(objectives: Iterable[ObjectiveStatus], told: str) -> Iterator[str]:
    """What an objective says and the run's own sentence does not."""
    said = [each for each in objectives if each.message and each.message not in told]
    if said:
        yield ""
    for each in said:
        yield f"- {_escaped(objective_title(each))}: {_escaped(each.message or '')}"


def _step(entry: TimelineEntry) -> tuple[str, ...]:
    return entry.phase, entry.reason, entry.message


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(columns)
    yield _row(["---"] * len(columns))
    for row in rows:
        yield _row([_escaped(cell) for cell in row])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    """Texts of a cluster are no markup, links or mentions."""
    return _SPECIAL.sub(r"\\\1", plain(text))
