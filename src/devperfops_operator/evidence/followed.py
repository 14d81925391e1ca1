"""One share that is followed look by look: live, and again when a kept run is replayed."""

from __future__ import annotations

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.scatter import Scatters
from devperfops_operator.analysis.sequential import (
    Patience,
    SlowStart,
    drift,
    fails,
    passes_early,
    passes_near_the_end,
    slow_start,
)
from devperfops_operator.analysis.timeline import Timeline
from devperfops_operator.domain.observed import ObjectiveEvidence


class Followed:
    """`past`: what earlier runs tell. `stored`: the scatter of a time of which blocks are lost."""

    def __init__(self, test: ShareTest, patience: Patience, past: PastEffect) -> None:
        self._test, self._patience = test, patience
        self._timeline = Timeline()
        self.past = past
        self.stored: Scatters = {}
        self.failed = False
        self._shown_near_the_end: bool | None = None  # None: not asked yet

    def add(self, second: int, samples: int, exceedances: int) -> None:
        self._timeline.add(second, samples, exceedances)

    def look(self, tally: Tally) -> bool:
        """At all that was counted so far. True from the look on at which it failed."""
        if self._shown_near_the_end is None and self._patience.is_near_the_end(self._timeline.elapsed):
            effect = self.past.so_far(self._scatter)
            self._shown_near_the_end = passes_near_the_end(self._test, tally, effect)
        if not self.failed:
            self.failed = fails(self._test, self._patience, tally, self._timeline, self.past.long_range)
        return self.failed

    def evidence(self, tally: Tally) -> ObjectiveEvidence:
        scatter, elapsed = self._scatter, self._timeline.elapsed
        early = passes_early(self._test, self._patience, tally, elapsed, self.past.so_far(scatter))
        return ObjectiveEvidence(
            tally=tally,
            failed=self.failed,
            scatter=scatter,
            past=self.past,
            late=drift(self._test, self._timeline, self.past.least),
            slow_start=self._slow_start(tally, scatter),
            shown=early or bool(self._shown_near_the_end),
        )

    def _slow_start(self, tally: Tally, scatter: Scatters) -> SlowStart | None:
        """Asked where the objective is not shown to hold."""
        if self.stored or self._test.passes(tally, self.past.at_end(scatter, tally.samples)):
            return None
        return slow_start(self._test, self._timeline, self.past)

    @property
    def _scatter(self) -> Scatters:
        """Of each width the worse."""
        seen, stored = self._timeline.scatter(), self.stored
        return {
            width: max((each[width] for each in (seen, stored) if width in each), key=lambda of: of.prudent)
            for width in seen.keys() | stored.keys()
        }
