"""What an agent pushes each second, and what it is answered.

A *block* is one second of one worker's measurements: immutable, numbered in the order the JTL was read. It
closes at the first row with a later end second; rows that arrive late go to the open block. The operator
answers with the number of the next block it wants (0 after its own restart), so nothing is lost or counted
twice.

Whatever comes in is checked: wrong types, numbers out of range and anything too large raise ValueError with
the place and what it should be. An agent may be of the operator's previous or next version: heartbeats and
last words may lack what came later, and may have more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

from devperfops_operator.wire import decode
from devperfops_operator.wire.histogram import BUCKETS
from devperfops_operator.wire.hosts import HOST_LENGTH, HOSTS
from devperfops_operator.wire.kept_plan import KeptPlan
from devperfops_operator.wire.threads import Held
from devperfops_operator.wire.wakes import Wakes

LABELS = 1_000
"""Different labels a worker tells apart; the rest is `OTHER`."""
OTHER = "(other)"
LABEL_LENGTH = 200
"""Characters kept of a label."""
THRESHOLDS = 100
TRANSACTIONS = 100
"""Labels that objectives may name: those are told apart whatever their number."""
BLOCKS_PER_PUSH = 1_000
LEVELS = 10
"""Rates that a load may have one after the other."""
RUN_UID_HEADER = "Devperfops-Run-Uid"
"""Sent with every request: a run that is deleted and made again has the old one's name, not its uid."""


_STATS = ("samples", "errors", "over", "censored_over", "histogram", "failed")


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


class Fault(StrEnum):
    """What a worker's agent found wrong with its node: the results are not to be trusted from then on."""

    DISK_FULL = "DiskFull"  # JMeter could not write results
    CLOCK_STEPPED = "ClockStepped"  # results have times of two clocks


@dataclass(slots=True)
class LabelStats:
    """Judged samples of one label (JMeter's sampler name) in one block.

    `over[i]` counts the samples that exceed threshold i of the brief; a failed sample exceeds every one.
    `censored_over[i]` counts samples that ended after our stop and were over threshold i by then: they are
    exceedances of i and nothing else (they are not in `samples`, `errors` or `histogram`).
    `histogram` maps a log-bucket index (see `wire.histogram`) to its count; `failed` those of `errors` alone.
    """

    samples: int
    errors: int
    over: list[int]
    censored_over: list[int]
    histogram: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "samples": self.samples,
            "errors": self.errors,
            "over": self.over,
            "censored_over": self.censored_over,
            "histogram": {str(bucket): count for bucket, count in self.histogram.items()},
            "failed": {str(bucket): count for bucket, count in self.failed.items()},
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        stats = decode.record(raw, "label", _STATS)
        samples = decode.count(stats["samples"], "samples")
        over = _counts(stats["over"], "over")
        censored = _counts(stats["censored_over"], "censored_over")
        histogram, failed = (_histogram(stats[name], name) for name in ("histogram", "failed"))
        errors = decode.count(stats["errors"], "errors", at_most=min([samples, *over]))
        if len(over) != len(censored):
            raise ValueError("over and censored_over must be of equal length")
        if max(over, default=0) > samples:
            raise ValueError("over must not count more than samples")
        if sum(histogram.values()) != samples:
            raise ValueError("the histogram must count as many as samples")
        if sum(failed.values()) != errors:
            raise ValueError("failed must count as many as errors")
        if any(count > histogram.get(bucket, 0) for bucket, count in failed.items()):
            raise ValueError("failed must not count more than the histogram")
        return cls(samples, errors, over, censored, histogram, failed)


@dataclass(slots=True)
class Block:
    """`second`: end second of its rows, Unix time. Rows before the judged window are only counted.

    `controllers`: rows of Transaction Controllers an objective names, which sum up requests that `labels` has
    already; they are counted nowhere else. `level`: of the load's shape, when the rows began.
    """

    sequence: int
    second: int
    warmup_samples: int = 0
    warmup_errors: int = 0
    labels: dict[str, LabelStats] = field(default_factory=dict)
    controllers: dict[str, LabelStats] = field(default_factory=dict)
    level: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "sequence": self.sequence,
            "second": self.second,
            "level": self.level,
            "warmup_samples": self.warmup_samples,
            "warmup_errors": self.warmup_errors,
            "labels": {label: stats.to_json() for label, stats in self.labels.items()},
            "controllers": {label: stats.to_json() for label, stats in self.controllers.items()},
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        block = decode.grown(
            raw,
            "block",
            ("sequence", "second", "warmup_samples", "warmup_errors", "labels", "controllers"),
            ("level",),
        )
        warmup = decode.count(block["warmup_samples"], "warmup_samples")
        return cls(
            sequence=decode.count(block["sequence"], "sequence"),
            second=decode.count(block["second"], "second"),
            warmup_samples=warmup,
            warmup_errors=decode.count(block["warmup_errors"], "warmup_errors", at_most=warmup),
            labels=_labels(block["labels"], "labels", at_most=LABELS + 1),
            controllers=_labels(block["controllers"], "controllers", at_most=TRANSACTIONS),
            level=decode.count(block["level"] or 0, "level", at_most=LEVELS - 1),
        )


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent with every push. Milliseconds are Unix time; None: no row yet.

    `hosts`: judged samples by where they went, as far as they tell. `wakes`: None where no latency is judged.
    """

    jmeter: JMeterState
    rows: int
    first_start_ms: int | None
    last_end_ms: int | None
    fault: Fault | None = None
    hosts: Mapping[str, int] = field(default_factory=dict)
    wakes: Wakes | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "jmeter": self.jmeter.value,
            "rows": self.rows,
            "first_start_ms": self.first_start_ms,
            "last_end_ms": self.last_end_ms,
            "fault": self.fault.value if self.fault is not None else None,
            "hosts": dict(self.hosts),
            "wakes": self.wakes.to_json() if self.wakes is not None else None,
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        fields = ("jmeter", "rows", "first_start_ms", "last_end_ms", "fault")
        beat = decode.grown(raw, "heartbeat", fields, ("hosts", "wakes"))
        fault = beat["fault"]
        return cls(
            jmeter=decode.member(beat["jmeter"], "jmeter", JMeterState),
            rows=decode.count(beat["rows"], "rows"),
            first_start_ms=decode.optional_count(beat["first_start_ms"], "first_start_ms"),
            last_end_ms=decode.optional_count(beat["last_end_ms"], "last_end_ms"),
            fault=decode.member(fault, "fault", Fault) if fault is not None else None,
            hosts=_hosts(beat["hosts"] or {}),
            wakes=Wakes.from_json(beat["wakes"]) if beat["wakes"] is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Final:
    """The worker's last word: JMeter has ended and its JTL is read to the end.

    `blocks`: how many there are. `rows`: all sampler rows; `errors`: failed ones that ended before our stop.
    `truncated`: the JTL's last line is cut, or some line of it is damaged. `ran_ms`: from begin to end of
    JMeter's test by its log; None: that does not say. `held`: requests held back for want of a thread, of a
    load with a rate. `plan`: what JMeter played; the first worker's has its bytes.
    `held_above`: likewise, at each level of the load's shape above the first.
    """

    blocks: int
    rows: int
    errors: int
    end: LoadEnd
    truncated: bool
    ran_ms: int | None = None
    held: Held | None = None
    plan: KeptPlan | None = None
    held_above: tuple[Held, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "blocks": self.blocks,
            "rows": self.rows,
            "errors": self.errors,
            "end": self.end.value,
            "truncated": self.truncated,
            "ran_ms": self.ran_ms,
            "held": self.held.to_json() if self.held is not None else None,
            "plan": self.plan.to_json() if self.plan is not None else None,
            "held_above": [held.to_json() for held in self.held_above],
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        fields = ("blocks", "rows", "errors", "end", "truncated")
        final = decode.grown(raw, "final", fields, ("ran_ms", "held", "plan", "held_above"))
        rows = decode.count(final["rows"], "rows")
        return cls(
            blocks=decode.count(final["blocks"], "blocks"),
            rows=rows,
            errors=decode.count(final["errors"], "errors", at_most=rows),
            end=decode.member(final["end"], "end", LoadEnd),
            truncated=decode.truth(final["truncated"], "truncated"),
            ran_ms=decode.optional_count(final["ran_ms"], "ran_ms"),
            held=Held.from_json(final["held"]) if final["held"] is not None else None,
            plan=KeptPlan.from_json(final["plan"]) if final["plan"] is not None else None,
            held_above=tuple(
                Held.from_json(held)
                for held in decode.sequence(final["held_above"] or [], "held_above", at_most=LEVELS)
            ),
        )


@dataclass(frozen=True, slots=True)
class Push:
    """Blocks with consecutive numbers, possibly none."""

    blocks: tuple[Block, ...]
    heartbeat: Heartbeat
    final: Final | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "blocks": [block.to_json() for block in self.blocks],
            "heartbeat": self.heartbeat.to_json(),
            "final": self.final.to_json() if self.final is not None else None,
        }

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Raises ValueError on anything that is not a push (the server answers 400)."""
        push = decode.record(raw, "push", ("blocks", "heartbeat", "final"))
        blocks = tuple(
            Block.from_json(block)
            for block in decode.sequence(push["blocks"], "blocks", at_most=BLOCKS_PER_PUSH)
        )
        if any(later.sequence != earlier.sequence + 1 for earlier, later in pairwise(blocks)):
            raise ValueError("blocks must be numbered consecutively")
        final = push["final"]
        return cls(
            blocks=blocks,
            heartbeat=Heartbeat.from_json(push["heartbeat"]),
            final=Final.from_json(final) if final is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """The operator's answer to a push.

    `want`: sequence number of the next block wanted. `final_acknowledged`: totals are stored, the agent may
    end.
    """

    want: int
    stop: bool
    final_acknowledged: bool

    def to_json(self) -> dict[str, Any]:
        return {"want": self.want, "stop": self.stop, "final_acknowledged": self.final_acknowledged}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Raises ValueError on anything that is not a reply."""
        reply = decode.record(raw, "reply", ("want", "stop", "final_acknowledged"))
        return cls(
            want=decode.count(reply["want"], "want"),
            stop=decode.truth(reply["stop"], "stop"),
            final_acknowledged=decode.truth(reply["final_acknowledged"], "final_acknowledged"),
        )


@dataclass(frozen=True, slots=True)
class StartReply:
    """Answer to `prepare`: milliseconds until the common start; None: not yet, ask again."""

    start_in_ms: int | None

    def to_json(self) -> dict[str, Any]:
        return {"start_in_ms": self.start_in_ms}

    @classmethod
    def from_json(cls, raw: Any) -> Self:
        """Raises ValueError on anything that is not an answer to `prepare`."""
        reply = decode.record(raw, "start", ("start_in_ms",))
        return cls(decode.optional_count(reply["start_in_ms"], "start_in_ms"))


def blocks_path(namespace: str, run: str, worker: int) -> str:
    """POST a `Push`, get a `Reply`."""
    return f"/v1/runs/{namespace}/{run}/workers/{worker}/blocks"


def start_path(namespace: str, run: str, worker: int) -> str:
    """POST an empty object, get a `StartReply`."""
    return f"/v1/runs/{namespace}/{run}/workers/{worker}/start"


def _labels(raw: Any, place: str, *, at_most: int) -> dict[str, LabelStats]:
    return {
        decode.text(label, "label", at_most=LABEL_LENGTH): LabelStats.from_json(stats)
        for label, stats in decode.mapping(raw, place, at_most=at_most).items()
    }


def _hosts(raw: Any) -> dict[str, int]:
    """The target, others, and the rest."""
    return {
        decode.text(host, "host", at_most=HOST_LENGTH): decode.count(samples, "hosts")
        for host, samples in decode.mapping(raw, "hosts", at_most=HOSTS + 2).items()
    }


def _counts(raw: Any, place: str) -> list[int]:
    return [decode.count(each, place) for each in decode.sequence(raw, place, at_most=THRESHOLDS)]


def _histogram(raw: Any, place: str) -> dict[int, int]:
    counts = decode.mapping(raw, place, at_most=BUCKETS)
    return {_bucket(index, place): decode.count(count, place) for index, count in counts.items()}


def _bucket(text: str, place: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(BUCKETS)) and int(text) < BUCKETS):
        raise ValueError(f"{place}: a bucket must be a number from 0 to {BUCKETS - 1}, not {text[:20]!r}")
    return int(text)
