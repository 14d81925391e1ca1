from __future__ import annotations

from pathlib import Path

import click

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import RUNS, Cluster
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.records import kept_of


@click.command("plan")
@click.argument("run")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to it.")
@on_cluster
def command(cluster: Cluster, run: str, output: Path | None) -> None:
    """Write the test plan that a run's JMeter played.

    To the byte, as its checksum shows: the one the agent beside JMeter took is in the run's status. What the
    plan reads (properties, data files) is not in it; a plan with a password written in it is not kept.
    """
    found = cluster.get(RUNS, run)
    plan = _plan(cluster, found)
    if output is None:
        click.echo(plan, nl=False)
        return
    try:
        output.write_bytes(plan)
    except OSError as error:
        raise Trouble(f"cannot write {output}: {error.strerror}.") from error


def _plan(cluster: Cluster, run: PerfRun) -> bytes:
    name = run.metadata.name
    played = {each.plan.sha256: each.plan for each in run.status.workers if each.plan is not None}
    for plan in played.values():
        if plan.unkept is not None:
            raise Trouble(f"the test plan of run {name} was not kept: {plan.unkept}")
    record = kept_of(cluster, run)
    if isinstance(record, str):
        raise Trouble(f"the test plan of run {name} is not kept: {record}")
    if record.plan is None:
        raise Trouble(
            f"the test plan of run {name} is not kept: the operator was restarted before it "
            "could be, or is an older one"
        )
    if set(played) != {record.plan.sha256}:
        raise Trouble(
            f"the workers of run {name} did not play the plan that is kept ({record.plan.sha256[:12]}): "
            f"their checksums are {', '.join(sorted(each[:12] for each in played)) or 'not in its status'}"
        )
    try:
        return record.plan.unpacked()
    except ValueError as error:
        raise Trouble(f"the test plan of run {name} cannot be read: {error}") from error
