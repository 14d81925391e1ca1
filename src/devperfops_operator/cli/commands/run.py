from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from devperfops_operator.api.base import API_VERSION
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import KIND, PerfRun
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.console import show, stderr, stdout
from devperfops_operator.cli.errors import ExitCode
from devperfops_operator.cli.options import invocation, on_cluster, timeout_option
from devperfops_operator.cli.render.run import run_result
from devperfops_operator.cli.screens import screen
from devperfops_operator.cli.waiting import TimedOut, exit_code, until_ended
from devperfops_operator.domain.manifests.common import GATE_LABEL

_REASON_LENGTH = 256


@click.command("run")
@click.argument("gate")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept with the run.")
@timeout_option("1h")
@click.option("--no-wait", is_flag=True, help="Print the run's name and leave.")
@on_cluster
def command(cluster: Cluster, gate: str, reason: str, timeout: timedelta, *, no_wait: bool) -> int:
    """Test a gate's target now and wait for the verdict.

    Exit code: 0 Pass, 1 Fail, 2 Error, usage or an end without verdict, 3 Inconclusive.

    A run made by hand judges and reports; it never rolls back. Ctrl-C stops the waiting, not the run.
    """
    if len(reason) > _REASON_LENGTH:
        raise click.BadParameter(f"is longer than {_REASON_LENGTH} characters", param_hint="--reason")
    made = cluster.create_run(_manifest(cluster.get(GATES, gate), reason))
    if no_wait:
        click.echo(made.metadata.name)
        return ExitCode.PASS
    return _wait(cluster, made, timeout)


def _wait(cluster: Cluster, made: PerfRun, timeout: timedelta) -> ExitCode:
    name, namespace = made.metadata.name, made.metadata.namespace
    click.echo(f"Run {name} of gate {made.spec.gate} in namespace {namespace}", err=True)
    try:
        ended = until_ended(cluster, made, screen(stderr(), name), timeout)
    except KeyboardInterrupt:
        click.echo(_goes_on(name, namespace), err=True)
        return ExitCode.INTERRUPTED
    except TimedOut as error:
        raise TimedOut(f"{error.message} {_goes_on(name, namespace)}") from error
    show(stdout(), run_result(ended))
    click.echo(f"Report: {invocation()} report {name} -n {namespace}", err=True)
    return exit_code(ended)


def _goes_on(name: str, namespace: str) -> str:
    return f"The run goes on. To end it: {invocation()} cancel {name} -n {namespace}"


def _manifest(gate: PerfGate, reason: str) -> dict[str, Any]:
    """It goes when its gate goes, as the operator's own runs do."""
    name = gate.metadata.name
    owner = {"apiVersion": API_VERSION, "kind": gate.kind, "name": name, "uid": gate.metadata.uid}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "generateName": f"{name}-",
            "labels": {GATE_LABEL: name},
            "ownerReferences": [owner],
        },
        "spec": {"gate": name, "reason": reason},
    }
