"""Waiting for a state of the world, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from hack.cluster.console import say
from hack.cluster.errors import ClusterError
from hack.cluster.processes import ProcessTable

_INTERVAL: Final = 0.05


def wait_until(
    what: str, holds: Callable[[], bool], *, seconds: float, table: ProcessTable, needs: Sequence[str]
) -> None:
    """Return when `holds()` is true.

    Raises:
        ClusterError: not within `seconds`, or a process it `needs` has ended; with the end of its output.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        for name in needs:
            if table.identity(name) is None:
                raise ClusterError(f"{name} ended while waiting for: {what}\n{table.failure(name)}")
        if time.monotonic() > deadline:
            raise ClusterError(f"not within {seconds:.0f} s: {what}\n{table.failure(needs[-1])}")
        time.sleep(_INTERVAL)
    say(what)
