"""What followed, what is kept of it and who was told."""

from __future__ import annotations

from devperfops_operator.api.base import ApiModel, Name, Sentence, Timestamp, Word
from devperfops_operator.api.perfrun.words import ActionType, Phase


class PromotionStatus(ApiModel):
    """What is done with the gate's primary. `before`, `after`: hashes of its template, restarts left out."""

    name: Name
    uid: Word = ""
    before: Word = ""
    after: Word = ""
    patched_at: Timestamp | None = None


class ActionStatus(ApiModel):
    """What was decided to do, and, once `done_at` is set, that it happened."""

    type: ActionType
    reason: Word
    message: Sentence = ""
    to_revision: Word | None = None
    decided_at: Timestamp
    done_at: Timestamp | None = None
    primary: PromotionStatus | None = None


class RecordStatus(ApiModel):
    """What is kept of the measurements, for replays: a ControllerRevision that goes with the run."""

    name: Name
    kept_at: Timestamp | None = None
    message: Sentence | None = None  # why it could not be kept

    @property
    def settled(self) -> bool:
        """Whether it is kept, or cannot be."""
        return self.kept_at is not None or self.message is not None


class NotificationStatus(ApiModel):
    """One receiver that is to hear of the run's end; told at least once, or not within a day."""

    receiver: Word  # as in the operator's settings: slack, webhook
    sent_at: Timestamp | None = None
    message: Sentence | None = None  # why it could not be told yet


class TimelineEntry(ApiModel):
    """One coded step; each becomes one Kubernetes event."""

    at: Timestamp
    phase: Phase
    reason: Word
    message: Sentence
