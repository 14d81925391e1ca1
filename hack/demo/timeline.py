"""What a person sees of the demo: one line a step with its time, and a live line for what runs now."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.text import Text

_SIGN_OF_LIFE: Final = 15.0
"""Seconds between two lines of progress where nothing can be redrawn."""


class Timeline:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = console.is_terminal
        self._began = time.monotonic()
        self._status = console.status("")
        self._told = 0.0

    def chapter(self, title: str) -> None:
        self._console.print(Rule(Text(title, style="bold"), align="left"))

    def tell(self, text: str) -> None:
        self._console.print(f"[dim]{self._clock()}[/]  {text}", highlight=False, soft_wrap=not self._live)

    def progress(self, text: str) -> None:
        """What goes on at this moment: redrawn in place, or a line now and then in a log."""
        if self._live:
            self._status.update(escape(text))
        elif time.monotonic() - self._told >= _SIGN_OF_LIFE:
            self._told = time.monotonic()
            self.tell(f"[dim]  ... {escape(text)}[/]")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One thing done: a live line while it lasts, then its time."""
        began = self._told = time.monotonic()
        with self._status:
            self._status.update(escape(text))
            try:
                yield
            except BaseException:
                self.tell(f"[red]✗[/] {text}")
                raise
        self.tell(f"[green]✓[/] {text} [dim]({time.monotonic() - began:.1f} s)[/]")

    def _clock(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
        return f"{minutes:02d}:{seconds:02d}"
