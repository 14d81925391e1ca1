"""Changes of level are found where they are, and not where there are none."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devperfops_operator.analysis.levels import FEWEST_RUNS, Break, breaks

NOISE = {
    "normal": lambda draw: draw.gauss(0, 1),
    "heavy tails": lambda draw: draw.gauss(0, 1) / draw.gammavariate(1, 1) ** 0.5,
    "lognormal": lambda draw: draw.lognormvariate(0, 1),
    "one in ten far off": lambda draw: draw.gauss(0, 10 if draw.random() < 0.1 else 1),
}


def related(draw, runs, noise):
    """Two figures that move together, and one that is mostly 0."""
    common = [noise(draw) for _ in range(runs)]
    return {
        "p95": [value + 0.3 * noise(draw) for value in common],
        "p99": [value + 0.3 * noise(draw) for value in common],
        "errors": [float(draw.random() < 0.2) for _ in range(runs)],
    }


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_has_at_most_one_false_alarm_in_a_hundred(noise):
    draw = Random(11)
    histories = [related(draw, draw.choice((12, 20, 30)), noise) for _ in range(150)]
    assert sum(bool(breaks(each, draw.shuffle)) for each in histories) <= 1


def test_a_step_is_found_where_it_is_and_in_the_figures_that_have_it():
    draw = Random(3)
    flat = [draw.gauss(5, 0.05) for _ in range(20)]
    step = [draw.gauss(5 if run < 15 else 5.3, 0.05) for run in range(20)]
    assert breaks({"p50": flat, "p99": step}, draw.shuffle) == [Break(15, ("p99",))]


def test_steps_up_and_down_are_told_apart():
    draw = Random(4)
    level = [1.0] * 14 + [2.0] * 13 + [1.2] * 13
    values = [draw.gauss(each, 0.05) for each in level]
    assert [each.at for each in breaks({"p99": values}, draw.shuffle)] == [14, 27]


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_one_run_that_stands_out_is_no_level(noise):
    draw = Random(5)
    values = [noise(draw) for _ in range(20)]
    values[13] += 1_000
    assert breaks({"p99": values}, draw.shuffle) == []


def test_one_bad_run_does_not_hide_a_step():
    draw = Random(6)
    values = [draw.gauss(5 if run < 18 else 5.3, 0.05) for run in range(36)]
    values[4] = 50.0
    assert [each.at for each in breaks({"p99": values}, draw.shuffle)] == [18]


def test_of_fewer_runs_nothing_is_told():
    draw = Random(7)
    step = [0.0] * 6 + [9.0] * 6
    assert len(step) == FEWEST_RUNS
    assert breaks({"p99": step}, draw.shuffle) == [Break(6, ("p99",))]
    assert breaks({"p99": step[1:]}, draw.shuffle) == []
    assert breaks({}, draw.shuffle) == []


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_break_lies_within_and_leaves_two_runs_on_either_side(values):
    for found in breaks({"figure": values, "same": [1.0] * len(values)}, Random(1).shuffle):
        assert 2 <= found.at <= len(values) - 2
        assert found.figures == ("figure",)
