"""What keeps the operator from doing what follows from a verdict."""

from __future__ import annotations

from typing import Final

from devperfops_operator.api.perfgate import Mode, OnPass, PerfGate
from devperfops_operator.api.perfrun import ActionStatus, ActionType, PerfRunStatus, Verdict
from devperfops_operator.domain.override import override_of, sentence

OBSERVE_ONLY: Final = "ObserveOnly"


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
