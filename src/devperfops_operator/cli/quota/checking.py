"""A policy, checked now."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from devperfops_operator.cli.errors import Trouble
from devperfops_operator.cli.quota.consumption import taken_by
from devperfops_operator.cli.quota.environments import readings
from devperfops_operator.cli.quota.policy import Asked
from devperfops_operator.cli.quota.snapshots import read_snapshot
from devperfops_operator.cli.render.quota.shown import Shown
from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.consumption import Consumed
from devperfops_operator.domain.quota.entry import Reading


def consumed_in(report: Path | None) -> Consumed:
    """Of a run's report; without one it is a gap. Raises Trouble."""
    return Consumed(gap="no report of a run was given: --report") if report is None else taken_by(report)


def checked(asked: Asked, snapshot: Path | None, consumed: Consumed) -> Shown:
    """Raises Trouble for files; what an API refuses is in the answer."""
    now = datetime.now(UTC)
    spec = asked.policy.spec
    approved = _approved(snapshot, asked) if snapshot else None
    peaks = asked.peaks()
    baseline, serving = readings(asked, now)
    observed = Observed(baseline, serving, peaks, approved, asked.waivers, consumed)
    return Shown(
        policy=asked.policy.metadata.name,
        file=str(asked.file),
        mode=spec.mode,
        baseline=spec.baseline.name,
        serving=spec.serving.name,
        at=now,
        report=check(asked.terms, observed, now),
    )


def _approved(file: Path, asked: Asked) -> Reading:
    """Serving in the snapshot. Raises Trouble if it is of another environment."""
    taken = read_snapshot(file)
    wanted = asked.policy.spec.serving.name
    if taken.serving.name != wanted:
        raise Trouble(
            f"{file} is a snapshot of {taken.serving.name}, not of {wanted}; take one of this policy."
        )
    return taken.serving
