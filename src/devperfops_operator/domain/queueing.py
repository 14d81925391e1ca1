"""Whose turn it is: two loads at a time in one place would disturb each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase
from devperfops_operator.domain.run.steps import queues

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_WAITING: Final = frozenset({Phase.PENDING, Phase.AWAITING_ROLLOUT})


class Lane(NamedTuple):
    """Where one load at a time runs.

    `namespace` is empty for an environment that namespaces share, `environment` for gates that name none.
    """

    namespace: str
    environment: str


def lane(namespace: str, gate: PerfGate | None, shared: frozenset[str]) -> Lane:
    """The lane of a gate's runs. `shared`: environments that are the same one in all namespaces."""
    environment = (gate.spec.environment if gate is not None else None) or ""
    return Lane("" if environment in shared else namespace, environment)


def blocked_by(run: PerfRun, others: Iterable[PerfRun]) -> str | None:
    """The run that must end before `run` may load; None: it may.

    `others` are the runs of the lane, `run` itself included or not. A run whose load has begun goes
    first, then of those that queue for it the oldest. A run that still awaits its rollout keeps nobody
    waiting.
    """
    if _begun(run):
        return None
    rivals = (other for other in others if other.metadata.uid != run.metadata.uid)
    ahead = [rival for rival in rivals if _begun(rival) or (_queues(rival) and _age(rival) < _age(run))]
    first = min(ahead, key=lambda rival: (not _begun(rival), _age(rival)), default=None)
    if first is None:
        return None
    here = first.metadata.namespace == run.metadata.namespace
    return first.metadata.name if here else f"{first.metadata.namespace}/{first.metadata.name}"


def next_up(runs: Iterable[PerfRun]) -> PerfRun | None:
    """Of a lane's runs the one whose turn is next, once no load goes on; None: nobody queues."""
    return min((run for run in runs if _queues(run)), key=_age, default=None)


def lets_others_begin(run: PerfRun) -> bool:
    """Whether this run, as it is now, keeps nobody waiting."""
    return not _begun(run) and not _queues(run)


def _begun(run: PerfRun) -> bool:
    """A run that only watches real users' traffic disturbs nobody."""
    if run.status.live is not None:
        return False
    if run.status.reset is not None:  # what it has scaled to zero is not back yet
        return True
    return not run.status.phase.terminal and run.status.phase not in _WAITING


def _queues(run: PerfRun) -> bool:
    return run.status.phase in _WAITING and queues(run.status)


def _age(run: PerfRun) -> tuple[datetime, str, str]:
    return run.metadata.creation_timestamp or _BEGINNING, run.metadata.name, run.metadata.namespace
