"""What the operator tells the pod that resets data by a call: JSON in an environment variable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

VARIABLE = "DEVPERFOPS_CALL"


def header_variable(number: int) -> str:
    """The variable that has the value of the header of that number, which may be secret."""
    return f"DEVPERFOPS_HEADER_{number}"


@dataclass(frozen=True, slots=True)
class Poll:
    """`contains`: empty: any answer of success will do."""

    url: str
    contains: str
    every_s: float


@dataclass(frozen=True, slots=True)
class Call:
    """`headers`: their names. `statuses`: empty: any from 200 to 299. `timeout_s`: for all of it."""

    url: str
    method: str
    headers: tuple[str, ...]
    body: str | None
    statuses: tuple[int, ...]
    timeout_s: float
    poll: Poll | None

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        raw = json.loads(text)
        poll = raw["poll"]
        return cls(
            **{
                **raw,
                "headers": tuple(raw["headers"]),
                "statuses": tuple(raw["statuses"]),
                "poll": None if poll is None else Poll(**poll),
            }
        )
