"""Whose series count, and what Prometheus tells of production's peak."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from devperfops_operator.analysis.consumption import steady
from devperfops_operator.analysis.series import Series, SeriesError
from devperfops_operator.analysis.targets import JudgedPods
from devperfops_operator.api.consumption import Counts
from devperfops_operator.domain.effects import ReadConsumption
from devperfops_operator.domain.quota.consumption import Meter, Metering
from devperfops_operator.domain.quota.units import parse_unit
from devperfops_operator.evidence.consumption import busiest, figure, of_judged, selector, span_of

BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)
CPU = Meter("resourcequota", "requests.cpu", parse_unit("cores"), Counts.CPU)
MEMORY = replace(CPU, metric="requests.memory", unit=parse_unit("By"), counts=Counts.MEMORY)
CALLS = Meter("ledger", "calls", parse_unit("1/min"), Counts.CALLS, "ledger_calls_total")
ASKED = ReadConsumption(
    server="monitoring",
    metering=Metering((CPU,)),
    rate=10.0,
    traffic=None,
    since=BEGIN,
    until=BEGIN + timedelta(minutes=5),
    step=timedelta(seconds=15),
    namespace="shop",
    pods=JudgedPods("cart.v2", frozenset({"cart.v2-new1"})),
    now=BEGIN + timedelta(minutes=6),
)


def counter(rate: float, **labels: str) -> Series:
    begin = BEGIN.timestamp()
    samples = [(begin + 15 * n, rate * 15 * n) for n in range(21)]
    return Series({"job": "kubelet", "instance": "node", **labels}, samples)


def test_the_kubelets_series_are_those_of_the_targets_pods() -> None:
    assert selector(CPU, ASKED) == (
        'container_cpu_usage_seconds_total{namespace="shop",pod=~"cart\\\\.v2-[a-z0-9]+-[a-z0-9]+",'
        'container!="",container!="POD"}'
    )
    assert selector(replace(CPU, series="cpu_seconds_total"), ASKED) == "cpu_seconds_total"


def test_pods_of_another_revision_do_not_count_and_those_of_others_do() -> None:
    new, old = counter(1, pod="cart.v2-new1-abcde"), counter(1, pod="cart.v2-old1-abcde")
    ledger, unnamed = counter(1, pod="ledger-x1-abcde"), counter(1)
    assert of_judged([new, old, ledger, unnamed], ASKED.pods) == [new, ledger, unnamed]


def test_a_figure_knows_what_it_was_measured_by() -> None:
    found = figure(CPU, [counter(0.5, pod="cart.v2-new1-abcde")], steady(10, span_of(ASKED)), ASKED, ())
    assert (found.value, found.rate, found.doubts) == (Fraction("0.05"), 10, ())
    assert found.series == selector(CPU, ASKED)


def test_targets_that_were_not_scraped_make_it_an_estimate() -> None:
    found = figure(CALLS, [counter(12)], steady(10, span_of(ASKED)), ASKED, ["a", "b", "c", "d"])
    assert found.doubts == ("Prometheus could not scrape a, b, c and 1 more",)


def test_memory_is_all_that_was_in_use() -> None:
    both = [counter(100, pod="cart.v2-new1-abcde"), counter(10, pod="cart.v2-new1-fghij")]
    found = figure(MEMORY, both, steady(10, span_of(ASKED)), ASKED, ())
    assert (found.value, found.rate) == (Fraction(33000), 10)


def test_only_pods_of_the_revision_before_are_no_zero() -> None:
    with pytest.raises(SeriesError, match="matches no series"):
        figure(CPU, [counter(1, pod="cart.v2-old1-abcde")], steady(10, span_of(ASKED)), ASKED, ())


def test_the_busiest_hour_of_the_last_weeks_is_the_peak() -> None:
    begin = datetime(2026, 11, 16, tzinfo=UTC).timestamp()
    hours = [(begin + 3600 * n, 40.0 if n == 12 else 20.0) for n in range(336)]
    found = busiest([Series({}, hours)])
    assert found is not None
    assert (found.rate, found.assumed) == (40, None)
    assert found.because == "production's busiest hour of the last 2 weeks, up to Mon 2026-11-16 12:00 UTC"


def test_a_peak_of_a_few_hours_is_an_estimate() -> None:
    found = busiest([Series({}, [(3600.0 * n, 1.0) for n in range(5)])])
    assert found is not None
    assert found.assumed == "only 5 hours are known, and a week has 168"
    assert busiest([]) is None
    assert busiest([Series({}, [(3600.0, 0.0)])]) is None
