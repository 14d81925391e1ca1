"""What the controller tells Prometheus about itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from devperfops_operator.controller.keys import Key

_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Telemetry:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._reconciles = Histogram(
            "devperfops_reconcile_seconds",
            "Time to observe, decide and execute once, by kind.",
            ["kind"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._effects = Counter(
            "devperfops_effects_total",
            "Effects tried, by kind and outcome (Done, Refused, Conflict, Unavailable).",
            ["effect", "outcome"],
            registry=registry,
        )
        self._verdicts = Counter(
            "devperfops_verdicts_total",
            "Verdicts reached, by verdict and reason.",
            ["verdict", "reason"],
            registry=registry,
        )
        self._notifications = Counter(
            "devperfops_notifications_total",
            "Tries to tell a receiver of a run's end, by receiver and outcome (Sent, Failed).",
            ["receiver", "outcome"],
            registry=registry,
        )
        self.waiting = Gauge(
            "devperfops_queue_length",
            "Gates, runs and quota policies that wait to be looked at.",
            registry=registry,
        )

    @contextmanager
    def reconcile(self, key: Key) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        finally:
            self._reconciles.labels(key.subject.value).observe(perf_counter() - began)

    def effect(self, effect: str, outcome: str) -> None:
        self._effects.labels(effect.partition("/")[0], outcome).inc()

    def notification(self, receiver: str, outcome: str) -> None:
        self._notifications.labels(receiver, outcome).inc()

    def verdict(self, verdict: str, reason: str) -> None:
        self._verdicts.labels(verdict, reason).inc()
