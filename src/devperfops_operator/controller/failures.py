"""Effects that did not succeed, for the decisions to see. A cache: after a restart each is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from devperfops_operator.controller.keys import Key
from devperfops_operator.domain.errors import DevPerfOpsError, Refused
from devperfops_operator.domain.observed import EffectFailure


class Failures:
    def __init__(self) -> None:
        self._failures: dict[Key, dict[str, EffectFailure]] = {}

    def of(self, key: Key) -> Mapping[str, EffectFailure]:
        """By effect key; when to try again is the decision's business."""
        return dict(self._failures.get(key, {}))

    def record(self, key: Key, effect: str, error: DevPerfOpsError, now: datetime) -> None:
        before = self._failures.setdefault(key, {}).get(effect)
        self._failures[key][effect] = EffectFailure(
            refused=isinstance(error, Refused),
            message=str(error),
            attempts=1 + (before.attempts if before is not None else 0),
            last=now,
        )

    def clear(self, key: Key, effect: str) -> None:
        self._failures.get(key, {}).pop(effect, None)

    def forget(self, key: Key) -> None:
        self._failures.pop(key, None)
