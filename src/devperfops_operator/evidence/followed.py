"""One share that is followed look by look: live, and again when a kept run is replayed."""

from __future__ import annotations

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.past import PastEffect
from devperfops_operator.analysis.sequential import Patience, drift, fails, passes_early
from devperfops_operator.analysis.timeline import Timeline
from devperfops_operator.domain.observed import ObjectiveEvidence


class Followed:
    """`past`: what earlier runs tell. `floor`: the design effect of blocks which are lost."""

    def __init__(self, test: ShareTest, patience: Patience, past: PastEffect) -> None:
        self._test, self._patience = test, patience
        self._timeline = Timeline()
        self.past = past
        self.floor = 1.0
        self.failed = False

    def add(self, second: int, samples: int, exceedances: int) -> None:
        self._timeline.add(second, samples, exceedances)

    def look(self, tally: Tally) -> bool:
        """At all that was counted so far. True from the look on at which it failed."""
        if not self.failed:
            self.failed = fails(self._test, self._patience, tally, self._timeline, self.past.long_range)
        return self.failed

    def evidence(self, tally: Tally) -> ObjectiveEvidence:
        own, elapsed = max(self.floor, self._timeline.design_effect()), self._timeline.elapsed
        return ObjectiveEvidence(
            tally=tally,
            failed=self.failed,
            own_effect=own,
            past=self.past,
            late=drift(self._test, self._timeline, self.past.least),
            shown=passes_early(self._test, self._patience, tally, elapsed, self.past.so_far(own)),
        )
