"""SIGTERM as something to wait for."""

from __future__ import annotations

import signal
from typing import Final

_TERM: Final = {signal.SIGTERM}


class Termination:
    """From now on SIGTERM only ends a `wait`. Blocked, it is kept even for a container's process 1."""

    def __init__(self) -> None:
        self.requested = False
        signal.pthread_sigmask(signal.SIG_BLOCK, _TERM)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until SIGTERM comes."""
        if signal.sigtimedwait(_TERM, max(seconds, 0.0)) is not None:
            self.requested = True
