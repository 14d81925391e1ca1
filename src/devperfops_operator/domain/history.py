"""What a gate keeps of its past: what exceeds its limit goes, oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from devperfops_operator.api.perfrun import PerfRun
from devperfops_operator.domain.effects import DeleteObject
from devperfops_operator.domain.manifests.snapshot import snapshot_name
from devperfops_operator.domain.observed import GateObserved, Snapshot
from devperfops_operator.domain.run import known_good, owed, snapshot_to_put_back

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_AT_ONCE: Final = 20  # the next ones follow when these are seen to be gone
_RETRY_REFUSED: Final = timedelta(minutes=10)


def surplus(observed: GateObserved, now: datetime) -> tuple[DeleteObject, ...]:
    """Ended runs and snapshots beyond `historyLimit`, oldest first, as far as nobody needs them.

    A refusal holds up nothing else; it is tried again now and then.
    """
    namespace = observed.gate.metadata.namespace
    runs = (run.metadata for run in _runs(observed, now))
    found = [
        *(DeleteObject("PerfRun", namespace, run.name, run.uid) for run in runs),
        *(DeleteObject("ControllerRevision", namespace, old.name, old.uid) for old in _snapshots(observed)),
    ]
    return tuple(effect for effect in found if not _refused_lately(observed, effect, now))[:_AT_ONCE]


def _runs(observed: GateObserved, now: datetime) -> Iterator[PerfRun]:
    current = observed.gate.status.run
    ended = sorted((run for run in observed.runs if run.status.phase.terminal), key=_end)
    for run in ended[: -observed.gate.spec.history_limit]:
        claimed = current is not None and current.name == run.metadata.name
        if not claimed and not owed(run.status, now) and run.metadata.deletion_timestamp is None:
            yield run


def _snapshots(observed: GateObserved) -> Iterator[Snapshot]:
    good, needed = known_good(observed.snapshots), frozenset(_needed(observed))
    by_age = sorted(observed.snapshots, key=lambda snapshot: snapshot.number)
    for snapshot in by_age[: -observed.gate.spec.history_limit]:
        is_good = good is not None and snapshot.name == good.name
        if not is_good and snapshot.name not in needed:
            yield snapshot


def _needed(observed: GateObserved) -> Iterator[str]:
    """Names of the snapshots runs under way judge or go back to, and of the one the gate's run judged."""
    current = observed.gate.status.run
    for run in observed.runs:
        under_way = not run.status.phase.terminal
        if under_way or (current is not None and current.name == run.metadata.name):
            yield snapshot_name(run.metadata)
        back_to = snapshot_to_put_back(observed.snapshots, run.status.action) if under_way else None
        if back_to is not None:
            yield back_to.name


def _end(run: PerfRun) -> tuple[datetime, str]:
    return run.status.completed_at or run.metadata.creation_timestamp or _BEGINNING, run.metadata.name


def _refused_lately(observed: GateObserved, effect: DeleteObject, now: datetime) -> bool:
    failure = observed.failures.get(effect.key)
    return failure is not None and failure.refused and now < failure.last + _RETRY_REFUSED
