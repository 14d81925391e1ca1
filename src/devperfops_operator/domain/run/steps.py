"""Moving a run on: every step is a new status with one more coded line in its timeline."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from devperfops_operator.api.base import ConditionStatus, ConditionType
from devperfops_operator.api.perfrun import PerfRunStatus, Phase, TimelineEntry, Verdict
from devperfops_operator.domain.conditions import set_conditions
from devperfops_operator.domain.effects import RunDecision
from devperfops_operator.domain.judgement import Judgement
from devperfops_operator.domain.observed import EffectFailure, RunObserved


class Step(StrEnum):
    """Coded steps of a run that are no verdicts."""

    ACCEPTED = "Accepted"
    QUEUED = "Queued"
    LEFT_QUEUE = "LeftQueue"
    CONFIG_NOT_LOADED = "ConfigNotLoaded"
    ROLLOUT_COMPLETE = "RolloutComplete"
    SNAPSHOT_TAKEN = "SnapshotTaken"
    QUIESCED = "Quiesced"
    DATA_RESET = "DataReset"
    WORKERS_READY = "WorkersReady"
    LOAD_RUNNING = "LoadRunning"
    LOAD_ENDED = "LoadEnded"
    ENOUGH_EVIDENCE = "EnoughEvidence"
    EXTENDED = "Extended"
    NOT_EXTENDED = "NotExtended"
    WATCH_ENDED = "WatchEnded"
    PRIMARY_PATCHED = "PrimaryPatched"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    TRACES_LEFT = "TracesLeft"
    HELD = "Held"
    COMPLETED = "Completed"
    NEW_REVISION = "NewRevision"
    TARGET_RESTARTED = "TargetRestarted"
    CANCELLED = "Cancelled"
    GATE_CHANGED = "GateChanged"
    GATE_NOT_FOUND = "GateNotFound"


def step(status: PerfRunStatus, now: datetime, code: StrEnum, text: str, /, **changes: Any) -> PerfRunStatus:
    """`status` with `changes` and one more line of timeline."""
    entry = TimelineEntry(
        at=now, phase=changes.get("phase", status.phase), reason=code.value, message=text[:1024]
    )
    return status.model_copy(update={**changes, "timeline": (*status.timeline, entry)})


def entered(status: PerfRunStatus, phase: Phase) -> datetime | None:
    """When the run entered `phase`."""
    return next((entry.at for entry in status.timeline if entry.phase is phase), None)


def told(status: PerfRunStatus, reason: StrEnum) -> datetime | None:
    """When the timeline first told `reason`."""
    return next((entry.at for entry in status.timeline if entry.reason == reason.value), None)


def queues(status: PerfRunStatus) -> bool:
    """Whether the run waits for its turn: so the last line of its timeline says."""
    return bool(status.timeline) and status.timeline[-1].reason == Step.QUEUED.value


def refusal(observed: RunObserved, effect: str) -> EffectFailure | None:
    """How the API server refused the effect of that key; None: it did not."""
    failure = observed.failures.get(effect)
    return failure if failure is not None and failure.refused else None


def wait(observed: RunObserved, until: datetime) -> RunDecision:
    """Nothing to change; look again then, or when something happens."""
    return RunDecision(observed.run.status, requeue_at=until)


def to_acting(status: PerfRunStatus, judgement: Judgement, now: datetime, **changes: Any) -> PerfRunStatus:
    """The verdict is known and stored before anything is done about it."""
    return step(
        status,
        now,
        judgement.reason,
        judgement.message,
        phase=Phase.ACTING,
        verdict=judgement.verdict,
        reason=judgement.reason.value,
        message=judgement.message,
        **changes,
    )


def end(status: PerfRunStatus, now: datetime, phase: Phase, reason: StrEnum, message: str) -> PerfRunStatus:
    """To a terminal phase. A run that ends without a verdict takes its reason from the step."""
    said = {} if status.verdict is not None else {"reason": reason.value, "message": message}
    return step(status, now, reason, message, phase=phase, completed_at=now, **said)


def with_conditions(observed: RunObserved, status: PerfRunStatus, now: datetime) -> PerfRunStatus:
    """Conditions and observedGeneration, derived from the rest of the status in this one place."""
    generation = observed.run.metadata.generation
    wanted = {
        ConditionType.READY: _truth(status.phase.terminal),
        ConditionType.RECONCILING: _truth(not status.phase.terminal),
        ConditionType.STALLED: _truth(status.verdict is Verdict.ERROR),
        ConditionType.PASSED: _passed(status),
    }
    reason = status.reason or status.phase.value
    message = status.message or (status.timeline[-1].message if status.timeline else "")
    told = [(kind, truth, reason, message) for kind, truth in wanted.items()]
    return status.model_copy(
        update={
            "observed_generation": generation,
            "conditions": set_conditions(status.conditions, told, generation, now),
        }
    )


def _truth(value: bool) -> ConditionStatus:  # noqa: FBT001
    return ConditionStatus.TRUE if value else ConditionStatus.FALSE


def _passed(status: PerfRunStatus) -> ConditionStatus:
    if status.verdict is None:
        return ConditionStatus.UNKNOWN
    return _truth(status.verdict is Verdict.PASS)
