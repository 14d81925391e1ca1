"""The kept measurements of runs that played a load."""

from __future__ import annotations

from collections.abc import Sequence

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
    if spec.load is not None and spec.load.shape is not None:
        raise Trouble(
            f"gate {gate} plays several rates (spec.load.shape), and the elapsed times that its runs "
            "keep are of all of them together; look at each rate with `devperfops report`."
        )


def record_of(cluster: Cluster, run: PerfRun) -> RunRecord | str:
    """The record of all that was judged, or why there is none to use."""
    record = kept_of(cluster, run)
    return record if isinstance(record, str) else _complete(record, run)


def kept_of(cluster: Cluster, run: PerfRun) -> RunRecord | str:
    """The record, whatever is in it, or why there is none."""
    status = run.status.record
    if status is None:
        return "no record: the run had no load, or no verdict, or was made by an older operator"
    if status.message is not None:
        return f"no record: {status.message}"
    path = f"/apis/apps/v1/namespaces/{run.metadata.namespace}/controllerrevisions/{status.name}"
    try:
        return read_record(cluster.ask("GET", path).body, run.metadata)
    except NotFound:
        return f"no record: ControllerRevision {status.name} was deleted"
    except InvalidRecord as error:
        return str(error)


def usable(
    cluster: Cluster, gate: str, runs: Sequence[PerfRun], which: str
) -> list[tuple[PerfRun, RunRecord]]:
    """Those runs that left a record with samples. `which`: what they have in common, for people.

    Raises Trouble if there is none.
    """
    if not runs:
        raise Trouble(f"gate {gate} has no past run {which}; run the gate once: devperfops run {gate}")
    kept = [(run, record_of(cluster, run)) for run in runs]
    found = [(run, record) for run, record in kept if not isinstance(record, str) and _has_samples(record)]
    if not found:
        run, record = kept[0]
        why = record if isinstance(record, str) else "it has no samples"
        raise Trouble(
            f"no past run of gate {gate} can be used ({run.metadata.name}: {why}); run the gate once: "
            f"devperfops run {gate}"
        )
    return found


def _has_samples(record: RunRecord) -> bool:
    return any(record.profile.histogram(None).values())


def _complete(record: RunRecord, run: PerfRun) -> RunRecord | str:
    """Half of a run is no run: what was judged must all be there."""
    judged = run.status.load.judged_samples if run.status.load else 0
    kept = sum(record.profile.histogram(None).values())
    if kept < judged:
        because = f": {'; '.join(record.missing)}" if record.missing else ""
        return f"the record has {kept} of {judged} judged samples{because}"
    return record
