"""Overrides: whether one counts, and how it is told."""

from __future__ import annotations

from datetime import UTC, datetime

from devperfops_operator.api.override import Override
from devperfops_operator.api.perfgate import PerfGate


def override_of(gate: PerfGate, revision: str | None, now: datetime) -> Override | None:
    """The gate's override, if it is about this revision and still counts."""
    override = gate.spec.override
    counts = override is not None and override.revision == revision and now < override.expires
    return override if counts else None


def sentence(override: Override) -> str:
    """Who lets it stand until when, and why."""
    until = override.expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"overridden by {override.by or 'somebody'} until {until}: {override.reason}"
