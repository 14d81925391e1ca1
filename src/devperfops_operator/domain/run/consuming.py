"""What a run has measured of its quota policy's meters, beside the last known-good revision and the peak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.api.perfrun import ConsumptionStatus, PerfRun, PerfRunStatus
from devperfops_operator.domain.observed import ConsumptionEvidence
from devperfops_operator.domain.quota.consumed import consumed_of, request_peak
from devperfops_operator.domain.quota.consumption import Consumed, Figure, RequestPeak


def last_measured(runs: Iterable[PerfRun], revision: str | None = None) -> ConsumptionStatus | None:
    """By the newest run, of that revision if there is one named, that measured something."""
    measured = [
        run
        for run in runs
        if revision in {None, run.status.revision}
        and run.status.consumption is not None
        and run.status.consumption.figures
    ]
    newest = max(measured, key=lambda run: str(run.metadata.creation_timestamp or ""), default=None)
    return None if newest is None else newest.status.consumption


def asks(spec: PerfGateSpec, policy: str) -> bool:
    """Whether its runs measure for this QuotaPolicy."""
    return spec.quota is not None and spec.quota.policy == policy


def newest_consumed(runs: Iterable[PerfRun]) -> Consumed:
    """For the policy itself, between releases."""
    newest = last_measured(runs)
    return Consumed() if newest is None else consumed_of(newest)


def consumed_by(
    spec: PerfGateSpec,
    status: PerfRunStatus,
    found: ConsumptionEvidence | None,
    before: ConsumptionStatus | None,
) -> Consumed:
    """`before`: of the last known-good revision; None: nobody measured that."""
    if found is None:
        server = "spec.prometheus of the gate names no server"
        return Consumed(gap=server if spec.prometheus is None else "Prometheus was not asked in time")
    known = {} if before is None else consumed_of(before).figures
    return Consumed(
        figures={name: _beside(figure, known.get(name)) for name, figure in found.figures.items()},
        peaks=list(_peaks(status, found)),
        gap=found.gap.message if found.gap is not None else Consumed().gap,
    )


def _beside(figure: Figure, before: Figure | None) -> Figure:
    """Only what was counted alike can be compared."""
    alike = before is not None and before.series == figure.series
    return replace(figure, before=before.value) if alike and before is not None else figure


def _peaks(status: PerfRunStatus, found: ConsumptionEvidence) -> Iterator[RequestPeak]:
    """By the load profile that was played, and by the traffic of the last weeks."""
    load = status.resolved.load if status.resolved is not None else None
    if load is not None and load.peak is not None:
        yield request_peak(load.peak)
    if found.peak is not None:
        yield found.peak
