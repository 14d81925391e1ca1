"""What an agent pushes each second, and what it is answered.

A *block* is one second of one worker's measurements: immutable, numbered in the order the JTL was read. It
closes at the first row with a later end second; rows that arrive late go to the open block. The operator
answers with the number of the next block it wants (0 after its own restart), so nothing is lost or counted twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self


class JMeterState(StrEnum):
    """What the agent sees of JMeter beside it."""

    WAITING = "Waiting"  # no sign of it yet
    RUNNING = "Running"  # jmeter.log tells that the test has begun
    ENDED = "Ended"


class LoadEnd(StrEnum):
    """How a worker's JMeter ended."""

    COMPLETED = "Completed"  # jmeter.log tells the end of the test
    STOPPED = "Stopped"  # likewise, after our stop
    DIED = "Died"  # it ended without telling so


@dataclass(slots=True)
class LabelStats:
    """Judged samples of one label (JMeter's sampler name) in one block.

    `over[i]` counts the samples that exceed threshold i of the brief; a failed sample exceeds every one.
    `censored_over[i]` counts samples that ended after our stop and were over threshold i by then: they are
    exceedances of i and nothing else (they are not in `samples`, `errors` or `histogram`).
    `histogram` maps a log-bucket index (see `wire.histogram`) to its count.
    """

    samples: int
    errors: int
    over: list[int]
    censored_over: list[int]
    histogram: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Block:
    """`second`: end second of its rows, Unix time. Rows before the judged window are only counted."""

    sequence: int
    second: int
    warmup_samples: int = 0
    warmup_errors: int = 0
    labels: dict[str, LabelStats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent with every push. Milliseconds are Unix time; None: no row yet."""

    jmeter: JMeterState
    rows: int
    first_start_ms: int | None
    last_end_ms: int | None


@dataclass(frozen=True, slots=True)
class Final:
    """The worker's last word: JMeter has ended and its JTL is read to the end. `blocks`: how many there are."""

    blocks: int
    rows: int
    errors: int
    end: LoadEnd
    truncated: bool


@dataclass(frozen=True, slots=True)
class Push:
    blocks: tuple[Block, ...]
    heartbeat: Heartbeat
    final: Final | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Raises ValueError, KeyError or TypeError on anything that is not a push (the server answers 400)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Reply:
    """`want`: sequence number of the next block wanted. `final_acknowledged`: totals are stored, the agent may end."""

    want: int
    stop: bool
    final_acknowledged: bool


@dataclass(frozen=True, slots=True)
class StartReply:
    """Answer to `prepare`: milliseconds until the common start; None: not yet, ask again."""

    start_in_ms: int | None


def blocks_path(namespace: str, run: str, worker: int) -> str:
    """POST a `Push`, get a `Reply`."""
    return f"/v1/runs/{namespace}/{run}/workers/{worker}/blocks"


def start_path(namespace: str, run: str, worker: int) -> str:
    """POST an empty object, get a `StartReply`."""
    return f"/v1/runs/{namespace}/{run}/workers/{worker}/start"
