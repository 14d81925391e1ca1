"""Thresholds that a service's own past runs suggest.

A latency limit lies above what the next run of an unchanged service will show, with 99 % confidence: a bound
that predicts one more run from the runs there are, on the logarithm of their elapsed times (Student's t). It
is taken of the quantile that only half of the allowed share exceeds, so that an unchanged service not only
holds the objective but can be shown to. Errors likewise: twice the worst run's share.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean, stdev
from typing import Final

from devperfops_operator.analysis.profile import Cell
from devperfops_operator.api.objective import MAX_OBJECTIVES
from devperfops_operator.api.quantity import format_percent
from devperfops_operator.domain.record import RunRecord
from devperfops_operator.wire.histogram import quantile

FEWEST_RUNS: Final = 3
_QUANTILES: Final = (Fraction(99, 100), Fraction(95, 100), Fraction(90, 100))
_FEWEST_ALLOWED: Final = 50  # exceedances that a run's samples allow: of fewer a Pass is rarely shown
_MARGIN: Final = math.log(1.1)  # at least: what nobody notices fails nobody
_T_99: Final = (6.965, 4.541, 3.747, 3.365, 3.143, 2.998, 2.896, 2.821, 2.764, 2.718, 2.681, 2.650, 2.624)
"""Student's t, one-sided 99 %, of 2, 3, ... degrees of freedom."""
_T_MANY: Final = 2.602  # of 15; a little too wide for more
_MOST_ERRORS: Final = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Proposal:
    """`expect`: None where the runs are too small to propose anything. `because`: for people."""

    transaction: str | None
    expect: str | None
    because: str


def propose(records: Sequence[RunRecord]) -> list[Proposal]:
    """For all samples together and each transaction that every run has, the busiest first.

    Raises ValueError on fewer than `FEWEST_RUNS` records.
    """
    if len(records) < FEWEST_RUNS:
        raise ValueError(f"{FEWEST_RUNS} runs are needed to tell how they differ, not {len(records)}")
    runs = [_cells(record) for record in records]
    common = [name for name in runs[0] if all(run.get(name, Cell()).samples for run in runs)]
    busiest = sorted(common, key=lambda name: (name is not None, -runs[0][name].samples))
    found = [each for name in busiest for each in _proposals(name, [run[name] for run in runs])]
    most = [each for each in found if each.expect is not None][:MAX_OBJECTIVES]
    return [each for each in found if each.expect is None or each in most]


def _cells(record: RunRecord) -> dict[str | None, Cell]:
    """Each transaction's whole run."""
    whole: dict[str | None, Cell] = {}
    for _, table in record.profile.tables():
        for number, cell in table.items():
            whole.setdefault(record.profile.names[number], Cell()).add(cell.errors, cell.histogram)
    return whole


def _proposals(name: str | None, runs: Sequence[Cell]) -> Iterator[Proposal]:
    fewest = min(run.samples for run in runs)
    share = next((q for q in _QUANTILES if fewest * (1 - q) >= _FEWEST_ALLOWED), None)
    if share is None:
        needed = math.ceil(_FEWEST_ALLOWED / (1 - _QUANTILES[-1]))
        yield Proposal(name, None, f"blind: {fewest} samples in a run, and p90 takes {needed}")
        return
    yield _latency(name, runs, share)
    if name is None:
        yield _errors(runs, fewest)


def _latency(name: str | None, runs: Sequence[Cell], share: Fraction) -> Proposal:
    seen = [max(1, quantile(run.histogram, 1 - (1 - share) / 2) or 1) for run in runs]
    logs = [math.log(value) for value in seen]
    spread, freedom = stdev(logs), len(runs) - 1
    t = _T_99[freedom - 2] if freedom - 2 < len(_T_99) else _T_MANY
    limit = _rounded_up(math.exp(fmean(logs) + max(_MARGIN, t * spread * math.sqrt(1 + 1 / len(runs)))))
    half = format_percent((1 - share) / 2)
    because = (
        f"{len(runs)} runs: {half} took longer than {min(seen)} to {max(seen)} ms; "
        f"from run to run that differs by {math.expm1(spread):.0%}"
    )
    return Proposal(name, f"p{100 * share} < {limit}ms", because)


def _errors(runs: Sequence[Cell], fewest: int) -> Proposal:
    worst = max(Fraction(run.errors, run.samples) for run in runs)
    basis_points = math.ceil(10_000 * max(2 * worst, Fraction(_FEWEST_ALLOWED, fewest)))
    limit = min(_MOST_ERRORS, Fraction(basis_points, 10_000))
    because = f"{len(runs)} runs: at most {format_percent(worst)} failed; {fewest} samples or more in each"
    return Proposal(None, f"errors <= {format_percent(limit)}", because)


def _rounded_up(value: float) -> int:
    """To two digits."""
    step: int = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return math.ceil(value / step) * step
