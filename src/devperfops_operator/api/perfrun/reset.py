"""What a reset of data has changed and owes back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from devperfops_operator.api.base import ApiModel, Name, Sentence, Timestamp, Word
from devperfops_operator.api.data import WorkloadKind


class QuiescedStatus(ApiModel):
    """A workload that is scaled to zero for the reset, and how many replicas it had before."""

    kind: WorkloadKind
    name: Name
    replicas: int

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class ClaimStatus(ApiModel):
    """A PersistentVolumeClaim that is replaced: what the next one is to be, and the uid of the old one."""

    name: Name
    uid: Word
    snapshot: Name
    labels: Annotated[dict[str, Name], Field(max_length=64)] = Field(default_factory=dict)
    storage_class_name: Name | None = None
    access_modes: Annotated[tuple[Word, ...], Field(max_length=4)]
    volume_mode: Word | None = None
    storage: Word  # how much


class ResetStatus(ApiModel):
    """What the reset has changed and owes back, stored before it is changed."""

    workloads: Annotated[tuple[QuiescedStatus, ...], Field(max_length=8)]
    claim: ClaimStatus | None = None
    done_at: Timestamp | None = None  # when the data were there again
    problem: Sentence | None = None  # why it could not be given back yet
