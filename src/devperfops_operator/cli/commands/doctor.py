from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import click
from rich.text import Text

from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.doctor import gates, operator, policies, server
from devperfops_operator.cli.doctor.check import Check, State, unknown
from devperfops_operator.cli.doctor.operator import Search
from devperfops_operator.cli.errors import ExitCode, Trouble
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.render.parts import table
from devperfops_operator.cli.render.words import counted, plain

_MARKS: Final = {
    State.OK: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.PROBLEM: ("✗", "bold red"),
    State.UNKNOWN: ("?", "dim"),
}


@click.command("doctor")
@click.option("--operator-namespace", metavar="NS", help="Where the operator runs; default: look everywhere.")
@click.option("--pull", is_flag=True, help="Pull the load pods' images, with a pod that is deleted again.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@on_cluster
def command(cluster: Cluster, operator_namespace: str | None, output: str, *, pull: bool) -> int:
    """Check everything gates depend on, and say what to do.

    The API server, clocks, CRDs, the operator with its settings and rights, images, Prometheus servers and
    the series gates ask for, gates that are stalled, and quota policies that cannot be read or that nobody
    has checked for more than two intervals. Looks with your rights: what you may not see is marked "?". Exit
    code 0 when there is no problem, 1 when there is one, 2 when the cluster cannot be asked.
    """
    checks = list(_checks(cluster, operator_namespace, pull=pull))
    if output == "json":
        click.echo(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        show(stdout(), table(("", "WHAT", "FOUND"), map(_row, checks)))
        click.echo(_summary(checks))
    return ExitCode.FAIL if any(check.state is State.PROBLEM for check in checks) else ExitCode.PASS


def _checks(cluster: Cluster, operator_namespace: str | None, *, pull: bool) -> Iterator[Check]:
    yield from server.version(cluster)  # whoever cannot ask this can ask nothing
    search = Search(cluster, operator_namespace)
    yield from _looked("Clock", lambda: server.own_clock(cluster))
    yield from _looked("Clocks of nodes", lambda: server.node_clocks(cluster))
    yield from _looked("CRDs", lambda: server.definitions(cluster))
    yield from _looked("Your rights", lambda: operator.your_rights(cluster))
    yield from _looked("Operator", search)
    found = search.found
    if found is not None:
        yield from _looked("Its rights", lambda: operator.its_rights(cluster, found))
    settings = found.settings if found is not None else None
    if settings is not None:
        look = gates.images_pulled if pull else gates.images_on_nodes
        yield from _looked("Images", lambda: look(cluster, settings.images))
        yield from _looked("Prometheus", lambda: gates.prometheus(cluster, settings))
    yield from _looked("Gates", lambda: gates.stalled(cluster))
    yield from _looked("Quota policies", lambda: policies.checked(cluster, datetime.now(UTC)))


def _looked(about: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """What one look finds; what it may not see stops no other."""
    try:
        yield from look()
    except Trouble as error:
        yield unknown(about, f"cannot be looked at: {error.message}")


def _row(check: Check) -> tuple[str | Text, ...]:
    mark, style = _MARKS[check.state]
    found = Text(plain(check.found))
    if check.remedy:
        found.append(f"\n→ {plain(check.remedy)}", style="bold" if check.state is State.PROBLEM else "")
    return Text(mark, style=style), check.about, found


def _summary(checks: list[Check]) -> str:
    counts = {state: sum(check.state is state for check in checks) for state in State}
    if counts[State.PROBLEM]:
        return f"\n{counted(counts[State.PROBLEM], 'problem')} to mend"
    unseen = f"; {counts[State.UNKNOWN]} could not be looked at" if counts[State.UNKNOWN] else ""
    return f"\nNo problem found{unseen}"
