"""Why a worker's pod cannot load, as its termination message tells the operator."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

_LARGEST: Final = 600  # characters: the kubelet keeps 4,096 bytes of a termination message


class RefusalReason(StrEnum):
    """Reasons of a run that only its pod can find."""

    PLAN_NOT_FOUND = "PlanNotFound"
    PLAN_INVALID = "PlanInvalid"
    DATA_NOT_FOUND = "DataNotFound"
    DATA_INVALID = "DataInvalid"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105  a reason
    SECRET_INVALID = "SecretInvalid"  # noqa: S105  a reason
    PLUGINS_NOT_FOUND = "PluginsNotFound"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A coded reason and the sentence that goes with it."""

    reason: RefusalReason
    message: str

    def to_json(self) -> str:
        document = {"reason": self.reason, "message": self.message[:_LARGEST]}
        return json.dumps(document, ensure_ascii=False)  # an escape may be 12 bytes for a letter

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError: it is another program's message."""
        try:
            raw = json.loads(text)
            return cls(RefusalReason(raw["reason"]), str(raw["message"])[:_LARGEST])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError("the message is not the agent's") from error
