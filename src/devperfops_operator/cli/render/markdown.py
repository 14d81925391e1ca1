"""A run's report as Markdown (GitHub's), for a pull request, a wiki or a chat. Pure: status in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import RenderableType

from devperfops_operator.api.perfrun import ConsumptionStatus, ObjectiveStatus, PerfRun, TimelineEntry
from devperfops_operator.cli.render.run import (
    ENDPOINT_COLUMNS,
    FIGURE_COLUMNS,
    FORECAST_COLUMNS,
    OBJECTIVE_COLUMNS,
    consumption_sentences,
    endpoint_row,
    figure_row,
    forecast_row,
    objective_row,
    objective_title,
    run_facts,
    untold_sentence,
)
from devperfops_operator.cli.render.words import Clock, outcome, plain, took

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~@&])")


def markdown(run: PerfRun, clock: Clock) -> str:
    """Heading, the reason in the status's own words, then figures as tables."""
    return "\n".join(_lines(run, clock)) + "\n"


def _lines(run: PerfRun, clock: Clock) -> Iterator[str]:
    status = run.status
    yield f"## {escaped(outcome(run))}: {escaped(run.metadata.name)}"
    yield ""
    if status.message:
        yield f"**{escaped(status.reason or '')}**: {escaped(status.message)}"
        yield ""
    yield from markdown_table(("", ""), run_facts(run, clock))
    if status.objectives:
        yield from ("", "### Objectives", "")
        columns = [column.capitalize() for column in OBJECTIVE_COLUMNS]
        yield from markdown_table(columns, map(objective_row, status.objectives))
        yield from _sentences(status.objectives, status.message or "")
    if status.coverage and status.coverage.endpoints:
        yield from ("", "### Endpoints", "")
        columns = [column.capitalize() for column in ENDPOINT_COLUMNS]
        yield from markdown_table(columns, map(endpoint_row, status.coverage.endpoints))
    if status.consumption:
        yield from ("", "### Consumption", "")
        yield from _consumption(status.consumption)
    if status.timeline:
        yield from ("", "### Timeline", "")
        began = run.metadata.creation_timestamp or status.timeline[0].at
        rows = ((f"+{took(began, entry.at)}", *_step(entry)) for entry in status.timeline)
        yield from markdown_table(("After", "Phase", "Step", ""), rows)


def _sentences(objectives: Iterable[ObjectiveStatus], told: str) -> Iterator[str]:
    """What an objective says and the run's own sentence does not."""
    said = [(each, sentence) for each in objectives if (sentence := untold_sentence(each, told))]
    if said:
        yield ""
    for each, sentence in said:
        yield f"- {escaped(objective_title(each))}: {escaped(sentence)}"


def _consumption(consumption: ConsumptionStatus) -> Iterator[str]:
    tables = (
        (FIGURE_COLUMNS, list(map(figure_row, consumption.figures))),
        (FORECAST_COLUMNS, list(map(forecast_row, consumption.forecasts))),
    )
    for columns, rows in tables:
        if rows:
            yield from markdown_table([column.capitalize() for column in columns], rows)
            yield ""
    yield from (f"- {escaped(sentence)}" for sentence in consumption_sentences(consumption))


def _step(entry: TimelineEntry) -> tuple[str, ...]:
    return entry.phase, entry.reason, entry.message


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[RenderableType]]) -> Iterator[str]:
    """Texts are escaped."""
    yield _row(columns)
    yield _row(["---"] * len(columns))
    for row in rows:
        yield _row([escaped(str(cell)) for cell in row])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """Texts of a cluster are no markup, links or mentions."""
    return _SPECIAL.sub(r"\\\1", plain(text))
