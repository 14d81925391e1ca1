"""What both resources share: naming, metadata, conditions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, ConfigDict, Field, PlainSerializer

from devperfops_operator.api.ruled import Ruled

GROUP: Final = "devperfops.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = "devperfops.io/v1alpha1"


def _to_rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    AwareDatetime,
    PlainSerializer(_to_rfc3339, return_type=str, when_used="json"),
    Field(json_schema_extra={"maxLength": 40}),
]
"""An instant; RFC 3339 in UTC with milliseconds on the wire."""


def _cut(limit: int) -> Callable[[str], str]:
    def cut(text: str) -> str:
        return text if len(text) <= limit else text[: limit - 1] + "…"

    return cut


Word = Annotated[str, Field(max_length=64)]
"""A coded reason or another short word of ours."""

Name = Annotated[str, Field(max_length=253)]
"""The name of an object."""

Line = Annotated[
    str,
    AfterValidator(_cut(256)),
    PlainSerializer(_cut(256)),  # also what a copy brought in, which is not validated
    Field(json_schema_extra={"maxLength": 256}),
]
"""A short text for people; cut to its limit, because it may quote others."""

Sentence = Annotated[
    str,
    AfterValidator(_cut(2048)),
    PlainSerializer(_cut(2048)),  # also what a copy brought in, which is not validated
    Field(json_schema_extra={"maxLength": 2048}),
]
"""A message for people; cut to its limit, because it may quote others."""


def _or_default(value: Any) -> Any:
    return {} if value is None else value


class ApiModel(Ruled):
    """What the API server keeps; it has refused what it does not know."""

    model_config = ConfigDict(extra="ignore")

    def to_json(self) -> dict[str, Any]:
        """The object as the API server stores it: camelCase, absent fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Read a stored object. Raises pydantic's ValidationError on a wrong type."""
        return cls.model_validate(raw)


class OwnerReference(ApiModel):
    """A `metav1.OwnerReference`."""

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
    finalizers: tuple[str, ...] = ()


class ConditionType(StrEnum):
    """The first three as kstatus knows them; the others are the business of gates."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    PASSED = "Passed"
    WITHIN_SLA = "WithinSLA"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(ApiModel):
    """A `metav1.Condition`."""

    type: ConditionType
    status: ConditionStatus
    reason: Word
    message: Sentence = ""
    observed_generation: Annotated[int, Field(ge=0)] = 0
    last_transition_time: Timestamp


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=8,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""At most one condition of each type."""
