"""What Prometheus has told of one objective so far. Stateful, but without I/O or clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from devperfops_operator.analysis.counters import Counted
from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import GaugeTest, expected_points, points
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.sequential import Patience
from devperfops_operator.analysis.series import Series, SeriesError
from devperfops_operator.domain.objectives import GaugePoints, JudgedObjective, share_test
from devperfops_operator.domain.observed import ObjectiveEvidence, Problem
from devperfops_operator.domain.verdict import Reason
from devperfops_operator.evidence.followed import Followed

_TOLD = 3  # targets in a sentence


@dataclass(frozen=True, slots=True)
class GaugeWindow:
    """The judged window: how much of it has been, and all of it, in steps of one scrape."""

    elapsed: timedelta
    whole: timedelta
    step: timedelta


class PolledObjective:
    """Every poll reads the whole window again: only a Fail, once found, stays."""

    def __init__(self, objective: JudgedObjective, patience: Patience, past: PastEffect) -> None:
        self._objective, self._patience, self._past = objective, patience, past
        self.evidence = ObjectiveEvidence(Tally())
        self.polled_at: datetime | None = None

    def count(self, counted: Counted, unscraped: Sequence[str], now: datetime) -> None:
        """Raw counters. `unscraped`: names of targets whose counters are missing."""
        self.polled_at = now
        self.evidence = replace(
            self._follow(counted),
            gap=_unscraped(unscraped) if unscraped else None,
            covered=timedelta(seconds=counted.covered),
        )

    def _follow(self, counted: Counted) -> ObjectiveEvidence:
        """The looks at each scrape again."""
        followed = Followed(share_test(self._objective), self._patience, self._past)
        followed.failed = self.evidence.failed
        for second, before, tally in zip(
            counted.seconds, [Tally(), *counted.steps], counted.steps, strict=False
        ):
            samples, bad = tally.samples - before.samples, tally.exceedances - before.exceedances
            followed.add(second, samples, bad)
            followed.look(tally)
        return followed.evidence(counted.steps[-1])

    def look(self, series: Sequence[Series], window: GaugeWindow, now: datetime) -> None:
        """The points of a gauge."""
        counted, test = self._objective.counted, self._objective.test
        if not isinstance(counted, GaugePoints) or not isinstance(test, GaugeTest):
            raise TypeError(f"{self._objective.name} is not about a gauge")
        due, planned = (expected_points(span, window.step) for span in (window.elapsed, window.whole))
        try:
            seen = points(series, counted.in_bounds, due)
        except SeriesError as error:
            self.miss(Problem(error.reason, error.message), now)
            return
        self.polled_at = now
        whole = due >= planned and seen.covered
        lost = test.lost(seen.tally, planned) or (whole and test.fails(seen.tally))
        self.evidence = ObjectiveEvidence(tally=seen.tally, failed=self.evidence.failed or lost, points=seen)

    def miss(self, problem: Problem, now: datetime) -> None:
        """No usable answer. What was counted before stays."""
        self.polled_at = now
        self.evidence = replace(self.evidence, gap=problem)


def _unscraped(targets: Sequence[str]) -> Problem:
    more = f" and {len(targets) - _TOLD} more" if len(targets) > _TOLD else ""
    return Problem(
        Reason.PROMETHEUS_UNAVAILABLE,
        f"Prometheus could not scrape {', '.join(targets[:_TOLD])}{more}, so nobody knows how these served; "
        "look at its targets page",
    )
