"""`metav1.Condition` bookkeeping."""

from __future__ import annotations

from collections.abc import Iterable

from devperfops_operator.api.base import Condition


def set_conditions(before: Iterable[Condition], wanted: Iterable[Condition]) -> tuple[Condition, ...]:
    """`wanted`, keeping the transition time of every condition whose status does not change."""
    known = {condition.type: condition for condition in before}
    return tuple(_kept_time(known.get(condition.type), condition) for condition in wanted)


def _kept_time(before: Condition | None, condition: Condition) -> Condition:
    if before is None or before.status is not condition.status:
        return condition
    return condition.model_copy(update={"last_transition_time": before.last_transition_time})
