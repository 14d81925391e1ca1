"""What a request's time is likely to be, if the hops' times are independent: convolution of distributions.

The truth lies between two readings of what is known. The longer one takes every figure at its worst; the
shorter one takes the measured distributions at their best, and no time at all where nothing was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Final

from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Graph, Point, Service, reached
from devperfops_operator.analysis.callgraph.grid import Grid, Masses, Toward

_WIDER: Final = (1, 8, 64)
"""Horizons in which a quantile is looked for, in limits."""


@dataclass(frozen=True, slots=True)
class Between:
    """Two ends of what is estimated. `most` is None beyond all that was looked at."""

    least: float
    most: float | None


class Estimator:
    """Of the requests to a root, beside a limit in microseconds."""

    def __init__(self, graph: Graph, root: str, limit_us: int) -> None:
        self._graph = graph
        self._root = root
        self._limit_us = limit_us
        self._known: dict[Grid, Masses] = {}

    def share_over(self) -> Between:
        """Those that take longer than the limit."""
        least, most = (grid.beyond(self._total(grid)) for grid in map(self._grid, (Toward.DOWN, Toward.UP)))
        return Between(least, most)

    def quantile_us(self, over: int) -> Between | None:
        """The time that the share `over` exceeds. None: even its lower end is far beyond the limit."""
        least = self._quantile(over, Toward.DOWN)
        return None if least is None else Between(least, self._quantile(over, Toward.UP))

    def _quantile(self, over: int, toward: Toward) -> int | None:
        for times in _WIDER:
            grid = self._grid(toward, times)
            found = grid.quantile_us(self._total(grid), over)
            if found is not None:
                return found
        return None

    def _grid(self, toward: Toward, times: int = 1) -> Grid:
        return Grid(times * self._limit_us, toward)

    def _total(self, grid: Grid) -> Masses:
        if grid not in self._known:
            known: dict[str, Masses] = {}
            for name in reversed(reached(self._graph, self._root)):
                known[name] = _whole(self._graph[name], grid, known)
            self._known[grid] = known[self._root]
        return self._known[grid]


def _whole(service: Service, grid: Grid, known: dict[str, Masses]) -> Masses:
    stages = [grid.at_once([_called(call, grid, known) for call in stage]) for stage in service.stages]
    return reduce(grid.in_a_row, sorted(stages), _own(service, grid))


def _called(call: Call, grid: Grid, known: dict[str, Masses]) -> Masses:
    masses = known[call.to]
    if call.retries is not None:
        masses = grid.tried(masses, call.retries)
    return masses if call.made == WHOLE else grid.sometimes(masses, call.made)


def _own(service: Service, grid: Grid) -> Masses:
    if grid.toward is Toward.UP:
        return grid.of(service.promised)
    return grid.of(service.measured or (Point(0, 0),))
