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
class Piece:
    """From `from_ms` of the judged time on: so many times the rate, which is `level` of the load's shape."""

    from_ms: int
    factor: float
    level: int


STEADY: Final = (Piece(0, 1.0, 0),)


@dataclass(frozen=True, slots=True)
class Offered:
    """What one worker is to send: `per_minute` samples times a factor, by so many threads.

    `pieces`: in the order of time.
    """

    threads: int
    per_minute: float
    pieces: tuple[Piece, ...] = STEADY

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Self:
        return cls(**{**raw, "pieces": tuple(Piece(**piece) for piece in raw["pieces"])})

    def piece_at(self, moment_ms: int) -> Piece:
        """`moment_ms`: of the judged time; what was before it is of the first one."""
        return next((each for each in reversed(self.pieces) if each.from_ms <= moment_ms), self.pieces[0])


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

    def held(self) -> tuple[Held, ...]:
        """By level of the load's shape.

        None at all where more requests were out than there are threads: the plan is not bound to these.
        """
        steady = self._offered.per_minute * _SLOT_MS / 60_000
        available = self._offered.threads * _SLOT_MS
        levels = [_Level() for _ in range(1 + max(piece.level for piece in self._offered.pieces))]
        out = 0
        for slot, (taken, through, begun) in enumerate(
            zip(self._taken_ms, self._through, self._begun, strict=True)
        ):
            out += through
            busy = out * _SLOT_MS + taken
            if busy > available / _ALL + _SLOT_MS:
                return tuple(Held() for _ in levels)
            piece = self._offered.piece_at(slot * _SLOT_MS)
            levels[piece.level].add(begun, steady * piece.factor, full=busy >= available * _ALL)
        return tuple(level.held for level in levels)


@dataclass(slots=True)
class _Level:
    """Slots in which requests were held back."""

    slots: int = 0
    stretch: int = 0
    longest: int = 0
    requests: float = 0.0

    def add(self, begun: int, due: float, *, full: bool) -> None:
        self.stretch = self.stretch + 1 if full and begun < due * _HELD else 0
        self.slots += self.stretch > 0
        self.longest = max(self.longest, self.stretch)
        self.requests += due - begun if self.stretch else 0

    @property
    def held(self) -> Held:
        return Held(round(self.requests), self.slots * _SLOT_MS, self.longest * _SLOT_MS)
