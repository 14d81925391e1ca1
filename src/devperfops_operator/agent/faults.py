"""Faults of the node that spoil what JMeter writes. Nothing in the results themselves shows them for sure."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from devperfops_operator.wire.measurement import Fault

_STEP_S: Final = 1.0  # what does not matter to a load of minutes


class FaultWatch:
    """`fault`: the first one found; it stays, since what it spoilt does.

    `free_bytes`: the room left for results. `clock_offset_s`: the clock's time beyond that of the monotonic
    one, in seconds; only setting the clock changes it, or a node that slept.
    """

    def __init__(self, free_bytes: Callable[[], int], clock_offset_s: Callable[[], float]) -> None:
        self.fault: Fault | None = None
        self._free_bytes = free_bytes
        self._clock_offset_s = clock_offset_s
        self._first_offset_s = clock_offset_s()

    @classmethod
    def of(cls, results: Path) -> FaultWatch:
        """Watches this node's clock and the disk that holds the results."""
        return cls(lambda: _free_bytes(results), _clock_offset_s)

    def look(self) -> None:
        """Look again."""
        self.fault = self.fault or self._found()

    def _found(self) -> Fault | None:
        if self._free_bytes() == 0:  # JMeter goes on without a word, and leaves rows out
            return Fault.DISK_FULL
        if abs(self._clock_offset_s() - self._first_offset_s) > _STEP_S:
            return Fault.CLOCK_STEPPED
        return None


def _free_bytes(folder: Path) -> int:
    """For JMeter, which is not root either."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _clock_offset_s() -> float:
    return time.time() - time.monotonic()
