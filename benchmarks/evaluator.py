"""What a step of the evaluator takes: a second of each worker in, the evidence out. And its memory."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from benchmarks.figures import MIB, Row, percentile
from devperfops_operator.api.perfgate import PerfGateSpec
from devperfops_operator.domain.objectives import RunPlan
from devperfops_operator.domain.plan import resolve_load
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.wire.histogram import bucket_of
from devperfops_operator.wire.measurement import Block, Heartbeat, JMeterState, LabelStats, Push

_RUN: Final = "run"
_WORKERS: Final = 4
_SAMPLES: Final = 5  # of each label and second
_MANY: Final = 2_500  # likewise, of a load that is as much as a few machines make
_RATE_BAR: Final = 10e6  # samples a second
_STEP_BAR: Final = 10.0  # ms
_MEMORY_BAR: Final = 2.0  # MiB
_USUAL: Final = 20  # labels of a run whose memory is taken
_BEGIN: Final = 1_764_000_000


def measure(labels: int, seconds: int) -> list[Row]:
    steps, memory = _steps(labels, _SAMPLES, seconds), _memory(_USUAL, seconds)
    middle = percentile(steps, 0.5)
    heavy = percentile(_steps(_USUAL, _MANY, seconds), 0.5)
    samples = _USUAL * _WORKERS * _MANY
    rate = samples / (heavy / 1000)
    who = f"{_WORKERS} workers, 3 objectives"
    return [
        Row(
            f"a step of {labels:,} labels x {who}",
            f"p50 {middle:.1f} ms, p95 {percentile(steps, 0.95):.1f} ms of processor (n = {len(steps)})",
            f"<= {_STEP_BAR:.0f} ms",
            middle <= _STEP_BAR,
        ),
        Row(
            f"samples into histograms and evidence: {samples:,} of {_USUAL} labels a step",
            f"{rate / 1e6:.0f} M/s of one core (p50 {heavy:.1f} ms)",
            f">= {_RATE_BAR / 1e6:.0f} M/s",
            rate >= _RATE_BAR,
        ),
        Row(
            f"memory of a run of {_USUAL} labels x {who}, after {seconds} s",
            f"{memory:.2f} MiB",
            f"<= {_MEMORY_BAR:.0f} MiB",
            memory <= _MEMORY_BAR,
            "Argo Rollouts: about 1 MB each",
        ),
    ]


def _steps(labels: int, samples: int, seconds: int) -> list[float]:
    """Milliseconds of processor time, each."""
    store = _opened()
    taken = []
    for second in range(seconds):
        pushes = [_push(second, labels, samples) for _ in range(_WORKERS)]
        began = time.process_time()
        _step(store, pushes)
        taken.append((time.process_time() - began) * 1000)
    return taken


def _memory(labels: int, seconds: int) -> float:
    """MiB that the store has taken."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        store = _opened()
        for second in range(seconds):
            _step(store, [_push(second, labels, _SAMPLES) for _ in range(_WORKERS)])
        return (tracemalloc.get_traced_memory()[0] - before) / MIB
    finally:
        tracemalloc.stop()


def _opened() -> EvidenceStore:
    store = EvidenceStore()
    store.open(_RUN, _plan())
    return store


def _step(store: EvidenceStore, pushes: list[Push]) -> None:
    now = datetime.now(UTC)
    for worker, push in enumerate(pushes):
        store.accept(_RUN, worker, push, now)
    store.view(_RUN)


def _plan() -> RunPlan:
    jmeter = {"plan": {"configMap": "scenario"}, "threads": 8, "duration": "10m"}
    objectives = [
        {"expect": "p99 < 2s"},
        {"expect": "errors < 0.5%"},
        {"expect": "p99 < 2s", "transaction": "GET /3", "name": "one"},
    ]
    spec = {
        "targetRef": {"name": "shop"},
        "load": {"workers": _WORKERS, "jmeter": jmeter},
        "objectives": objectives,
    }
    return resolve_load(PerfGateSpec.model_validate(spec))


def _push(second: int, labels: int, samples: int) -> Push:
    stats = {f"GET /{label}": _stats(label, samples) for label in range(labels)}
    beat = Heartbeat(JMeterState.RUNNING, second * labels, _BEGIN * 1000, (_BEGIN + second) * 1000)
    return Push((Block(second, _BEGIN + second, labels=stats),), beat)


def _stats(label: int, samples: int) -> LabelStats:
    """As an agent counts them: by bucket."""
    histogram = Counter(bucket_of(90 + (label * 7 + sample * 13) % 300) for sample in range(samples))
    return LabelStats(samples, 0, [0], [0], dict(histogram))
