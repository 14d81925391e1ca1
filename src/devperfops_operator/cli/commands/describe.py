from __future__ import annotations

import click
from rich.console import RenderableType

from devperfops_operator.cli.cluster import GATES, RUNS, Cluster
from devperfops_operator.cli.console import clock, show, stdout
from devperfops_operator.cli.errors import NotFound
from devperfops_operator.cli.history import runs_of
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.render.gate import gate_screen
from devperfops_operator.cli.render.run import run_screen


@click.command("describe")
@click.argument("name", metavar="GATE|RUN")
@on_cluster
def command(cluster: Cluster, name: str) -> None:
    """Say what happened to a gate or a run, and why.

    A gate comes first if both have the name; gate/NAME and run/NAME are exact.
    """
    show(stdout(), _described(cluster, name))


def _described(cluster: Cluster, name: str) -> RenderableType:
    kind, _, rest = name.rpartition("/")
    match kind:
        case "gate":
            return _gate(cluster, rest)
        case "run":
            return _run(cluster, rest)
        case "":
            return _either(cluster, rest)
        case _:
            raise click.UsageError(f"{kind}/ is not known here: write gate/{rest} or run/{rest}.")


def _either(cluster: Cluster, name: str) -> RenderableType:
    try:
        return _gate(cluster, name)
    except NotFound as no_gate:
        try:
            return _run(cluster, name)
        except NotFound as no_run:
            raise NotFound(f"{no_gate.message}\n       And {no_run.message}") from no_run


def _gate(cluster: Cluster, name: str) -> RenderableType:
    gate = cluster.get(GATES, name)
    return gate_screen(gate, runs_of(cluster, gate), clock())


def _run(cluster: Cluster, name: str) -> RenderableType:
    return run_screen(cluster.get(RUNS, name), clock())
