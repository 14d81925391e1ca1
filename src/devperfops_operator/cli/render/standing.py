"""Where a gate stands, from its conditions. Pure."""

from __future__ import annotations

from devperfops_operator.api.base import Condition, ConditionStatus, ConditionType
from devperfops_operator.api.perfgate import PerfGate


def condition_of(gate: PerfGate, kind: ConditionType) -> Condition | None:
    return next((each for each in gate.status.conditions if each.type is kind), None)


def standing(gate: PerfGate) -> tuple[str, str]:
    """Where a gate stands, in a word or two, and the style of it."""
    stalled, passed = condition_of(gate, ConditionType.STALLED), condition_of(gate, ConditionType.PASSED)
    if stalled is not None and stalled.status is ConditionStatus.TRUE:
        return f"Stalled ({stalled.reason})", "bold magenta"
    if passed is None:
        return "not seen by the operator yet", "yellow"
    match passed.status:
        case ConditionStatus.TRUE:
            return "Passed", "green"
        case ConditionStatus.FALSE:
            return f"Not passed ({passed.reason})", "bold red"
        case ConditionStatus.UNKNOWN:
            return f"Undecided ({passed.reason})", "yellow"


def primary_standing(gate: PerfGate) -> str:
    """What the Deployment it promotes to runs, and how its rollout is."""
    primary = gate.status.primary
    if primary is None:
        return "not seen by the operator yet"
    runs = f"revision {primary.revision}" if primary.revision else "a template this gate has not promoted"
    return f"runs {runs}; {primary.message}"
