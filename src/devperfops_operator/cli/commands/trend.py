from __future__ import annotations

import json
from random import Random

import click

from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.history import runs_of
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.records import expect_load, usable
from devperfops_operator.cli.render.trend import History, trend_document, trend_screen
from devperfops_operator.domain.trend import trend
from devperfops_operator.domain.verdict import UNSPOILT, Reason

_LOADED_AS_PLANNED = UNSPOILT | {Reason.OBJECTIVE_FAILED}


@click.command("trend")
@click.argument("gate")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every run's figures.")
@on_cluster
def command(cluster: Cluster, gate: str, *, as_json: bool) -> None:
    """Tell at which runs a gate's figures changed.

    Percentiles, errors and throughput of the past runs whose load was as planned, and the run and revision
    with which a level changed. A report, never a verdict: the exit code is 0.
    """
    found = cluster.get(GATES, gate)
    expect_load(gate, found.spec)
    loaded = [run for run in runs_of(cluster, found) if run.status.reason in _LOADED_AS_PLANNED]
    past = usable(cluster, gate, loaded, "whose load was as planned")[::-1]
    shuffle = Random(1).shuffle  # noqa: S311  nothing is secret, and the same history is to give the same report
    history = History(gate, [run for run, _ in past], trend([record for _, record in past], shuffle))
    if as_json:
        click.echo(json.dumps(trend_document(history), indent=2, ensure_ascii=False))
    else:
        show(stdout(), trend_screen(history))
