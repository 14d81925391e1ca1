"""An interval covers the truth about as often as it says, also where trials are alike in groups."""

import random

import pytest

from devperfops_operator.analysis.proportion import clustered_interval, interval


def test_an_interval_is_wilsons():
    assert interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe, 1998
    assert interval(0, 3000) == pytest.approx((0, 0.00128), abs=1e-5)
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert interval(0, 0) == (0.0, 1.0)


def test_independent_groups_leave_the_interval_about_as_it_is():
    draw = random.Random(1)
    groups = [[draw.random() < 0.3 for _ in range(10)] for _ in range(400)]
    hits = sum(map(sum, groups))
    assert clustered_interval(groups) == pytest.approx(interval(hits, 4_000), abs=0.004)


def test_groups_of_the_same_count_once_each():
    groups = [[True] * 10] * 12 + [[False] * 10] * 8
    low, high = clustered_interval(groups)
    assert (low, high) == pytest.approx(interval(11.4, 19), abs=0.001)


def test_the_truth_is_covered_where_groups_differ():
    draw, covered = random.Random(2), 0
    for _ in range(400):
        groups = []
        for _ in range(20):
            share = draw.choice((0.5, 0.9))
            groups.append([draw.random() < share for _ in range(10)])
        low, high = clustered_interval(groups)
        covered += low <= 0.7 <= high
    assert covered >= 0.92 * 400
