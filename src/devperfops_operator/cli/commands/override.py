from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

from devperfops_operator.api.override import Override
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.options import Duration, invocation, on_cluster

_LENGTH = 256
_REVISION = re.compile("[0-9a-f]{10}")


@click.command("override")
@click.argument("gate")
@click.option("--reason", default="", metavar="TEXT", help="Why it may stand; kept with the gate.")
@click.option("--expires", type=Duration(), metavar="D", help="How long it counts, such as 2h.")
@click.option("--revision", metavar="R", help="Default: the one the target runs now.")
@click.option("--by", metavar="NAME", help="Who says so; default: who you are to the cluster.")
@click.option("--clear", is_flag=True, help="Take the override back.")
@on_cluster
def command(
    cluster: Cluster,
    gate: str,
    *,
    reason: str,
    expires: timedelta | None,
    revision: str | None,
    by: str | None,
    clear: bool,
) -> int:
    """Let a revision stand as if it had passed.

    It becomes known-good when it runs, and is not rolled back before the override expires. That it did not
    pass stays told. What has become known-good stays it when the override expires or is taken back.
    """
    found = cluster.get(GATES, gate)
    if clear:
        return _clear(cluster, found)
    if not reason or len(reason) > _LENGTH:
        raise click.BadParameter(f"write why, in at most {_LENGTH} characters", param_hint="--reason")
    if not expires:
        raise click.BadParameter("write how long it counts, such as 2h", param_hint="--expires")
    override = Override(
        revision=_revision(found, revision),
        reason=reason,
        by=(by or cluster.user())[:_LENGTH],
        expires=datetime.now(UTC) + expires,
    )
    cluster.override(gate, override.to_json())
    click.echo(
        f"Gate {gate} lets revision {override.revision} stand until {override.expires:%Y-%m-%d %H:%M:%S} UTC."
    )
    click.echo(f"How it stands: {invocation()} describe {gate} -n {cluster.namespace}", err=True)
    return 0


def _clear(cluster: Cluster, gate: PerfGate) -> int:
    name = gate.metadata.name
    if gate.spec.override is None:
        click.echo(f"Gate {name} has no override.")
        return 0
    cluster.override(name, None)
    click.echo(f"The override of revision {gate.spec.override.revision} is taken back.")
    return 0


def _revision(gate: PerfGate, asked: str | None) -> str:
    if asked is not None:
        if _REVISION.fullmatch(asked) is None:
            raise click.BadParameter(
                f'"{asked}" is not a revision: write its ten digits (0-9, a-f)', param_hint="--revision"
            )
        return asked
    status, name = gate.status, gate.metadata.name
    if status.target is None:
        raise Trouble(f"the operator has not seen the target of gate {name} yet; name a --revision.")
    if status.target.revision == status.known_good:
        last = f" The last one judged is {status.run.revision}." if status.run else ""
        raise Trouble(
            f"revision {status.known_good}, which runs now, is known-good already; name a --revision.{last}"
        )
    return status.target.revision
