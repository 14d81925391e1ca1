"""The kept measurements of runs that played a load."""

from __future__ import annotations

from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.cli.cluster import Cluster
from devperfops_operator.cli.errors import NotFound, Trouble
from devperfops_operator.domain.errors import InvalidRecord
from devperfops_operator.domain.manifests.record import read_record
from devperfops_operator.domain.record import RunRecord


def expect_load(gate: str, spec: PerfGateSpec) -> None:
    """Raises Trouble for a gate whose runs leave no record."""
    if spec.live is not None:
        raise Trouble(
            f"gate {gate} judges the traffic of real users (spec.live), which is counted by Prometheus: the "
            "operator keeps no record of such a run that could be judged again; look at its figures with "
            "`devperfops describe`, or give the gate a load."
        )


def record_of(cluster: Cluster, run: PerfRun) -> RunRecord | str:
    """The record, or why there is none to use."""
    status = run.status.record
    if status is None:
        return "no record: the run had no load, or no verdict, or was made by an older operator"
    if status.message is not None:
        return f"no record: {status.message}"
    path = f"/apis/apps/v1/namespaces/{run.metadata.namespace}/controllerrevisions/{status.name}"
    try:
        return _complete(read_record(cluster.ask("GET", path).body, run.metadata), run)
    except NotFound:
        return f"no record: ControllerRevision {status.name} was deleted"
    except InvalidRecord as error:
        return str(error)


def _complete(record: RunRecord, run: PerfRun) -> RunRecord | str:
    """Half of a run is no run: what was judged must all be there."""
    judged = run.status.load.judged_samples if run.status.load else 0
    kept = sum(record.profile.histogram(None).values())
    if kept < judged:
        because = f": {'; '.join(record.missing)}" if record.missing else ""
        return f"the record has {kept} of {judged} judged samples{because}"
    return record
