"""Evidence of gauges: read whole at each poll, failed as soon as nothing can save it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from devperfops_operator.analysis.exceedance import Tally
from devperfops_operator.analysis.gauge import GaugeTest
from devperfops_operator.analysis.series import Series
from devperfops_operator.api.expect import Comparison
from devperfops_operator.domain.objectives import GaugePoints, JudgedObjective
from devperfops_operator.domain.observed import ObjectiveEvidence, Problem
from devperfops_operator.evidence import EvidenceStore
from devperfops_operator.evidence.polled import GaugeWindow
from tests.unit.evidence.test_evidence import NOW, PLAN, RUN

CPU = JudgedObjective(
    "cpu", "value < 0.8 for 90%", GaugePoints("max(cpu)", Comparison.LESS, 0.8), GaugeTest(Fraction(9, 10))
)
STEP = timedelta(seconds=15)


def opened() -> EvidenceStore:
    store = EvidenceStore()
    store.open(RUN, replace(PLAN, objectives=(CPU,)))
    return store


def read(store: EvidenceStore, *values: float, due: int | None = None) -> ObjectiveEvidence:
    """A poll when `due` points should be there, of the twenty of the whole window."""
    elapsed = STEP * (len(values) if due is None else due)
    series = [Series({}, [(15.0 * number, value) for number, value in enumerate(values)])]
    store.accept_gauge(RUN, "cpu", series, GaugeWindow(elapsed, 20 * STEP, STEP), NOW)
    return store.view(RUN).objectives["cpu"]


@pytest.mark.parametrize(
    ("values", "due", "failed"),
    [
        ([0.5] * 8 + [0.9] * 2, None, False),  # of twenty, two may be out
        ([0.5] * 7 + [0.9] * 3, None, True),
        ([0.9] * 2, None, False),
        ([0.9] * 3, None, True),
        ([0.5] * 18 + [0.9] * 2, None, False),
        ([0.5] * 16 + [0.9] * 2, 20, True),  # the whole window, and two of eighteen are too many
        ([0.5] * 15 + [0.9] * 2, 20, False),  # too few points to tell
        ([0.5] * 15 + [0.9] * 3, 20, True),
    ],
)
def test_a_gauge_fails_as_soon_as_nothing_can_save_it(
    values: list[float],
    due: int | None,
    failed: bool,  # noqa: FBT001
) -> None:
    assert read(opened(), *values, due=due).failed is failed


def test_a_gauge_that_failed_once_stays_failed() -> None:
    store = opened()
    assert read(store, 0.9, 0.9, 0.9).failed
    assert read(store, *[0.5] * 20).failed
    store.poll_failed(RUN, "cpu", Problem("PrometheusUnavailable", "no answer"), NOW)
    assert store.view(RUN).objectives["cpu"].failed


def test_a_gap_is_told_keeps_the_points_and_closes_again() -> None:
    store = opened()
    read(store, 0.5, 0.9)
    seen = read(store, 0.5, 0.9, float("nan"))
    assert seen.gap is not None
    assert (seen.gap.reason, seen.tally) == ("NotANumber", Tally(2, 1, 1))
    store.poll_failed(RUN, "cpu", Problem("PrometheusUnavailable", "no answer"), NOW)
    assert store.view(RUN).objectives["cpu"].gap == Problem("PrometheusUnavailable", "no answer")
    seen = read(store, 0.5, 0.9, 0.5)
    assert (seen.gap, seen.tally) == (None, Tally(3, 1, 1))
    assert store.view(RUN).metrics_polled_at == NOW


@pytest.mark.parametrize(
    ("op", "inside", "outside"),
    [
        (Comparison.LESS, 0.79, 0.8),
        (Comparison.AT_MOST, 0.8, 0.81),
        (Comparison.GREATER, 0.81, 0.8),
        (Comparison.AT_LEAST, 0.8, 0.79),
    ],
)
def test_bounds_are_as_written(op: Comparison, inside: float, outside: float) -> None:
    gauge = GaugePoints("cpu", op, 0.8)
    assert gauge.in_bounds(inside)
    assert not gauge.in_bounds(outside)
