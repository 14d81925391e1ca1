"""One share that is followed look by look: live, and again when a kept run is replayed."""

from __future__ import annotations

from dataclasses import replace

from devperfops_operator.analysis.exceedance import ShareTest, Tally
from devperfops_operator.analysis.sequential import Patience, fails, passes_early
from devperfops_operator.analysis.timeline import Timeline
from devperfops_operator.domain.observed import ObjectiveEvidence


class Followed:
    """`past_effect`: the design effect that earlier runs had. `floor`: that of blocks which are lost."""

    def __init__(self, test: ShareTest, patience: Patience, past_effect: float = 1.0) -> None:
        self._test, self._patience = test, patience
        self._timeline = Timeline()
        self.past_effect = past_effect
        self.floor = 1.0
        self.failed = False

    def add(self, second: int, samples: int, exceedances: int) -> None:
        self._timeline.add(second, samples, exceedances)

    def look(self, tally: Tally) -> bool:
        """At all that was counted so far. True from the look on at which it failed."""
        self.failed = self.failed or fails(self._test, self._patience, tally, self._timeline)
        return self.failed

    def evidence(self, tally: Tally) -> ObjectiveEvidence:
        found = ObjectiveEvidence(
            tally=tally,
            failed=self.failed,
            own_effect=max(self.floor, self._timeline.design_effect()),
            past_effect=self.past_effect,
        )
        elapsed, effect = self._timeline.elapsed, found.design_effect
        return replace(found, shown=passes_early(self._test, self._patience, tally, elapsed, effect))
