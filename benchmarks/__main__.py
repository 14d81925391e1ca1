"""python -m benchmarks [ROW ...]: all, or those named (`--help` lists them)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

import click

from benchmarks import (
    agent,
    detection,
    evaluator,
    idle,
    jtl,
    load,
    quota,
    reaction,
    reset,
    scenario,
    servers,
    slo,
)
from benchmarks.detection import proving
from benchmarks.figures import Row, tell
from benchmarks.peers import measure as peers

_ROWS: Final[dict[str, tuple[str, Callable[[], list[Row]]]]] = {
    "reaction": ("How soon", lambda: reaction.measure((10, 100, 1_000), repetitions=20)),
    "idle": ("At rest", lambda: idle.measure(gates=1_000, minutes=10)),
    "load": ("Under load", lambda: load.measure(runs=200, seconds=60)),
    "agent": ("The agent", lambda: agent.measure(seconds=60)),
    "evaluator": ("The evaluator", lambda: evaluator.measure(labels=1_000, seconds=600)),
    "jtl": ("Result files", lambda: jtl.measure(click.get_current_context().params["jtl_rows"])),
    "detection": ("Verdicts", lambda: _played(detection.measure)),
    "baseline": ("Verdicts against a baseline", lambda: _played(detection.measure_pairs)),
    "past": ("Verdicts against earlier runs", lambda: _played(detection.measure_runs)),
    "prove": ("What is foretold", lambda: proving.measure(click.get_current_context().params["seed"])),
    "quota": ("Quota", lambda: quota.measure(limits=10_000)),
    "reset": ("Data reset", lambda: reset.measure(mebibytes=500, repetitions=20)),
    "scenario": ("Test plans from OpenAPI", lambda: scenario.measure(*_params("documents"))),
    "peers": ("Test plans by other tools", lambda: peers.measure(*_params("sample", "seed", "kilobytes"))),
    "servers": ("Test plans on real servers", servers.measure),
    "slo": ("SLAs along call graphs", lambda: slo.measure(*_params("graphs", "seed"))),
}


def _params(*names: str) -> list[int]:
    return [click.get_current_context().params[name] for name in names]


def _played(measure: Callable[[int, int], list[Row]]) -> list[Row]:
    params = click.get_current_context().params
    return measure(params["streams"], params["seed"])


@click.command()
@click.argument("rows", nargs=-1, type=click.Choice(list(_ROWS)))
@click.option("--rows", "jtl_rows", default=10_000_000, show_default=True, help="Of the file of `jtl`.")
@click.option(
    "--streams",
    default=250,
    show_default=True,
    help="Of each case of `detection`, `baseline` and `past`; 3,000 for bars.",
)
@click.option("--graphs", default=1_000, show_default=True, help="Of `slo`; 10,000 for its bar.")
@click.option("--documents", default=2_639, show_default=True, help="Of the corpus of `scenario`.")
@click.option("--sample", default=60, show_default=True, help="Documents of the corpus for `peers`.")
@click.option("--kilobytes", default=300, show_default=True, help="Of the largest document for `peers`.")
@click.option("--seed", default=1, show_default=True, help="Of what these play.")
def main(rows: tuple[str, ...], **_: int) -> None:  # a row asks the context for its options
    """Print figures against their bars; exit code 1 when one is not kept."""
    kept = [tell(title, measure()) for title, measure in (_ROWS[name] for name in rows or _ROWS)]
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()
