"""What is proved of a request's time, whatever hangs together with what: the union bound.

If each hop is over its own time t_i in at most the share e_i of the requests, then a chain of hops is over
the sum of the t_i in at most the sum of the e_i. Every split of time and share is a bound; those that another
one beats in both are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from devperfops_operator.analysis.callgraph.graph import (
    WHOLE,
    Call,
    Graph,
    Point,
    Retries,
    Service,
    Stage,
    after_retries,
    part,
    reached,
)

_MOST: Final = 32
"""Bounds kept of one service. More than these are thinned out, which can lose a proof and never makes one."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """At most the share `over` takes longer than `us`.

    `of`: the service whose own time, or the call whose tries it is about; None of what is put together.
    `parts` follow each other, unless they are `parallel`. `made`: the share of requests they happen in.
    """

    us: int
    over: int
    of: str | Call | None = None
    parts: tuple[Bound, ...] = ()
    parallel: bool = False
    made: int = WHOLE


Bounds = Sequence[Bound]
"""Ascending in time, descending in share."""

_Sum = tuple[int, int, int, int]
"""Time and share, and the places of the two bounds they come from."""


class Prover:
    """The bounds of a graph's services together with all they call, up to `limit_us`."""

    def __init__(self, graph: Graph, limit_us: int) -> None:
        self._graph = graph
        self._limit_us = limit_us
        self._known: dict[str, Bounds] = {}

    def bounds(self, name: str) -> Bounds:
        """Of the service and its calls; empty where some figure is missing or nothing holds in time."""
        if name not in self._known:
            for each in reversed(reached(self._graph, name)):
                if each not in self._known:
                    self._known[each] = self._whole(each, self._graph[each])
        return self._known[name]

    def over(self, name: str, us: int) -> int:
        """The share that may take longer than `us`, which is at most `limit_us`."""
        return min((bound.over for bound in self.bounds(name) if bound.us <= us), default=WHOLE)

    def _whole(self, name: str, service: Service) -> Bounds:
        own = self._best(Bound(point.us, point.over, name) for point in service.promised)
        for stage in sorted(map(self._stage, service.stages), key=_size):
            own = self._sums(own, stage)
        return own

    def _stage(self, stage: Stage) -> Bounds:
        branches = sorted((self._call(call) for call in stage), key=_size)
        return branches[0] if len(branches) == 1 else self._best(_slowest(branches))

    def _call(self, call: Call) -> Bounds:
        bounds = self.bounds(call.to)
        if call.retries is not None:
            bounds = self._best(_tries(call, call.retries, bounds))
        if call.made == WHOLE:
            return bounds
        made = (Bound(each.us, part(call.made, each.over), None, (each,), made=call.made) for each in bounds)
        return self._best([Bound(0, call.made, call), *made])

    def _sums(self, first: Bounds, second: Bounds) -> Bounds:
        """Each of the first followed by each of the second."""
        sums = [
            (one.us + other.us, one.over + other.over, at, place)
            for at, one in enumerate(first)
            for place, other in enumerate(second)
        ]
        return [
            Bound(us, over, None, (first[at], second[place])) for us, over, at, place in self._unbeaten(sums)
        ]

    def _best(self, bounds: Iterable[Bound]) -> Bounds:
        known = list(bounds)
        places = [(bound.us, bound.over, at, 0) for at, bound in enumerate(known)]
        return [known[at] for _, _, at, _ in self._unbeaten(places)]

    def _unbeaten(self, bounds: list[_Sum]) -> list[_Sum]:
        best: list[_Sum] = []
        least = WHOLE
        for each in sorted(bounds):
            if each[1] < least and each[0] <= self._limit_us:
                best.append(each)
                least = each[1]
        if len(best) <= _MOST:
            return best
        return [best[at * (len(best) - 1) // (_MOST - 1)] for at in range(_MOST)]


def points(figures: Iterable[Point]) -> tuple[Point, ...]:
    """What several figures about one time say together: ascending in time, descending in share."""
    best: list[Point] = []
    for point in sorted(figures):
        if point.over < (best[-1].over if best else WHOLE):
            best.append(point)
    return tuple(best)


def _size(bounds: Bounds) -> list[tuple[int, int]]:
    return [(bound.us, bound.over) for bound in bounds]


def _slowest(branches: Sequence[Bounds]) -> Iterator[Bound]:
    for us in sorted({bound.us for branch in branches for bound in branch}):
        parts = [[bound for bound in branch if bound.us <= us] for branch in branches]
        if all(parts):
            last = tuple(each[-1] for each in parts)
            yield Bound(
                max(each.us for each in last), sum(each.over for each in last), None, last, parallel=True
            )


def _tries(call: Call, retries: Retries, bounds: Bounds) -> Iterator[Bound]:
    """Within one try, two and so on: the timeouts of the tries before are spent."""
    in_time = [bound for bound in bounds if bound.us <= retries.timeout_us]
    yield from in_time
    cut = in_time[-1].over if in_time else WHOLE
    for tries in range(2, retries.attempts + 1):
        spent = (tries - 1) * retries.timeout_us
        before = cut
        for _ in range(tries - 2):
            before = part(before, cut)
        for last in in_time:
            independent = part(WHOLE - retries.common, part(before, last.over))
            over = part(retries.common, cut) + independent
            yield Bound(spent + last.us, over, call, (last,))
        yield Bound(spent + retries.timeout_us, after_retries(cut, tries, retries.common), call)
