"""What keeps the operator from doing what follows from a verdict."""

from __future__ import annotations

from typing import Final

from devperfops_operator.api.perfgate import Actions, Mode, OnFail, OnPass, PerfGate
from devperfops_operator.api.perfrun import ActionStatus, ActionType, PerfRunStatus, Verdict
from devperfops_operator.domain.override import override_of, sentence

OBSERVE_ONLY: Final = "ObserveOnly"


def on_fail(actions: Actions, git_owner: str | None) -> OnFail:
    """What a Fail brings. Whoever syncs the target with Git undoes a rollback, so that is to be asked for."""
    return actions.on_fail or (OnFail.ROLLBACK if git_owner is None else OnFail.HOLD)


def restrained(chosen: ActionStatus, gate: PerfGate, status: PerfRunStatus) -> ActionStatus:
    """The action chosen after a verdict, or a Hold instead."""
    override = override_of(gate, status.revision, chosen.decided_at)
    if override is not None and status.verdict is not Verdict.PASS:
        return _held(chosen, "Overridden", f"revision {status.revision} stands, {sentence(override)}")
    if chosen.type is ActionType.HOLD:
        return chosen
    if gate.spec.mode is Mode.OBSERVE:
        return _held(
            chosen, OBSERVE_ONLY, f"spec.mode is Observe; with Enforce {chosen.type}: {chosen.message}"
        )
    if status.verdict is Verdict.PASS and gate.spec.actions.on_pass is OnPass.HOLD:
        return _held(chosen, "HoldAsked", "spec.actions.onPass is Hold")
    return chosen


def _held(chosen: ActionStatus, reason: str, message: str) -> ActionStatus:
    return ActionStatus(type=ActionType.HOLD, reason=reason, message=message, decided_at=chosen.decided_at)
