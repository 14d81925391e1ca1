from __future__ import annotations

from datetime import timedelta

import click

from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.cli.cluster import RUNS, Cluster
from devperfops_operator.cli.console import show, stderr, stdout
from devperfops_operator.cli.errors import ExitCode
from devperfops_operator.cli.options import on_cluster, timeout_option
from devperfops_operator.cli.render.run import headline
from devperfops_operator.cli.screens import screen
from devperfops_operator.cli.waiting import until_ended


@click.command("cancel")
@click.argument("run")
@timeout_option("5m")
@click.option("--no-wait", is_flag=True, help="Only ask for it.")
@on_cluster
def command(cluster: Cluster, run: str, timeout: timedelta, *, no_wait: bool) -> int:
    """End a run without a verdict.

    Waits until the load is stopped and the run has ended. A verdict that is known already is still acted on.
    """
    found = cluster.get(RUNS, run)
    if found.status.phase.terminal:
        click.echo(f"Run {run} had ended already ({_how(found)}).")
        return 0
    asked = cluster.cancel_run(run)
    if no_wait:
        click.echo(f"Run {run} will be cancelled.")
        return 0
    try:
        ended = until_ended(cluster, asked, screen(stderr(), run), timeout)
    except KeyboardInterrupt:
        click.echo("The cancellation is asked for and will happen.", err=True)
        return ExitCode.INTERRUPTED
    show(stdout(), headline(ended))
    return 0


def _how(run: PerfRun) -> str:
    verdict = f", {run.status.verdict}" if run.status.phase is Phase.COMPLETED and run.status.verdict else ""
    return f"{run.status.phase}{verdict}"
