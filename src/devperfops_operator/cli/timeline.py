"""What is new since the last look: pure folding of statuses into lines of a timeline.

`Narrator` is fed every state of gates and runs that is seen, in any number, and gives each step once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from devperfops_operator.api.base import Condition, ConditionStatus, ConditionType
from devperfops_operator.api.perfgate import PerfGate
from devperfops_operator.api.perfrun import PerfRun, Phase


@dataclass(frozen=True, slots=True)
class Line:
    """One step. `phase` is None for a gate's."""

    at: datetime
    subject: str
    phase: Phase | None
    reason: str
    message: str


@dataclass(slots=True)
class Narrator:
    """Remembers what it has told."""

    _steps: dict[str, int] = field(default_factory=dict)  # lines told, by the run's uid
    _conditions: dict[str, frozenset[tuple[str, str, str]]] = field(default_factory=dict)  # by the gate's uid

    def run(self, run: PerfRun) -> list[Line]:
        """Steps of the run's timeline that were not told yet."""
        told = self._steps.get(run.metadata.uid, 0)
        entries = run.status.timeline[told:]
        self._steps[run.metadata.uid] = told + len(entries)
        return [Line(e.at, run.metadata.name, e.phase, e.reason, e.message) for e in entries]

    def gate(self, gate: PerfGate) -> list[Line]:
        """Changes of what the gate says of itself: that it is stalled, that it passed or did not."""
        conditions = {_key(each): each for each in _worth_telling(gate)}
        told = self._conditions.get(gate.metadata.uid, frozenset())
        self._conditions[gate.metadata.uid] = frozenset(conditions)
        return [
            Line(each.last_transition_time, gate.metadata.name, None, each.reason, each.message)
            for key, each in conditions.items()
            if key not in told
        ]

    def skip(self, run: PerfRun) -> None:
        """Take the run's steps so far as told."""
        self._steps[run.metadata.uid] = len(run.status.timeline)


def _worth_telling(gate: PerfGate) -> Iterator[Condition]:
    for each in gate.status.conditions:
        stalled = each.type is ConditionType.STALLED and each.status is ConditionStatus.TRUE
        if stalled or each.type is ConditionType.PASSED:
            yield each


def _key(condition: Condition) -> tuple[str, str, str]:
    return condition.type, condition.reason, condition.message
