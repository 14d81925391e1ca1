"""Revisions that failed and come back as they were: they are turned away without load, once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.api.perfrun import PerfRun, Trigger, Verdict
from devperfops_operator.domain.verdict import Reason

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rejection:
    """`because`: which run failed it, and why. `turned_away`: whether it came back since."""

    because: str
    turned_away: bool


def rejection(runs: Iterable[PerfRun], revision: str, criteria: str) -> Rejection | None:
    """What the runs of a gate say against a revision.

    None: it has not failed by these criteria, or it has passed since. A Pass counts whoever asked for the
    run, a Fail only in a run of the operator's own.
    """
    about = [run for run in runs if _judges(run, revision, criteria)]
    last_pass = max((_ended(run) for run in about if run.status.verdict is Verdict.PASS), default=_NEVER)
    failed = sorted((run for run in about if _ended(run) > last_pass and _fails(run)), key=_ended)
    if not failed:
        return None
    tests = [run for run in failed if run.status.reason != Reason.REVISION_REJECTED]
    told = tests[-1] if tests else failed[0]  # its test may be forgotten history
    said = told.status.message or told.status.reason
    because = f"revision {revision} failed in {told.metadata.name}: {said}" if tests else f"{said}"
    return Rejection(because=because, turned_away=len(failed) > len(tests))


def _judges(run: PerfRun, revision: str, criteria: str) -> bool:
    """An ended run without criteria, from an older operator, keeps its verdict."""
    status = run.status
    ended = status.phase.terminal and status.revision == revision
    return ended and status.criteria_hash in {None, criteria}


def _fails(run: PerfRun) -> bool:
    return run.status.verdict is Verdict.FAIL and run.status.trigger is not Trigger.MANUAL


def _ended(run: PerfRun) -> datetime:
    return run.status.completed_at or _NEVER
