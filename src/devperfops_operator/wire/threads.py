"""How far requests took up all of a worker's threads, so that others due by then were held back.

JMeter's threads wait for answers. While all of them do, nothing is sent, and the wait of what should have
been sent is in no latency: coordinated omission.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Any, Final, Self

from devperfops_operator.wire import decode

_SLOT_MS: Final = 500
_ALL: Final = 0.95  # of the threads' time in a slot; the rest is JMeter's own
_HELD: Final = 0.5  # of what is due: where more was sent, little was held back


@dataclass(frozen=True, slots=True)
class Offered:
    """What one worker is to send: `per_minute` samples, by so many threads."""

    threads: int
    per_minute: float


@dataclass(frozen=True, slots=True)
class Held:
    """`requests`: how many were held back, in `time_ms` altogether and `longest_ms` at a stretch."""

    requests: int = 0
    time_ms: int = 0
    longest_ms: int = 0

    def to_json(self) -> dict[str, Any]:
        return {"requests": self.requests, "time_ms": self.time_ms, "longest_ms": self.longest_ms}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        held = decode.grown(raw, "held", ("requests", "time_ms", "longest_ms"), ())
        time_ms = decode.count(held["time_ms"], "time_ms")
        return cls(
            requests=decode.count(held["requests"], "requests"),
            time_ms=time_ms,
            longest_ms=decode.count(held["longest_ms"], "longest_ms", at_most=time_ms),
        )


class ThreadUse:
    """Follows a worker's requests through the judged time, which takes `judged_ms`."""

    def __init__(self, offered: Offered, judged_ms: int) -> None:
        self._offered = offered
        slots = math.ceil(judged_ms / _SLOT_MS)
        self._end_ms = slots * _SLOT_MS
        self._taken_ms = array("q", bytes(8 * (slots + 1)))  # by requests that begin or end in the slot
        self._through = array("q", bytes(8 * (slots + 1)))  # more or fewer requests last for all of the slot
        self._begun = array("q", bytes(8 * (slots + 1)))

    def add(self, start_ms: int, elapsed_ms: int) -> None:
        """A request; `start_ms`: after the beginning of the judged time, negative before it."""
        if 0 <= start_ms < self._end_ms:
            self._begun[start_ms // _SLOT_MS] += 1
        start, end = max(start_ms, 0), min(start_ms + elapsed_ms, self._end_ms)
        if start >= end:
            return
        first, last = start // _SLOT_MS, end // _SLOT_MS
        self._taken_ms[first] -= start % _SLOT_MS
        self._taken_ms[last] += end % _SLOT_MS
        self._through[first] += 1
        self._through[last] -= 1

    def held(self) -> Held:
        """None at all where more requests were out than there are threads: the plan is not bound to these."""
        due = self._offered.per_minute * _SLOT_MS / 60_000
        available = self._offered.threads * _SLOT_MS
        out = slots = stretch = longest = 0
        requests = 0.0
        for taken, through, begun in zip(self._taken_ms, self._through, self._begun, strict=True):
            out += through
            busy = out * _SLOT_MS + taken
            if busy > available / _ALL + _SLOT_MS:
                return Held()
            stretch = stretch + 1 if busy >= available * _ALL and begun < due * _HELD else 0
            slots += stretch > 0
            longest = max(longest, stretch)
            requests += due - begun if stretch else 0
        return Held(round(requests), slots * _SLOT_MS, longest * _SLOT_MS)
