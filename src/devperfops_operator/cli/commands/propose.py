from __future__ import annotations

import click

from devperfops_operator.api.perfrun import Verdict
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.history import runs_of
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.records import expect_load, record_of
from devperfops_operator.cli.render.proposal import proposals_yaml
from devperfops_operator.domain.proposal import FEWEST_RUNS, propose


@click.command("propose")
@click.argument("gate")
@on_cluster
def command(cluster: Cluster, gate: str) -> None:
    """Propose objectives from a gate's past runs.

    Reads the records of runs that passed and prints objectives as YAML to paste, with origin History and the
    reasons as comments. What an SLA demands is not known here: keep it beside these.
    """
    found = cluster.get(GATES, gate)
    expect_load(gate, found.spec)
    passed = [run for run in runs_of(cluster, found) if run.status.verdict is Verdict.PASS]
    records = [record for run in passed if not isinstance(record := record_of(cluster, run), str)]
    if len(records) < FEWEST_RUNS:
        raise Trouble(
            f"gate {gate} has {len(records)} passed runs with a record, and {FEWEST_RUNS} are needed to tell "
            f"how runs differ; test more often: devperfops run {gate}"
        )
    click.echo(proposals_yaml(propose(records)), nl=False)
