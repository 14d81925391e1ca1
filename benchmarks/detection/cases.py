"""What is played: every regime unchanged, at the boundary, changed, and with data that fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, Literal

from benchmarks.detection.policies import Objective
from benchmarks.detection.simulator import CHANGES, REGIMES, Generator, Service, Stream

PLANNED: Final = 600  # seconds
RATES: Final = (10.0, 200.0)  # beside the regimes' own 50 a second
_P99: Final = Fraction(99, 100)
_P995: Final = Fraction(995, 1000)
_STALLS: Final = "stalls .5 s / 20 s"

Truth = Literal["holds", "boundary", "broken", "no evidence"]
Distort = Callable[[Generator, Stream], Stream]


def _as_it_is(_rng: Generator, stream: Stream) -> Stream:
    return stream


def _starved(rng: Generator, stream: Stream) -> Stream:
    return stream.thinned(rng, 0.6)


def _missing(_rng: Generator, stream: Stream) -> Stream:
    return stream.until(0)


@dataclass(frozen=True)
class Case:
    """`truth`: whether the objective holds. Half its allowance is used where it holds.

    `before`: the service in earlier runs.
    """

    regime: str
    change: str
    before: Service
    service: Service
    objective: Objective
    truth: Truth
    distort: Distort = _as_it_is

    @property
    def exceedance(self) -> float:
        """The true share of exceedances."""
        return self.service.exceedance(self.objective.threshold, PLANNED)

    def stream(self, rng: Generator) -> Stream:
        return self.distort(rng, self.service.run(rng, PLANNED))


def cases() -> Iterator[Case]:
    for regime, service in REGIMES.items():
        yield from _unchanged(regime, service)
    for rate in RATES:
        for regime in ("independent", _STALLS):
            yield from _unchanged(f"{regime}, {rate:.0f}/s", replace(REGIMES[regime], rate=rate))
    for regime in ("independent", "autocorrelated, 10 s", _STALLS):
        yield from _changed(regime, REGIMES[regime])
    for name, distort in (("no data", _missing), ("60 % of the rate", _starved)):
        service = REGIMES["independent"]
        yield Case("independent", name, service, service, _objective(service, 0.5), "no evidence", distort)


def _unchanged(regime: str, service: Service) -> Iterator[Case]:
    yield Case(regime, "unchanged", service, service, _objective(service, 0.5), "holds")
    yield Case(regime, "at the boundary", service, service, _objective(service, 1.0), "boundary")


def _changed(regime: str, service: Service) -> Iterator[Case]:
    """What used half its allowance before, then changed; errors have an objective of their own."""
    before = replace(service, errors=0.001)
    objective = _objective(before, 0.5)
    for change, fields in CHANGES.items():
        judged = Objective(math.inf, _P995, before.rate) if "errors" in fields else objective
        after = replace(before, **fields)
        broken = after.exceedance(judged.threshold, PLANNED) > judged.allowed
        yield Case(regime, change, before, after, judged, "broken" if broken else "holds")


def _objective(service: Service, used: float) -> Objective:
    """p99 under a threshold of which the service uses that share of the allowance."""
    threshold = service.threshold(used * float(1 - _P99), PLANNED)
    return Objective(threshold, _P99, service.rate)
