"""What the operator tells a worker's pod when it makes it: one JSON document in an environment variable."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Self

VARIABLE = "DEVPERFOPS_BRIEF"
TOKEN_AUDIENCE = "devperfops"  # noqa: S105  the audience's name, not a secret


@dataclass(frozen=True, slots=True)
class Threshold:
    """A latency limit whose exceedances the agent counts exactly.

    `inclusive`: an elapsed time equal to the limit exceeds it (objective `< limit`);
    otherwise only a longer one does (objective `<= limit`).
    """

    elapsed_ms: int
    inclusive: bool

    def exceeded_by(self, elapsed_ms: int) -> bool:
        return elapsed_ms >= self.elapsed_ms if self.inclusive else elapsed_ms > self.elapsed_ms


@dataclass(frozen=True, slots=True)
class Brief:
    """A worker's orders. `properties` become JMeter's `-q` file; durations in milliseconds."""

    namespace: str
    run: str
    run_uid: str
    worker: int
    operator_url: str
    ramp_up_ms: int
    duration_ms: int
    thresholds: tuple[Threshold, ...]
    properties: dict[str, str]

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        raw = json.loads(text)
        raw["thresholds"] = tuple(Threshold(**threshold) for threshold in raw["thresholds"])
        return cls(**raw)
