"""How far a run is, what it found, why it began and what follows."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """How far a run is; the last three are final."""

    PENDING = "Pending"
    AWAITING_ROLLOUT = "AwaitingRollout"
    PREPARING = "Preparing"
    RESETTING_DATA = "ResettingData"
    STARTING = "Starting"
    RUNNING = "Running"
    JUDGING = "Judging"
    ACTING = "Acting"
    COMPLETED = "Completed"
    SUPERSEDED = "Superseded"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Nothing follows."""
        return self in {Phase.COMPLETED, Phase.SUPERSEDED, Phase.CANCELLED}


class Verdict(StrEnum):
    """Only Pass opens a gate. Inconclusive: not enough evidence. Error: could not be tested."""

    PASS = "Pass"  # noqa: S105  not a password
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"


class Trigger(StrEnum):
    """Why a run began."""

    ROLLOUT = "Rollout"
    MANUAL = "Manual"


class ActionType(StrEnum):
    """What follows a verdict."""

    PROMOTE = "Promote"
    ROLLBACK = "Rollback"
    HOLD = "Hold"
