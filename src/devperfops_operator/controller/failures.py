"""Effects that did not succeed, for the decisions to see. A cache: after a restart each is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from devperfops_operator.controller.keys import Key
from devperfops_operator.domain.errors import DevPerfOpsError, Refused
from devperfops_operator.domain.observed import EffectFailure

REMEMBERED: Final = timedelta(minutes=1)
"""How long a failure counts: quotas, rights and admission rules change, and nothing tells us."""


class Failures:
    def __init__(self) -> None:
        self._failures: dict[Key, dict[str, EffectFailure]] = {}

    def of(self, key: Key, now: datetime) -> Mapping[str, EffectFailure]:
        """By effect key."""
        known = self._failures.get(key, {})
        return {effect: failure for effect, failure in known.items() if now - failure.last < REMEMBERED}

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
