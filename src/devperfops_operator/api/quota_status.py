"""A quota policy as the cluster keeps it, and what the operator writes into its status."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Conditions, Line, ObjectMeta, Sentence, Timestamp, Word
from devperfops_operator.api.perfrun import NotificationStatus

KIND = "QuotaPolicy"


class QuotaCounts(ApiModel):
    """How many rows of the comparison there are of each answer."""

    passed: int = 0
    warnings: int = 0
    regressions: int = 0  # without those waived
    waived: int = 0
    errors: int = 0


class QuotaRow(ApiModel):
    """One row of the comparison. Amounts are as people read them; absent: there is none to tell."""

    rule: Word
    verdict: Word
    metric: Line  # with its service and dimensions
    asked: Line | None = None
    granted: Line | None = None
    cause: Sentence
    remedy: Sentence | None = None


class AlertStatus(ApiModel):
    """The last answer that somebody was to be told of."""

    answer: Line
    at: Timestamp
    notifications: Annotated[tuple[NotificationStatus, ...], Field(max_length=8)] = ()


class QuotaPolicyStatus(ApiModel):
    """How the last check came out. It is written when the answer changes, and every half interval."""

    observed_generation: int = 0
    conditions: Conditions = ()
    counts: QuotaCounts | None = None
    worst: QuotaRow | None = None
    checked_at: Timestamp | None = None  # at least
    alert: AlertStatus | None = None
    headroom: Word | None = None
    """(granted - asked) / asked of the row that has the least; absent: no two amounts were compared."""


class StoredQuotaPolicy(ApiModel):
    """`spec` as stored: it is read like a file, so that both are judged by the same words."""

    metadata: ObjectMeta
    spec: dict[str, Any]
    status: QuotaPolicyStatus = QuotaPolicyStatus()
