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
from benchmarks.detection.policies import POLICIES, ours, past_of
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.proportion import interval

PROCESSES: Final = 2
_PAST_RUNS: Final = 20
LATER: Final = f"ours after {_PAST_RUNS} runs"
_STREAMS_OF_A_PAST: Final = 10  # that are judged with the same one: a past is 20 times the work

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
    rng, earlier = np.random.default_rng((seed, number)), np.random.default_rng((seed, 3_000 + number))
    results = {name: Result() for name in (LATER, *POLICIES)}
    totals, past = [], PastEffect()
    for turn in range(streams):
        stream = case.stream(rng)
        totals.append(int(stream.over(case.objective.threshold).sum()))
        if turn % _STREAMS_OF_A_PAST == 0:
            runs = (case.before.run(earlier, PLANNED) for _ in range(_PAST_RUNS))
            past = past_of(runs, case.objective)
        results[LATER].outcomes.append(ours(stream, case.objective, past))
        for name, policy in POLICIES.items():
            results[name].outcomes.append(policy(stream, case.objective))
    return Played(case, results, design_effect(totals))


def design_effect(totals: Sequence[int]) -> float:
    """How much more the exceedances of a run vary than a Poisson count would; at least 1."""
    mean = float(np.mean(totals))
    return max(1.0, float(np.var(totals, ddof=1)) / mean) if len(totals) > 1 and mean else 1.0


def spread(work: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Each item's answer, worked out on two processes."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        return list(pool.map(work, items))
