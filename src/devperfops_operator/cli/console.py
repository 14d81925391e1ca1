"""Where output goes: results on stdout, progress and errors on stderr."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console, RenderableType

from devperfops_operator.cli.render.words import Clock

_UNFOLDED = 1_000
"""Columns where nobody looks at them: lines in a pipe or file are folded by whoever shows them."""


def console(file: TextIO) -> Console:
    """Colours and folding for a terminal, whole lines for others; NO_COLOR is honoured."""
    made = Console(file=file, markup=False, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = _UNFOLDED
    return made


def stdout() -> Console:
    return console(sys.stdout)


def unfolded(target: Console) -> Console:
    """For tables: a narrow terminal breaks their lines itself, as with kubectl."""
    target.width = _UNFOLDED
    return target


def stderr() -> Console:
    return console(sys.stderr)


def show(target: Console, renderable: RenderableType) -> None:
    """Print without the blanks that fill up a table's last column, unless a terminal swallows them anyway."""
    if target.is_terminal:
        target.print(renderable)
    else:
        target.print(trimmed(renderable, target.width), end="", soft_wrap=True)


def trimmed(renderable: RenderableType, width: int = _UNFOLDED) -> str:
    """As plain text."""
    sheet = io.StringIO()
    target = Console(
        file=sheet, width=width, color_system=None, force_terminal=False, markup=False, emoji=False
    )
    target.print(renderable, highlight=False)
    return "".join(f"{line.rstrip()}\n" for line in sheet.getvalue().splitlines())


def clock() -> Clock:
    return Clock(datetime.now(UTC))
