"""Whose turn it is: two loads at a time in one namespace would disturb each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.domain.run.steps import queues

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_WAITING: Final = frozenset({Phase.PENDING, Phase.AWAITING_ROLLOUT})


def blocked_by(run: PerfRun, others: Iterable[PerfRun]) -> str | None:
    """The run that must end before `run` may load; None: it may.

    `others` are the runs of the namespace, `run` itself included or not. A run whose load has begun goes
    first, then of those that queue for it the oldest. A run that still awaits its rollout keeps nobody
    waiting.
    """
    if _begun(run):
        return None
    rivals = (other for other in others if other.metadata.uid != run.metadata.uid)
    ahead = [rival for rival in rivals if _begun(rival) or (_queues(rival) and _age(rival) < _age(run))]
    first = min(ahead, key=lambda rival: (not _begun(rival), _age(rival)), default=None)
    return None if first is None else first.metadata.name


def _begun(run: PerfRun) -> bool:
    return not run.status.phase.terminal and run.status.phase not in _WAITING


def _queues(run: PerfRun) -> bool:
    return run.status.phase in _WAITING and queues(run.status)


def _age(run: PerfRun) -> tuple[datetime, str]:
    return run.metadata.creation_timestamp or _BEGINNING, run.metadata.name
