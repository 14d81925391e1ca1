"""What both resources share: naming, metadata, conditions."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

GROUP: Final = "devperfops.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "devperfops.io/v1alpha1"


def _to_rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_to_rfc3339, return_type=str, when_used="json")]
"""An instant; RFC 3339 in UTC with milliseconds on the wire."""


def _or_default(value: Any) -> Any:
    return {} if value is None else value


class ApiModel(BaseModel):
    """camelCase on the wire, immutable in memory."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    def to_json(self) -> dict[str, Any]:
        """The object as the API server stores it: camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        return cls.model_validate(raw)


class OwnerReference(ApiModel):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(ApiModel):
    """The part of `metadata` the operator reads."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: Annotated[dict[str, str], BeforeValidator(_or_default)] = Field(default_factory=dict)
    annotations: Annotated[dict[str, str], BeforeValidator(_or_default)] = Field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()


class ConditionType(StrEnum):
    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    PASSED = "Passed"


class ConditionStatus(StrEnum):
    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """A `metav1.Condition`."""

    type: ConditionType
    status: ConditionStatus
    reason: Annotated[str, Field(max_length=64)]
    message: Annotated[str, Field(max_length=2048)] = ""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: Timestamp
