"""Who may decide: the holder of a Lease. Whoever wants to claim it goes by a clock of his own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lease:
    """A `coordination.k8s.io/v1` Lease as stored.

    `version`: its resourceVersion; empty: there is none yet. `holder`: empty: nobody. `duration`: how long
    after a renewal the holder may count on it. The times are for people: nothing is decided by them, because
    no two clocks agree.
    """

    namespace: str
    name: str
    version: str = ""
    holder: str = ""
    duration: timedelta = timedelta()
    acquired_at: datetime | None = None
    renewed_at: datetime | None = None
    transitions: int = 0

    def free_for(self, candidate: str, duration: timedelta, unchanged: timedelta) -> bool:
        """Whether the candidate may claim it, who has seen it `unchanged` for so long."""
        return self.holder in {"", candidate} or unchanged >= max(duration, self.duration)

    def held_by(self, holder: str, duration: timedelta, now: datetime) -> Lease:
        """Claimed, or renewed by the one who holds it."""
        renewed = replace(self, holder=holder, duration=duration, renewed_at=now)
        if holder == self.holder:
            return renewed
        return replace(renewed, acquired_at=now, transitions=self.transitions + bool(self.version))

    def released(self, now: datetime) -> Lease:
        """Nobody's, so that the next candidate need not wait."""
        return replace(self, holder="", renewed_at=now)
