"""How late a worker's node wakes who sleeps there: JMeter's threads, too, which wait for answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Self

from devperfops_operator.wire import decode
from devperfops_operator.wire.brief import Threshold

_TENTH: Final = 10
_LEAST_MS: Final = 20


def tolerated_ms(thresholds: Collection[Threshold]) -> int | None:
    """How late does not matter: a tenth of the shortest latency limit; None: no latency is judged."""
    shortest = min((threshold.elapsed_ms for threshold in thresholds), default=None)
    return None if shortest is None else max(shortest // _TENTH, _LEAST_MS)


@dataclass(frozen=True, slots=True)
class Wakes:
    """The agent's own, while samples were judged: how often, how often later than tolerated, and how late."""

    count: int = 0
    late: int = 0
    latest_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"count": self.count, "late": self.late, "latest_ms": self.latest_ms}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        wakes = decode.grown(raw, "wakes", ("count", "late", "latest_ms"), ())
        count = decode.count(wakes["count"], "count")
        return cls(
            count=count,
            late=decode.count(wakes["late"], "late", at_most=count),
            latest_ms=decode.count(wakes["latest_ms"], "latest_ms"),
        )

    def also(self, late_ms: float, tolerated: int) -> Wakes:
        """With one more, so late."""
        latest = max(self.latest_ms, round(late_ms))
        return Wakes(self.count + 1, self.late + (late_ms > tolerated), latest)
