"""What a person sees: progress on stderr with the seconds since the start, results on stdout."""

from __future__ import annotations

import sys
import time
from typing import Final

_STARTED: Final = time.monotonic()


def say(text: str) -> None:
    """Print one line of progress."""
    elapsed = time.monotonic() - _STARTED
    print(f"{elapsed:7.1f}s  {text}", file=sys.stderr, flush=True)


def result(text: str) -> None:
    """Print one line a script may read."""
    print(text, flush=True)
