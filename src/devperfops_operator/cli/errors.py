"""What can go wrong for the person at the keyboard.

Trouble          one sentence that says what to do; exit code 2
    ├── NotFound     there is no object of that name
    └── Away         the Kubernetes API does not answer now; it may do so later
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

import click


class ExitCode(IntEnum):
    """What a script learns from `run`. Usage errors and every trouble are `ERROR`."""

    PASS = 0
    FAIL = 1
    ERROR = 2
    INCONCLUSIVE = 3
    INTERRUPTED = 130
    UNREAD = 141  # as after SIGPIPE


class Trouble(click.ClickException):
    """Printed as `Error: message` on stderr."""

    exit_code: ClassVar[int] = ExitCode.ERROR


class NotFound(Trouble):
    """There is no object of that name."""


class Away(Trouble):
    """The Kubernetes API does not answer now."""
