"""When which key is worked: pure bookkeeping, the time is an argument (seconds of a monotonic clock)."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_FIRST_DELAY: Final = 0.1
_LONGEST_DELAY: Final = 15.0


class Schedule(Generic[K]):
    """A key is worked by one worker at a time; what is added meanwhile is worked once more afterwards."""

    def __init__(self) -> None:
        self._ready: dict[K, None] = {}  # a set that keeps its order
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._due: dict[K, float] = {}
        self._timers: list[tuple[float, int, K]] = []
        self._failures: dict[K, int] = {}
        self._order = count()

    def __len__(self) -> int:
        """How many keys wait for a worker."""
        return len(self._ready) + len(self._again)

    def add(self, key: K) -> None:
        """Work it as soon as possible; added several times it is worked once."""
        if key in self._working:
            self._again.add(key)
        else:
            self._due.pop(key, None)
            self._ready.setdefault(key)

    def take(self, now: float) -> K | None:
        """The key that has waited longest; it must be given back with `done` or `failed`."""
        self._ring(now)
        key = next(iter(self._ready), None)
        if key is not None:
            del self._ready[key]
            self._working.add(key)
        return key

    def next_due(self) -> float | None:
        """When the next timer rings."""
        while self._timers and self._due.get(self._timers[0][2]) != self._timers[0][0]:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def done(self, key: K, again_at: float | None = None) -> None:
        """Worked; at `again_at` it is to be looked at again in any case."""
        self._failures.pop(key, None)
        self._release(key, again_at)

    def failed(self, key: K, now: float) -> float:
        """Tried in vain: once more after a delay that doubles each time. Gives the delay in seconds."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        delay: float = min(_FIRST_DELAY * 2**failures, _LONGEST_DELAY)
        self._release(key, now + delay)
        return delay

    def _release(self, key: K, again_at: float | None) -> None:
        self._working.discard(key)
        self._due.pop(key, None)
        if key in self._again:
            self._again.discard(key)
            self._ready.setdefault(key)
        elif again_at is not None:
            self._due[key] = again_at
            heapq.heappush(self._timers, (again_at, next(self._order), key))

    def _ring(self, now: float) -> None:
        while (due := self.next_due()) is not None and due <= now:
            key = heapq.heappop(self._timers)[2]
            del self._due[key]
            self._ready.setdefault(key)
