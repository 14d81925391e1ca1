"""How figures went from run to run. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.analysis.levels import FEWEST_RUNS
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.cli.render.parts import heading, indented, table
from devperfops_operator.cli.render.words import NONE, counted, plain
from devperfops_operator.domain.trend import ERRORS, THROUGHPUT, Change, Trend
from devperfops_operator.domain.wording import milliseconds

_BARS: Final = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class History:
    """`runs`: oldest first, as those of the trend; at least one."""

    gate: str
    runs: Sequence[PerfRun]
    trend: Trend


def trend_screen(history: History) -> Group:
    return Group(*_blocks(history))


def trend_document(history: History) -> dict[str, Any]:
    """Times in ms, errors as shares of 1, throughput in samples a second."""
    return {
        "gate": history.gate,
        "runs": [
            {
                "name": run.metadata.name,
                "revision": run.status.revision,
                "figures": {name: values[place] for name, values in history.trend.figures.items()},
            }
            for place, run in enumerate(history.runs)
        ],
        "changes": [
            {
                "run": history.runs[change.at].metadata.name,
                "revision": history.runs[change.at].status.revision,
                "figure": change.figure,
                "before": change.before,
                "after": change.after,
            }
            for change in history.trend.changes
        ],
    }


def sparkline(values: Sequence[float]) -> str:
    """A bar for each value, from the lowest of them to the highest."""
    low, high = min(values), max(values)
    steps = (high - low) / (len(_BARS) - 1)
    return "".join(_BARS[round((value - low) / steps) if steps else 0] for value in values)


def _blocks(history: History) -> Iterator[RenderableType]:
    columns = ("FIGURE", "LOWEST", "HIGHEST", "NEWEST", "OLDEST TO NEWEST", "CHANGED AT")
    yield table(columns, (_row(history, name) for name in history.trend.figures))
    yield heading("Changes")
    yield indented(Text(plain("\n".join(_sentences(history)))))


def _row(history: History, name: str) -> tuple[str, ...]:
    values = history.trend.figures[name]
    changed = [history.runs[each.at].metadata.name for each in history.trend.changes if each.figure == name]
    told = (_figure(name, value) for value in (min(values), max(values), values[-1]))
    return name, *told, sparkline(values), ", ".join(changed) or NONE


def _sentences(history: History) -> Iterator[str]:
    runs = counted(len(history.runs), "run")
    if len(history.runs) < FEWEST_RUNS:
        yield f"{runs} of {FEWEST_RUNS} that it takes to tell a change from chance"
        return
    for at, changes in groupby(history.trend.changes, key=lambda change: change.at):
        run = history.runs[at]
        revision = f" (revision {run.status.revision})" if run.status.revision else ""
        yield f"with {run.metadata.name}{revision}: {'; '.join(map(_change, changes))}"
    if not history.trend.changes:
        yield f"none in {runs} that chance does not explain"


def _change(change: Change) -> str:
    before, after = _figure(change.figure, change.before), _figure(change.figure, change.after)
    by = f" ({change.after / change.before - 1:+.0%})" if change.before else ""
    return f"{change.figure} from {before} to {after}{by}"


def _figure(name: str, value: float) -> str:
    if name == ERRORS:
        return format_percent(Fraction(value), decimals=2)
    return f"{value:.1f}/s" if name == THROUGHPUT else milliseconds(value)
