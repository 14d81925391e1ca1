"""The comparison with a baseline, on streams."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from benchmarks.detection.paired import kayenta_at_end, ours, quantile
from benchmarks.detection.simulator import Service, pair

TOLERANCE = Fraction(15, 100)


def streams(**change):
    return pair(Service(), replace(Service(), **change), np.random.default_rng(1), 600)


def test_an_unchanged_service_passes():
    assert ours(*streams(), TOLERANCE).verdict == "Pass"


def test_a_service_half_as_slow_again_fails_within_minutes():
    outcome = ours(*streams(factor=1.5), TOLERANCE)
    assert outcome.verdict == "Fail"
    assert outcome.second < 200
    assert kayenta_at_end(*streams(factor=1.5)).verdict == "Fail"


def test_a_silent_baseline_decides_nothing_and_a_silent_candidate_fails():
    control, experiment = streams()
    assert ours(control.until(0), experiment, TOLERANCE).verdict == "Inconclusive"
    assert ours(control, experiment.until(0), TOLERANCE).verdict == "Fail"


def test_a_quantile_is_read_as_the_operator_does():
    assert quantile(np.arange(1.0, 101.0)) == 95
    assert quantile(np.full(10, 10_000.0)) == pytest.approx(10_000, rel=0.011)
    assert quantile(np.empty(0)) is None
