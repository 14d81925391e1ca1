"""Many streams of each case, on two processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Final, TypeVar

import numpy as np

from benchmarks.detection.cases import PLANNED, Case
from benchmarks.detection.outcome import Outcome, Verdict
from benchmarks.detection.policies import POLICIES, looks, thinned
from devperfops_operator.analysis.exceedance import ShareTest
from devperfops_operator.analysis.proportion import interval

PROCESSES: Final = 2

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass
class Result:
    """Of one policy on one case. `effect`: the design effect of the exceedances, from run to run."""

    outcomes: list[Outcome] = field(default_factory=list)

    def share(self, verdict: Verdict) -> float:
        return self._hits(verdict) / len(self.outcomes)

    def between(self, verdict: Verdict) -> tuple[float, float]:
        return interval(self._hits(verdict), len(self.outcomes))

    def median_second(self, verdict: Verdict) -> float | None:
        seconds = [outcome.second for outcome in self.outcomes if outcome.verdict == verdict]
        return median(seconds) if seconds else None

    def _hits(self, verdict: Verdict) -> int:
        return sum(outcome.verdict == verdict for outcome in self.outcomes)


@dataclass(frozen=True)
class Played:
    """A case's results by policy, and the true design effect of its exceedances in a whole run."""

    case: Case
    results: dict[str, Result]
    effect: float

    @property
    def effective_allowance(self) -> float:
        """Effective number of samples x allowed share."""
        objective = self.case.objective
        return objective.rate * PLANNED * float(objective.allowed) / self.effect


def play(cases: Sequence[Case], streams: int, seed: int) -> list[Played]:
    """The same seed gives the same streams to every policy."""
    return spread(partial(_play, streams=streams, seed=seed), list(enumerate(cases)))


def _play(numbered: tuple[int, Case], streams: int, seed: int) -> Played:
    number, case = numbered
    rng = np.random.default_rng((seed, number))
    results = {name: Result() for name in POLICIES}
    totals = []
    for _ in range(streams):
        stream = case.stream(rng)
        totals.append(int(stream.over(case.objective.threshold).sum()))
        for name, policy in POLICIES.items():
            results[name].outcomes.append(policy(stream, case.objective))
    return Played(case, results, design_effect(totals))


def design_effect(totals: Sequence[int]) -> float:
    """How much more the exceedances of a run vary than a Poisson count would; at least 1."""
    mean = float(np.mean(totals))
    return max(1.0, float(np.var(totals, ddof=1)) / mean) if len(totals) > 1 and mean else 1.0


# --- what waiting and the service's own past are worth ----------------------------------------------------

PASS_AFTER: Final = (60, 120, 300, 600, 1200)
_PAST_RUNS: Final = 20


@dataclass(frozen=True)
class Wait:
    """Pass asked once at `second`, of samples as counted and thinned by the effect seen in past runs."""

    regime: str
    second: int
    counted: float
    by_history: float


def play_waits(cases: Sequence[Case], streams: int, seed: int) -> list[list[Wait]]:
    """For each case: how often a Pass is given, by when it is asked."""
    return spread(partial(_play_waits, streams=streams, seed=seed), list(enumerate(cases)))


def _play_waits(numbered: tuple[int, Case], streams: int, seed: int) -> list[Wait]:
    number, case = numbered
    rng, longest = np.random.default_rng((seed, 2_000 + number)), max(PASS_AFTER)
    test = ShareTest(case.objective.allowed, alpha=0.001)
    hits = {second: [0, 0] for second in PASS_AFTER}
    past = [case.service.run(rng, PLANNED).over(case.objective.threshold).sum() for _ in range(_PAST_RUNS)]
    effect = design_effect([int(total) for total in past])
    for _ in range(streams):
        stream = case.service.run(rng, longest)
        seen = looks(stream.samples(), stream.over(case.objective.threshold))
        for second in PASS_AFTER:
            tally = seen[second - 1]
            hits[second][0] += test.passes(tally)
            hits[second][1] += test.passes(thinned(tally, effect))
    return [Wait(case.regime, second, *(hit / streams for hit in hits[second])) for second in PASS_AFTER]


def spread(work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Each item's answer, worked out on two processes."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(work, items))
