"""What the sequential tests looked at, look by look, in the order they looked.

One look a block of one worker. Whoever goes through them again sees what the tests saw, to the last sample.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_MOST: Final = 120_000  # pairs of counts: 2 MB


@dataclass(frozen=True, slots=True)
class Look:
    """What a block of `worker`, with rows that ended in `second` (Unix time), brought."""

    worker: int
    second: int
    samples: int
    exceedances: int


@dataclass(frozen=True, slots=True)
class Series:
    """The looks at one thing that is counted: columns of equal length."""

    workers: Sequence[int]
    seconds: Sequence[int]
    samples: Sequence[int]
    exceedances: Sequence[int]

    def looks(self) -> Iterator[Look]:
        return map(Look, self.workers, self.seconds, self.samples, self.exceedances)


class Journal:
    """The looks of one run, at several things at once. `cut`: it was too long to keep every look."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.cut = False
        self._workers, self._seconds = array("I"), array("Q")
        self._counts = {key: (array("Q"), array("Q")) for key in keys}

    def add(self, worker: int, second: int, counts: Mapping[str, tuple[int, int]]) -> None:
        """`counts`: samples and exceedances, for every key."""
        if not counts:
            return
        if (len(self._workers) + 1) * len(self._counts) > _MOST:
            self.cut = True
            return
        self._workers.append(worker)
        self._seconds.append(second)
        for key, (samples, exceedances) in counts.items():
            self._counts[key][0].append(samples)
            self._counts[key][1].append(exceedances)

    def series(self) -> dict[str, Series]:
        return {
            key: Series(tuple(self._workers), tuple(self._seconds), tuple(samples), tuple(exceedances))
            for key, (samples, exceedances) in self._counts.items()
        }
