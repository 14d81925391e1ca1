"""What the actions have in common: they are held, tried, and done once."""

from __future__ import annotations

from datetime import datetime, timedelta

from devperfops_operator.api.perfrun import ActionStatus, ActionType, PerfRunStatus, PromotionStatus
from devperfops_operator.domain.effects import Effect, RunDecision
from devperfops_operator.domain.observed import EffectFailure, RunObserved, Snapshot
from devperfops_operator.domain.run.steps import Step, step

_LOOK_AGAIN = timedelta(seconds=1)
_ATTEMPTS = 4
_BACK_OFF = timedelta(seconds=2)
_DOUBLINGS = 5  # so that the longest is a minute


def known_good(snapshots: tuple[Snapshot, ...]) -> Snapshot | None:
    """The last revision that passed or was adopted."""
    good = [snapshot for snapshot in snapshots if snapshot.known_good]
    return max(good, key=lambda snapshot: snapshot.number, default=None)


def hold(reason: str, message: str, now: datetime, primary: PromotionStatus | None = None) -> ActionStatus:
    """`primary`: the one that should have been promoted to."""
    return ActionStatus(type=ActionType.HOLD, reason=reason, message=message, decided_at=now, primary=primary)


def attempt(observed: RunObserved, status: PerfRunStatus, effect: Effect, now: datetime) -> RunDecision:
    """Once more, with patience; a refusal that stays ends as Hold with the refuser's own words."""
    refusal = refused(observed, effect)
    if refusal is not None:
        primary = status.action.primary if status.action is not None else None
        message = f"tried {refusal.attempts} times: {refusal.message}"[:1024]
        held = hold(f"{effect.key}Refused", message, now, primary)
        return RunDecision(status.model_copy(update={"action": held}))
    failure = observed.failures.get(effect.key)
    if failure is not None:
        again = failure.last + _BACK_OFF * 2 ** min(failure.attempts - 1, _DOUBLINGS)
        if now < again:
            return RunDecision(status, requeue_at=again)
    return RunDecision(status, (effect,), requeue_at=now + _LOOK_AGAIN)


def refused(observed: RunObserved, effect: Effect) -> EffectFailure | None:
    """How it was refused so often that it is not tried again; None: it may still succeed."""
    failure = observed.failures.get(effect.key)
    return failure if failure is not None and failure.refused and failure.attempts >= _ATTEMPTS else None


def done(status: PerfRunStatus, action: ActionStatus, code: Step, now: datetime) -> PerfRunStatus:
    finished = action.model_copy(update={"done_at": now})
    text = f"{action.reason}: {action.message}" if code is Step.HELD else action.message
    return step(status, now, code, text, action=finished)
