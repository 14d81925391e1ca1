"""One run at a time in a namespace: two loads would disturb each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.api.perfrun import PerfRun, Phase

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)


def blocked_by(run: PerfRun, others: Iterable[PerfRun]) -> str | None:
    """The run that must end before `run` may begin; None: it may.

    `others` are the runs of the namespace, `run` itself included or not. First goes one that has begun, then
    the oldest, then the name decides.
    """
    if _begun(run):
        return None
    first = min(
        (
            other
            for other in others
            if not other.status.phase.terminal and other.metadata.uid != run.metadata.uid
        ),
        key=_place,
        default=None,
    )
    return first.metadata.name if first is not None and _place(first) < _place(run) else None


def _begun(run: PerfRun) -> bool:
    return run.status.phase is not Phase.PENDING


def _place(run: PerfRun) -> tuple[bool, datetime, str]:
    return not _begun(run), run.metadata.creation_timestamp or _BEGINNING, run.metadata.name
