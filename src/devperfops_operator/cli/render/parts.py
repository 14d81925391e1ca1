"""Pieces that several screens are made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from devperfops_operator.cli.render.words import plain

Fact = tuple[str, RenderableType]


def heading(title: str) -> Text:
    return Text(f"\n{title}", style="bold")


def facts(rows: Iterable[Fact]) -> Table:
    """Names on the left, values on the right."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, Text(plain(value)) if isinstance(value, str) else value)
    return grid


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Sequence[str] = ()) -> Table:
    """A table without lines, as kubectl's; `right` names the columns of numbers."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for index, column in enumerate(columns):
        justify: JustifyMethod = "right" if column in right else "left"
        made.add_column(column, justify=justify, overflow="fold", no_wrap=index == 0)
    for row in rows:
        made.add_row(*(Text(plain(cell)) if isinstance(cell, str) else cell for cell in row))
    return made


def indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, 2))
