"""One at a time, across processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.console import say


@contextmanager
def exclusive(path: Path, busy: str) -> Iterator[None]:
    """Hold the lock file; while another process holds it, say `busy` once and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{busy}; waiting for its end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
