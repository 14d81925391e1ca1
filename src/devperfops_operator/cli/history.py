"""Runs in the order people look at them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import RUNS, Cluster

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def newest_first(runs: Iterable[PerfRun]) -> list[PerfRun]:
    return sorted(
        runs, key=lambda run: (run.metadata.creation_timestamp or _EARLIEST, run.metadata.name), reverse=True
    )


def runs_of(cluster: Cluster, gate: PerfGate) -> list[PerfRun]:
    """Newest first. A run names its gate in its spec; those made by hand need no label."""
    return newest_first(run for run in cluster.find_all(RUNS) if run.spec.gate == gate.metadata.name)
