"""The pods under test, and what happened to them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Name, Sentence, Timestamp, Word

MAX_PODS = 100


class PodStatus(ApiModel):
    """A pod of the target as it was when the load began, and how often its containers had restarted."""

    name: Name
    restarts: int = 0


class TargetFinding(ApiModel):
    """Why a test of this target shows nothing."""

    reason: Word
    message: Sentence


class TargetStatus(ApiModel):
    """The target under test: what it was at first, and what became of it."""

    pods: Annotated[tuple[PodStatus, ...], Field(max_length=MAX_PODS)] = ()
    replicas: int  # that were ready when the judged time began
    fewest: int  # that were ready since
    short_since: Timestamp | None = None  # fewer are ready than at first
    short_ms: int = 0  # how long there were fewer before
    closed_at: Timestamp | None = None  # when its pods were looked at for the last time
    findings: Annotated[tuple[TargetFinding, ...], Field(max_length=8)] = ()
