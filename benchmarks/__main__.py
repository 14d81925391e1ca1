"""python -m benchmarks [reaction|idle|load|agent ...]: all of them, or those named."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import click

from benchmarks import agent, idle, load, reaction
from benchmarks.figures import Row, tell

_ROWS: Final[dict[str, tuple[str, Callable[[], list[Row]]]]] = {
    "reaction": ("How soon", lambda: reaction.measure((10, 100, 1_000), repetitions=20)),
    "idle": ("At rest", lambda: idle.measure(gates=1_000, minutes=10)),
    "load": ("Under load", lambda: load.measure(runs=200, seconds=60)),
    "agent": ("The agent", lambda: agent.measure(seconds=60)),
}


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(list(_ROWS)))
def main(rows: tuple[str, ...]) -> None:
    """Print figures against their bars; exit code 1 when one is not kept."""
    kept = [tell(title, measure()) for title, measure in (_ROWS[name] for name in rows or _ROWS)]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
