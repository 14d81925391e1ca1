"""`metav1.Condition` bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from devperfops_operator.api.base import Condition, ConditionStatus, ConditionType

Told = tuple[ConditionType, ConditionStatus, str, str]
"""A condition's type and status, its reason and its message."""


def set_conditions(
    before: Iterable[Condition], told: Iterable[Told], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """What is told of that generation, keeping the transition time where the status does not change."""
    known = {condition.type: condition for condition in before}
    wanted = (
        Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            observed_generation=generation,
            last_transition_time=now,
        )
        for kind, status, reason, message in told
    )
    return tuple(_kept_time(known.get(condition.type), condition) for condition in wanted)


def _kept_time(before: Condition | None, condition: Condition) -> Condition:
    if before is None or before.status is not condition.status:
        return condition
    return condition.model_copy(update={"last_transition_time": before.last_transition_time})
