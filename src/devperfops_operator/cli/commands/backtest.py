from __future__ import annotations

from pathlib import Path

import click

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import GATES, Cluster
from devperfops_operator.cli.console import show, stdout
from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.gatefile import gate_spec, load_plan
from devperfops_operator.cli.history import runs_of
from devperfops_operator.cli.options import on_cluster
from devperfops_operator.cli.records import expect_load, record_of
from devperfops_operator.cli.render.backtest import Trial, backtest_screen
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.rejudging import Rejudged, rejudge
from devperfops_operator.evidence.replay import replay

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("backtest")
@click.argument("gate")
@click.option("-f", "--file", type=_FILE, help="The gate as it would be; default: as it is now.")
@on_cluster
def command(cluster: Cluster, gate: str, file: Path | None) -> None:
    """Judge a gate's past runs again, by other objectives.

    Replays what was kept of each run. Objectives that were judged then give the same verdict at the same
    second, to the last figure; a changed latency limit is judged by histograms, which know times to 1 %.
    Runs that judged the traffic of real users (spec.live) leave no record and cannot be replayed.

    Exit code 0 when the runs could be judged, whatever came out.
    """
    found = cluster.get(GATES, gate)
    spec = found.spec if file is None else gate_spec(file, gate)
    expect_load(gate, spec)
    runs = [run for run in runs_of(cluster, found) if run.status.verdict is not None]
    if not runs:
        raise Trouble(f"gate {gate} has no run with a verdict yet; start one with `devperfops run {gate}`.")
    plan = load_plan(gate, spec, runs)
    show(stdout(), backtest_screen([_trial(cluster, run, plan) for run in runs]))


def _trial(cluster: Cluster, run: PerfRun, plan: RunPlan) -> Trial:
    record = record_of(cluster, run)
    if isinstance(record, str):
        return Trial(run, Rejudged(None, record))
    replayed = replay(record, plan)
    return Trial(
        run,
        rejudge(run, plan, {name: each.evidence for name, each in replayed.items()}),
        failed_at=min((each.failed_at for each in replayed.values() if each.failed_at), default=None),
        estimated=[name for name, each in replayed.items() if each.estimated],
    )
