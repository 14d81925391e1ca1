"""Distributions of independent hops: the truth lies between the two ends."""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.analysis.callgraph.estimate import Estimator
from devperfops_operator.analysis.callgraph.graph import WHOLE, Call, Point, Retries, Service
from devperfops_operator.analysis.callgraph.grid import STEPS, Grid, Toward

PERCENT = WHOLE // 100
MS = 1_000
STALLS = tuple(
    Point(ms * MS, over) for ms, over in ((45, WHOLE), (50, WHOLE // 125), (1_990, WHOLE // 125), (2_000, 0))
)


def hop(points, stages=()) -> Service:
    known = tuple(point for point in points if point.over < WHOLE)
    return Service(known, tuple(points), 0, stages)


def test_the_p99s_of_five_hops_that_stall_add_up_to_an_eighth_of_the_true_p99():
    """Each takes 50 ms, and in 0.8 % two seconds: the p99s sum up to 250 ms, the true p99 is 2,200 ms."""
    names = "abcde"
    graph = {name: hop(STALLS) for name in names}
    graph["a"] = hop(STALLS, tuple((Call(name, WHOLE),) for name in names[1:]))
    estimator = Estimator(graph, "a", 250 * MS)
    share, p99 = estimator.share_over(), estimator.quantile_us(PERCENT)
    assert share.least == pytest.approx(1 - 0.992**5, abs=1e-6)
    assert share.most == pytest.approx(1 - 0.992**5, abs=1e-6)
    assert p99.least <= 2_200 * MS <= p99.most
    assert p99.least >= 2_100 * MS
    assert p99.most <= 2_300 * MS


def test_what_is_only_promised_is_estimated_from_nothing_to_its_worst():
    graph = {"a": Service((Point(50 * MS, PERCENT),))}
    estimator = Estimator(graph, "a", 100 * MS)
    assert estimator.share_over().least == 0
    assert estimator.share_over().most == pytest.approx(0.01)


def test_a_quantile_far_beyond_the_limit_is_not_told():
    graph = {"a": hop((Point(100_000 * MS, WHOLE // 2), Point(100_001 * MS, 0)))}
    assert Estimator(graph, "a", MS).quantile_us(PERCENT) is None


@st.composite
def exact_times(draw: st.DrawFn) -> dict[int, int]:
    """Times in us and their chances in percent."""
    times = sorted(draw(st.sets(st.integers(1, 900), min_size=2, max_size=4)))
    cuts = sorted(draw(st.sets(st.integers(1, 99), min_size=len(times) - 1, max_size=len(times) - 1)))
    chances = [after - before for before, after in itertools.pairwise([0, *cuts, 100])]
    return dict(zip(times, chances, strict=True))


def told(times: dict[int, int], stages=()) -> Service:
    """Exactly: just before and at each of the times."""
    points, over = [], WHOLE
    for us, chance in times.items():
        points += [Point(us - 1, over)]
        over -= chance * PERCENT
        points += [Point(us, over)]
    return hop(points, stages)


def summed(one: dict[int, float], other: dict[int, float], combine) -> dict[int, float]:
    found: dict[int, float] = defaultdict(float)
    for (us, chance), (more, other_chance) in itertools.product(one.items(), other.items()):
        found[combine(us, more)] += chance * other_chance
    return found


@settings(max_examples=40)
@given(exact_times(), exact_times(), exact_times(), st.booleans(), st.integers(1, 3_000))
def test_the_truth_lies_between_the_ends(one, other, third, at_once, limit):
    calls = (Call("b", WHOLE // 4), Call("c", WHOLE))
    stages = (calls,) if at_once else tuple((call,) for call in calls)
    graph = {"a": told(one, stages), "b": told(other), "c": told(third)}
    exact = [{us: chance / 100 for us, chance in times.items()} for times in (one, other, third)]
    rare = {0: 0.75, **{us: chance / 4 for us, chance in exact[1].items()}}
    called = summed(rare, exact[2], max if at_once else int.__add__)
    truth = summed(exact[0], called, int.__add__)
    over = sum(chance for us, chance in truth.items() if us > limit)
    share = Estimator(graph, "a", limit).share_over()
    assert share.least - 1e-8 <= over <= share.most + 1e-8


@settings(max_examples=40)
@given(exact_times(), st.integers(1, 1_000), st.integers(1, 3), st.integers(0, 100), st.integers(1, 4_000))
def test_the_truth_of_a_call_that_is_tried_again_lies_between_the_ends(
    times, timeout, attempts, common, limit
):
    retries = Retries(attempts, timeout, common * PERCENT)
    graph = {"a": hop((Point(0, 0),), ((Call("b", WHOLE, retries),),)), "b": told(times)}
    in_time = {us: chance / 100 for us, chance in times.items() if us <= timeout}
    cut = 1 - sum(in_time.values())
    within = sum(chance for us, chance in in_time.items() if us <= limit)
    for spent in range(1, attempts):
        again = sum(chance for us, chance in in_time.items() if us + spent * timeout <= limit)
        within += (1 - common / 100) * cut**spent * again
    share = Estimator(graph, "a", limit).share_over()
    assert share.least - 1e-8 <= 1 - within <= share.most + 1e-8


@pytest.mark.parametrize("toward", Toward)
def test_a_convolution_loses_and_makes_no_probability_within_the_horizon(toward):
    grid = Grid(STEPS * 10, toward)
    masses = grid.of([Point(20, WHOLE // 3), Point(40, 0)])
    assert grid.beyond(grid.in_a_row(masses, masses)) == pytest.approx(0, abs=1e-8)
