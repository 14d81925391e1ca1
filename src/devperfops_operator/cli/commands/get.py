from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.console import Group, RenderableType
from rich.text import Text

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import GATES, RUNS, Cluster
from devperfops_operator.cli.console import clock, show, stdout, unfolded
from devperfops_operator.cli.history import newest_first, runs_of
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.render.tables import gates_table, runs_table


@click.command("get")
@click.argument("what", default="gates", metavar="[GATE|gates|runs]")
@click.option("-A", "--all-namespaces", is_flag=True, help="Gates or runs of the whole cluster.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@on_cluster
def command(cluster: Cluster, what: str, output: str, *, all_namespaces: bool) -> None:
    """List gates and runs.

    GATE lists the gate and its runs; gate/NAME is for a gate that is called "gates" or "runs".
    JSON is a Kubernetes List of the objects.
    """
    gates, runs = _found(cluster, what, everywhere=all_namespaces)
    if output == "json":
        click.echo(json.dumps(_as_list([*gates, *runs]), indent=2))
    elif gates or runs:
        show(unfolded(stdout()), _tables(gates, runs))
    else:
        where = "the cluster" if all_namespaces else f"namespace {cluster.namespace}"
        click.echo(f"There are no {what} in {where}.", err=True)


def _found(cluster: Cluster, what: str, *, everywhere: bool) -> tuple[list[PerfGate], list[PerfRun]]:
    match what:
        case "gates":
            return sorted(cluster.find_all(GATES, everywhere=everywhere), key=_place), []
        case "runs":
            return [], newest_first(cluster.find_all(RUNS, everywhere=everywhere))
        case _ if everywhere:
            raise click.UsageError("a gate has one namespace: name it with -n instead of --all-namespaces.")
        case _:
            gate = cluster.get(GATES, what.removeprefix("gate/"))
            return [gate], runs_of(cluster, gate)


def _place(gate: PerfGate) -> tuple[str, str]:
    return gate.metadata.namespace, gate.metadata.name


def _tables(gates: Sequence[PerfGate], runs: Sequence[PerfRun]) -> RenderableType:
    now = clock()
    shown: list[RenderableType] = []
    if gates:
        shown.append(gates_table(gates, now))
    if gates and runs:
        shown.append(Text())
    if runs:
        shown.append(runs_table(runs, now))
    return Group(*shown)


def _as_list(items: Sequence[PerfGate | PerfRun]) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "List", "items": [item.to_json() for item in items]}
