"""Limits in as few words as a test needs."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from devperfops_operator.domain.quota.check import Observed, check
from devperfops_operator.domain.quota.entry import UNLIMITED, Entry, Limit, Peak, Reading
from devperfops_operator.domain.quota.finding import Finding, Rule
from devperfops_operator.domain.quota.terms import Terms
from devperfops_operator.domain.quota.units import parse_unit

NOW = datetime(2026, 12, 10, 8, tzinfo=UTC)


def entry(limit: Limit | int, unit: str = "1/min", /, metric: str = "calls", **more: Any) -> Entry:
    dimensions = tuple(sorted(more.pop("at", {}).items()))
    if isinstance(limit, int):
        limit = Fraction(limit)
    return Entry(
        "file", "ledger", metric, parse_unit(unit), limit, dimensions=dimensions, source="limits.yaml", **more
    )


def peak(amount: int, unit: str = "1/min", /, **at: str) -> Peak:
    return Peak("ledger", "calls", parse_unit(unit), Fraction(amount), tuple(sorted(at.items())))


def reading(name: str, *entries: Entry, **more: Any) -> Reading:
    return Reading(name, entries, **more)


def observed(baseline: list[Entry], serving: list[Entry], **more: Any) -> Observed:
    return Observed(reading("load-test", *baseline), reading("production", *serving), **more)


def findings(
    baseline: list[Entry], serving: list[Entry], rule: Rule, terms: Terms | None = None, **more: Any
) -> list[Finding]:
    report = check(terms or Terms(), observed(baseline, serving, **more), NOW)
    return [each for each in report.findings if each.rule is rule]


AMOUNTS = st.fractions(0, 10_000, max_denominator=8)
LIMITS = AMOUNTS | st.just(UNLIMITED)
REGIONS = st.dictionaries(
    st.sampled_from(["region", "user"]), st.sampled_from(["eu", "us", "asia"]), max_size=2
)
UNITS = st.sampled_from(["1/s", "1/min", "1/h", "1/d"])
